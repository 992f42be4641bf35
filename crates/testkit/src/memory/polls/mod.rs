//! What pollers keep: `"PollCursor"`, `"FinanceSnapshot"` and `"HeldChange"`, with the same contract as `SqlStore`'s.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::company::Company;
use domain::document::DocumentKind;
use domain::polls::{
    Begin, ContactSeen, ContactTimes, Harvest, Held, HeldChange, Linked, Look, PollLease, PollStore, Rhythm,
    Stored, Verdict, entity_type_of, side_of,
};
use domain::ports::Side;
use domain::store::entities::{cursor, held, snapshot};
use domain::store::{EntityType, IssuedDocument, StoreError, StoreResult};

use super::MemoryStore;

mod finish;
mod guard;
mod lease;
mod links;
mod snapshot_of;

#[derive(Debug, Default)]
pub(super) struct Polls {
    cursors: BTreeMap<String, cursor::Model>,
    snapshot: BTreeMap<(Company, String), snapshot::Model>,
    /// Of each contact: checksums of what we have written over.
    overwritten: BTreeMap<(Company, String), Vec<String>>,
    held: Vec<held::Model>,
    aside: BTreeSet<(&'static str, &'static str, Option<Company>, String)>,
}

/// What stands in `"SetAside"` for a poll: side and type.
fn kind_of(poll: &str) -> (&'static str, &'static str) {
    let entity_type = match entity_type_of(poll) {
        EntityType::Customer => "CUSTOMER",
        EntityType::PreInvoice => "PREINVOICE",
        EntityType::Invoice => "INVOICE",
    };
    (side_of(poll).name(), entity_type)
}

#[async_trait]
impl PollStore for MemoryStore {
    async fn begin(&self, poll: &str, owner: &str, rhythm: Rhythm) -> StoreResult<Begin> {
        let now = self.now();
        self.carry_out("poll: begin", |tables| {
            if tables.polls.is_held(poll) {
                guard::ease(&self.own, tables, poll, now)?;
            }
            Ok(tables.polls.begin(poll, owner, rhythm, now))
        })
        .await
    }

    async fn renew(&self, turn: &PollLease, lease: Duration) -> StoreResult<()> {
        let now = self.now();
        self.carry_out("poll: renew", |tables| {
            let row = tables.polls.of(turn).filter(|row| row.lease_owner.is_some());
            row.ok_or(StoreError::Fenced)?.lease_until = Some(now + lease);
            Ok(())
        })
        .await
    }

    async fn give_back(&self, turn: &PollLease, wait: Duration) -> StoreResult<()> {
        let now = self.now();
        self.carry_out("poll: give back", |tables| {
            if let Some(row) = tables.polls.of(turn) {
                (row.lease_owner, row.lease_until) = (None, None);
                row.not_before = Some(now + wait);
            }
            Ok(())
        })
        .await
    }

    async fn finish(&self, turn: &PollLease, harvest: &Harvest) -> StoreResult<Stored> {
        let (now, clock) = (self.now(), self.clock.clone());
        self.carry_out("poll: finish", |tables| {
            finish::finish(&self.own, tables, turn, harvest, &*clock, now)
        })
        .await
    }

    async fn linked(&self, side: Side, ids: &[&str]) -> StoreResult<HashMap<String, Linked>> {
        self.carry_out("poll: linked", |tables| {
            Ok(links::linked(&self.own, tables, side, ids))
        })
        .await
    }

    async fn known_events(&self, side: Side, event_ids: &[&str]) -> StoreResult<HashSet<String>> {
        self.carry_out("poll: known", |tables| {
            Ok(guard::known_events(&self.own, tables, side, event_ids))
        })
        .await
    }

    async fn written_since(&self, since: DateTime<Utc>, look: DateTime<Utc>) -> StoreResult<HashSet<String>> {
        self.carry_out("poll: written", |tables| {
            Ok(links::written_since(&self.own, tables, since, look))
        })
        .await
    }

    async fn issued(&self, kind: DocumentKind, ids: &[&str]) -> StoreResult<HashMap<String, IssuedDocument>> {
        self.carry_out("poll: issued", |tables| Ok(links::issued(tables, kind, ids)))
            .await
    }

    async fn set_aside_by(&self, poll: &str) -> StoreResult<HashSet<String>> {
        let (side, entity_type) = kind_of(poll);
        let company = self.own.on(side_of(poll));
        self.carry_out("poll: set aside", |tables| {
            let all = tables.polls.aside.iter();
            let of_poll = all.filter(|aside| (aside.0, aside.1, aside.2) == (side, entity_type, company));
            Ok(of_poll.map(|aside| aside.3.clone()).collect())
        })
        .await
    }

    async fn in_hand(
        &self,
        of: (Side, EntityType),
        ids: &[&str],
        since: DateTime<Utc>,
    ) -> StoreResult<HashSet<String>> {
        self.carry_out("poll: in hand", |tables| {
            Ok(guard::in_hand(&self.own, tables, of, ids, since))
        })
        .await
    }

    async fn linked_count(&self, side: Side, entity_type: EntityType) -> StoreResult<u64> {
        self.carry_out("poll: count", |tables| {
            Ok(links::count(&self.own, tables, side, entity_type))
        })
        .await
    }

    async fn installed_at(&self) -> StoreResult<DateTime<Utc>> {
        let made = self.made_at;
        self.carry_out("poll: installed", |_| Ok(made)).await
    }

    async fn contacts(&self, codes: &[&str]) -> StoreResult<HashMap<String, ContactSeen>> {
        self.carry_out("poll: contacts", |tables| {
            let mut all = tables.polls.contacts(self.own.company, &tables.index);
            all.retain(|code, _| codes.contains(&code.as_str()));
            Ok(all)
        })
        .await
    }

    async fn contacts_but(&self, codes: &HashSet<Box<str>>) -> StoreResult<HashMap<String, ContactSeen>> {
        self.carry_out("poll: other contacts", |tables| {
            let mut all = tables.polls.contacts(self.own.company, &tables.index);
            all.retain(|code, _| !codes.contains(code.as_str()));
            Ok(all)
        })
        .await
    }

    async fn last_look(&self, poll: &str) -> StoreResult<Option<Look>> {
        self.carry_out("poll: last look", |tables| Ok(tables.polls.last_look(poll)))
            .await
    }

    async fn contact_times(&self, code: &str) -> StoreResult<Option<ContactTimes>> {
        self.carry_out("poll: times", |tables| {
            Ok(tables.polls.contact_times(self.own.company, code))
        })
        .await
    }

    async fn held(&self, poll: Option<&str>) -> StoreResult<Vec<Held>> {
        self.carry_out("poll: held", |tables| Ok(guard::list(tables, poll)))
            .await
    }

    async fn held_changes(&self, poll: &str) -> StoreResult<Vec<HeldChange>> {
        self.carry_out("poll: held changes", |tables| Ok(guard::changes(tables, poll)))
            .await
    }

    async fn let_go(&self, poll: &str, event_ids: &[&str]) -> StoreResult<()> {
        self.carry_out("poll: let go", |tables| {
            let over = |held: &held::Model| held.poll == poll && event_ids.contains(&held.event_id.as_str());
            tables.polls.held.retain(|held| !over(held));
            Ok(())
        })
        .await
    }

    async fn settle(&self, held: &Held, verdict: Verdict) -> StoreResult<u64> {
        let now = self.now();
        self.carry_out("poll: settle", |tables| {
            guard::settle(&self.own, tables, held, verdict, now)
        })
        .await
    }
}
