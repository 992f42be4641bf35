//! What must hold once the dust has settled. Judged by the log of what users typed and by the audit rows, never by
//! the merge. The invariants have numbers in `main.rs`.

use std::collections::BTreeSet;

use domain::change::Reason;
use domain::customer::Field;
use domain::message::Code;
use domain::ports::Side;
use domain::store::entities::{link, log};
use domain::store::{EntityType, LinkState, Status, message_of};
use uuid::Uuid;

use crate::companies::{code_of, misplaced, served};
use crate::documents;
use crate::odd::Odd;
use crate::oracle::fields::Pair;
use crate::oracle::told::{Loss, changes, losses};
use crate::people::Edit;
use crate::systems::{FIELDS, Record};
use crate::whose::strangers;
use crate::world::{All, Shared};

mod fields;
mod told;

struct View<'a> {
    all: &'a All,
    odd: Odd,
    rows: Vec<log::Model>,
    losses: Vec<Loss>,
    found: Vec<String>,
}

/// What of a pair is not in step, for a reason that is told.
enum Held {
    /// These fields wait for a human, or for another record.
    Fields(Vec<Field>),
    /// All of it waits for a human.
    All,
    /// Something was refused.
    Refused,
}

/// Everything that does not hold.
pub fn check(world: &Shared, retried: bool) -> Vec<String> {
    let rows = world.rows();
    let losses = rows.iter().flat_map(losses).collect();
    let all = world.lock();
    let mut view = View {
        all: &all,
        odd: world.odd,
        rows,
        losses,
        found: all.violations.clone(),
    };
    let stuck = documents::stuck(&all, &view.rows);
    view.rows_are_final(retried, &stuck);
    if world
        .store
        .retries()
        .iter()
        .any(|retry| !stuck.contains(&retry.sync_log_id))
    {
        view.found.push("retry entries are left".into());
    }
    let links = world.links();
    for link in links.iter().filter(|m| m.entity_type == EntityType::Customer) {
        view.link(link);
        view.found.extend(misplaced(&all, link));
    }
    view.everyone_was_met(&links);
    view.unmapped_survives();
    view.nobody_holds_anothers_data();
    view.found.extend(documents::check(&all, &view.rows));
    let (saves, allowed) = (
        all.systems.iter().map(|s| s.saves).sum::<u64>(),
        view.allowed_saves(),
    );
    if saves > allowed {
        view.found
            .push(format!("{saves} saves where {allowed} are plenty"));
    }
    view.found
}

/// Records that each look may save again: what is refused is tried again, and its other side written where that is
/// possible; so is what was held because it was written back and forth, and a first meeting in doubt. `before`: those of
/// earlier, whose counterparts count, too.
pub fn tried_again(world: &Shared, before: &BTreeSet<(Side, String)>) -> BTreeSet<(Side, String)> {
    let all = world.lock();
    let view = View {
        rows: world.rows(),
        losses: Vec::new(),
        found: Vec::new(),
        all: &all,
        odd: world.odd,
    };
    let oscillates = |row: &log::Model| {
        changes(row)
            .iter()
            .any(|change| change.reason == Reason::Oscillates)
    };
    let mut tried = BTreeSet::new();
    for link in world.links() {
        let failed = view.last(link.id).is_some_and(|row| row.status == Status::Failed);
        let half = link.crm_id.is_none() || link.finance_id.is_none();
        let waits = view
            .open_conflict(link.id)
            .is_some_and(|row| half || oscillates(row));
        let ids = [
            link.crm_id.map(|id| (Side::Crm, id)),
            link.finance_id.map(|id| (Side::Finance, id)),
        ];
        let ids: Vec<_> = ids.into_iter().flatten().collect();
        if failed || waits || ids.iter().any(|id| before.contains(id)) {
            tried.extend(ids);
        }
    }
    tried
}

