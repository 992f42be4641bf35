//! The session with Siagh: a login that is renewed when it ends, which it does without notice.
//!
//! However many requests find the session ended, one of them logs in and the others take its outcome, good or
//! bad.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::ports::{PortError, PortResult};
use md5::{Digest, Md5};
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;

use crate::config::REFUSAL_PAUSE;
use crate::http::{Answer, Call, Http, Intent};
use crate::{failure, wire};

const LOGIN: &str = "/GeneralApi/LoginUser";

/// What a request needs, and which login it came from.
#[derive(Clone)]
pub(crate) struct Grant {
    /// `Authorization`: the bare session id, marked as sensitive.
    pub(crate) header: HeaderValue,
    /// Counts the logins of this process.
    pub(crate) login: u64,
    /// `FiscalYear` (Jalali) of the login answer.
    pub(crate) fiscal_year: Option<i32>,
}

#[derive(Default)]
struct State {
    grant: Option<Grant>,
    logins: u64,
    /// How the last attempt failed.
    failed: Option<PortError>,
    /// No login before this instant.
    closed_until: Option<DateTime<Utc>>,
}

pub(crate) struct Session {
    http: Arc<Http>,
    clock: Arc<dyn Clock>,
    username: String,
    /// MD5, in capitals.
    password: SecretString,
    /// Attempts that have ended, of either outcome.
    attempts: AtomicU64,
    state: Mutex<State>,
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
            clock,
            username,
            password: hashed(password),
            attempts: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// The present session; logs in when there is none.
    pub(crate) async fn grant(&self) -> PortResult<Grant> {
        self.grant_after(None).await
    }

    /// A session newer than the one that finance has just rejected.
    pub(crate) async fn renew(&self, rejected: &Grant) -> PortResult<Grant> {
        self.grant_after(Some(rejected.login)).await
    }

    async fn grant_after(&self, rejected: Option<u64>) -> PortResult<Grant> {
        let seen = self.attempts.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        if let Some(grant) = &state.grant
            && rejected.is_none_or(|login| login < grant.login)
        {
            return Ok(grant.clone());
        }
        let tried_meanwhile = self.attempts.load(Ordering::SeqCst) != seen;
        let closed = state.closed_until.is_some_and(|until| self.clock.now() < until);
        if let Some(error) = &state.failed
            && (tried_meanwhile || closed)
        {
            return Err(error.clone());
        }
        state.grant = None;
        let outcome = self.log_in(&mut state).await;
        self.attempts.fetch_add(1, Ordering::SeqCst);
        state.failed = outcome.as_ref().err().cloned();
        outcome
    }

    async fn log_in(&self, state: &mut State) -> PortResult<Grant> {
        let login = wire::Login {
            user_name: &self.username,
            password: self.password.expose_secret(),
        };
        let unwritable = |error| PortError::Session(format!("the login can't be written as JSON: {error}"));
        let body = serde_json::to_vec(&login).map_err(unwritable)?;
        let call = Call {
            path: LOGIN,
            body: &body,
            intent: Intent::Read,
        };
        let answer = self.http.exchange(&call, None, None).await?;
        if !answer.status.is_success() {
            let error = refusal(&call, &answer);
            if matches!(error, PortError::Session(_)) {
                state.closed_until = Some(self.clock.now() + REFUSAL_PAUSE);
            }
            return Err(error);
        }
        let value = wire::parse(&answer.body).unwrap_or(Value::Null);
        let id = wire::text(&value, "SessionId");
        let header = HeaderValue::from_str(id.trim())
            .ok()
            .filter(|header| !header.is_empty());
        let mut header = header.ok_or_else(|| failure::unreadable(&call, "it holds no SessionId"))?;
        header.set_sensitive(true);
        let fiscal_year = wire::text(&value, "FiscalYear").trim().parse().ok();
        state.logins += 1;
        state.closed_until = None;
        tracing::info!(
            login = state.logins,
            "✅ Successfully authenticated with Finance API"
        );
        let grant = Grant {
            header,
            login: state.logins,
            fiscal_year,
        };
        state.grant = Some(grant.clone());
        Ok(grant)
    }
}

/// Why a login was refused, and what to do.
fn refusal(call: &Call<'_>, answer: &Answer) -> PortError {
    let head = format!("finance refuses the login ({})", answer.status.as_u16());
    match answer.status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::BAD_REQUEST => {
            PortError::Session(format!("{head}: check FINANCE_USERNAME and FINANCE_PASSWORD"))
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
