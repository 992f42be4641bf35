//! The lists inside a customer: which telephone is *the* mobile, *the* landline, which address is *the* address,
//! and how one of them is changed without touching its neighbours.
//!
//! It never decides what a value ought to be.

use domain::letters::fold;
use domain::message::Message;
use domain::phone;
use serde_json::{Value, json};

use crate::wire::{bad_value, no_text, text};

/// What a telephone is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Line {
    /// A mobile.
    Mobile,
    /// Any other telephone, but no fax.
    Landline,
}

// The words of `phoneType`, folded and in lower case. The only place that knows them; installations and
// languages differ, and a type without any of these words is judged by its number. The order in which they are
// asked matters: a «تلفن همراه» is a mobile, a "Mobile Fax" is none.
const FAX: [&str; 4] = ["fax", "فکس", "نمابر", "دورنگار"];
const MOBILE: [&str; 8] = [
    "mobile",
    "mobil",
    "cell",
    "cellphone",
    "cellular",
    "موبایل",
    "همراه",
    "موبایلی",
];
const LANDLINE: [&str; 16] = [
    "office",
    "phone",
    "telephone",
    "tel",
    "landline",
    "work",
    "home",
    "business",
    "تلفن",
    "دفتر",
    "ثابت",
    "منزل",
    "شرکت",
    "کار",
    "خانه",
    "کارخانه",
];

const PHONES: &str = "phoneContacts";
const ADDRESSES: &str = "addressContacts";

/// What a cleared property is sent as: the same as leaving it out, by the contract.
const CLEARED: Value = Value::Null;

/// What of the lists can't be taken as it stands; entries that are no objects don't count.
pub(crate) fn misshapen(object: &Value) -> Option<Message> {
    let read = [
        (PHONES, &["phoneNumber", "phoneType"][..]),
        (ADDRESSES, &["address", "zipCode"]),
    ];
    read.into_iter().find_map(|(name, properties)| {
        match object.get(name) {
            None | Some(Value::Null | Value::Array(_)) => {}
            Some(_) => return Some(bad_value(name, "no list")),
        }
        let entries = list(object, name).iter();
        entries
            .flat_map(|entry| properties.iter().filter_map(|property| no_text(entry, property)))
            .next()
    })
}

pub(crate) fn line_of(entry: &Value) -> Option<Line> {
    let kind = fold(&text(entry, "phoneType")).to_lowercase();
    let has = |words: &[&str]| {
        kind.split(|c: char| !c.is_alphanumeric())
            .any(|word| words.contains(&word))
    };
    if has(&FAX) {
        return None;
    }
    if has(&MOBILE) {
        return Some(Line::Mobile);
    }
    if has(&LANDLINE) {
        return Some(Line::Landline);
    }
    let number = text(entry, "phoneNumber");
    Some(if phone::is_mobile(&number) {
        Line::Mobile
    } else {
        Line::Landline
    })
}

fn is_default(entry: &Value) -> bool {
    entry.get("default").and_then(Value::as_bool).unwrap_or(false)
}

fn list<'a>(object: &'a Value, name: &str) -> &'a [Value] {
    object
        .get(name)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

fn list_mut<'a>(object: &'a mut Value, name: &str) -> Option<&'a mut Vec<Value>> {
    let list = object.as_object_mut()?.entry(name).or_insert(Value::Null);
    if !list.is_array() {
        *list = Value::Array(Vec::new());
    }
    list.as_array_mut()
}

/// The telephone that counts: the default mobile, else the first; the first landline. Entries without a number
/// don't count.
pub(crate) fn chosen(phones: &[Value], line: Line) -> Option<usize> {
    let of_line = || {
        let alike = move |(_, entry): &(usize, &Value)| {
            line_of(entry) == Some(line) && !text(entry, "phoneNumber").trim().is_empty()
        };
        phones.iter().enumerate().filter(alike)
    };
    let default = of_line().find(|(_, entry)| line == Line::Mobile && is_default(entry));
    default.or_else(|| of_line().next()).map(|(index, _)| index)
}

/// The number that counts, empty when there is none.
pub(crate) fn number(object: &Value, line: Line) -> String {
    let phones = list(object, PHONES);
    chosen(phones, line).map_or(String::new(), |index| text(&phones[index], "phoneNumber"))
}

/// The telephones.
pub(crate) fn phones(object: &Value) -> &[Value] {
    list(object, PHONES)
}

/// Every number of the object, of whatever type.
pub(crate) fn numbers(object: &Value) -> impl Iterator<Item = String> {
    list(object, PHONES)
        .iter()
        .map(|entry| text(entry, "phoneNumber"))
}

/// Changes the number that was read as `current`, in its own entry; all others stay as they are. An empty number removes
/// that entry. A number where there was none fills an entry of that line that lies empty, else a new one, with the type
/// that the object uses already or `word`.
pub(crate) fn set_number(object: &mut Value, line: Line, current: &str, number: &str, word: &str) {
    let Some(phones) = list_mut(object, PHONES) else {
        return;
    };
    let of_line = |entry: &Value| line_of(entry) == Some(line);
    let holds = |entry: &Value| !current.trim().is_empty() && text(entry, "phoneNumber") == current;
    let linked = chosen(phones, line).filter(|index| holds(&phones[*index]));
    let linked = linked.or_else(|| phones.iter().position(|entry| of_line(entry) && holds(entry)));
    let empty = |entry: &Value| {
        of_line(entry) && !text(entry, "phoneType").is_empty() && text(entry, "phoneNumber").trim().is_empty()
    };
    match linked.or_else(|| phones.iter().position(empty)) {
        Some(index) if number.is_empty() => {
            if !text(&phones[index], "phoneNumber").trim().is_empty() {
                phones.remove(index);
            }
        }
        Some(index) => phones[index]["phoneNumber"] = Value::from(number),
        None if number.is_empty() => {}
        None => phones.push(json!({
            "default": !phones.iter().any(is_default),
            "phoneType": word,
            "phoneNumber": number,
        })),
    }
}

fn address_of(object: &Value) -> Option<usize> {
    let addresses = list(object, ADDRESSES);
    addresses
        .iter()
        .position(is_default)
        .or_else(|| addresses.iter().position(Value::is_object))
}

/// A property of the address that counts (the default, else the first), empty when there is none.
pub(crate) fn of_address(object: &Value, property: &str) -> String {
    address_of(object).map_or(String::new(), |index| {
        text(&list(object, ADDRESSES)[index], property)
    })
}

/// Changes a property of the address that counts; adds an address when there is none. City, state and country
/// stay as they are.
pub(crate) fn set_of_address(object: &mut Value, property: &str, value: &str, word: Option<&str>) {
    let index = address_of(object);
    let Some(addresses) = list_mut(object, ADDRESSES) else {
        return;
    };
    match index {
        Some(index) => addresses[index][property] = text_or_cleared(value),
        None if value.is_empty() => {}
        None => {
            let mut entry = json!({ "default": true, property: value });
            if let Some(word) = word {
                entry["addressType"] = Value::from(word);
            }
            addresses.push(entry);
        }
    }
}

/// A text, or what a cleared property is sent as.
pub(crate) fn text_or_cleared(value: &str) -> Value {
    if value.is_empty() {
        CLEARED
    } else {
        Value::from(value)
    }
}
