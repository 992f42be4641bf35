//! Rows of their own for writes that the lead row is not about.

use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait;

use super::end::millis;
use super::enqueue::insert;
use super::rows::{self, Lead};
use crate::store::sql::SqlStore;
use crate::store::{Commit, Link, StoreResult};

pub(in crate::store) async fn audit<'a>(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    runs: impl IntoIterator<Item = (&'a Lead, &'a Link, &'a Commit)>,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let mut rows = Vec::new();
    for (lead, link, commit) in runs {
        let took = millis(commit.took);
        let audits = commit.audits.iter();
        rows.extend(audits.map(|(side, outcome)| rows::audit(store, lead, link, *side, outcome, took, now)));
    }
    insert(store, tx, rows).await?;
    Ok(())
}
