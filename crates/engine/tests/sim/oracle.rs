//! What must hold once the dust has settled. Judged by the log of what users typed and by the audit rows, never by
//! the merge.

use std::collections::BTreeSet;

use domain::change::Reason;
use domain::customer::Field;
use domain::merge::{ConflictStrategy, Policy};
use domain::ports::Side;
use domain::store::entities::{link, log};
use domain::store::{Change, EntityType, LinkState, Status};
use domain::text::{normal, same};
use uuid::Uuid;

use crate::papers;
use crate::people::Edit;
use crate::sched::{SECOND, Time, time_of};
use crate::systems::{FIELDS, Record, agree};
use crate::world::{All, Shared};

/// So long after a value has landed, an edit over it is no competitor of it any more.
const SEEN_AFTER: u64 = 300 * SECOND;

struct View<'a> {
    all: &'a All,
    rows: Vec<log::Model>,
    losses: Vec<Loss>,
    /// Closed links whose survivor has gone to another.
    left: BTreeSet<Uuid>,
    policy: Policy,
    found: Vec<String>,
}

/// A value that an audit row says has lost, or is held.
struct Loss {
    link: Option<Uuid>,
    field: Field,
    side: Side,
    /// In normal form.
    value: String,
    told: Time,
    /// The row speaks of no conflict: that was settled by an earlier run, whose write was not answered, or there was none.
    as_no_conflict: bool,
}

/// The values that a change takes from a side.
fn losers(change: &Change) -> &'static [Side] {
    use Reason as R;
    let told = match change.reason {
        R::OnlyThisChanged | R::TakenBack => true,
        R::LaterWins | R::Tie | R::Priority | R::SettledByHand | R::ConfirmedLater => true,
        R::HeldForHuman | R::Oscillates | R::Altered => true,
        // At a first meeting nothing tells a field that was emptied from one that was never filled.
        R::OtherIsEmpty => true,
        R::DeletedInCrm | R::OneWay => false,
    };
    match change.winner {
        _ if !told => &[],
        Some(Side::Crm) => &[Side::Finance],
        Some(Side::Finance) => &[Side::Crm],
        None => &[Side::Crm, Side::Finance],
    }
}

fn losses(row: &log::Model) -> Vec<Loss> {
    let told = row.completed_at.map_or(0, time_of);
    let mut losses = Vec::new();
    for change in changes(row) {
        for &side in losers(&change) {
            let value = match side {
                Side::Crm => &change.crm,
                Side::Finance => &change.finance,
            };
            losses.push(Loss {
                link: row.entity_mapping_id,
                field: change.field,
                side,
                value: normal(change.field, value),
                told,
                as_no_conflict: matches!(change.reason, Reason::OnlyThisChanged | Reason::TakenBack),
            });
        }
    }
    losses
}

