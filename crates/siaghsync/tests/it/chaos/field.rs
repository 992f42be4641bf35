//! The fields that users edit, as each system shows them. It knows the contracts, not the product's field table.

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Field {
    Name,
    Mobile,
    Phone,
    Email,
    Website,
    Description,
    Address,
    PostalCode,
}

pub const FIELDS: [Field; 8] = [
    Field::Name,
    Field::Mobile,
    Field::Phone,
    Field::Email,
    Field::Website,
    Field::Description,
    Field::Address,
    Field::PostalCode,
];

impl Field {
    /// Its name in `SyncLog.changes`.
    pub fn in_audit(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Mobile => "mobile",
            Self::Phone => "phone",
            Self::Email => "email",
            Self::Website => "website",
            Self::Description => "description",
            Self::Address => "address",
            Self::PostalCode => "postalCode",
        }
    }

    /// Finance's column.
    pub fn column(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Mobile => "MobileNo",
            Self::Phone => "TelNo",
            Self::Email => "Email",
            Self::Website => "WebSiteAddress",
            Self::Description => "Description",
            Self::Address => "Address",
            Self::PostalCode => "PostalCode",
        }
    }

    /// The control of finance's form.
    pub fn control(self) -> &'static str {
        match self {
            Self::Name => "fullname",
            Self::Mobile => "mobileno",
            Self::Phone => "telno",
            Self::Email => "email",
            Self::Website => "websiteaddress",
            Self::Description => "tozihat",
            Self::Address => "address",
            Self::PostalCode => "pocode",
        }
    }

    pub fn of_contact(self, contact: &Value) -> String {
        text(&contact[self.column()])
    }

    pub fn of_object(self, object: &Value) -> String {
        match self {
            Self::Name => text(&object["nickName"]),
            Self::Email => text(&object["email"]),
            Self::Website => text(&object["website"]),
            Self::Description => text(&object["description"]),
            Self::Address => text(&object["addressContacts"][0]["address"]),
            Self::PostalCode => text(&object["addressContacts"][0]["zipCode"]),
            Self::Mobile | Self::Phone => {
                let numbers = object["phoneContacts"].as_array().into_iter().flatten();
                let mut numbers = numbers.map(|contact| text(&contact["phoneNumber"]));
                numbers
                    .find(|number| self.is_such_a_number(number))
                    .unwrap_or_default()
            }
        }
    }

    /// What a user of the CRM changes to make `value` of this field of `object`.
    pub fn patch(self, object: &Value, value: &str) -> Value {
        match self {
            Self::Name => json!({ "nickName": value }),
            Self::Email => json!({ "email": value }),
            Self::Website => json!({ "website": value }),
            Self::Description => json!({ "description": value }),
            Self::Address | Self::PostalCode => {
                let mut list = list(object, "addressContacts");
                if list.is_empty() {
                    list.push(json!({"default": true, "addressType": "دفتر"}));
                }
                let part = if self == Self::Address {
                    "address"
                } else {
                    "zipCode"
                };
                list[0][part] = value.into();
                json!({ "addressContacts": list })
            }
            Self::Mobile | Self::Phone => {
                let mut list = list(object, "phoneContacts");
                let place = list
                    .iter()
                    .position(|c| self.is_such_a_number(&text(&c["phoneNumber"])));
                match place {
                    Some(place) if value.is_empty() => {
                        list.remove(place);
                    }
                    Some(place) => list[place]["phoneNumber"] = value.into(),
                    None if value.is_empty() => {}
                    None => list.push(self.new_number(value)),
                }
                json!({ "phoneContacts": list })
            }
        }
    }

    /// A value that is typed only once: `n` is of this one edit.
    pub fn typed(self, name: &str, n: u64) -> String {
        match self {
            Self::Name => format!("{name} {n}"),
            Self::Mobile => format!("0912{n:07}"),
            Self::Phone => format!("021{n:08}"),
            Self::Email => format!("customer.{n}@example.com"),
            Self::Website => format!("customer-{n}.example.com"),
            Self::Description => format!("یادداشت {n}"),
            Self::Address => format!("خیابان ولیعصر، پلاک {n}"),
            Self::PostalCode => format!("{:010}", 1_000_000_000 + n),
        }
    }

    fn is_such_a_number(self, number: &str) -> bool {
        !number.is_empty() && number.starts_with("09") == (self == Self::Mobile)
    }

    fn new_number(self, value: &str) -> Value {
        let (default, kind) = if self == Self::Mobile {
            (true, "موبایل")
        } else {
            (false, "دفتر")
        };
        json!({"default": default, "phoneType": kind, "phoneNumber": value})
    }
}

fn list(object: &Value, name: &str) -> Vec<Value> {
    object[name].as_array().cloned().unwrap_or_default()
}

pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
