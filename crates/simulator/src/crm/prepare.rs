//! What the server adds to an object before it stores it: dates, numbers, ids of contacts.

use chrono::NaiveDateTime;
use serde_json::Value;

use super::{
    config::CrmConfig,
    dates,
    kind::Kind,
    store::{Record, Store},
};
use crate::{
    jalali,
    json::{Object, text},
};

/// Answers carry these beside what is documented; sent back, they are ignored.
pub(crate) const EXTRAS: &[&str] = &["rowVersion", "assignedToUserName", "processLifePaths"];

/// Completes a new object and gives back its type code.
pub(crate) fn on_create(
    store: &mut Store,
    kind: Kind,
    object: &mut Object,
    config: &CrmConfig,
    now: NaiveDateTime,
) -> String {
    let mut type_key = text(object, "crmObjectTypeCode").to_owned();
    if type_key.is_empty() {
        type_key = kind.default_type(config);
    }
    if kind.is_identity() {
        if text(object, "customerNumber").is_empty() {
            let number = store.next_customer_number(config);
            object.insert("customerNumber".into(), number.into());
        }
        if text(object, "nickName").is_empty() {
            let full = format!("{} {}", text(object, "firstName"), text(object, "lastName"));
            object.insert("nickName".into(), full.trim().into());
        }
    } else if text(object, "number").is_empty() {
        let (year, _, _) = jalali::from_gregorian(now.date());
        let number = store.next_document_number(config);
        let number = format!("{}-{year}/{number}", config.company_code);
        object.insert("number".into(), number.into());
    }
    ids(store, object, None);
    type_key
}

/// Gives ids to contacts and categories that have none that the object knows.
pub(crate) fn ids(store: &mut Store, object: &mut Object, old: Option<&Object>) {
    for list in ["phoneContacts", "addressContacts"] {
        let known: Vec<String> = old
            .and_then(|old| old.get(list)?.as_array())
            .into_iter()
            .flatten()
            .filter_map(|contact| Some(contact.get("id")?.as_str()?.to_owned()))
            .collect();
        let Some(Value::Array(contacts)) = object.get_mut(list) else {
            continue;
        };
        for contact in contacts.iter_mut().filter_map(Value::as_object_mut) {
            if !known.iter().any(|id| id == text(contact, "id")) {
                contact.insert("id".into(), store.new_id().to_string().into());
            }
        }
    }
    let Some(Value::Array(categories)) = object.get_mut("categories") else {
        return;
    };
    for category in categories.iter_mut().filter_map(Value::as_object_mut) {
        let key = text(category, "key").to_owned();
        if !key.is_empty() {
            category.insert("id".into(), store.category_id(&key).into());
        }
    }
}

/// Writes the properties that only the server decides, and drops the ones that are not stored.
pub(crate) fn server_fields(record: &mut Record, config: &CrmConfig) {
    let digits = config.date_digits;
    let object = &mut record.object;
    for extra in EXTRAS {
        object.remove(*extra);
    }
    object.retain(|_, value| !value.is_null());
    object.insert("crmId".into(), record.id.to_string().into());
    object.insert("crmObjectTypeCode".into(), record.type_key.clone().into());
    object.insert("creatDate".into(), dates::format(record.created, digits).into());
    object.remove("modifyDate");
    if record.dated {
        object.insert("modifyDate".into(), dates::format(record.modified, digits).into());
    }
}

/// The first property whose value can't be what it is meant to be.
pub(crate) fn check_types(object: &Object) -> Result<(), &'static str> {
    const TEXTS: &[&str] = &[
        "nickName",
        "customerNumber",
        "refId",
        "email",
        "alternativeEmail",
        "website",
        "nationalCode",
        "economicCode",
        "description",
        "subject",
        "firstName",
        "lastName",
        "number",
        "identityId",
        "crmObjectTypeCode",
    ];
    for field in TEXTS {
        if object
            .get(*field)
            .is_some_and(|value| !value.is_string() && !value.is_null())
        {
            return Err(field);
        }
    }
    for field in super::kind::LISTS {
        if object
            .get(*field)
            .is_some_and(|value| !value.is_array() && !value.is_null())
        {
            return Err(field);
        }
    }
    Ok(())
}
