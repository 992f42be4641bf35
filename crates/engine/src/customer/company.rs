//! Whose customer is it (design, "Companies")? Pure.

use domain::company::Company;
use domain::customer::Field;
use domain::matching::company_of;
use domain::message::{Code, Message};
use domain::side::Side;

use crate::Rules;
use crate::seen::{Known, Seen};
use crate::step::{Ending, Step};

/// What bears the number of another company is that one's, or left alone where it is not served.
pub(crate) fn of_another(number: &str, company: Company, rules: &Rules<'_>) -> Step {
    if rules.served.serve(company) {
        return Step::OfCompany(company);
    }
    let why = Message::new(Code::OtherCompany)
        .with("number", number.trim())
        .with("company", company)
        .with("served", rules.served);
    Step::End(Ending::Skip(why))
}

/// A customer belongs to the company that its number names; one that was linked and belongs to another now is for a human.
pub(super) fn next(known: &mut Known, seen: &Seen, rules: &Rules<'_>) -> Option<Step> {
    let number = seen.customer(Side::Crm)?.get(Field::CustomerNumber);
    let own = rules.config.numbering.company;
    let named = company_of(number);
    // Nothing that was sent may be forgotten: it was sent to this company.
    if known.link.is_whole() || !known.link.in_flight.is_empty() {
        let company = named.filter(|company| *company != own)?;
        let why = Message::new(Code::CompanyChanged)
            .with("number", number.trim())
            .with("company", company)
            .with("served", own);
        known.unjudged = true;
        return Some(Step::End(Ending::Conflict(why)));
    }
    let company = rules.config.numbering.company_of(number);
    if company == own {
        return None;
    }
    Some(of_another(number, company, rules))
}
