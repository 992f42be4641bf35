//! What a row waits for.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{Facts, Worker};
use crate::store::Status;

/// What holds a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum By {
    /// The guard: `siaghsync resume` releases it.
    Guard,
    /// A human decides.
    Human,
    /// A worker has it.
    Worker,
    /// It was tried, and is tried again.
    Retry,
    /// Another record goes first.
    Dependency,
    /// A system is down, or lets nobody in.
    Outage,
    /// Its turn.
    Turn,
}

/// For what, and how long it has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Held {
    /// By what; `None`: it has ended.
    pub by: Option<By>,
    /// Tries that have failed.
    pub retries: u32,
    /// How many may.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retries: Option<u32>,
    /// When it is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_try: Option<DateTime<Utc>>,
    /// Runs of it that ended without a word.
    pub lapses: u32,
    /// Who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker: Option<Worker>,
}

pub(super) fn of(facts: &Facts) -> Held {
    let row = &facts.row;
    let by = by(facts);
    let worker = facts.link.as_ref().and_then(|link| link.worker.clone());
    Held {
        by,
        retries: row.retries,
        max_retries: facts.retry.map(|retry| retry.max),
        next_try: facts.retry.map(|retry| retry.at),
        lapses: row.lapses,
        worker: worker.filter(|_| by == Some(By::Worker)),
    }
}

fn by(facts: &Facts) -> Option<By> {
    Some(match (facts.row.status, facts.row.class()) {
        (Status::Conflict, "guard") => By::Guard,
        (Status::Conflict, _) => By::Human,
        (Status::InProgress, _) => By::Worker,
        (Status::Pending, "dependency") => By::Dependency,
        (Status::Pending, "unavailable" | "session") => By::Outage,
        (Status::Pending, _) if facts.retry.is_some() => By::Retry,
        (Status::Pending, _) => By::Turn,
        (Status::Success | Status::Failed | Status::Skipped, _) => return None,
    })
}
