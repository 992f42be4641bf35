//! The session with the CRM: a ready token, or a login that is renewed when it ends.
//!
//! After a refusal no login is tried for a while: the CRM locks users out who try too often.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use chrono_tz::Tz;
use domain::clock::Clock;
use domain::ports::{PortError, PortResult};
use outside::{Answer, Call, Http, Intent, LoginFailed, Renewal};
use reqwest::StatusCode;
use reqwest::header::HeaderValue;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use serde_json::Value;

use crate::config::{Credentials, LOCK_OUT, REFUSAL_PAUSE};
use crate::failure::{self, CRM};
use crate::{dates, wire};

const LOGIN: &str = "/api/v2/auth/login";
const REFRESH: &str = "/api/v2/auth/token/refresh";

/// A token is renewed this long before its end; an end nearer than that at login is not believed (a server may
/// state it in another zone), and the `401` that follows tells instead.
const MARGIN: TimeDelta = TimeDelta::seconds(30);

/// What is kept of a login besides its token.
#[derive(Default)]
pub(crate) struct Kept {
    refresh: Option<SecretString>,
    ends: Option<DateTime<Utc>>,
}

/// What a request needs.
pub(crate) type Grant = outside::Grant<Kept>;

pub(crate) struct Session {
    http: Arc<Http>,
    clock: Arc<dyn Clock>,
    zone: Tz,
    credentials: Credentials,
    renewal: Renewal<Kept>,
}

impl Session {
    pub(crate) fn new(http: Arc<Http>, clock: Arc<dyn Clock>, zone: Tz, credentials: Credentials) -> Self {
        Self {
            http,
            renewal: Renewal::new(Arc::clone(&clock)),
            clock,
            zone,
            credentials,
        }
    }

    /// The present session; logs in when there is none or it is about to end.
    pub(crate) async fn grant(&self) -> PortResult<Arc<Grant>> {
        self.grant_after(None).await
    }

    /// A session newer than the one that the CRM has just rejected.
    pub(crate) async fn renew(&self, rejected: &Grant) -> PortResult<Arc<Grant>> {
        self.grant_after(Some(rejected)).await
    }

    async fn grant_after(&self, rejected: Option<&Grant>) -> PortResult<Arc<Grant>> {
        let (username, password) = match &self.credentials {
            Credentials::Token(_) if rejected.is_some() => {
                return Err(PortError::Session(
                    "the CRM does not accept CRM_API_TOKEN (401): make a new token in the CRM and set it, and check \
                     that CRM_API_BASE_URL is the CRM's address"
                        .to_owned(),
                ));
            }
            Credentials::Token(token) => {
                return Ok(Arc::new(Grant {
                    header: bearer(token.expose_secret())?,
                    kept: Kept::default(),
                    login: 0,
                }));
            }
            Credentials::Password { username, password } => (username, password),
        };
        let holds = |kept: &Kept| kept.ends.is_none_or(|ends| self.clock.now() < ends - MARGIN);
        let sign_in = |ended, number| self.sign_in(ended, number, username, password);
        self.renewal.grant(rejected, holds, sign_in).await
    }

    /// Refreshes if it can, else logs in.
    async fn sign_in(
        &self,
        ended: Option<Arc<Grant>>,
        number: u64,
        username: &str,
        password: &SecretString,
    ) -> Result<(HeaderValue, Kept), LoginFailed> {
        if let Some(refresh) = ended.as_ref().and_then(|grant| grant.kept.refresh.as_ref()) {
            match self.refresh(refresh).await {
                Ok(tokens) => return Ok(tokens),
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
            return Err(LoginFailed { error, pause });
        }
        let tokens = self.tokens(&call, &answer)?;
        tracing::debug!(login = number, "logged in to the CRM");
        Ok(tokens)
    }

    async fn refresh(&self, token: &SecretString) -> PortResult<(HeaderValue, Kept)> {
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
        let (header, mut kept) = self.tokens(&call, &answer)?;
        kept.refresh.get_or_insert_with(|| token.clone());
        Ok((header, kept))
    }

    async fn ask(&self, path: &'static str, body: &impl Serialize) -> PortResult<(Call<'static>, Answer)> {
        let call = Call::post(path, None, Intent::Read);
        let body = serde_json::to_vec(body).map_err(|error| CRM.unreadable(&call, error))?;
        let answer = self
            .http
            .exchange(
                &Call {
                    body: Some(&body),
                    ..call.clone()
                },
                None,
                None,
            )
            .await?;
        Ok((call, answer))
    }

    fn tokens(&self, call: &Call<'_>, answer: &Answer) -> PortResult<(HeaderValue, Kept)> {
        // The parser's own message could quote the token: it is not passed on.
        let value = wire::parse(&answer.body).ok().flatten().unwrap_or(Value::Null);
        let access = wire::text(&value, "accessToken");
        if access.is_empty() {
            return Err(CRM.unreadable(call, "it holds no accessToken"));
        }
        let refresh = Some(wire::text(&value, "refreshToken"))
            .filter(|text| !text.is_empty())
            .map(SecretString::from);
        let ends = dates::instant(&wire::text(&value, "expiresAt"), self.zone)
            .filter(|ends| *ends > self.clock.now() + MARGIN * 2);
        Ok((bearer(&access)?, Kept { refresh, ends }))
    }
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
            PortError::Session(format!(
                "{head}: check CRM_USERNAME and CRM_PASSWORD, and that CRM_API_BASE_URL is the CRM's address"
            )),
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