/// Everything that does not hold.
pub fn check(world: &Shared, retried: bool) -> Vec<String> {
    let rows = world.store.rows();
    let losses = rows.iter().flat_map(losses).collect();
    let all = world.lock();
    let mut view = View {
        all: &all,
        rows,
        losses,
        left: BTreeSet::new(),
        policy: world.config.policy,
        found: all.violations.clone(),
    };
    let stuck = papers::stuck(&all, &view.rows);
    view.rows_are_final(retried, &stuck);
    if world
        .store
        .retries()
        .iter()
        .any(|retry| !stuck.contains(&retry.sync_log_id))
    {
        view.found.push("retry entries are left".into());
    }
    let links = world.store.links();
    let left =
        |m: &&link::Model| m.state == LinkState::Closed && (m.crm_id.is_none() || m.finance_id.is_none());
    view.left = links.iter().filter(left).map(|m| m.id).collect();
    for link in links.iter().filter(|m| m.entity_type == EntityType::Customer) {
        view.link(link);
    }
    view.everyone_was_met(&links);
    view.unmapped_survives();
    view.found.extend(papers::check(&all, &view.rows));
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
        rows: world.store.rows(),
        losses: Vec::new(),
        left: BTreeSet::new(),
        policy: world.config.policy,
        found: Vec::new(),
        all: &all,
    };
    let oscillates = |row: &log::Model| {
        changes(row)
            .iter()
            .any(|change| change.reason == Reason::Oscillates)
    };
    let mut tried = BTreeSet::new();
    for link in world.store.links() {
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

fn changes(row: &log::Model) -> Vec<Change> {
    let json = row.changes.clone();
    json.and_then(|json| serde_json::from_value(json).ok())
        .unwrap_or_default()
}

/// Whether the value that both sides hold may stand though it is neither side's last word: a last edit was exempt, and
/// it is that, or what had been typed, or was there, before it.
fn may_stand(field: Field, crm: &str, finance: &str, on_crm: &[&Edit], on_finance: &[&Edit]) -> bool {
    let here = |value: &str| agree(field, crm, value) || agree(field, value, finance);
    let exempt = [on_crm.last(), on_finance.last()].into_iter().flatten();
    let Some(until) = exempt.filter(|e| e.exempt).map(|e| e.at).max() else {
        return false;
    };
    let mut earlier = on_crm.iter().chain(on_finance).filter(|e| e.at <= until);
    earlier.any(|e| here(&e.value) || here(&e.before))
}

impl View<'_> {
    fn allowed_saves(&self) -> u64 {
        let records: usize = self.all.systems.iter().map(|s| s.records.len()).sum();
        // Of 3,000 histories the busiest needed three quarters of this.
        5 + (3 * (self.all.edits.0.len() + records) as u64 + 2 * self.all.breaks) / 4
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
                && !matches!(row.error_class.as_deref(), Some("refused" | "invalid"))
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
            let id = link.id.as_u128();
            self.found.push(format!(
                "link {id} is {:?}, its conflict row: {:?}",
                link.state,
                conflict.map(|c| c.id)
            ));
            return;
        }
        let failed = self.last(link.id).is_some_and(|row| row.status == Status::Failed);
        let (Some(c), Some(f)) = (&link.crm_id, &link.finance_id) else {
            let dead = |side: Side, id: &Option<String>| {
                let record = id
                    .as_ref()
                    .and_then(|id| self.all.systems[side as usize].records.get(id));
                record.is_some_and(|record| !record.alive)
            };
            let deleted = dead(Side::Crm, &link.crm_id) || dead(Side::Finance, &link.finance_id);
            if !failed && conflict.is_none() && !deleted {
                let id = link.id.as_u128();
                self.found.push(format!(
                    "link {id} ({:?}, {:?}) stays half",
                    link.crm_id, link.finance_id
                ));
            }
            return;
        };
        let held: Vec<Field> = conflict
            .map(|row| {
                let held = changes(row).into_iter().filter(|change| change.winner.is_none());
                held.map(|change| change.field).collect()
            })
            .unwrap_or_default();
        if link.state == LinkState::Closed || (conflict.is_some() && held.is_empty()) {
            return;
        }
        if failed {
            self.news_of_finance(c, f);
            return;
        }
        let all = self.all;
        let (Some(crm), Some(finance)) = (all.systems[0].records.get(c), all.systems[1].records.get(f))
        else {
            self.found.push(format!("{c} or {f} never existed"));
            return;
        };
        if !crm.alive || !finance.alive {
            return;
        }
        if crm.person != finance.person {
            self.found
                .push(format!("{c} and {f} are strangers and were linked"));
            return;
        }
        if crm.ours && finance.ours {
            // The second record of a customer whom nothing tells apart (counted where it was made).
            return;
        }
        let met = self.first_met(link.id);
        for field in FIELDS.into_iter().filter(|field| !held.contains(field)) {
            self.field(link.id, field, (c, crm), (f, finance), met);
        }
        let number = |record: &Record| {
            record
                .values
                .get(&Field::CustomerNumber)
                .cloned()
                .unwrap_or_default()
        };
        if number(crm) != number(finance) {
            self.found.push(format!(
                "{f} has the number {:?}, {c} {:?}",
                number(finance),
                number(crm)
            ));
        }
        if crm.values.get(&Field::FinanceCode) != Some(f) {
            self.found.push(format!(
                "{c} has no refId {f}: {:?}",
                crm.values.get(&Field::FinanceCode)
            ));
        }
    }

    /// Only finance refuses: what was typed there has reached the CRM all the same, where no one has typed anything else.
    fn news_of_finance(&mut self, c: &str, f: &str) {
        let all = self.all;
        let (Some(crm), Some(finance)) = (all.systems[0].records.get(c), all.systems[1].records.get(f))
        else {
            return;
        };
        if !crm.alive || !finance.alive || (crm.ours && finance.ours) {
            return;
        }
        for field in FIELDS {
            let of = |side, id: &str| {
                let mut edits = all.edits.0.iter();
                edits.rfind(|e| e.field == Some(field) && e.side == side && e.record == id)
            };
            let (None, Some(last)) = (of(Side::Crm, c), of(Side::Finance, f)) else {
                continue;
            };
            let held = crm.values.get(&field).map_or("", String::as_str);
            if !last.exempt && !agree(field, held, &last.value) {
                self.found.push(format!(
                    "{field}: {f} was told {:?}, {c} holds {held:?}, as finance refuses something else",
                    last.value
                ));
            }
        }
    }

    fn field(
        &mut self,
        link: Uuid,
        field: Field,
        (c, crm): (&str, &Record),
        (f, finance): (&str, &Record),
        met: Time,
    ) {
        let value = |record: &Record| record.values.get(&field).cloned().unwrap_or_default();
        let (in_crm, in_finance) = (value(crm), value(finance));
        if !agree(field, &in_crm, &in_finance) {
            self.found
                .push(format!("{field}: {c} holds {in_crm:?}, {f} {in_finance:?}"));
            return;
        }
        let edits = self.all.edits.0.iter().filter(|e| e.field == Some(field));
        let of = |side, id: &str| -> Vec<&Edit> {
            edits
                .clone()
                .filter(|e| e.side == side && e.record == id)
                .collect()
        };
        let (on_crm, on_finance) = (of(Side::Crm, c), of(Side::Finance, f));
        let is = |edit: &Edit| match edit.side {
            Side::Crm => agree(field, &edit.value, &in_finance),
            Side::Finance => agree(field, &in_crm, &edit.value),
        };
        // Where the last edit was overwritten between a read and its save, what that side says is nobody's word.
        let last = |edits: &[&Edit]| edits.last().filter(|e| !e.exempt).map(|e| (*e).clone());
        let (last_crm, last_finance) = (last(&on_crm), last(&on_finance));
        let winner = [&last_crm, &last_finance].into_iter().flatten().find(|e| is(e));
        // As it was created, from what was typed into a record that is another's counterpart by now.
        let as_born = |record: &Record| record.ours && record.since.get(&field) == Some(&record.born);
        let untouched = on_crm.is_empty()
            && on_finance.is_empty()
            && (in_crm.is_empty() || as_born(crm) || as_born(finance));
        // A survivor holds what its first counterpart was told, and that one is gone.
        let forebear = |e: &Edit| {
            let record = self.all.systems[e.side as usize].records.get(&e.record);
            record.is_some_and(|record| !record.alive && record.person == crm.person)
        };
        let inherited = edits.clone().any(|e| forebear(e) && is(e));
        if winner.is_none()
            && !untouched
            && !inherited
            && !may_stand(field, &in_crm, &in_finance, &on_crm, &on_finance)
        {
            self.found.push(format!(
                "{field} of {c}/{f} is {in_crm:?}; last typed: {:?} and {:?}",
                last_crm.as_ref().map(|e| &e.value),
                last_finance.as_ref().map(|e| &e.value)
            ));
            return;
        }
        let Some(winner) = winner else { return };
        let (others, loser) = match winner.side {
            Side::Crm => (&on_crm, &last_finance),
            Side::Finance => (&on_finance, &last_crm),
        };
        let Some(loser) = loser.as_ref().filter(|e| !is(e)) else {
            return;
        };
        let same = |a: &str, b: &str| agree(field, a, b) || agree(field, b, a);
        let typed_again = on_crm
            .iter()
            .chain(&on_finance)
            .any(|e| e.side == loser.side && e.at > loser.at);
        let superseded = typed_again
            || others
                .iter()
                .any(|e| e.at > loser.at && same(&e.before, &loser.value))
            // By its first counterpart, which is gone.
            || edits
                .clone()
                .any(|e| forebear(e) && e.side == winner.side && e.at > loser.at);
        // The two sides are not read at one instant: who types here what stood there until just before agrees with that
        // (history 41490).
        let agreed = same(&winner.before, &loser.value);
        let may_win = agreed || self.may_win(field, winner, loser) || same(&loser.before, &loser.value);
        let kept = self.losses.iter().any(|loss| {
            let of_it = |theirs| theirs == link || self.left.contains(&theirs);
            loss.link.is_some_and(of_it)
                && (loss.field, loss.side) == (field, loser.side)
                && loss.value == normal(field, &loser.value)
                && loss.told >= loser.at
                && (may_win
                    || !loss.as_no_conflict
                    || self.undone(field, loser, false)
                    || self.was_found(link))
        });
        if !superseded && !kept && !self.undone(field, loser, true) {
            self.found.push(format!(
                "{field} of {c}/{f}: {:?} lost to {:?} without a word",
                loser.value, winner.value
            ));
        }
        // Typed over the winner, long after that had arrived: no competitor, but the later edit.
        if loser.at > winner.at
            && loser.at > met
            && same(&loser.before, &winner.value)
            && loser.before_since > winner.at
            && loser.at > loser.before_since + SEEN_AFTER
        {
            self.found.push(format!(
                "{field} of {c}/{f}: {:?} was taken back to {:?}",
                loser.value, winner.value
            ));
        }
    }

    /// Whether that edit may win over the other where the audit row speaks of no conflict: by policy, and not when the other
    /// had been carried over already; or it was typed while the other was on its way there.
    fn may_win(&self, field: Field, winner: &Edit, loser: &Edit) -> bool {
        // Times are the whole object's on both sides: whatever is typed into it makes all of it the later one.
        let mut edits = self.all.edits.0.iter();
        let later = edits.any(|e| e.side == winner.side && e.record == winner.record && e.at >= loser.at);
        let same = |a: &str, b: &str| agree(field, a, b) || agree(field, b, a);
        let carried = |answered: bool| {
            self.all.sent.iter().any(|sent| {
                let there = sent.side == winner.side && sent.record == winner.record;
                let value = sent.values.get(&field);
                there
                    && sent.at >= loser.at
                    && (sent.answered || !answered)
                    && value.is_some_and(|value| same(value, &loser.value))
            })
        };
        let by_policy = match self.policy.strategy {
            // Finance tells no time: between two looks it can't be said which was the later.
            ConflictStrategy::LastWriteWins => later || winner.side == self.policy.tie_breaker,
            ConflictStrategy::CrmPriority => winner.side == Side::Crm,
            ConflictStrategy::FinancePriority => winner.side == Side::Finance,
            ConflictStrategy::Manual => false,
        };
        (by_policy && (later || !carried(true))) || (later && carried(false))
    }

    /// Whether a human typed the record while a create of ours was out: what differs in it counts as typed since.
    fn was_found(&self, link: Uuid) -> bool {
        let mut rows = self.rows.iter().filter(|row| row.entity_mapping_id == Some(link));
        rows.any(|row| {
            row.error_message
                .as_deref()
                .is_some_and(|why| why.contains("created by an earlier try"))
        })
    }

    /// Whether it took back what the same users had typed just before. `uncarried`: of which nothing was carried over, so that
    /// no one can know of it. Otherwise a row must tell of it, though not as a conflict: that was taken back.
    fn undone(&self, field: Field, edit: &Edit, uncarried: bool) -> bool {
        let edits = self.all.edits.0.iter();
        let mut before =
            edits.filter(|e| e.field == Some(field) && e.side == edit.side && e.record == edit.record);
        let mut next = edit;
        while let Some(earlier) = before.rfind(|e| e.at < next.at) {
            let carried = self.all.sent.iter().any(|sent| {
                let value = sent.values.get(&field);
                // What arrived after it had been taken back is put right again (history 68221).
                sent.landed.is_some_and(|at| at <= edit.at)
                    && sent.side != edit.side
                    && sent.at >= earlier.at
                    && value.is_some_and(|value| same(field, value, &earlier.value))
            });
            if (carried && uncarried) || earlier.value != next.before {
                return false;
            }
            if same(field, &earlier.before, &edit.value) {
                return true;
            }
            next = earlier;
        }
        false
    }

    /// When a run first ended with the two in step: until then no one knows which of two values is the later edit, and
    /// the policy of a first meeting decides.
    fn first_met(&self, link: Uuid) -> Time {
        let rows = self.rows.iter().filter(|row| row.entity_mapping_id == Some(link));
        let ended = rows
            .filter(|row| row.status == Status::Success)
            .filter_map(|row| row.completed_at);
        ended.min().map_or(0, time_of)
    }

    fn everyone_was_met(&mut self, links: &[link::Model]) {
        for system in &self.all.systems {
            for (id, _) in system.alive() {
                let known = links.iter().any(|m| match system.side {
                    Side::Crm => m.crm_id.as_ref() == Some(id),
                    Side::Finance => m.finance_id.as_ref() == Some(id),
                });
                if !known {
                    self.found
                        .push(format!("{} {id} was never looked at", system.side));
                }
            }
        }
    }

    /// What the engine does not map is as the users left it.
    fn unmapped_survives(&mut self) {
        for system in &self.all.systems {
            for (id, record) in system.alive() {
                let edits = self.all.edits.0.iter();
                let edits = edits.filter(|e| e.field.is_none() && e.side == system.side && e.record == *id);
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
