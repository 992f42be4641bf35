//! The webhook secrets: set, strong enough, each once. Never shows one.

use std::collections::BTreeSet;

use secrecy::ExposeSecret;
use service::settings::WebhookSettings;

use super::part::Part;

const PART: &str = "webhooks";
/// Whoever guesses one may make us look at records as often as he likes.
const SHORTEST: usize = 16;
const NEW_ONE: &str = "make one: `openssl rand -hex 32`";

/// Their line.
pub(crate) fn look(webhooks: &WebhookSettings) -> Part {
    let secrets: Vec<&str> = webhooks
        .secrets
        .iter()
        .map(|secret| secret.expose_secret())
        .collect();
    let each: BTreeSet<&str> = secrets.iter().copied().collect();
    match secrets.len() {
        0 if webhooks.enabled => Part::failed(
            PART,
            "WEBHOOK_SECRET is not set, though ENABLE_WEBHOOKS is true: all webhooks are answered 401",
            format!("{NEW_ONE}, and type it into the CRM too"),
        ),
        0 => Part::warning(
            PART,
            "WEBHOOK_SECRET is not set: all webhooks are answered 401, changes are found by polls only",
            format!("{NEW_ONE}, if the CRM is to call"),
        ),
        n if each.len() < n => Part::failed(
            PART,
            "WEBHOOK_SECRET names the same secret twice (duplicate)",
            "name each once; to rotate, name the new one and the old one, and remove the old one when the CRM has the new",
        ),
        _ if secrets.iter().any(|secret| is_weak(secret)) => Part::failed(
            PART,
            format!(
                "WEBHOOK_SECRET is too easy to guess: shorter than {SHORTEST} characters, or always the same"
            ),
            NEW_ONE,
        ),
        n => Part::ok(PART, format!("{n} secret(s) set")),
    }
}

fn is_weak(secret: &str) -> bool {
    let different: BTreeSet<char> = secret.chars().collect();
    secret.chars().count() < SHORTEST || different.len() < 6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_monotonous_secrets_are_weak() {
        for weak in ["", "s3cret", "aaaaaaaaaaaaaaaaaaaaaaaa", "1212121212121212"] {
            assert!(is_weak(weak), "{weak}");
        }
        assert!(!is_weak("s3cret-of-the-tests"));
    }
}
