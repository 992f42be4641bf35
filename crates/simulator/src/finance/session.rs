//! Logins and sessions.

use std::collections::HashMap;

use axum::http::{HeaderMap, header};
use chrono::{DateTime, Utc};
use md5::{Digest, Md5};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};

use super::config::FinanceConfig;
use crate::jalali;

pub(crate) struct Sessions {
    open: HashMap<String, Session>,
    rng: StdRng,
}

struct Session {
    begun: DateTime<Utc>,
    used: u64,
}

impl Sessions {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            open: HashMap::new(),
            rng: StdRng::seed_from_u64(seed ^ 0x7369_6167),
        }
    }

    pub(crate) fn expire_all(&mut self) {
        self.open.clear();
    }

    pub(crate) fn len(&self) -> usize {
        self.open.len()
    }

    /// The header must be the session's id and nothing else.
    pub(crate) fn check(&mut self, headers: &HeaderMap, config: &FinanceConfig, now: DateTime<Utc>) -> bool {
        let id = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok());
        let Some(id) = id else {
            return false;
        };
        let Some(session) = self.open.get_mut(id) else {
            return false;
        };
        session.used += 1;
        let age = (now - session.begun).num_seconds();
        let old =
            config.session_seconds > 0 && age >= i64::try_from(config.session_seconds).unwrap_or(i64::MAX);
        let worn = config.session_max_requests > 0 && session.used > config.session_max_requests;
        if old || worn {
            self.open.remove(id);
            return false;
        }
        true
    }

    pub(crate) fn login(
        &mut self,
        body: &Value,
        config: &FinanceConfig,
        now: DateTime<Utc>,
    ) -> Option<Value> {
        let hash = hex::encode_upper(Md5::digest(config.password.as_bytes()));
        let right = body.get("UserName").and_then(Value::as_str) == Some(&config.username)
            && body.get("Password").and_then(Value::as_str) == Some(&hash);
        if !right {
            return None;
        }
        if config.single_session {
            self.open.clear();
        }
        let id = hex::encode_upper(self.rng.random::<[u8; 16]>());
        self.open.insert(id.clone(), Session { begun: now, used: 0 });
        let local = now.with_timezone(&chrono_tz::Asia::Tehran).naive_local();
        let (year, _, _) = jalali::from_gregorian(local.date());
        Some(json!({
            "SessionId": id,
            "Token": format!("{id}:0"),
            "UserCode": 1,
            "UserName": config.username,
            "ContactCode": 1,
            "ContactName": config.username,
            "BranchCode": 1,
            "BranchName": "دفتر مرکزی",
            "IsAdminUser": true,
            "FiscalYear": match config.fiscal_year {
                0 => Some(year),
                set => Some(set).filter(|set| *set > 0),
            },
            "MobileNo": "",
            "SystemDate": jalali::format(local.date()),
            "SystemTime": local.format("%H:%M").to_string(),
        }))
    }
}
