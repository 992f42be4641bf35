//! The systems by name.

use domain::company::Company;
use domain::ports::Side;

/// A system's two names.
#[derive(Debug, Clone)]
pub(crate) struct Named {
    /// As metrics say it.
    pub(crate) label: String,
    /// As sentences say it.
    pub(crate) called: String,
}

impl Named {
    /// The finance system of another company than the first is told from that one's.
    pub(crate) fn of(side: Side, other: Option<Company>) -> Self {
        let (label, called) = match side {
            Side::Crm => ("crm", "the CRM"),
            Side::Finance => ("finance", "finance"),
        };
        match other {
            Some(company) => Self {
                label: format!("{label}:{company}"),
                called: format!("{called} of company {company}"),
            },
            None => Self {
                label: label.to_owned(),
                called: called.to_owned(),
            },
        }
    }
}
