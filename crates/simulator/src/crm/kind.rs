//! The four kinds of object that are simulated.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::config::CrmConfig;
use crate::error::SimError;

/// A kind of CRM object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// حقیقی
    Person,
    /// حقوقی
    Organization,
    /// Sales quote (pre-invoice).
    Quote,
    /// Sales invoice.
    Invoice,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Person, Self::Organization, Self::Quote, Self::Invoice];

    /// The name used in the control API.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organization => "organization",
            Self::Quote => "quote",
            Self::Invoice => "invoice",
        }
    }

    pub(crate) fn path(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Organization => "organization",
            Self::Quote => "quote/sales",
            Self::Invoice => "invoice/sales",
        }
    }

    pub(crate) fn is_identity(self) -> bool {
        matches!(self, Self::Person | Self::Organization)
    }

    /// `type` of native webhooks.
    pub(crate) fn native_type(self) -> &'static str {
        match self {
            Self::Person | Self::Organization => "Identity",
            Self::Quote => "Quote",
            Self::Invoice => "Invoice",
        }
    }

    /// First half of a signed event's type.
    pub(crate) fn event_prefix(self) -> &'static str {
        match self {
            Self::Person | Self::Organization => "customer",
            Self::Quote => "quote",
            Self::Invoice => "invoice",
        }
    }

    pub(crate) fn default_type(self, config: &CrmConfig) -> String {
        match self {
            Self::Person => config.person_type.clone(),
            Self::Organization => config.organization_type.clone(),
            Self::Quote => config.quote_types.first().cloned().unwrap_or_default(),
            Self::Invoice => config.invoice_types.first().cloned().unwrap_or_default(),
        }
    }

    pub(crate) fn has_type(self, config: &CrmConfig, key: &str) -> bool {
        let same = |known: &String| known.eq_ignore_ascii_case(key);
        match self {
            Self::Person => same(&config.person_type),
            Self::Organization => same(&config.organization_type),
            Self::Quote => config.quote_types.iter().any(same),
            Self::Invoice => config.invoice_types.iter().any(same),
        }
    }

    /// Properties that an answer always has, null when empty.
    pub(crate) fn properties(self) -> &'static [&'static str] {
        match self {
            Self::Person => PERSON,
            Self::Organization => ORGANIZATION,
            Self::Quote | Self::Invoice => DOCUMENT,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = SimError;

    fn from_str(name: &str) -> Result<Self, SimError> {
        Self::ALL
            .into_iter()
            .find(|kind| kind.name() == name)
            .ok_or_else(|| SimError::BadInput(format!("unknown kind {name}")))
    }
}

/// Properties that hold lists.
pub(crate) const LISTS: &[&str] = &[
    "tags",
    "extendedProperties",
    "phoneContacts",
    "addressContacts",
    "categories",
    "organizations",
    "employees",
    "details",
];

const PERSON: &[&str] = &[
    "crmId",
    "crmObjectTypeCode",
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
    "tags",
    "extendedProperties",
    "phoneContacts",
    "addressContacts",
    "categories",
    "creatDate",
    "modifyDate",
    "stageId",
    "colorId",
    "customerDate",
    "dontSms",
    "firstName",
    "lastName",
    "birthDate",
    "gender",
    "personPrefix",
    "degree",
    "hobbies",
    "organizations",
];

const ORGANIZATION: &[&str] = &[
    "crmId",
    "crmObjectTypeCode",
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
    "tags",
    "extendedProperties",
    "phoneContacts",
    "addressContacts",
    "categories",
    "creatDate",
    "modifyDate",
    "stageId",
    "colorId",
    "customerDate",
    "dontSms",
    "registerNumber",
    "registerDate",
    "businessType",
    "trademark",
    "managerId",
    "employees",
];

const DOCUMENT: &[&str] = &[
    "crmId",
    "number",
    "subject",
    "description",
    "refId",
    "identityId",
    "crmObjectTypeCode",
    "expireDate",
    "creatDate",
    "modifyDate",
    "discount",
    "vat",
    "toll",
    "additionalCosts",
    "totalValue",
    "finalValue",
    "vatPercent",
    "tollPercent",
    "billableObjectState",
    "details",
];