impl View<'_> {
    fn allowed_saves(&self) -> u64 {
        let records: usize = self.all.systems.iter().map(|s| s.records.len()).sum();
        // Of 3,000 histories the busiest needed three quarters of this.
        let typed = self.all.edits.0.len() as u64 + self.all.corrections;
        5 + (3 * (typed + records as u64) + 2 * self.all.breaks) / 4
    }

    fn rows_are_final(&mut self, retried: bool, stuck: &BTreeSet<Uuid>) {
        let ends = |row: &log::Model| row.status.is_final() || stuck.contains(&row.id);
        let ended: BTreeSet<Uuid> = self
            .rows
            .iter()
            .filter(|row| ends(row))
            .map(|row| row.id)
            .collect();
        for row in &self.rows {
            let id = row.id.as_u128();
            if !ends(row) {
                self.found.push(format!("row {id} is {:?} for ever", row.status));
            }
            if retried
                && row.status == Status::Failed
                && !matches!(row.error_class.as_deref(), Some("refused" | "taken" | "invalid"))
            {
                self.found
                    .push(format!("row {id} failed after a retry: {:?}", row.error_message));
            }
            if row.covered_by.is_some_and(|leader| !ended.contains(&leader)) {
                self.found
                    .push(format!("row {id} is covered by a row that is not final"));
            }
        }
    }

    /// The last word on a link: its row that ended last and covered itself.
    fn last(&self, link: Uuid) -> Option<&log::Model> {
        let rows = self.rows.iter().filter(|row| row.entity_mapping_id == Some(link));
        let leads = rows.filter(|row| row.covered_by.is_none());
        leads.max_by_key(|row| (row.completed_at, row.status == Status::Failed, row.id))
    }

    fn open_conflict(&self, link: Uuid) -> Option<&log::Model> {
        let mut rows = self.rows.iter();
        rows.find(|row| row.entity_mapping_id == Some(link) && row.status == Status::Conflict)
    }

    fn link(&mut self, link: &link::Model) {
        let conflict = self.open_conflict(link.id);
        if (link.state == LinkState::Conflict) != conflict.is_some() {
            let (id, row) = (link.id.as_u128(), conflict.map(|row| row.id));
            let state = link.state;
            self.found
                .push(format!("link {id} is {state:?}, its conflict row: {row:?}"));
            return;
        }
        let failed = self.last(link.id).is_some_and(|row| row.status == Status::Failed);
        let (Some(c), Some(f)) = (&link.crm_id, &link.finance_id) else {
            let waits = failed || conflict.is_some();
            return self.half(link, waits);
        };
        if link.state == LinkState::Closed {
            return self.closed(c, f);
        }
        let held = match self.held(link.id) {
            Held::Fields(held) => held,
            Held::All => return,
            Held::Refused => return self.news_of_finance(link.id, c, f),
        };
        let all = self.all;
        let (Some(crm), Some(finance)) = (all.systems[0].records.get(c), all.systems[1].records.get(f))
        else {
            self.found.push(format!("{c} or {f} never existed"));
            return;
        };
        if !crm.alive || !finance.alive {
            return;
        }
        if !self.is_one(c, f) || (crm.ours && finance.ours) {
            // The second record of a customer whom nothing tells apart (counted where it was made).
            return;
        }
        for field in FIELDS.into_iter().filter(|field| !held.contains(field)) {
            let pair = Pair {
                link: link.id,
                field,
                manner: self.all.systems[1].manner,
                crm: (c, crm),
                finance: (f, finance),
            };
            let wrong = self.field(&pair);
            self.found.extend(wrong);
        }
        self.references((c, crm), (f, finance));
    }

    /// What of a pair waits: by its last row, and that which waits for a human.
    fn held(&self, link: Uuid) -> Held {
        let conflict = self.open_conflict(link);
        let failed = self.last(link).filter(|row| row.status == Status::Failed);
        // What another record holds keeps nothing else back.
        let is_taken = |row: &&log::Model| {
            let code = message_of(row).map(|message| message.code);
            matches!(code, Some(Code::TakenBy | Code::TakenInExchange))
        };
        let waits = conflict.or(failed);
        let held = waits.map_or(Vec::new(), changes);
        let held = held.into_iter().filter(|change| change.winner.is_none());
        let held: Vec<Field> = held.map(|change| change.field).collect();
        if waits.filter(is_taken).is_some() {
            return Held::Fields([&held[..], &[Field::Mobile, Field::Phone]].concat());
        }
        match (conflict, failed) {
            (Some(_), _) if held.is_empty() => Held::All,
            (_, Some(_)) => Held::Refused,
            _ => Held::Fields(held),
        }
    }

    /// Whether two linked records are one person's.
    fn is_one(&mut self, c: &str, f: &str) -> bool {
        let [crm, finance] = [(0, c), (1, f)].map(|(side, id)| &self.all.systems[side].records[id]);
        if crm.person != finance.person {
            self.found
                .push(format!("{c} and {f} are two persons and were linked"));
        }
        crm.person == finance.person
    }

    /// What looked deleted and is there opens its link again by itself.
    fn closed(&mut self, c: &str, f: &str) {
        let records = [(0, c), (1, f)].map(|(side, id)| self.all.systems[side].records.get(id));
        if let [Some(crm), Some(finance)] = records
            && crm.alive
            && finance.alive
            && crm.person == finance.person
        {
            self.found
                .push(format!("{c} and {f} are there, and their link is closed"));
        }
    }

    fn half(&mut self, link: &link::Model, waits: bool) {
        let dead = |side: Side, id: &Option<String>| {
            let records = &self.all.systems[side as usize].records;
            let record = id.as_ref().and_then(|id| records.get(id));
            record.is_some_and(|record| !record.alive)
        };
        let crm = link
            .crm_id
            .as_ref()
            .and_then(|id| self.all.systems[0].records.get(id));
        // Of a doubt about one whom nobody serves any more nothing is left to be done.
        if crm.is_some_and(|record| !self.is_served(record)) {
            return;
        }
        let deleted = dead(Side::Crm, &link.crm_id) || dead(Side::Finance, &link.finance_id);
        if !waits && !deleted {
            let (id, crm, finance) = (link.id.as_u128(), &link.crm_id, &link.finance_id);
            self.found
                .push(format!("link {id} ({crm:?}, {finance:?}) stays half"));
        }
    }

    /// Number and code name each other.
    fn references(&mut self, (c, crm): (&str, &Record), (f, finance): (&str, &Record)) {
        let of = |record: &Record, field| record.values.get(&field).cloned().unwrap_or_default();
        let number = |record| of(record, Field::CustomerNumber);
        if number(crm) != number(finance) {
            let (there, here) = (number(finance), number(crm));
            self.found
                .push(format!("{f} has the number {there:?}, {c} {here:?}"));
        }
        let code = of(crm, Field::FinanceCode);
        if code != code_of(f) {
            self.found.push(format!("{c} has no refId {f}: {code:?}"));
        }
    }

    /// Only finance refuses: what was typed there has reached the CRM all the same, where no one has typed anything else, or
    /// a row says that it is held.
    fn news_of_finance(&mut self, link: Uuid, c: &str, f: &str) {
        let all = self.all;
        let (Some(crm), Some(finance)) = (all.systems[0].records.get(c), all.systems[1].records.get(f))
        else {
            return;
        };
        if !crm.alive || !finance.alive || !self.is_one(c, f) || (crm.ours && finance.ours) {
            return;
        }
        for field in FIELDS {
            let of = |side, id: &str| {
                let mut edits = all.edits.0.iter();
                edits.rfind(|e| {
                    e.field == Some(field) && e.side == side && e.record == id && e.person == crm.person
                })
            };
            let (None, Some(last)) = (of(Side::Crm, c), of(Side::Finance, f)) else {
                continue;
            };
            let held = crm.values.get(&field).map_or("", String::as_str);
            let told = self.losses.iter().any(|loss| loss.is_of(link, last));
            if !last.exempt && !told && !all.systems[1].manner.agree(field, held, &last.value) {
                self.found.push(format!(
                    "{field}: {f} was told {:?}, {c} holds {held:?}, as finance refuses something else",
                    last.value
                ));
            }
        }
    }

    fn everyone_was_met(&mut self, links: &[link::Model]) {
        for system in &self.all.systems {
            for (id, record) in system.alive() {
                let known = links.iter().any(|m| match system.side {
                    Side::Crm => m.crm_id.as_ref() == Some(id),
                    Side::Finance => m.finance_id.as_ref() == Some(id),
                });
                let served = system.side == Side::Finance || self.is_served(record);
                if !known && served && !self.odd.is_nobody(record.person) {
                    self.found
                        .push(format!("{} {id} was never looked at", system.side));
                }
            }
        }
    }

    /// Whether a company that is served has that customer of the CRM.
    fn is_served(&self, record: &Record) -> bool {
        record
            .home()
            .is_some_and(|company| served(self.odd).serve(company))
    }

    fn nobody_holds_anothers_data(&mut self) {
        for system in &self.all.systems {
            for (id, _) in system.alive() {
                self.found.extend(strangers(self.all, system.side, id));
            }
        }
    }

    /// What the engine does not map is as the users left it.
    fn unmapped_survives(&mut self) {
        for system in &self.all.systems {
            for (id, record) in system.alive() {
                let edits = self.all.edits.0.iter();
                let of_it = |e: &&Edit| e.side == system.side && e.record == *id && e.person == record.person;
                let edits = edits.filter(|e| e.field.is_none()).filter(of_it);
                let last = edits.clone().next_back();
                let holds = match last {
                    None => record.extra.is_empty(),
                    Some(last) if !last.exempt => record.extra == last.value,
                    // Overwritten between a read and its save, perhaps with others before it.
                    Some(_) => record.extra.is_empty() || edits.clone().any(|e| e.value == record.extra),
                };
                if !holds {
                    self.found.push(format!(
                        "{} {id}: unmapped {:?} became {:?}",
                        system.side,
                        last.map(|e| &e.value),
                        record.extra
                    ));
                }
            }
        }
    }
}
