//! The session with Siagh: a login that is renewed when it ends, which it does without notice.

use std::sync::Arc;
use std::time::Duration;

use domain::clock::Clock;
use domain::ports::{PortError, PortResult};
use md5::{Digest, Md5};
use outside::{Answer, Call, Http, Intent, LoginFailed, Renewal};
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;

use crate::config::REFUSAL_PAUSE;
use crate::failure::{self, FINANCE};
use crate::wire;

const LOGIN: &str = "/GeneralApi/LoginUser";

/// For so long a login's word on the fiscal year is good enough to issue documents by: a session may live on when
/// the accountants have opened the next year.
const YEAR_HOLDS: Duration = Duration::from_secs(3600);

/// What a request needs. The header is the bare session id.
pub(crate) type Grant = outside::Grant<Kept>;

/// What the login answer said.
pub(crate) struct Kept {
    /// `FiscalYear` (Jalali).
    pub(crate) fiscal_year: Option<i32>,
    /// When it was asked, by the monotonic clock.
    at: Duration,
}

pub(crate) struct Session {
    http: Arc<Http>,
    clock: Arc<dyn Clock>,
    username: String,
    /// MD5, in capitals.
    password: SecretString,
    renewal: Renewal<Kept>,
}

impl Session {
    pub(crate) fn new(
        http: Arc<Http>,
        clock: Arc<dyn Clock>,
        username: String,
        password: &SecretString,
    ) -> Self {
        Self {
            http,
            username,
            password: hashed(password),
            renewal: Renewal::new(Arc::clone(&clock)),
            clock,
        }
    }

    /// The present session; logs in when there is none.
    pub(crate) async fn grant(&self) -> PortResult<Arc<Grant>> {
        self.grant_after(None).await
    }

    /// A session newer than the one that finance has just rejected.
    pub(crate) async fn renew(&self, rejected: &Grant) -> PortResult<Arc<Grant>> {
        self.grant_after(Some(rejected)).await
    }

    async fn grant_after(&self, rejected: Option<&Grant>) -> PortResult<Arc<Grant>> {
        let log_in = |_, number| self.log_in(number);
        self.renewal.grant(rejected, |_| true, log_in).await
    }

    /// The fiscal year, by a login that is not too old to know of the present one.
    pub(crate) async fn fiscal_year(&self) -> PortResult<Option<i32>> {
        let now = self.clock.monotonic();
        let log_in = |_, number| self.log_in(number);
        let fresh = |kept: &Kept| now.saturating_sub(kept.at) < YEAR_HOLDS;
        Ok(self.renewal.grant(None, fresh, log_in).await?.kept.fiscal_year)
    }

    async fn log_in(&self, number: u64) -> Result<(HeaderValue, Kept), LoginFailed> {
        let at = self.clock.monotonic();
        let login = wire::Login {
            user_name: &self.username,
            password: self.password.expose_secret(),
        };
        let unwritable = |error| PortError::Session(format!("the login can't be written as JSON: {error}"));
        let body = serde_json::to_vec(&login).map_err(unwritable)?;
        let call = Call::post(LOGIN, Some(&body), Intent::Read);
        let answer = self.http.exchange(&call, None, None).await?;
        if !answer.status.is_success() {
            let error = refusal(&call, &answer);
            let pause = matches!(error, PortError::Session(_)).then_some(REFUSAL_PAUSE);
            return Err(LoginFailed { error, pause });
        }
        let value = wire::parse(&answer.body).unwrap_or(Value::Null);
        let id = wire::text(&value, "SessionId");
        let header = HeaderValue::from_str(id.trim())
            .ok()
            .filter(|header| !header.is_empty());
        let mut header = header.ok_or_else(|| FINANCE.unreadable(&call, "it holds no SessionId"))?;
        header.set_sensitive(true);
        let fiscal_year = wire::text(&value, "FiscalYear").trim().parse().ok();
        tracing::info!(login = number, "✅ Successfully authenticated with Finance API");
        Ok((header, Kept { fiscal_year, at }))
    }
}

/// Why a login was refused, and what to do.
fn refusal(call: &Call<'_>, answer: &Answer) -> PortError {
    let head = format!("finance refuses the login ({})", answer.status.as_u16());
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
            PortError::Session(format!(
                "{head}: check FINANCE_USERNAME and FINANCE_PASSWORD, and that FINANCE_API_BASE_URL is Siagh's address"
            ))
        }
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => PortError::Session(format!(
            "{head}: there is no {} at FINANCE_API_BASE_URL; check the address (without /api)",
            call.path
        )),
        _ => failure::status(call, answer),
    }
}

/// The password as Siagh wants it: its MD5 in capitals; 32 hex digits are taken for one already.
fn hashed(password: &SecretString) -> SecretString {
    let plain = password.expose_secret();
    if plain.len() == 32 && plain.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return SecretString::from(plain.to_ascii_uppercase());
    }
    SecretString::from(hex::encode_upper(Md5::digest(plain.as_bytes())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_hashed_unless_it_is_already() {
        let hashed = |text: &str| hashed(&SecretString::from(text)).expose_secret().to_owned();
        assert_eq!(hashed("123456"), "E10ADC3949BA59ABBE56E057F20F883E");
        assert_eq!(
            hashed("e10adc3949ba59abbe56e057f20f883e"),
            "E10ADC3949BA59ABBE56E057F20F883E"
        );
        assert_ne!(
            hashed("g10adc3949ba59abbe56e057f20f883e"),
            "G10ADC3949BA59ABBE56E057F20F883E"
        );
    }
}
