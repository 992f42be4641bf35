//! The users of both systems: they type, and everything that they type is written down. This log is the oracle.

use domain::customer::{Field, Kind, Values};
use domain::ports::Side;

use crate::documents;
use crate::sched::{Sim, Time};
use crate::systems::{FIELDS, Record, Sent, held};
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

/// What user number `n` of the world does next.
pub fn act(world: &Shared) {
    if world.writes_documents && world.sim.odds(300) {
        return documents::act(world);
    }
    match world.sim.below(100) {
        0..25 => new_person(world),
        25..32 => twin(world),
        32..35 if world.deletes => delete(world),
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

fn type_record(world: &Shared, side: Side, person: u32) {
    let sim = &world.sim;
    let mut values = Values::new();
    for field in FIELDS {
        let there = match field {
            Field::Name => 1000,
            Field::NationalId => 600,
            Field::Mobile => 700,
            _ => 400,
        };
        if sim.odds(there) {
            values.insert(field, typed(world, person, field));
        }
    }
    let now = sim.time();
    let kind = if person.is_multiple_of(5) {
        Kind::Organization
    } else {
        Kind::Person
    };
    let mut guard = world.lock();
    let all = &mut *guard;
    let system = &mut all.systems[side as usize];
    if system.refuses(None, &values) {
        return;
    }
    let id = system.insert(person, kind, &values, false, now);
    let record = system.records.get_mut(&id).unwrap();
    sim.tell(|| format!("user   creates {side} {id} {:?}", record.values));
    for field in FIELDS {
        let Some(value) = record.values.get(&field) else {
            continue;
        };
        record.standing.insert(field, all.edits.0.len());
        all.edits.0.push(Edit {
            at: now,
            side,
            record: id.clone(),
            person,
            field: Some(field),
            value: value.clone(),
            before: String::new(),
            before_since: now,
            exempt: false,
        });
    }
    drop(guard);
    tell_of(world, side, &id);
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

/// What a user types into that field next; hardly ever another national id.
fn next_value(world: &Shared, person: u32, field: Option<Field>) -> Option<String> {
    let sim = &world.sim;
    Some(match field {
        Some(Field::NationalId) if sim.odds(700) => return None,
        Some(field) if field != Field::Name && sim.odds(120) => String::new(),
        Some(field) if sim.odds(80) => earlier(world, person, field),
        Some(field) => typed(world, person, field),
        None => format!("extra {}", sim.below(1_000_000)),
    })
}

/// Types it in, and whether that made the record another: its system may refuse the value, or hold it already.
fn enter(sim: &Sim, all: &mut All, (side, id): (Side, &str), field: Option<Field>, value: &str) -> bool {
    let now = sim.time();
    let system = &mut all.systems[side as usize];
    let value = field.map_or(value.to_owned(), |field| held(side, field, value));
    let one: Values = field.map(|field| (field, value.clone())).into_iter().collect();
    if !value.is_empty() && system.refuses(Some(id), &one) {
        return false;
    }
    let record = system.records.get_mut(id).unwrap();
    let retyped = field.is_some_and(|field| is_like_a_save(&mut all.sent, side, id, field, &value));
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
fn is_like_a_save(sent: &mut [Sent], side: Side, id: &str, field: Field, value: &str) -> bool {
    let mut like = false;
    for sent in sent
        .iter_mut()
        .filter(|sent| sent.side == side && sent.record == id)
    {
        like |= sent.is_like(field, value);
        sent.masked |= sent.sends(field, value);
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

fn any_record(world: &Shared) -> Option<(Side, String)> {
    let all = world.lock();
    let mut ids = Vec::new();
    for system in &all.systems {
        ids.extend(system.alive().map(|(id, _)| (system.side, id.clone())));
    }
    world.sim.pick(&ids).cloned()
}

/// A value that this field of this customer has had before, on either side.
fn earlier(world: &Shared, person: u32, field: Field) -> String {
    let all = world.lock();
    let typed = all
        .edits
        .0
        .iter()
        .filter(|e| e.person == person && e.field == Some(field));
    let values: Vec<_> = typed.map(|e| e.value.clone()).filter(|v| !v.is_empty()).collect();
    drop(all);
    match world.sim.pick(&values) {
        Some(value) => value.clone(),
        None => self::typed(world, person, field),
    }
}

/// A value that nobody has typed before, except that phones are shared and a national id is a person's own. It says
/// whose it is.
fn typed(world: &Shared, person: u32, field: Field) -> String {
    let sim = &world.sim;
    let n = {
        let mut all = world.lock();
        all.typed += 1;
        all.typed
    };
    let own = format!("p{person}v{n}");
    match field {
        Field::Name => {
            let tails = [
                "",
                " علي",
                " علی کریمی",
                " a|b",
                " سطر\nدو",
                " شرکت بازرگانی و پسران",
            ];
            format!("پ{person} ب{person}{}{}", marks(n), sim.pick(&tails).unwrap())
        }
        Field::Mobile => {
            let number = if sim.odds(200) {
                900_000 + sim.below(2)
            } else {
                u64::from(person) * 1000 + n
            };
            let written = ["0912", "+98912", "98912", "۰۹۱۲"];
            format!("{}{number:07}", sim.pick(&written).unwrap())
        }
        Field::Email => format!("{own}@example.ir"),
        Field::NationalId if sim.odds(900) => national_id(u64::from(person) * 276_444_437),
        Field::NationalId => national_id(u64::from(person) * 276_444_437 + n * 104_729),
        _ => {
            let tails = [
                "",
                "\nتهران",
                " | کوچه ی یک",
                " ۱۲",
                " و نیز چیزهای بسیار دیگری که در مالی جا نمی شود",
            ];
            format!("{own}{}", sim.pick(&tails).unwrap())
        }
    }
}

/// A number as marks that stand on letters: two names that differ in them only are two values that were typed, and one
/// name to whoever matches them.
fn marks(n: u64) -> String {
    let marks: Vec<char> = ('\u{6d6}'..='\u{6dc}').collect();
    let (mut rest, mut out) = (n, String::new());
    while rest > 0 {
        out.push(marks[usize::try_from(rest % 7).unwrap()]);
        rest /= 7;
    }
    out
}

/// A national id with a right check digit.
fn national_id(n: u64) -> String {
    let digits = format!("{:09}", n % 1_000_000_000);
    let sum: u32 = digits
        .chars()
        .zip((2..=10).rev())
        .map(|(c, weight)| c.to_digit(10).unwrap() * weight)
        .sum();
    let check = if sum % 11 < 2 { sum % 11 } else { 11 - sum % 11 };
    format!("{digits}{check}")
}

/// Whose record a name says it is.
pub fn person_of(name: &str) -> Option<u32> {
    name.strip_prefix('پ')?.split(' ').next()?.parse().ok()
}
