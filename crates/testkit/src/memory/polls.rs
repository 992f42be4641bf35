//! What pollers keep, in memory: the same contract as `SqlStore`'s.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::{MappingRow, MemoryStore, Tables, guard, rows};
use domain::clock::Clock;
use domain::customer::Field;
use domain::document::DocumentKind;
use domain::store::entities::{cursor, held, snapshot};
use domain::polls::{
    Begin, CRM_INVOICES, CRM_QUOTES, ContactSeen, ContactTimes, Harvest, Held, Linked, Look, PollLease,
    PollStore, Rhythm, Stored, Verdict,
};
use domain::ports::{MatchKeys, Ring, Side};
use domain::store::{EntityType, IssuedDocument, LinkState, StoreError, StoreResult};
use domain::text::normal;

/// `"PollCursor"`, `"FinanceSnapshot"` and `"HeldChange"`.
#[derive(Debug, Default)]
pub(crate) struct Polls {
    pub(crate) cursors: BTreeMap<String, cursor::Model>,
    snapshot: BTreeMap<String, snapshot::Model>,
    pub(crate) held: Vec<held::Model>,
}

pub(super) fn side_of(poll: &str) -> Side {
    if poll.starts_with("finance:") {
        Side::Finance
    } else {
        Side::Crm
    }
}

/// What a poll reads, by its name.
pub(super) fn entity_type_of(poll: &str) -> EntityType {
    match poll {
        CRM_QUOTES => EntityType::PreInvoice,
        CRM_INVOICES => EntityType::Invoice,
        _ => EntityType::Customer,
    }
}

fn until(now: DateTime<Utc>, at: DateTime<Utc>) -> Duration {
    (at - now).to_std().unwrap_or_default()
}

fn look(row: &cursor::Model) -> Option<Look> {
    Some(Look {
        started_at: row.started_at?,
        completed_at: row.completed_at?,
    })
}

fn fresh(poll: &str, now: DateTime<Utc>) -> cursor::Model {
    cursor::Model {
        name: poll.to_owned(),
        value: None,
        lease_owner: None,
        lease_token: 0,
        lease_until: None,
        attempted_at: None,
        not_before: None,
        started_at: None,
        completed_at: None,
        held_by: None,
        updated_at: now,
    }
}

impl Polls {
    fn begin(&mut self, poll: &str, owner: &str, rhythm: Rhythm, now: DateTime<Utc>) -> Begin {
        let row = self
            .cursors
            .entry(poll.to_owned())
            .or_insert_with(|| fresh(poll, now));
        if let Some(by) = row.held_by {
            return Begin::Held(by);
        }
        match row.lease_until {
            Some(end) if end > now => return Begin::Busy(until(now, end)),
            Some(_) => {}
            None => {
                let due = row.not_before.or(row.attempted_at.map(|at| at + rhythm.interval));
                if let Some(due) = due.filter(|due| *due > now) {
                    return Begin::NotDue(until(now, due));
                }
            }
        }
        row.lease_token += 1;
        row.lease_owner = Some(owner.to_owned());
        row.lease_until = Some(now + rhythm.lease);
        row.attempted_at = Some(now);
        Begin::Taken(PollLease {
            poll: poll.to_owned(),
            token: row.lease_token,
            last: look(row),
            cursor: row.value.clone(),
            started_at: now,
        })
    }

    /// The row of a turn that is still the last one given.
    fn of(&mut self, turn: &PollLease) -> Option<&mut cursor::Model> {
        let row = self.cursors.get_mut(&turn.poll);
        row.filter(|row| row.lease_token == turn.token)
    }

    fn see(&mut self, turn: &PollLease, harvest: &Harvest, now: DateTime<Utc>) {
        let look_before = turn.last.map(|look| look.started_at);
        for contact in &harvest.contacts {
            let [mobile, national_id, email, customer_number] = contact.keys.clone();
            // Told of though it looks as before: it came to that state when it was first seen so.
            let as_before = self.snapshot.get(&contact.code);
            let as_before = as_before.filter(|seen| seen.checksum == contact.checksum && !seen.gone);
            let (seen_at, look_before) =
                as_before.map_or((now, look_before), |seen| (seen.seen_at, seen.look_before));
            let row = snapshot::Model {
                code: contact.code.clone(),
                checksum: contact.checksum.clone(),
                changes: contact.changes,
                kind: String::new(),
                mobile,
                national_id,
                email,
                customer_number,
                seen_at,
                look_before,
                gone: false,
            };
            self.snapshot.insert(contact.code.clone(), row);
        }
        for code in &harvest.gone {
            if let Some(row) = self.snapshot.get_mut(code) {
                row.gone = true;
                row.changes += 1;
                row.seen_at = now;
                row.look_before = look_before;
            }
        }
    }

