//! Do the two systems agree? Judged from what they hold, by rules of its own: no connector, no merge.

use domain::letters::fold;
use domain::phone;
use serde_json::Value;
use simulator::{CrmHandle, FinanceHandle};

/// One customer as both systems hold it.
pub(super) struct Pair {
    /// Name and mobile in the CRM, its customer number.
    pub(super) crm: [String; 3],
    /// Code, name and mobile in finance; empty when it is not there.
    pub(super) finance: [String; 3],
    /// Fields that differ, or why there is nothing to compare.
    pub(super) differences: Vec<String>,
}

/// The finance code that stands in a customer's `refId`.
pub(super) fn code_of(crm: &CrmHandle, id: &str) -> Option<i64> {
    crm.get(id).and_then(|object| text(&object, "refId").parse().ok())
}

/// Compares each customer of the CRM with the contact whose code stands in its `refId`.
pub(super) fn compare(crm: &CrmHandle, finance: &FinanceHandle) -> Vec<Pair> {
    crm.customers()
        .iter()
        .map(|customer| pair(customer, finance))
        .collect()
}

fn pair(customer: &Value, finance: &FinanceHandle) -> Pair {
    let mine = [
        text(customer, "nickName"),
        phone_of(customer, true),
        text(customer, "customerNumber"),
    ];
    let code = text(customer, "refId");
    let Some(contact) = code.parse().ok().and_then(|code| finance.get(code)) else {
        return Pair {
            crm: mine,
            finance: Default::default(),
            differences: vec!["not in finance".to_owned()],
        };
    };
    let address = customer
        .pointer("/addressContacts/0")
        .cloned()
        .unwrap_or_default();
    let fields = [
        ("name", text(customer, "nickName"), "Name"),
        ("email", text(customer, "email"), "Email"),
        ("website", text(customer, "website"), "WebSiteAddress"),
        ("national id", text(customer, "nationalCode"), "NationalCode"),
        ("description", text(customer, "description"), "Description"),
        ("address", text(&address, "address"), "Address"),
        ("postal code", text(&address, "zipCode"), "PostalCode"),
    ];
    let mut differences: Vec<String> = fields
        .into_iter()
        .filter(|(_, mine, column)| letters(mine) != letters(&text(&contact, column)))
        .map(|(name, ..)| name.to_owned())
        .collect();
    for (name, mobile, column) in [("mobile", true, "MobileNo"), ("phone", false, "TelNo")] {
        if phone::normal(&phone_of(customer, mobile)) != phone::normal(&text(&contact, column)) {
            differences.push(name.to_owned());
        }
    }
    Pair {
        crm: mine,
        finance: [code, text(&contact, "Name"), text(&contact, "MobileNo")],
        differences,
    }
}

/// Letters and digits only: finance can hold neither `|` nor line breaks.
fn letters(value: &str) -> String {
    fold(value).chars().filter(|c| c.is_alphanumeric()).collect()
}

fn text(object: &Value, property: &str) -> String {
    match object.get(property) {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

/// The default, else first, mobile; or the first landline that is no fax.
fn phone_of(customer: &Value, mobile: bool) -> String {
    let none = Vec::new();
    let phones = customer
        .get("phoneContacts")
        .and_then(Value::as_array)
        .unwrap_or(&none);
    let fits = |entry: &&Value| {
        let fax = matches!(text(entry, "phoneType").as_str(), "Fax" | "فکس");
        !fax && phone::is_mobile(&text(entry, "phoneNumber")) == mobile
    };
    let is_default = |entry: &&Value| entry.get("default") == Some(&Value::Bool(true));
    let mut found = phones.iter().filter(fits);
    let first = if mobile {
        found.clone().find(is_default).or_else(|| found.next())
    } else {
        found.next()
    };
    first.map(|entry| text(entry, "phoneNumber")).unwrap_or_default()
}
