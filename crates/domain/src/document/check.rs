//! What must hold of a document before anything of it is sent: pure, and all problems at once.
//!
//! It never mends anything: the CRM's users do.

use rust_decimal::Decimal;

use super::{Document, Row};

/// So much may a sum differ for each number that went into it: the CRM rounds each to whole rials.
const ROUNDING: Decimal = Decimal::ONE;

/// What speaks against issuing the document, in words for its author; rows count from 1. Empty: nothing.
/// `services`: rows of services may be sent too (`SEND_SERVICE_ROWS`).
#[must_use]
pub fn problems(document: &Document, services: bool) -> Vec<String> {
    let mut problems = Vec::new();
    if document.customer.trim().is_empty() {
        problems.push("it has no customer".to_owned());
    }
    if document.date.is_none() {
        problems.push("it has no date".to_owned());
    }
    if document.rows.is_empty() {
        problems.push("it has no rows".to_owned());
        return problems;
    }
    for (at, row) in document.rows.iter().enumerate() {
        let found = of_row(row, services);
        problems.extend(
            found
                .into_iter()
                .map(|problem| format!("row {}: {problem}", at + 1)),
        );
    }
    // Sums of rows that are wrong themselves say nothing new.
    if problems.is_empty() {
        problems.extend(of_totals(document));
    }
    problems
}

fn of_row(row: &Row, services: bool) -> Vec<String> {
    let mut problems = Vec::new();
    if row.product_code.trim().is_empty() {
        problems.push(format!("the product {:?} has no code", row.product_name));
    }
    if row.is_service && !services {
        problems.push(format!(
            "{:?} is a service, and a pre-invoice takes goods (SEND_SERVICE_ROWS=true sends services too)",
            row.product_name
        ));
    }
    if row.count <= Decimal::ZERO {
        problems.push(format!("the count is {}, and must be above 0", row.count));
    }
    if row.unit_price <= Decimal::ZERO {
        problems.push(format!("the price is {}, and must be above 0", row.unit_price));
    }
    for (name, value) in [("discount", row.discount), ("VAT", row.vat), ("toll", row.toll)] {
        if value < Decimal::ZERO {
            problems.push(format!("the {name} is {value}, and must not be below 0"));
        }
    }
    if !problems.is_empty() {
        return problems;
    }
    let Some(price) = row.count.checked_mul(row.unit_price) else {
        return vec!["count times price is more than can be reckoned with".to_owned()];
    };
    if row.discount > price.saturating_add(ROUNDING) {
        problems.push(format!(
            "the discount {} is more than the price {}",
            row.discount,
            price.normalize()
        ));
    }
    // Unverified whether the CRM says it before or after the discount: either is right.
    if let Some(said) = row.total_price
        && !near(said, price, ROUNDING)
        && !near(said, price.saturating_sub(row.discount), ROUNDING)
    {
        problems.push(format!(
            "the total is {said}, but {} times {} is {}",
            row.count,
            row.unit_price,
            price.normalize()
        ));
    }
    problems
}

fn of_totals(document: &Document) -> Vec<String> {
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
        return vec!["the rows add up to more than can be reckoned with".to_owned()];
    };
    let totals = &document.totals;
    let costs = totals.additional_costs.unwrap_or_default();
    let mut problems = Vec::new();
    if costs != Decimal::ZERO {
        problems.push(format!(
            "it has additional costs of {costs}, for which a pre-invoice has no place: make them a row"
        ));
    }
    let mut compare = |name: &str, said: Option<Decimal>, sums: &[Decimal]| {
        if let Some(said) = said
            && !sums.iter().any(|sum| near(said, *sum, tolerance))
        {
            let sum = sums.first().copied().unwrap_or_default().normalize();
            problems.push(format!(
                "the header's {name} is {said}, but the rows add up to {sum}"
            ));
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
