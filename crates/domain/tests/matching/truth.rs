//! 8,350 made-up records as people type them, with the truth: `data/customers-1.jsonl`, in which `is` says which customer
//! each record is.

use std::path::Path;

use domain::customer::{Customer, Field, Kind};
use domain::matching::Profile;
use domain::ports::Side;
use serde::Deserialize;

use super::world::{NUMBERING, World};

#[derive(Deserialize)]
struct Line {
    side: String,
    is: u32,
    record: Record,
}

#[derive(Deserialize)]
struct Record {
    kind: Kind,
    name: String,
    national_id: String,
    phones: Vec<String>,
    email: String,
    postal_code: String,
    address: String,
    #[serde(default)]
    code: String,
    #[serde(default, rename = "ref")]
    reference: String,
    #[serde(default)]
    number: String,
}

impl Record {
    fn profile(&self, side: Side) -> Profile {
        let phone = |k: usize| self.phones.get(k).map_or("", String::as_str);
        let number = if self.number.is_empty() {
            String::new()
        } else {
            format!("100-{}", self.number)
        };
        let customer = Customer::new(self.kind)
            .with(Field::Name, &self.name)
            .with(Field::NationalId, &self.national_id)
            .with(Field::Mobile, phone(0))
            .with(Field::Phone, phone(1))
            .with(Field::Email, &self.email)
            .with(Field::PostalCode, &self.postal_code)
            .with(Field::Address, &self.address)
            .with(
                Field::FinanceCode,
                if side == Side::Crm {
                    &self.reference
                } else {
                    &self.code
                },
            )
            .with(Field::CustomerNumber, number);
        Profile::of(&customer, side, NUMBERING)
    }
}

/// The two systems, and who each record is.
pub struct Truth {
    pub world: World,
    /// Who each contact is.
    pub contacts: Vec<u32>,
    /// Who each customer is.
    pub customers: Vec<u32>,
}

/// Reads the file.
pub fn load() -> Truth {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/customers-1.jsonl");
    let (mut contacts, mut customers) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for line in std::fs::read_to_string(path).unwrap().lines() {
        let line: Line = serde_json::from_str(line).unwrap();
        let side = if line.side == "crm" {
            Side::Crm
        } else {
            Side::Finance
        };
        let (profiles, truth) = if side == Side::Crm {
            &mut customers
        } else {
            &mut contacts
        };
        profiles.push(line.record.profile(side));
        truth.push(line.is);
    }
    Truth {
        world: World::new(contacts.0, customers.0),
        contacts: contacts.1,
        customers: customers.1,
    }
}
