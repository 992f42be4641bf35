//! Who may speak: anyone who knows one of `WEBHOOK_SECRET`. All comparisons take the same time whatever is
//! compared; the secrets themselves are kept only as keys and digests, and printed nowhere.

use hmac::{Hmac, KeyInit as _, Mac as _};
use service::settings::{ExposeSecret as _, SecretString};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};

/// The secrets; with none, nobody may speak.
pub(super) struct Secrets(Vec<Secret>);

struct Secret {
    key: Hmac<Sha256>,
    /// Compared instead of the secret, so that its length does not show either.
    digest: [u8; 32],
}

/// A signature that looks like one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signature([u8; 32]);

impl Signature {
    /// `sha256=<hex>` or the bare hex digest, in either case.
    pub(super) fn parse(header: &[u8]) -> Option<Self> {
        let text = header.trim_ascii();
        let hex = match text.split_at_checked(7) {
            Some((prefix, hex)) if prefix.eq_ignore_ascii_case(b"sha256=") => hex,
            _ => text,
        };
        let mut digest = [0; 32];
        hex::decode_to_slice(hex, &mut digest).ok()?;
        Some(Self(digest))
    }
}

impl Secrets {
    pub(super) fn new(secrets: &[SecretString]) -> Self {
        let secret = |secret: &SecretString| {
            let bytes = secret.expose_secret().as_bytes();
            // An HMAC takes a key of any length: there is no error to meet.
            let key = Hmac::new_from_slice(bytes).ok()?;
            (!bytes.is_empty()).then(|| Secret {
                key,
                digest: Sha256::digest(bytes).into(),
            })
        };
        Self(secrets.iter().filter_map(secret).collect())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the body was signed with one of them.
    pub(super) fn signed(&self, body: &[u8], signature: Signature) -> bool {
        let found = self.0.iter().fold(Choice::from(0), |found, secret| {
            let mut mac = secret.key.clone();
            mac.update(body);
            let digest: [u8; 32] = mac.finalize().into_bytes().into();
            found | digest.ct_eq(&signature.0)
        });
        found.into()
    }

    /// Whether the token is one of them.
    pub(super) fn contain(&self, token: &[u8]) -> bool {
        let token: [u8; 32] = Sha256::digest(token).into();
        let found = self.0.iter().fold(Choice::from(0), |found, secret| {
            found | secret.digest.ct_eq(&token)
        });
        found.into()
    }
}

impl std::fmt::Debug for Secrets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Secrets({})", self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BODY: &[u8] = b"The quick brown fox jumps over the lazy dog";
    const DIGEST: &str = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";

    fn secrets(all: &[&str]) -> Secrets {
        Secrets::new(&all.iter().map(|s| SecretString::from(*s)).collect::<Vec<_>>())
    }

    #[test]
    fn any_secret_and_every_spelling_of_its_signature() {
        let secrets = secrets(&["old", "key"]);
        for text in [
            DIGEST.to_owned(),
            DIGEST.to_uppercase(),
            format!("sha256={DIGEST}"),
            format!("SHA256={}", DIGEST.to_uppercase()),
        ] {
            let signature = Signature::parse(text.as_bytes()).unwrap();
            assert!(secrets.signed(BODY, signature), "{text}");
            assert!(!secrets.signed(b"other", signature), "{text}");
        }
        for bad in [
            "",
            "sha256=",
            "sha1=00",
            &DIGEST[1..],
            &format!("{DIGEST}00"),
            "sha256=zz",
        ] {
            assert!(Signature::parse(bad.as_bytes()).is_none(), "{bad}");
        }
    }

    #[test]
    fn tokens() {
        let some = secrets(&["old", "key", ""]);
        assert!(some.contain(b"key") && some.contain(b"old"));
        assert!(!some.contain(b"") && !some.contain(b"ke") && !some.contain(b"keyy"));
        let none = secrets(&[]);
        assert!(none.is_empty() && !none.contain(b""));
        assert!(!none.signed(BODY, Signature::parse(DIGEST.as_bytes()).unwrap()));
        assert_eq!(format!("{some:?}"), "Secrets(2)");
    }
}
