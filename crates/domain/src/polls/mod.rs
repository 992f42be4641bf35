//! What the pollers know between two looks: cursors under leases, finance as it was last seen, and what the guard
//! holds back. [`PollStore`] is the port; [`crate::store::sql::SqlStore`] keeps it in the database.
//!
//! Nothing here calls an outside system, or decides when to look.

use crate::company::Company;
use crate::document::DocumentKind;
use crate::side::Side;
use crate::store::EntityType;

mod contact;
mod fingerprint;
pub mod guard;
mod port;
mod turn;

pub use contact::{ContactNow, ContactSeen, ContactTimes, Linked};
pub use fingerprint::{Fingerprint, checksum, document_checksum};
pub use guard::{Guard, Held, HeldChange, Verdict};
pub use port::PollStore;
pub use turn::{Begin, Found, Harvest, Look, PollLease, Rhythm, Stored};

/// The poll of the CRM's persons.
pub const CRM_PERSON: &str = "crm:person";
/// The poll of the CRM's organizations.
pub const CRM_ORGANIZATION: &str = "crm:organization";
/// The poll of the first company's contacts in finance.
pub const FINANCE_CONTACTS: &str = "finance:contacts";

/// The poll of the CRM's sales quotes.
pub const CRM_QUOTES: &str = "crm:quote";
/// The poll of the CRM's sales invoices.
pub const CRM_INVOICES: &str = "crm:invoice";

/// The poll of that company's contacts in finance, where `first` is the first that is served.
#[must_use]
pub fn contacts_of(company: Company, first: Company) -> String {
    match company == first {
        true => FINANCE_CONTACTS.to_owned(),
        false => format!("{FINANCE_CONTACTS}:{company}"),
    }
}

/// The company whose finance system a poll reads, by its name; of one that reads the CRM, `first`.
#[must_use]
pub fn company_of(poll: &str, first: Company) -> Company {
    let named = poll
        .strip_prefix(FINANCE_CONTACTS)
        .and_then(|rest| rest.strip_prefix(':'));
    named.and_then(|code| code.parse().ok()).unwrap_or(first)
}

/// The poll of a kind of document.
#[must_use]
pub fn poll_of(kind: DocumentKind) -> &'static str {
    match kind {
        DocumentKind::Quote => CRM_QUOTES,
        DocumentKind::Invoice => CRM_INVOICES,
    }
}

/// What a poll reads, by its name.
#[must_use]
pub fn entity_type_of(poll: &str) -> EntityType {
    match poll {
        CRM_QUOTES => EntityType::PreInvoice,
        CRM_INVOICES => EntityType::Invoice,
        _ => EntityType::Customer,
    }
}

/// The side that a poll reads, by its name.
#[must_use]
pub fn side_of(poll: &str) -> Side {
    if poll.starts_with("finance:") {
        Side::Finance
    } else {
        Side::Crm
    }
}
