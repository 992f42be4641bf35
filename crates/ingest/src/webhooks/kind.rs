//! What an event is about and what happened, in every spelling that a sender uses.

use domain::store::EntityType;

/// The type of the record, as senders call it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Customer,
    Quote,
    Invoice,
}

/// What happened to it. Only for the log and the audit: the engine looks for itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Created,
    Updated,
    Deleted,
}

impl Kind {
    /// `CUSTOMER`, `QUOTE`, `PREINVOICE`, `INVOICE`; `identity` is the native form's word for a customer.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "customer" | "identity" => Some(Self::Customer),
            "quote" | "preinvoice" => Some(Self::Quote),
            "invoice" => Some(Self::Invoice),
            _ => None,
        }
    }

    pub(super) fn wire(self) -> &'static str {
        match self {
            Self::Customer => "CUSTOMER",
            Self::Quote => "QUOTE",
            Self::Invoice => "INVOICE",
        }
    }

    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Quote => "quote",
            Self::Invoice => "invoice",
        }
    }

    /// A quote becomes a pre-invoice, and is one in the tables.
    pub(super) fn entity_type(self) -> EntityType {
        match self {
            Self::Customer => EntityType::Customer,
            Self::Quote => EntityType::PreInvoice,
            Self::Invoice => EntityType::Invoice,
        }
    }
}

impl Action {
    /// `created`, `updated`, `deleted`; the native `Insert`, `Update`, `Delete` and 2, 1, 0.
    pub(super) fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "created" | "insert" | "2" => Some(Self::Created),
            "updated" | "update" | "1" => Some(Self::Updated),
            "deleted" | "delete" | "0" => Some(Self::Deleted),
            _ => None,
        }
    }

    pub(super) fn past(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Updated => "updated",
            Self::Deleted => "deleted",
        }
    }
}
