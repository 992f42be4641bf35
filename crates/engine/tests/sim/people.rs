//! The users of both systems: they type, and everything that they type is written down. This log is the oracle.

use domain::customer::{Field, Values};
use domain::ports::Side;
use domain::text::same;

use crate::companies::owner_of;
use crate::deeds;
use crate::documents;
use crate::manner::Manner;
use crate::odd::kind_of;
use crate::sched::{Sim, Time};
use crate::sent::Sent;
use crate::systems::{FIELDS, Record};
use crate::typing::{next_value, typed};
use crate::world::{All, Shared, tell_of};

/// One value that a user typed into one field of one record. `field` `None`: one that the engine does not map.
#[derive(Debug, Clone)]
pub struct Edit {
    pub at: Time,
    pub side: Side,
    pub record: String,
    pub person: u32,
    pub field: Option<Field>,
    /// As the system holds it.
    pub value: String,
    /// What was there, and since when.
    pub before: String,
    pub before_since: Time,
    /// Typed between the last read and the landing of a save, which overwrote it.
    pub exempt: bool,
}

/// All that was ever typed, in order.
#[derive(Debug, Default)]
pub struct Edits(pub Vec<Edit>);

impl Edits {
    /// What was typed into that field of that person's records.
    pub fn of(&self, person: u32, field: Field) -> impl DoubleEndedIterator<Item = &Edit> {
        let edits = self.0.iter();
        edits.filter(move |e| e.person == person && e.field == Some(field))
    }

    /// A save that was read at that time overwrites this edit, if it came later; where it only spelled another one anew, that
    /// one as well. Says how many.
    pub fn overwrite_since(&mut self, edit: usize, read_at: Time) -> usize {
        let (mut last, mut overwritten) = (Some(edit), 0);
        while let Some(edit) = last.filter(|edit| self.0[*edit].at >= read_at) {
            self.0[edit].exempt = true;
            overwritten += 1;
            let Edit { side, field, .. } = self.0[edit];
            let spelled_anew =
                field.is_some_and(|field| same(field, &self.0[edit].before, &self.0[edit].value));
            let record = self.0[edit].record.clone();
            let mut before = self.0[..edit].iter();
            let before = before.rposition(|e| e.side == side && e.record == record && e.field == field);
            last = before.filter(|_| spelled_anew);
        }
        overwritten
    }

    /// Of what was typed into finance for that person nothing is left: its contact was overwritten whole.
    pub fn overwrite(&mut self, person: u32) {
        let its = |e: &&mut Edit| e.person == person && e.side == Side::Finance;
        self.0.iter_mut().filter(its).for_each(|e| e.exempt = true);
    }
}

/// What user number `n` of the world does next.
pub fn act(world: &Shared) {
    if world.writes_documents && world.sim.odds(300) {
        return documents::act(world);
    }
    match world.sim.below(100) {
        0..25 => new_person(world),
        25..32 => twin(world),
        32..35 if world.deletes => delete(world),
        35..47 if deeds::act(world) => {}
        _ => edit(world),
    }
}

fn new_person(world: &Shared) {
    let person = {
        let mut all = world.lock();
        all.persons += 1;
        all.persons
    };
    let sim = &world.sim;
    let side = if sim.odds(600) { Side::Crm } else { Side::Finance };
    type_record(world, side, person);
    // Sometimes the same customer is there in both systems already.
    if sim.odds(250) {
        type_record(world, side.other(), person);
    }
}

/// Someone types a customer that exists already, on either side.
fn twin(world: &Shared) {
    let persons = world.lock().persons;
    if persons == 0 {
        return new_person(world);
    }
    let person = u32::try_from(world.sim.below(u64::from(persons))).unwrap() + 1;
    let side = if world.sim.odds(500) {
        Side::Crm
    } else {
        Side::Finance
    };
    type_record(world, side, person);
}

/// What stands in a new record of that person.
pub fn new_values(world: &Shared, person: u32) -> Values {
    let mut values = Values::new();
    for field in FIELDS {
        let there = match field {
            Field::Name => 1000,
            Field::NationalId => 600,
            Field::Mobile => 700,
            _ => 400,
        };
        if world.sim.odds(there) {
            values.insert(field, typed(world, person, field));
        }
    }
    values
}

pub fn type_record(world: &Shared, side: Side, person: u32) {
    // Who belongs to nobody's company stands in the CRM only.
    let side = if world.is_unserved(person) {
        Side::Crm
    } else {
        side
    };
    let company = world.home(person);
    let (sim, mut values) = (&world.sim, new_values(world, person));
    let now = sim.time();
    let mut guard = world.lock();
    let all = &mut *guard;
    let system = &mut all.systems[side as usize];
    if system.refuses(company, None, &values) {
        values.remove(&Field::Mobile);
    }
    let id = system.insert(company, (person, kind_of(person)), &values, false, now);
    sim.tell(|| format!("user   creates {side} {id} {:?}", system.records[&id].values));
    write_down(all, side, &id);
    drop(guard);
    tell_of(world, side, &id);
}

