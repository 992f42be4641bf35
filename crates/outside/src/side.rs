//! The two systems by name.

use domain::ports::Side;

/// As metrics say it.
pub(crate) fn label(side: Side) -> &'static str {
    match side {
        Side::Crm => "crm",
        Side::Finance => "finance",
    }
}

/// As sentences say it.
pub(crate) fn called(side: Side) -> &'static str {
    match side {
        Side::Crm => "the CRM",
        Side::Finance => "finance",
    }
}
