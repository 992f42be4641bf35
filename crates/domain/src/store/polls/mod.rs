//! [`PollStore`] on PostgreSQL and SQLite: `"PollCursor"`, `"HeldChange"`, and of `"RecordIndex"` what looks saw. Everything goes in
//! groups: no statement per record.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, Condition};

use crate::document::DocumentKind;
use crate::polls::{
    Begin, ContactSeen, ContactTimes, Harvest, Held, HeldChange, Linked, Look, PollLease, PollStore, Rhythm,
    Stored, Verdict,
};
use crate::side::Side;
use crate::store::sql::{LONG, QUICK, SqlStore, in_time};
use crate::store::{EntityType, IssuedDocument, StoreResult, aside};

mod begin;
mod contacts;
mod count;
mod ease;
mod finish;
mod held;
mod hold;
mod in_hand;
mod issued;
mod known_events;
mod last_look;
mod lease;
mod linked;
mod rows;
mod see;
mod settle;
mod written_since;

/// So many records go into one statement (both databases bound the parameters of a statement).
const GROUP: usize = 500;

/// Codes of finance are each company's own; the CRM's ids are everybody's.
fn of_company(store: &SqlStore, side: Side, column: impl ColumnTrait) -> Condition {
    let mut own = Condition::all();
    if side == Side::Finance {
        own = own.add(column.eq(store.label()));
    }
    own
}

fn after(now: DateTime<Utc>, wait: Duration) -> DateTime<Utc> {
    chrono::Duration::from_std(wait)
        .ok()
        .and_then(|wait| now.checked_add_signed(wait))
        .unwrap_or(DateTime::<Utc>::MAX_UTC)
}

fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

#[async_trait]
impl PollStore for SqlStore {
    async fn begin(&self, poll: &str, owner: &str, rhythm: Rhythm) -> StoreResult<Begin> {
        in_time(QUICK, || begin::begin(self, poll, owner, rhythm)).await
    }

    async fn renew(&self, turn: &PollLease, duration: Duration) -> StoreResult<()> {
        in_time(QUICK, || lease::renew(self, turn, duration)).await
    }

    async fn give_back(&self, turn: &PollLease, wait: Duration) -> StoreResult<()> {
        in_time(QUICK, || lease::give_back(self, turn, wait)).await
    }

    async fn finish(&self, turn: &PollLease, harvest: &Harvest) -> StoreResult<Stored> {
        in_time(LONG, || finish::finish(self, turn, harvest)).await
    }

    async fn linked(&self, side: Side, ids: &[&str]) -> StoreResult<HashMap<String, Linked>> {
        in_time(LONG, || linked::linked(self, side, ids)).await
    }

    async fn known_events(&self, side: Side, event_ids: &[&str]) -> StoreResult<HashSet<String>> {
        in_time(LONG, || known_events::known_events(self, side, event_ids)).await
    }

    async fn written_since(&self, since: DateTime<Utc>, look: DateTime<Utc>) -> StoreResult<HashSet<String>> {
        in_time(LONG, || written_since::written_since(self, since, look)).await
    }

    async fn issued(&self, kind: DocumentKind, ids: &[&str]) -> StoreResult<HashMap<String, IssuedDocument>> {
        in_time(QUICK, || issued::issued(self, kind, ids)).await
    }

    async fn set_aside_by(&self, poll: &str) -> StoreResult<HashSet<String>> {
        in_time(QUICK, || aside::set_aside_by(self, poll)).await
    }

    async fn in_hand(
        &self,
        of: (Side, EntityType),
        ids: &[&str],
        since: DateTime<Utc>,
    ) -> StoreResult<HashSet<String>> {
        in_time(LONG, || in_hand::in_hand(self, of, ids, since)).await
    }

    async fn linked_count(&self, side: Side, entity_type: EntityType) -> StoreResult<u64> {
        in_time(LONG, || count::linked_count(self, side, entity_type)).await
    }

    async fn installed_at(&self) -> StoreResult<DateTime<Utc>> {
        in_time(QUICK, || count::installed_at(self)).await
    }

    async fn contacts(&self, codes: &[&str]) -> StoreResult<HashMap<String, ContactSeen>> {
        in_time(QUICK, || contacts::contacts(self, codes)).await
    }

    async fn contacts_but(&self, codes: &HashSet<Box<str>>) -> StoreResult<HashMap<String, ContactSeen>> {
        in_time(LONG, || contacts::contacts_but(self, codes)).await
    }

    async fn last_look(&self, poll: &str) -> StoreResult<Option<Look>> {
        in_time(QUICK, || last_look::last_look(self, poll)).await
    }

    async fn contact_times(&self, code: &str) -> StoreResult<Option<ContactTimes>> {
        in_time(QUICK, || contacts::contact_times(self, code)).await
    }

    async fn held(&self, poll: Option<&str>) -> StoreResult<Vec<Held>> {
        in_time(QUICK, || held::list(self, poll)).await
    }

    async fn held_changes(&self, poll: &str) -> StoreResult<Vec<HeldChange>> {
        in_time(LONG, || held::changes(self, poll)).await
    }

    async fn let_go(&self, poll: &str, event_ids: &[&str]) -> StoreResult<()> {
        in_time(LONG, || held::let_go(self, poll, event_ids)).await
    }

    async fn settle(&self, held: &Held, verdict: Verdict) -> StoreResult<u64> {
        in_time(LONG, || settle::settle(self, held, verdict)).await
    }
}
