//! The fields that people type, as each system shows them, and when two texts of one are the same. It knows the contracts, not
//! the product's tables.

use serde_json::{Value, json};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Name,
    Mobile,
    Phone,
    Email,
    Website,
    NationalId,
    Description,
    Address,
    PostalCode,
}

pub const FIELDS: [Field; 9] = [
    Field::Name,
    Field::Mobile,
    Field::Phone,
    Field::Email,
    Field::Website,
    Field::NationalId,
    Field::Description,
    Field::Address,
    Field::PostalCode,
];

impl Field {
    /// Finance's column.
    pub fn column(self) -> &'static str {
        match self {
            Self::Name => "Name",
            Self::Mobile => "MobileNo",
            Self::Phone => "TelNo",
            Self::Email => "Email",
            Self::Website => "WebSiteAddress",
            Self::NationalId => "NationalCode",
            Self::Description => "Description",
            Self::Address => "Address",
            Self::PostalCode => "PostalCode",
        }
    }

    pub fn of_contact(self, contact: &Value) -> String {
        text(&contact[self.column()])
    }

    pub fn of_identity(self, identity: &Value) -> String {
        match self {
            Self::Name => text(&identity["nickName"]),
            Self::Email => text(&identity["email"]),
            Self::Website => text(&identity["website"]),
            Self::NationalId => text(&identity["nationalCode"]),
            Self::Description => text(&identity["description"]),
            Self::Address => text(&identity["addressContacts"][0]["address"]),
            Self::PostalCode => text(&identity["addressContacts"][0]["zipCode"]),
            Self::Mobile | Self::Phone => {
                let mut entries = identity["phoneContacts"].as_array().into_iter().flatten();
                let such = entries.find(|entry| is_mobile(entry) == (self == Self::Mobile));
                such.map(|entry| text(&entry["phoneNumber"])).unwrap_or_default()
            }
        }
    }

    /// What a user of the CRM changes to make `value` of this field of an identity that has one.
    pub fn patch(self, identity: &Value, value: &str) -> Value {
        let within = |list: &str, part: &str, fits: &dyn Fn(&Value) -> bool| {
            let mut entries = identity[list].clone();
            let found = entries
                .as_array_mut()
                .and_then(|all| all.iter_mut().find(|one| fits(one)));
            found.unwrap_or_else(|| panic!("no {self:?} in {identity}"))[part] = value.into();
            json!({ list: entries })
        };
        match self {
            Self::Name => json!({ "nickName": value }),
            Self::Email => json!({ "email": value }),
            Self::Website => json!({ "website": value }),
            Self::NationalId => json!({ "nationalCode": value }),
            Self::Description => json!({ "description": value }),
            Self::Address => within("addressContacts", "address", &|_| true),
            Self::PostalCode => within("addressContacts", "zipCode", &|_| true),
            Self::Mobile => within("phoneContacts", "phoneNumber", &is_mobile),
            Self::Phone => within("phoneContacts", "phoneNumber", &|entry| !is_mobile(entry)),
        }
    }

    /// The text as people mean it: two that are the same in this are one value.
    pub fn meant(self, text: &str) -> String {
        let plain = plain(text);
        match self {
            Self::Mobile | Self::Phone | Self::NationalId | Self::PostalCode => {
                let digits: String = plain.chars().filter(char::is_ascii_digit).collect();
                match self {
                    // Who types no digit has said something else.
                    _ if digits.is_empty() => plain,
                    Self::Mobile | Self::Phone => {
                        let bare = digits.trim_start_matches('0');
                        bare.strip_prefix("98").unwrap_or(bare).to_owned()
                    }
                    _ => digits,
                }
            }
            Self::Email | Self::Website => plain.replace(' ', "").to_lowercase(),
            Self::Name | Self::Description | Self::Address => plain,
        }
    }
}

fn is_mobile(entry: &Value) -> bool {
    let kind = text(&entry["phoneType"]).to_lowercase();
    ["mobile", "موبایل", "همراه"]
        .iter()
        .any(|word| kind.contains(word))
}

/// Letters, digits and spaces in one form each; what no form can hold, left out.
fn plain(text: &str) -> String {
    // What this finance makes of an emoji.
    let text = text.replace('😀', "??");
    let text = text
        .replace(super::people::HALF, "")
        .replace(['\0', '\u{200C}', '\u{200D}'], "");
    let one_form = text.chars().map(|letter| match letter {
        'ي' | 'ى' => 'ی',
        'ك' => 'ک',
        '۰'..='۹' => digit(letter, '۰'),
        '٠'..='٩' => digit(letter, '٠'),
        other => other,
    });
    let one_form: String = one_form.collect();
    one_form.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn digit(letter: char, zero: char) -> char {
    char::from_digit(u32::from(letter) - u32::from(zero), 10).unwrap_or(letter)
}

pub fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