/// All that stands in a record was typed just now.
pub fn write_down(all: &mut All, side: Side, id: &str) {
    let record = all.systems[side as usize].records.get_mut(id).unwrap();
    let (person, now) = (record.person, record.born);
    for field in FIELDS {
        let Some(value) = record.values.get(&field) else {
            continue;
        };
        record.standing.insert(field, all.edits.0.len());
        all.edits.0.push(Edit {
            at: now,
            side,
            record: id.to_owned(),
            person,
            field: Some(field),
            value: value.clone(),
            before: String::new(),
            before_since: now,
            exempt: false,
        });
    }
}

fn edit(world: &Shared) {
    let Some((side, id)) = any_record(world) else {
        return new_person(world);
    };
    let field = world.sim.pick(&FIELDS).copied().filter(|_| world.sim.odds(930));
    let person = world.lock().systems[side as usize].records[&id].person;
    let Some(value) = next_value(world, person, field) else {
        return;
    };
    if enter(&world.sim, &mut world.lock(), (side, &id), field, &value) {
        tell_of(world, side, &id);
    }
}

/// Types it in, and whether that made the record another: its system may refuse the value, or hold it already.
pub fn enter(sim: &Sim, all: &mut All, (side, id): (Side, &str), field: Option<Field>, value: &str) -> bool {
    let now = sim.time();
    let system = &mut all.systems[side as usize];
    let value = field.map_or(value.to_owned(), |field| system.held(field, value));
    let one: Values = field.map(|field| (field, value.clone())).into_iter().collect();
    if !value.is_empty() && system.refuses(owner_of(id), Some(id), &one) {
        return false;
    }
    let manner = system.manner;
    let record = system.records.get_mut(id).unwrap();
    let is_like = |field| is_like_a_save(&mut all.sent, (side, id), manner, field, &value);
    let retyped = field.is_some_and(is_like);
    all.retyped += u64::from(retyped);
    let Some((before, before_since)) = replace(record, field, &value, all.edits.0.len(), now) else {
        return false;
    };
    sim.tell(|| format!("user   edits {side} {id} {field:?}: {before:?} -> {value:?}"));
    all.edits.0.push(Edit {
        at: now,
        side,
        record: id.to_owned(),
        person: record.person,
        field,
        value,
        before,
        before_since,
        exempt: retyped,
    });
    true
}

/// Puts edit number `number` into the record; what stood there and since when, if that was another value.
fn replace(
    record: &mut Record,
    field: Option<Field>,
    value: &str,
    number: usize,
    now: Time,
) -> Option<(String, Time)> {
    let Some(field) = field else {
        record.modified = now;
        record.extra_edit = Some(number);
        return Some((std::mem::replace(&mut record.extra, value.to_owned()), 0));
    };
    let before = record.values.get(&field).cloned().unwrap_or_default();
    if before == value {
        return None;
    }
    record.modified = now;
    let since = record.since.insert(field, now).unwrap_or(0);
    record.standing.insert(field, number);
    if value.is_empty() {
        record.values.remove(&field);
    } else {
        record.values.insert(field, value.to_owned());
    }
    Some((before, since))
}

/// Whether that is what a save which is still out leaves behind, or would if it never landed: nothing tells such an edit
/// from it.
fn is_like_a_save(
    sent: &mut [Sent],
    (side, id): (Side, &str),
    manner: Manner,
    field: Field,
    value: &str,
) -> bool {
    let mut like = false;
    for sent in sent
        .iter_mut()
        .filter(|sent| sent.side == side && sent.record == id)
    {
        like |= sent.is_like(manner, field, value);
        sent.masked |= sent.sends(manner, field, value);
    }
    like
}

fn delete(world: &Shared) {
    let Some((side, id)) = any_record(world) else {
        return;
    };
    {
        let mut all = world.lock();
        let record = all.systems[side as usize].records.get_mut(&id).unwrap();
        record.alive = false;
        record.died = Some(world.sim.time());
    }
    world.sim.tell(|| format!("user   deletes {side} {id}"));
    tell_of(world, side, &id);
}

pub fn any_record(world: &Shared) -> Option<(Side, String)> {
    let all = world.lock();
    let mut ids = Vec::new();
    for system in &all.systems {
        ids.extend(system.alive().map(|(id, _)| (system.side, id.clone())));
    }
    world.sim.pick(&ids).cloned()
}
