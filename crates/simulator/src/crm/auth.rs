//! Logins, tokens and the lock-out.

use std::collections::{HashMap, VecDeque};

use axum::http::{HeaderMap, StatusCode, header};
use chrono::{DateTime, Duration, SecondsFormat, Utc};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::{config::CrmConfig, dates, shape::ApiError};

pub(crate) struct Auth {
    tokens: HashMap<String, Token>,
    refresh_tokens: HashMap<String, DateTime<Utc>>,
    failed: u32,
    recent: VecDeque<DateTime<Utc>>,
    locked_until: Option<DateTime<Utc>>,
    rng: StdRng,
}

struct Token {
    expires: DateTime<Utc>,
    used: u64,
}

impl Auth {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            tokens: HashMap::new(),
            refresh_tokens: HashMap::new(),
            failed: 0,
            recent: VecDeque::new(),
            locked_until: None,
            rng: StdRng::seed_from_u64(seed ^ 0x6175_7468),
        }
    }

    pub(crate) fn check(
        &mut self,
        headers: &HeaderMap,
        config: &CrmConfig,
        now: DateTime<Utc>,
    ) -> Result<(), ApiError> {
        if !config.api_licensed {
            return Err(unlicensed());
        }
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.strip_prefix("Bearer "))
            .filter(|token| !token.is_empty())
            .ok_or_else(ApiError::unauthorized)?;
        if token == config.api_token {
            return Ok(());
        }
        let known = self.tokens.get_mut(token).ok_or_else(ApiError::unauthorized)?;
        known.used += 1;
        if now >= known.expires || (config.token_max_requests > 0 && known.used > config.token_max_requests) {
            self.tokens.remove(token);
            return Err(ApiError::unauthorized());
        }
        Ok(())
    }

    /// Also gives back a name for the counters.
    pub(crate) fn login(
        &mut self,
        body: &Value,
        config: &CrmConfig,
        now: DateTime<Utc>,
    ) -> (&'static str, Result<Value, ApiError>) {
        if !config.api_licensed {
            return ("login_unlicensed", Err(unlicensed()));
        }
        if self.locked_until.is_some_and(|until| now < until) {
            return ("login_while_locked", Err(locked()));
        }
        if let Err(error) = well_formed(body) {
            return ("login_malformed", Err(error));
        }
        self.recent.push_back(now);
        while self
            .recent
            .front()
            .is_some_and(|at| now - *at > Duration::minutes(1))
        {
            self.recent.pop_front();
        }
        let limit = config.max_logins_per_minute as usize;
        if limit > 0 && self.recent.len() > limit {
            self.lock(config, now);
            return ("login_locked_out", Err(locked()));
        }
        let right = body.get("username").and_then(Value::as_str) == Some(&config.username)
            && body.get("password").and_then(Value::as_str) == Some(&config.password);
        if right {
            self.failed = 0;
            return ("login_ok", Ok(self.issue(config, now)));
        }
        self.failed += 1;
        if self.failed >= config.max_failed_logins {
            self.lock(config, now);
        }
        let error = ApiError::new(
            StatusCode::UNAUTHORIZED,
            "The user name or password is incorrect.",
        );
        ("login_failed", Err(error))
    }

    pub(crate) fn refresh(
        &mut self,
        body: &Value,
        config: &CrmConfig,
        now: DateTime<Utc>,
    ) -> Result<Value, ApiError> {
        let token = body
            .get("refreshToken")
            .and_then(Value::as_str)
            .unwrap_or_default();
        match self.refresh_tokens.remove(token) {
            Some(expires) if now < expires => Ok(self.issue(config, now)),
            _ => Err(ApiError::new(StatusCode::UNAUTHORIZED, "Invalid refresh token.")),
        }
    }

    /// Ends what logins gave; the ready API token stays.
    pub(crate) fn expire_all(&mut self, with_refresh: bool) {
        self.tokens.clear();
        if with_refresh {
            self.refresh_tokens.clear();
        }
    }

    pub(crate) fn unlock(&mut self) {
        self.failed = 0;
        self.recent.clear();
        self.locked_until = None;
    }

    fn lock(&mut self, config: &CrmConfig, now: DateTime<Utc>) {
        let seconds = i64::try_from(config.lockout_seconds).unwrap_or(i64::MAX / 1000);
        self.locked_until = Some(now + Duration::seconds(seconds));
        self.failed = 0;
    }

    fn issue(&mut self, config: &CrmConfig, now: DateTime<Utc>) -> Value {
        let access = format!("at-{}", hex::encode(self.rng.random::<[u8; 24]>()));
        let refresh = format!("rt-{}", hex::encode(self.rng.random::<[u8; 24]>()));
        let seconds = i64::try_from(config.token_seconds).unwrap_or(3600);
        let expires = now + Duration::seconds(seconds);
        self.tokens.retain(|_, token| token.expires > now);
        self.tokens.insert(access.clone(), Token { expires, used: 0 });
        self.refresh_tokens
            .insert(refresh.clone(), now + Duration::days(7));
        let local = expires.with_timezone(&config.timezone);
        let expires_at = if config.expires_at_with_zone {
            local.to_rfc3339_opts(SecondsFormat::Millis, false)
        } else {
            dates::format(local.naive_local(), 3)
        };
        json!({"accessToken": access, "refreshToken": refresh, "expiresAt": expires_at})
    }
}

fn well_formed(body: &Value) -> Result<(), ApiError> {
    for field in ["username", "password", "deviceId"] {
        if body.get(field).and_then(Value::as_str).is_none_or(str::is_empty) {
            return Err(ApiError::field(field, format!("The {field} field is required.")));
        }
    }
    match body.get("platformType").and_then(Value::as_u64) {
        Some(0..=4) => Ok(()),
        _ => Err(ApiError::field(
            "platformType",
            "The platformType field is not valid.",
        )),
    }
}

fn unlicensed() -> ApiError {
    ApiError::new(StatusCode::PAYMENT_REQUIRED, "The API module is not licensed.")
}

fn locked() -> ApiError {
    ApiError::new(
        StatusCode::FORBIDDEN,
        "Too many login attempts. Please wait and try again later.",
    )
}
