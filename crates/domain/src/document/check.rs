//! What must hold of a document before anything of it is sent: pure, and all problems at once.
//!
//! It never mends anything: the CRM's users do.

use rust_decimal::Decimal;

use super::{Document, Row};
use crate::message::{Code, Message};

/// So much may a sum differ for each number that went into it: the CRM rounds each to whole rials.
const ROUNDING: Decimal = Decimal::ONE;

/// What speaks against issuing the document, for its author; rows count from 1. Empty: nothing.
/// `services`: rows of services may be sent too (`SEND_SERVICE_ROWS`).
#[must_use]
pub fn problems(document: &Document, services: bool) -> Vec<Message> {
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
        problems.extend(of_totals(document));
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
    if row.discount > price.saturating_add(ROUNDING) {
        let problem = Message::new(Code::DiscountAbovePrice);
        problems.push(
            problem
                .with("discount", row.discount)
                .with("price", price.normalize()),
        );
    }
    // Unverified whether the CRM says it before or after the discount: either is right.
    if let Some(said) = row.total_price
        && !near(said, price, ROUNDING)
        && !near(said, price.saturating_sub(row.discount), ROUNDING)
    {
        let problem = Message::new(Code::RowTotalIsAnother).with("said", said);
        let problem = problem.with("count", row.count).with("price", row.unit_price);
        problems.push(problem.with("is", price.normalize()));
    }
    problems
}

fn of_totals(document: &Document) -> Vec<Message> {
    let tolerance = ROUNDING * Decimal::from(document.rows.len() + 1);
    let sum = |part: fn(&Row) -> Option<Decimal>| {
        document
            .rows
            .iter()
            .try_fold(Decimal::ZERO, |sum, row| sum.checked_add(part(row)?))
    };
    let sums = (
        sum(|row| row.count.checked_mul(row.unit_price)),
        sum(|row| Some(row.discount)),
        sum(|row| Some(row.vat)),
        sum(|row| Some(row.toll)),
    );
    let (Some(price), Some(discount), Some(vat), Some(toll)) = sums else {
        return vec![Message::new(Code::SumsBeyondReckoning)];
    };
    let totals = &document.totals;
    let costs = totals.additional_costs.unwrap_or_default();
    let mut problems = Vec::new();
    if costs != Decimal::ZERO {
        problems.push(Message::new(Code::AdditionalCosts).with("value", costs));
    }
    let mut compare = |name: &str, said: Option<Decimal>, sums: &[Decimal]| {
        if let Some(said) = said
            && !sums.iter().any(|sum| near(said, *sum, tolerance))
        {
            let sum = sums.first().copied().unwrap_or_default().normalize();
            let problem = Message::new(Code::HeaderIsAnother).with("what", name);
            problems.push(problem.with("said", said).with("is", sum));
        }
    };
    compare("total", totals.total, &[price, price.saturating_sub(discount)]);
    compare("discount", totals.discount, &[discount]);
    compare("VAT", totals.vat, &[vat]);
    compare("toll", totals.toll, &[toll]);
    let added = [vat, toll, costs];
    let to_be_paid = added.iter().fold(price.saturating_sub(discount), |sum, part| {
        sum.saturating_add(*part)
    });
    compare("final value", totals.final_value, &[to_be_paid]);
    problems
}

fn near(one: Decimal, other: Decimal, tolerance: Decimal) -> bool {
    one.checked_sub(other)
        .is_some_and(|difference| difference.abs() <= tolerance)
}