    fn candidates(&self, keys: &MatchKeys) -> Vec<String> {
        let agrees = |field, key: &Option<String>, value: Option<&str>| {
            let key = key.as_deref().map(|key| normal(field, key));
            key.is_some_and(|key| !key.is_empty() && value == Some(key.as_str()))
        };
        let fits = |row: &&snapshot::Model| {
            !row.gone
                && (agrees(Field::FinanceCode, &keys.id, Some(&row.code))
                    || agrees(Field::Mobile, &keys.mobile, row.mobile.as_deref())
                    || agrees(Field::NationalId, &keys.national_id, row.national_id.as_deref())
                    || agrees(Field::Email, &keys.email, row.email.as_deref())
                    || agrees(
                        Field::CustomerNumber,
                        &keys.customer_number,
                        row.customer_number.as_deref(),
                    ))
        };
        let found = self.snapshot.values().filter(fits);
        found.take(100).map(|row| row.code.clone()).collect()
    }
}

fn finish(
    tables: &mut Tables,
    turn: &PollLease,
    harvest: &Harvest,
    clock: &dyn Clock,
) -> StoreResult<Stored> {
    let now = clock.now();
    let row = tables.polls.of(turn).ok_or(StoreError::Fenced)?;
    let held_by: Option<Uuid> = harvest.hold.as_ref().map(|_| clock.id());
    row.value = harvest.cursor.clone().or(row.value.take());
    row.started_at = Some(turn.started_at);
    row.completed_at = Some(now);
    row.held_by = held_by;
    (row.lease_owner, row.lease_until, row.not_before) = (None, None, None);
    tables.polls.see(turn, harvest, now);
    let mut stored = Stored {
        held_by,
        ..Stored::default()
    };
    if let (Some(why), Some(by)) = (&harvest.hold, held_by) {
        guard::hold(tables, turn, harvest, (by, why), clock);
    }
    let aside = |change: &&domain::polls::Found| change.problem.is_some() || held_by.is_none();
    for change in harvest.changes.iter().filter(aside) {
        let ring = change.problem.is_none() && stored.rings.len() < harvest.ring;
        let row = rows::found(clock.id(), change, &turn.poll, harvest, ring, now);
        let id = row.id;
        if tables.is_new(&row) {
            tables.insert(row);
            stored.rows += 1;
            let traceparent = harvest.traceparent.clone();
            stored.rings.extend(ring.then_some(Ring { row: id, traceparent }));
        }
    }
    Ok(stored)
}

#[async_trait]
impl PollStore for MemoryStore {
    async fn begin(&self, poll: &str, owner: &str, rhythm: Rhythm) -> StoreResult<Begin> {
        let now = self.clock.now();
        self.carry_out("poll: begin", |tables| {
            Ok(tables.polls.begin(poll, owner, rhythm, now))
        })
        .await
    }

    async fn renew(&self, turn: &PollLease, lease: Duration) -> StoreResult<()> {
        let now = self.clock.now();
        self.carry_out("poll: renew", |tables| {
            let row = tables.polls.of(turn).filter(|row| row.lease_owner.is_some());
            row.ok_or(StoreError::Fenced)?.lease_until = Some(now + lease);
            Ok(())
        })
        .await
    }

    async fn give_back(&self, turn: &PollLease, wait: Duration) -> StoreResult<()> {
        let now = self.clock.now();
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
        let clock = self.clock.clone();
        self.carry_out("poll: finish", |tables| finish(tables, turn, harvest, &*clock))
            .await
    }

    async fn linked(&self, side: Side, ids: &[&str]) -> StoreResult<HashMap<String, Linked>> {
        self.carry_out("poll: mapped", |tables| {
            let customers = tables
                .links
                .values()
                .filter(|row| row.link.entity_type == EntityType::Customer);
            let known = customers.filter_map(|row| {
                let id = row.link.id_on(side).filter(|id| ids.contains(id))?;
                let mapped = Linked {
                    base: row.link.base.clone(),
                    state: row.link.state,
                };
                Some((id.to_owned(), mapped))
            });
            Ok(known.collect())
        })
        .await
    }

