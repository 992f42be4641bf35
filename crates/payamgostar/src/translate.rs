//! Between the CRM's object and the canonical customer, both ways. Pure: nothing here calls anything.
//!
//! Which property holds which field stands in [`crate::places`]; how a place such as "the default mobile" is found
//! in an object stands in [`crate::contacts`].

use domain::customer::{Customer, Field, Kind, Values};
use domain::letters::fold;
use domain::ports::{SetAside, Snapshot};
use serde_json::{Value, json};

use crate::config::Config;
use crate::contacts::{self, Line};
use crate::dates;
use crate::extended;
use crate::listed;
use crate::places::{PLACES, Place, place_of};
use crate::wire::{id, text};

/// What an object says. `object` is one with camelCase names and an id.
///
/// # Errors
/// It can't be taken as it stands.
pub(crate) fn snapshot(object: Value, kind: Kind, config: &Config) -> Result<Snapshot, SetAside> {
    if let Some(why) = listed::misshapen(&object).or_else(|| extended::misshapen(&object, &config.extended)) {
        return Err(listed::aside(&object, why));
    }
    let mut customer = Customer::new(kind);
    for (field, _) in &PLACES {
        match place_of(*field, &config.extended) {
            Some(Place::Extended(_)) if !extended::are_shown(&object) => customer.hidden.push(*field),
            Some(place) => customer.set(*field, value_of(&object, place)),
            None => {}
        }
    }
    let changed = ["modifyDate", "creatDate"]
        .iter()
        .find_map(|name| dates::instant(&text(&object, name), config.timezone));
    Ok(Snapshot {
        id: id(&object, "crmId"),
        customer,
        modified_at: changed,
        whole: object,
    })
}

fn value_of(object: &Value, place: Place<'_>) -> String {
    match place {
        Place::DisplayName => display_name(object),
        Place::Mobile => contacts::number(object, Line::Mobile),
        Place::Landline => contacts::number(object, Line::Landline),
        Place::InAddress(property) => contacts::of_address(object, property),
        Place::Property(name) => text(object, name),
        Place::Extended(key) => extended::value(object, key),
    }
}

fn display_name(object: &Value) -> String {
    let nick = text(object, "nickName");
    if nick.trim().is_empty() {
        joined_name(object)
    } else {
        nick
    }
}

fn joined_name(object: &Value) -> String {
    format!("{} {}", text(object, "firstName"), text(object, "lastName"))
        .trim()
        .to_owned()
}

/// The object that creates this customer.
pub(crate) fn created(customer: &Customer, config: &Config) -> Value {
    let mut object = json!({ "crmObjectTypeCode": type_key(customer.kind, config) });
    let nothing = Customer::new(customer.kind);
    for (field, value) in &customer.values {
        set(&mut object, &nothing, *field, value, config);
    }
    if let Some(key) = &config.category {
        object["categories"] = json!([{ "key": key }]);
    }
    object
}

/// The whole object as it was read, with only these values changed.
pub(crate) fn changed(current: &Snapshot, changes: &Values, config: &Config) -> Value {
    let mut object = current.whole.clone();
    object["crmId"] = Value::from(current.id.as_str());
    for (field, value) in changes {
        let value = if value.trim().is_empty() { "" } else { value };
        set(&mut object, &current.customer, *field, value, config);
    }
    object
}

/// `read`: what was read of the object before.
fn set(object: &mut Value, read: &Customer, field: Field, value: &str, config: &Config) {
    let Some(place) = place_of(field, &config.extended) else {
        return;
    };
    let current = read.get(field);
    match place {
        Place::DisplayName => set_name(object, read.kind, value),
        Place::Mobile => contacts::set_number(object, Line::Mobile, current, value, &config.mobile_word),
        Place::Landline => {
            contacts::set_number(object, Line::Landline, current, value, &config.landline_word)
        }
        Place::InAddress(property) => {
            contacts::set_of_address(object, property, value, config.address_word.as_deref())
        }
        Place::Property(name) => object[name] = contacts::text_or_cleared(value),
        Place::Extended(key) => extended::set(object, key, contacts::text_or_cleared(value)),
    }
}

/// Sets the display name, and a person's two names while they still join to the old one (as those of an object
/// that has none yet do): a name of one word is a first name.
fn set_name(object: &mut Value, kind: Kind, name: &str) {
    let own = kind == Kind::Person && fold(&joined_name(object)) == fold(&display_name(object));
    object["nickName"] = contacts::text_or_cleared(name);
    if own {
        let (first, last) = name
            .trim()
            .split_once(char::is_whitespace)
            .unwrap_or((name.trim(), ""));
        object["firstName"] = contacts::text_or_cleared(first);
        object["lastName"] = contacts::text_or_cleared(last.trim_start());
    }
}

/// `crmObjectTypeCode` of a kind, which is also the `typeKey` of its searches.
pub(crate) fn type_key(kind: Kind, config: &Config) -> &str {
    match kind {
        Kind::Person => &config.person_type,
        Kind::Organization => &config.organization_type,
    }
}

#[cfg(test)]
#[path = "translate_tests.rs"]
mod tests;
