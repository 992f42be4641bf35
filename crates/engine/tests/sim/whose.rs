//! Whose data stands in a record? Judged by the log of what was typed and by who each record is, never by anything that
//! the engine decides, or says.

use domain::customer::{Field, Values};
use domain::fields::Flow;
use domain::ports::Side;

use crate::companies::{FIRST, key_of, second};
use crate::systems::{FIELDS, Record};
use crate::world::All;

/// What a record holds, and whose it is: another person's, or no one's. A value is its own that a user has typed into it, or
/// into another record of the same person; or a form of that in which finance writes it.
pub fn strangers(all: &All, side: Side, id: &str) -> Vec<String> {
    let Some(record) = all.systems[side as usize].records.get(id) else {
        return Vec::new();
    };
    let person = record.person;
    let value = |field| record.values.get(&field).map_or("", String::as_str);
    let mut found: Vec<String> = FIELDS
        .into_iter()
        .filter(|field| !value(*field).is_empty() && !is_typed(all, person, *field, value(*field)))
        .map(|field| {
            let value = value(field);
            let whose = match whose(all, field, value) {
                Some(other) => format!("p{other}'s"),
                None => "no one's".to_owned(),
            };
            format!("{side} {id} of p{person} holds another's data: its {field} is {whose} {value:?}")
        })
        .collect();
    let (code, number) = (value(Field::FinanceCode), value(Field::CustomerNumber));
    if side == Side::Crm
        && !code.is_empty()
        && ![FIRST, second()]
            .iter()
            .any(|of| all.systems[1].was(&key_of(*of, code), person))
    {
        found.push(format!(
            "{side} {id} of p{person} holds another's data: its refId is {code}"
        ));
    }
    let is_numbered = |(_, other): (&String, &Record)| {
        other.person == person && other.numbers.iter().any(|(_, own)| own == number)
    };
    if side == Side::Finance && !number.is_empty() && !all.systems[0].records.iter().any(is_numbered) {
        found.push(format!(
            "{side} {id} of p{person} holds another's data: its number is {number}"
        ));
    }
    found
}

/// Whether a user has typed that for this person, in whatever record.
pub fn is_typed(all: &All, person: u32, field: Field, value: &str) -> bool {
    let manner = all.systems[Side::Finance as usize].manner;
    all.edits
        .of(person, field)
        .any(|e| manner.agree(field, &e.value, value))
}

/// Who else has typed it.
fn whose(all: &All, field: Field, value: &str) -> Option<u32> {
    let mut edits = all.edits.0.iter().filter(|e| e.field == Some(field));
    edits.find(|e| e.value == value).map(|e| e.person)
}

/// Values that nobody typed for this customer, among what is to be written.
pub fn made_up(all: &All, person: u32, side: Side, values: &Values) -> Vec<String> {
    // What a save took away between a read and its landing may be gone from both sides: nobody typed that.
    let taken = |field: Field| all.edits.of(person, field).any(|e| e.exempt);
    let ours = |(field, value): &(&Field, &String)| {
        field.spec().flow != Flow::Both
            || is_typed(all, person, **field, value)
            || (value.is_empty() && taken(**field))
    };
    let strange = values.iter().filter(|pair| !ours(pair));
    strange
        .map(|(field, value)| format!("{side}: {field} of p{person} became {value:?}, which no one typed"))
        .collect()
}