    async fn known_events(&self, side: Side, event_ids: &[&str]) -> StoreResult<HashSet<String>> {
        self.carry_out("poll: heard", |tables| {
            let heard = |event: &&&str| tables.has_heard(side, event);
            Ok(event_ids
                .iter()
                .filter(heard)
                .map(|event| (*event).to_owned())
                .collect())
        })
        .await
    }

    async fn written_since(&self, since: DateTime<Utc>) -> StoreResult<HashSet<String>> {
        self.carry_out("poll: written", |tables| {
            let snapshot = &tables.polls.snapshot;
            let written = |row: &&MappingRow| {
                let seen = row.link.finance_id.as_ref().and_then(|code| snapshot.get(code));
                row.link.entity_type == EntityType::Customer
                    && row
                        .last_sync_at
                        .is_some_and(|at| at >= since && seen.is_none_or(|seen| seen.seen_at < at))
            };
            let rows = tables.links.values().filter(written);
            Ok(rows.filter_map(|row| row.link.finance_id.clone()).collect())
        })
        .await
    }

    async fn issued(&self, kind: DocumentKind, ids: &[&str]) -> StoreResult<HashMap<String, IssuedDocument>> {
        self.carry_out("poll: issued", |tables| {
            let rows = tables.links.values();
            let known = rows.filter(|row| row.link.entity_type == kind.entity_type());
            let known = known.filter_map(|row| {
                let id = row.link.crm_id.as_deref().filter(|id| ids.contains(id))?;
                Some((id.to_owned(), row.link.issued.as_deref()?.clone()))
            });
            Ok(known.collect())
        })
        .await
    }

    async fn linked_count(&self, entity_type: EntityType) -> StoreResult<u64> {
        self.carry_out("poll: count", |tables| {
            let whole = |row: &&MappingRow| {
                let link = &row.link;
                link.entity_type == entity_type
                    && link.crm_id.is_some()
                    && link.finance_id.is_some()
                    && matches!(link.state, LinkState::Active | LinkState::Conflict)
            };
            Ok(tables.links.values().filter(whole).count() as u64)
        })
        .await
    }

    async fn installed_at(&self) -> StoreResult<DateTime<Utc>> {
        let made = self.made_at;
        self.carry_out("poll: installed", |_| Ok(made)).await
    }

    async fn contacts(&self) -> StoreResult<HashMap<String, ContactSeen>> {
        self.carry_out("poll: contacts", |tables| {
            let seen = |row: &snapshot::Model| ContactSeen {
                checksum: row.checksum.clone(),
                changes: row.changes,
                gone: row.gone,
            };
            let all = tables.polls.snapshot.values();
            Ok(all.map(|row| (row.code.clone(), seen(row))).collect())
        })
        .await
    }

    async fn last_look(&self, poll: &str) -> StoreResult<Option<Look>> {
        self.carry_out("poll: last look", |tables| {
            Ok(tables.polls.cursors.get(poll).and_then(look))
        })
        .await
    }

    async fn contact_times(&self, code: &str) -> StoreResult<Option<ContactTimes>> {
        self.carry_out("poll: times", |tables| {
            let row = tables.polls.snapshot.get(code);
            Ok(row.map(|row| ContactTimes {
                checksum: row.checksum.clone(),
                seen_at: row.seen_at,
                look_before: row.look_before,
            }))
        })
        .await
    }

    async fn candidates(&self, keys: &MatchKeys) -> StoreResult<Vec<String>> {
        self.carry_out("poll: candidates", |tables| Ok(tables.polls.candidates(keys)))
            .await
    }

    async fn held(&self, poll: Option<&str>) -> StoreResult<Vec<Held>> {
        self.carry_out("poll: held", |tables| Ok(guard::list(tables, poll)))
            .await
    }

    async fn settle(&self, held: &Held, verdict: Verdict) -> StoreResult<u64> {
        let now = self.clock.now();
        self.carry_out("poll: settle", |tables| {
            Ok(guard::settle(tables, held, verdict, now))
        })
        .await
    }
}
