//! The session with the CRM: a ready token, or a login that is renewed when it ends.
//!
//! However many requests find the session ended, one of them logs in and the others take its outcome, good or
//! bad. After a refusal no login is tried for a while: the CRM locks users out who try too often.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::clock::Clock;
use domain::ports::{PortError, PortResult};
use reqwest::header::HeaderValue;
use reqwest::{Method, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::Mutex;

use crate::config::{Credentials, LOCK_OUT, REFUSAL_PAUSE};
use crate::http::{Answer, Call, Http, Intent};
use crate::{dates, failure, wire};

const LOGIN: &str = "/api/v2/auth/login";
const REFRESH: &str = "/api/v2/auth/token/refresh";

/// A token is renewed this long before its end; an end nearer than that at login is not believed (a server may
/// state it in another zone), and the `401` that follows tells instead.
const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// What a request needs, and which login it came from.
#[derive(Clone)]
pub(crate) struct Grant {
    /// `Authorization`, marked as sensitive.
    pub(crate) header: HeaderValue,
    /// Counts the logins of this process.
    pub(crate) login: u64,
}

struct Tokens {
    grant: Grant,
    refresh: Option<SecretString>,
    ends: Option<DateTime<Utc>>,
}

#[derive(Default)]
struct State {
    tokens: Option<Tokens>,
    logins: u64,
    /// How the last attempt failed.
    failed: Option<PortError>,
    /// No login before this instant.
    closed_until: Option<DateTime<Utc>>,
}

pub(crate) struct Session {
    http: Arc<Http>,
    clock: Arc<dyn Clock>,
    zone: Tz,
    credentials: Credentials,
    /// Attempts that have ended, of either outcome.
    attempts: AtomicU64,
    state: Mutex<State>,
}

impl Session {
    pub(crate) fn new(http: Arc<Http>, clock: Arc<dyn Clock>, zone: Tz, credentials: Credentials) -> Self {
        Self {
            http,
            clock,
            zone,
            credentials,
            attempts: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// The present session; logs in when there is none or it is about to end.
    pub(crate) async fn grant(&self) -> PortResult<Grant> {
        self.grant_after(None).await
    }

    /// A session newer than the one that the CRM has just rejected.
    pub(crate) async fn renew(&self, rejected: &Grant) -> PortResult<Grant> {
        self.grant_after(Some(rejected.login)).await
    }

    async fn grant_after(&self, rejected: Option<u64>) -> PortResult<Grant> {
        let (username, password) = match &self.credentials {
            Credentials::Token(_) if rejected.is_some() => {
                return Err(PortError::Session(
                    "the CRM does not accept CRM_API_TOKEN (401): make a new token in the CRM and set it"
                        .to_owned(),
                ));
            }
            Credentials::Token(token) => {
                return Ok(Grant {
                    header: bearer(token.expose_secret())?,
                    login: 0,
                });
            }
            Credentials::Password { username, password } => (username, password),
        };
        let seen = self.attempts.load(Ordering::SeqCst);
        let mut state = self.state.lock().await;
        let now = self.clock.now();
        if let Some(tokens) = &state.tokens
            && rejected.is_none_or(|login| login < tokens.grant.login)
            && tokens.ends.is_none_or(|ends| now < ends - MARGIN)
        {
            return Ok(tokens.grant.clone());
        }
        let tried_meanwhile = self.attempts.load(Ordering::SeqCst) != seen;
        let closed = state.closed_until.is_some_and(|until| now < until);
        if let Some(error) = &state.failed
            && (tried_meanwhile || closed)
        {
            return Err(error.clone());
        }
        let outcome = self.sign_in(&mut state, username, password).await;
        self.attempts.fetch_add(1, Ordering::SeqCst);
        state.failed = outcome.as_ref().err().cloned();
        outcome
    }

    /// Refreshes if it can, else logs in.
    async fn sign_in(&self, state: &mut State, username: &str, password: &SecretString) -> PortResult<Grant> {
        let previous = state.tokens.take().and_then(|tokens| tokens.refresh);
        if let Some(refresh) = previous {
            match self.refresh(&refresh, state.logins + 1).await {
                Ok(tokens) => return Ok(keep(state, tokens)),
                Err(error) => tracing::debug!(%error, "the CRM session could not be refreshed; logging in"),
            }
        }
        let login = wire::Login {
            username,
            password: password.expose_secret(),
            device_id: "SiaghSync",
            platform_type: 4,
        };
        let (call, answer) = self.ask(LOGIN, &login).await?;
        if !answer.status.is_success() {
            let (error, pause) = refusal(&call, &answer, self.clock.now());
            state.closed_until = pause.map(|pause| self.clock.now() + pause);
            return Err(error);
        }
        let tokens = self.tokens(&call, &answer, state.logins + 1)?;
        state.closed_until = None;
        tracing::debug!(login = tokens.grant.login, "logged in to the CRM");
        Ok(keep(state, tokens))
    }

    async fn refresh(&self, token: &SecretString, login: u64) -> PortResult<Tokens> {
        let (call, answer) = self
            .ask(
                REFRESH,
                &wire::Refresh {
                    refresh_token: token.expose_secret(),
                },
            )
            .await?;
        if !answer.status.is_success() {
            return Err(failure::status(&call, &answer));
        }
        let mut tokens = self.tokens(&call, &answer, login)?;
        tokens.refresh.get_or_insert_with(|| token.clone());
        Ok(tokens)
    }

    async fn ask(&self, path: &'static str, body: &impl Serialize) -> PortResult<(Call<'static>, Answer)> {
        let call = Call {
            method: Method::POST,
            path,
            body: None,
            intent: Intent::Read,
        };
        let body = serde_json::to_vec(body).map_err(|error| failure::unreadable(&call, error))?;
        let answer = self
            .http
            .exchange(
                &Call {
                    body: Some(&body),
                    ..call.clone()
                },
                None,
            )
            .await?;
        Ok((call, answer))
    }

    fn tokens(&self, call: &Call<'_>, answer: &Answer, login: u64) -> PortResult<Tokens> {
        // The parser's own message could quote the token: it is not passed on.
        let value = wire::parse(&answer.body).ok().flatten().unwrap_or(Value::Null);
        let access = wire::text(&value, "accessToken");
        if access.is_empty() {
            return Err(failure::unreadable(call, "it holds no accessToken"));
        }
        let refresh = Some(wire::text(&value, "refreshToken"))
            .filter(|text| !text.is_empty())
            .map(SecretString::from);
        let ends = dates::instant(&wire::text(&value, "expiresAt"), self.zone)
            .filter(|ends| *ends > self.clock.now() + MARGIN * 2);
        Ok(Tokens {
            grant: Grant {
                header: bearer(&access)?,
                login,
            },
            refresh,
            ends,
        })
    }
}

fn keep(state: &mut State, tokens: Tokens) -> Grant {
    state.logins = tokens.grant.login;
    state.tokens.insert(tokens).grant.clone()
}

fn bearer(token: &str) -> PortResult<HeaderValue> {
    let mut header = HeaderValue::from_str(&format!("Bearer {}", token.trim())).map_err(|_| {
        PortError::Session("the CRM token holds characters that no token has: check CRM_API_TOKEN".to_owned())
    })?;
    header.set_sensitive(true);
    Ok(header)
}

/// Why a login was refused, what to do, and for how long not to try again.
fn refusal(call: &Call<'_>, answer: &Answer, now: DateTime<Utc>) -> (PortError, Option<Duration>) {
    let head = format!("the CRM refuses the login ({})", answer.status.as_u16());
    match answer.status {
        StatusCode::FORBIDDEN => {
            let until = (now + LOCK_OUT).format("%H:%M UTC");
            let message = format!(
                "{head}: too many attempts; none is made before {until}. Check CRM_USERNAME and CRM_PASSWORD meanwhile"
            );
            (PortError::Session(message), Some(LOCK_OUT))
        }
        StatusCode::PAYMENT_REQUIRED => (
            PortError::Session(format!(
                "{head}: its API module is not licensed; ask the CRM's vendor"
            )),
            Some(REFUSAL_PAUSE),
        ),
        StatusCode::UNAUTHORIZED | StatusCode::BAD_REQUEST => (
            PortError::Session(format!("{head}: check CRM_USERNAME and CRM_PASSWORD")),
            Some(REFUSAL_PAUSE),
        ),
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => (
            PortError::Session(format!(
                "{head}: there is no {} at CRM_API_BASE_URL; check the address",
                call.path
            )),
            None,
        ),
        _ => (failure::status(call, answer), None),
    }
}
