//! Whose customer is it (design, "Companies")? Pure.

use domain::customer::Field;
use domain::matching::company_of;
use domain::message::{Code, Message};
use domain::side::Side;

use crate::Rules;
use crate::seen::{Known, Seen};
use crate::step::{Ending, Step};

/// The company that a number names and that is not served here.
fn other(number: &str, rules: &Rules<'_>) -> Option<u32> {
    company_of(number).filter(|company| *company != rules.config.numbering.company)
}

/// What is said of a number that names another company; `None`: it names none, or this one.
pub(crate) fn not_served(number: &str, rules: &Rules<'_>) -> Option<Message> {
    let company = other(number, rules)?;
    Some(
        Message::new(Code::OtherCompany)
            .with("number", number.trim())
            .with("company", company)
            .with("served", rules.config.numbering.company),
    )
}

/// A customer of another company is left alone; one that was linked and belongs to another now is for a human.
pub(super) fn next(known: &Known, seen: &Seen, rules: &Rules<'_>) -> Option<Step> {
    let number = seen.customer(Side::Crm)?.get(Field::CustomerNumber);
    if !known.link.is_whole() {
        return not_served(number, rules).map(|why| Step::End(Ending::Skip(why)));
    }
    let company = other(number, rules)?;
    let why = Message::new(Code::CompanyChanged)
        .with("number", number.trim())
        .with("company", company)
        .with("served", rules.config.numbering.company);
    Some(Step::End(Ending::Conflict(why)))
}
