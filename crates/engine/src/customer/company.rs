//! Whose customer is it (design, "Companies")? Pure.

use domain::customer::Field;
use domain::matching::company_of;
use domain::message::{Code, Message};
use domain::side::Side;

use crate::Rules;
use crate::seen::{Known, Seen};
use crate::step::{Ending, Step};

/// What becomes of a number that names a company which is not served here; `None`: it names none, or this one.
pub(crate) fn other_company(code: Code, number: &str, rules: &Rules<'_>) -> Option<Message> {
    let served = rules.config.numbering.company;
    let company = company_of(number).filter(|company| *company != served)?;
    Some(
        Message::new(code)
            .with("number", number.trim())
            .with("company", company)
            .with("served", served),
    )
}

/// A customer of another company is left alone; one that was linked and belongs to another now is for a human.
pub(super) fn next(known: &Known, seen: &Seen, rules: &Rules<'_>) -> Option<Step> {
    let number = seen.customer(Side::Crm)?.get(Field::CustomerNumber);
    Some(Step::End(match known.link.is_whole() {
        true => Ending::Conflict(other_company(Code::CompanyChanged, number, rules)?),
        false => Ending::Skip(other_company(Code::OtherCompany, number, rules)?),
    }))
}
