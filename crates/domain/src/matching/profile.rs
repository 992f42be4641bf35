//! What matching knows of one record.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::address::Address;
use super::names::Name;
use super::numbering::Numbering;
use super::phones::{is_mobile, numbers};
use super::plain::plain;
use super::values::{NationalId, emails, postal_code};
use crate::customer::{Customer, Field, Kind};
use crate::ports::Side;

/// The normal forms of one record. Serialisable, so that an index can keep it beside the record's checksum.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Profile {
    /// Which system holds the record.
    pub side: Side,
    /// Person or organization.
    pub kind: Kind,
    /// Its name.
    #[serde(default)]
    pub name: Name,
    /// Its national id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub national_id: Option<NationalId>,
    /// The mobiles of both phone fields, in ten digits.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub mobiles: BTreeSet<String>,
    /// The landlines of both phone fields, in eight digits.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub landlines: BTreeSet<String>,
    /// Its e-mail addresses.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub emails: BTreeSet<String>,
    /// Its postal code; empty when there is none.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub postal_code: String,
    /// Its address.
    #[serde(default)]
    pub address: Address,
    /// Of a contact of finance: its `Code`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub code: String,
    /// Of a customer of the CRM: the code that its `refId` names.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// Of a customer of the CRM: the code that its customer number names (`100-505`: 505, less the offset).
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub customer_number: String,
}

impl Profile {
    /// The normal forms of `customer`, held by `side`.
    #[must_use]
    pub fn of(customer: &Customer, side: Side, numbering: Numbering) -> Self {
        let phones = [Field::Mobile, Field::Phone].map(|field| numbers(customer.get(field)));
        let (mobiles, landlines) = phones.into_iter().flatten().partition(|number| is_mobile(number));
        let code = plain(customer.get(Field::FinanceCode)).trim().to_owned();
        let number = numbering.code(customer.get(Field::CustomerNumber));
        let (code, reference, customer_number) = match side {
            Side::Finance => (code, String::new(), String::new()),
            Side::Crm => (String::new(), code, number.unwrap_or_default()),
        };
        Self {
            side,
            kind: customer.kind,
            name: Name::of(customer.get(Field::Name), customer.kind),
            national_id: NationalId::of(customer.get(Field::NationalId)),
            mobiles,
            landlines,
            emails: emails(customer.get(Field::Email)),
            postal_code: postal_code(customer.get(Field::PostalCode)),
            address: Address::of(customer.get(Field::Address)),
            code,
            reference,
            customer_number,
        }
    }

    /// [`Self::of`] the record with that id: a contact of finance is named by it, whether or not the read shows its code.
    /// What no database holds is taken out.
    #[must_use]
    pub fn of_record(id: &str, customer: &Customer, side: Side, numbering: Numbering) -> Self {
        let mut own = customer.clone();
        for value in own.values.values_mut().filter(|value| value.contains('\0')) {
            value.retain(|c| c != '\0');
        }
        if side == Side::Finance {
            own.set(Field::FinanceCode, id);
        }
        Self::of(&own, side, numbering)
    }

    /// The digits of a national id whose check digit is right.
    #[must_use]
    pub fn plausible_id(&self) -> Option<&NationalId> {
        self.national_id.as_ref().filter(|id| id.plausible)
    }
}
