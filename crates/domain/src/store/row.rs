//! A row of the inbox, `"SyncLog"`: an event written down, and what became of it.

use sea_orm::DeriveActiveEnum;
use sea_orm::entity::prelude::{EnumIter, StringLen};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::company::Company;
use crate::entity::EntityRef;

/// `SyncLog.status` (design, "Statuses").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(StringLen::None)",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Waiting, also for its retry time.
    Pending,
    /// Claimed by a run under a lease.
    InProgress,
    /// Done, also with conflicts settled by policy.
    Success,
    /// Given up, or refused by the target; can be retried by hand.
    Failed,
    /// Waits for a human.
    Conflict,
    /// Nothing to do, or covered by another run.
    Skipped,
}

impl Status {
    /// Whether nothing more happens to such a row by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::InProgress)
    }
}

/// How a row came about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(StringLen::None)",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names say it")]
pub enum Trigger {
    Webhook,
    Poll,
    Manual,
    Import,
}

/// Something that was heard: becomes one `PENDING` row.
#[derive(Debug, Clone)]
pub struct Event {
    /// The row's id, chosen by the caller so that it can ring without asking.
    pub row: Uuid,
    /// What it is about.
    pub entity: EntityRef,
    /// The company that it belongs to, as far as anyone knows when it is heard; `None`: the store's.
    pub company: Option<Company>,
    /// How it was heard.
    pub trigger: Trigger,
    /// Unique per source system; `None`: each hearing is a row of its own.
    pub event_id: Option<String>,
    /// What was received, for the audit.
    pub payload: Value,
    /// The trace of the request that was heard.
    pub traceparent: Option<String>,
    /// Whether the bell will be rung for it at once; if not, the sweeper may at any time.
    pub rung: bool,
}
