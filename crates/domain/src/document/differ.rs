//! What has changed in a document since it was issued.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{Document, Row, Totals};

/// One difference, for the accountant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// The row, counted from 1; `None`: the header.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub row: Option<usize>,
    /// What differs.
    pub field: String,
    /// As it was issued; empty: it was not there.
    pub issued: String,
    /// As it is now; empty: it is no more.
    pub now: String,
}

impl std::fmt::Display for Difference {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if let Some(row) = self.row {
            write!(f, "row {row}: ")?;
        }
        write!(f, "{} {:?} → {:?}", self.field, self.issued, self.now)
    }
}

/// Everything that matters to finance and is not as it was issued. The document's state, its number in the CRM and
/// the products' names may change freely, and so may the order of its rows: rows are compared by what they say.
#[must_use]
pub fn differences(issued: &Document, now: &Document) -> Vec<Difference> {
    let mut found = compared(None, &header(issued), &header(now));
    for (old, new) in pairs(&issued.rows, &now.rows) {
        let parts = |row: Option<&Row>| row.map(of_row).unwrap_or_default();
        let place = old.or(new).map(|at| at + 1);
        let old = parts(old.and_then(|at| issued.rows.get(at)));
        let new = parts(new.and_then(|at| now.rows.get(at)));
        found.extend(compared(place, &old, &new));
    }
    found
}

/// Which row is which, by their places: those that say the same, then those of the same product, then the rest in their
/// order. A row without a counterpart was added, or taken away.
fn pairs(issued: &[Row], now: &[Row]) -> Vec<(Option<usize>, Option<usize>)> {
    let mut left: Vec<usize> = (0..now.len()).collect();
    let mut pairs: Vec<(usize, Option<usize>)> = (0..issued.len()).map(|at| (at, None)).collect();
    let says_same = |old: usize, new: usize| of_row(&issued[old]) == of_row(&now[new]);
    let product = |row: &Row| row.product_code.trim().to_owned();
    let same: [&dyn Fn(usize, usize) -> bool; 4] = [
        &|old, new| old == new && says_same(old, new),
        &says_same,
        &|old, new| product(&issued[old]) == product(&now[new]),
        &|_, _| true,
    ];
    for same in same {
        for (old, new) in pairs.iter_mut().filter(|(_, new)| new.is_none()) {
            let at = left.iter().position(|at| same(*old, *at));
            *new = at.map(|at| left.remove(at));
        }
    }
    let paired = pairs.into_iter().map(|(old, new)| (Some(old), new));
    paired
        .chain(left.into_iter().map(|new| (None, Some(new))))
        .collect()
}

type Part = (&'static str, String);

/// Either side may lack all parts: a row that was added, or taken away.
fn compared(row: Option<usize>, issued: &[Part], now: &[Part]) -> Vec<Difference> {
    let names = if issued.is_empty() { now } else { issued };
    let of = |parts: &[Part], at: usize| parts.get(at).map(|part| part.1.clone()).unwrap_or_default();
    let pairs = names.iter().enumerate().map(|(at, part)| Difference {
        row,
        field: part.0.to_owned(),
        issued: of(issued, at),
        now: of(now, at),
    });
    pairs.filter(|pair| pair.issued != pair.now).collect()
}

fn header(document: &Document) -> Vec<Part> {
    let Totals {
        total,
        discount,
        vat,
        toll,
        additional_costs,
        final_value,
    } = &document.totals;
    let maybe = |value: &Option<Decimal>| value.map(money).unwrap_or_default();
    vec![
        ("customer", document.customer.trim().to_ascii_lowercase()),
        ("type", document.object_type.trim().to_owned()),
        (
            "date",
            document.date.map(|date| date.to_string()).unwrap_or_default(),
        ),
        ("subject", document.subject.trim().to_owned()),
        ("description", document.description.trim().to_owned()),
        ("total", maybe(total)),
        ("discount", maybe(discount)),
        ("VAT", maybe(vat)),
        ("toll", maybe(toll)),
        ("additional costs", maybe(additional_costs)),
        ("final value", maybe(final_value)),
    ]
}

fn of_row(row: &Row) -> Vec<Part> {
    vec![
        ("product", row.product_code.trim().to_owned()),
        ("service", if row.is_service { "yes" } else { "no" }.to_owned()),
        ("unit", row.unit.trim().to_owned()),
        ("count", money(row.count)),
        ("returned", money(row.returned)),
        ("price", money(row.unit_price)),
        ("total", row.total_price.map(money).unwrap_or_default()),
        ("discount", money(row.discount)),
        ("VAT", money(row.vat)),
        ("toll", money(row.toll)),
        ("description", row.description.trim().to_owned()),
    ]
}

/// One text for one value: `1.50` and `1.5` are the same.
fn money(value: Decimal) -> String {
    value.normalize().to_string()
}
