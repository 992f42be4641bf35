//! As which company a statement is carried out: codes of finance are each company's own, the CRM is everybody's.

use domain::company::{Companies, Company};
use domain::ports::Side;

/// One of the companies that a deployment serves.
#[derive(Debug, Clone, Default)]
pub(super) struct Own {
    pub(super) company: Company,
    pub(super) served: Companies,
}

impl Own {
    /// The first of these.
    pub(super) fn first_of(served: Companies) -> Self {
        Self {
            company: served.first(),
            served,
        }
    }

    pub(super) fn of(&self, company: Company) -> Self {
        Self {
            company,
            served: self.served.clone(),
        }
    }

    /// Whose a record of that side is: the CRM's are nobody's own.
    pub(super) fn on(&self, side: Side) -> Option<Company> {
        own_on(side, self.company)
    }

    /// Whether what bears that label is about a record of ours.
    pub(super) fn is_ours(&self, side: Side, label: &str) -> bool {
        side == Side::Crm || label.parse() == Ok(self.company)
    }

    /// The key of an event of that company as it stands in its row.
    pub(super) fn event_key(&self, company: Company, side: Side, id: &str) -> String {
        match side {
            Side::Crm => id.to_owned(),
            Side::Finance => self.served.own_key(company, id),
        }
    }
}

pub(super) fn own_on(side: Side, company: Company) -> Option<Company> {
    (side == Side::Finance).then_some(company)
}
