//! What must hold of a document before anything of it is sent: pure, and all problems at once.
//!
//! It never mends anything: the CRM's users do.

use rust_decimal::Decimal;

use super::{Document, Row};
use crate::message::{Code, Message};

/// So much may any sum differ: the CRM rounds to whole rials.
const RIAL: Decimal = Decimal::ONE;

/// What speaks against issuing the document, for its author; rows count from 1. Empty: nothing.
/// `services`: rows of services may be sent too (`SEND_SERVICE_ROWS`). `rounding`: what is to be paid may differ by less than
/// that, in rial (`DOCUMENT_ROUNDING`): the CRM can round totals.
#[must_use]
pub fn problems(document: &Document, services: bool, rounding: Decimal) -> Vec<Message> {
    let mut problems = Vec::new();
    if document.customer.trim().is_empty() {
        problems.push(Message::new(Code::NoCustomer));
    }
    if document.date.is_none() {
        problems.push(Message::new(Code::NoDate));
    }
    if document.rows.is_empty() {
        problems.push(Message::new(Code::NoRows));
        return problems;
    }
    for (at, row) in document.rows.iter().enumerate() {
        let found = of_row(row, services);
        let in_row = |problem: &Message| {
            Message::new(Code::InRow)
                .with("row", at + 1)
                .with_message("problem", problem)
        };
        problems.extend(found.iter().map(in_row));
    }
    // Sums of rows that are wrong themselves say nothing new.
    if problems.is_empty() {
        problems.extend(of_totals(document, rounding));
    }
    problems
}

fn of_row(row: &Row, services: bool) -> Vec<Message> {
    let mut problems = Vec::new();
    if row.product_code.trim().is_empty() {
        problems
            .push(Message::new(Code::ProductHasNoCode).with("product", format!("{:?}", row.product_name)));
    }
    if row.is_service && !services {
        problems.push(Message::new(Code::IsAService).with("product", format!("{:?}", row.product_name)));
    }
    if row.returned != Decimal::ZERO {
        problems.push(Message::new(Code::PartlyReturned).with("value", row.returned.normalize()));
    }
    if row.count <= Decimal::ZERO {
        problems.push(Message::new(Code::CountNotAboveZero).with("value", row.count));
    }
    if row.unit_price <= Decimal::ZERO {
        problems.push(Message::new(Code::PriceNotAboveZero).with("value", row.unit_price));
    }
    for (name, value) in [("discount", row.discount), ("VAT", row.vat), ("toll", row.toll)] {
        if value < Decimal::ZERO {
            problems.push(
                Message::new(Code::BelowZero)
                    .with("what", name)
                    .with("value", value),
            );
        }
    }
    if !problems.is_empty() {
        return problems;
    }
    let Some(price) = row.count.checked_mul(row.unit_price) else {
        return vec![Message::new(Code::PriceBeyondReckoning)];
    };
    let tolerance = tolerance(row);
    if row.discount > price.saturating_add(tolerance) {
        let problem = Message::new(Code::DiscountAbovePrice);
        problems.push(
            problem
                .with("discount", row.discount)
                .with("price", price.normalize()),
        );
    }
    // Unverified whether the CRM says it before or after the discount: either is right.
    if let Some(said) = row.total_price
        && !near(said, price, tolerance)
        && !near(said, price.saturating_sub(row.discount), tolerance)
    {
        let problem = Message::new(Code::RowTotalIsAnother).with("said", said);
        let problem = problem.with("count", row.count).with("price", row.unit_price);
        problems.push(problem.with("is", price.normalize()));
    }
    problems
}

/// So much may a row's sum differ: the unit price that is shown was rounded in its last digit, and goes into the sum once
/// for each piece.
fn tolerance(row: &Row) -> Decimal {
    let half = Decimal::new(5, row.unit_price.normalize().scale() + 1);
    half.checked_mul(row.count.abs()).unwrap_or(RIAL).max(RIAL)
}

/// What the rows of a document add up to.
struct Sums {
    price: Decimal,
    discount: Decimal,
    vat: Decimal,
    toll: Decimal,
    /// What is to be paid.
    payable: Decimal,
    tolerance: Decimal,
}

impl Sums {
    /// Whether the final value differs by more than the rows explain, and by no more than it may be rounded.
    fn are_rounded_to(&self, final_value: Option<Decimal>, rounding: Decimal) -> bool {
        let by = final_value.and_then(|said| said.checked_sub(self.payable));
        by.is_some_and(|by| by.abs() > self.tolerance && by.abs() < rounding)
    }
}

/// `None`: more than can be reckoned with.
fn sums(document: &Document) -> Option<Sums> {
    let sum = |part: fn(&Row) -> Option<Decimal>| {
        let mut rows = document.rows.iter();
        rows.try_fold(Decimal::ZERO, |sum, row| sum.checked_add(part(row)?))
    };
    let price = sum(|row| row.count.checked_mul(row.unit_price))?;
    let (discount, vat) = (sum(|row| Some(row.discount))?, sum(|row| Some(row.vat))?);
    let (toll, tolerance) = (sum(|row| Some(row.toll))?, sum(|row| Some(tolerance(row)))?);
    let costs = document.totals.additional_costs.unwrap_or_default();
    let payable = [vat, toll, costs]
        .iter()
        .fold(price.saturating_sub(discount), |sum, part| {
            sum.saturating_add(*part)
        });
    Some(Sums {
        price,
        discount,
        vat,
        toll,
        payable,
        tolerance,
    })
}

fn of_totals(document: &Document, rounding: Decimal) -> Vec<Message> {
    let Some(sums) = sums(document) else {
        return vec![Message::new(Code::SumsBeyondReckoning)];
    };
    let totals = &document.totals;
    let mut problems = Vec::new();
    if let Some(costs) = totals.additional_costs.filter(|costs| *costs != Decimal::ZERO) {
        problems.push(Message::new(Code::AdditionalCosts).with("value", costs));
    }
    let mut compare = |name: &str, said: Option<Decimal>, right: &[Decimal]| {
        let Some(said) = said else { return };
        if !right.iter().any(|right| near(said, *right, sums.tolerance)) {
            let right = right.first().copied().unwrap_or_default().normalize();
            let problem = Message::new(Code::HeaderIsAnother).with("what", name);
            problems.push(problem.with("said", said).with("is", right));
        }
    };
    let discounted = sums.price.saturating_sub(sums.discount);
    compare("total", totals.total, &[sums.price, discounted]);
    compare("discount", totals.discount, &[sums.discount]);
    compare("VAT", totals.vat, &[sums.vat]);
    compare("toll", totals.toll, &[sums.toll]);
    if !sums.are_rounded_to(totals.final_value, rounding) {
        compare("final value", totals.final_value, &[sums.payable]);
    }
    problems
}

/// What is to be told of a final value that the CRM has rounded: by no more than it may be, and by more than the rows
/// explain. `None`: nothing.
#[must_use]
pub fn rounded(document: &Document, rounding: Decimal) -> Option<Message> {
    let (sums, said) = (sums(document)?, document.totals.final_value?);
    sums.are_rounded_to(Some(said), rounding).then(|| {
        Message::new(Code::FinalValueIsRounded)
            .with("said", said.normalize())
            .with("is", sums.payable.normalize())
    })
}

fn near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool {
    one.checked_sub(other)
        .is_some_and(|difference| difference.abs() <= tolerance)
}
