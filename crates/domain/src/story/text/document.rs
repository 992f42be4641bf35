//! What only documents show.

use crate::document::Document;
use crate::side::Side;
use crate::story::Written;

/// What it said.
pub(super) fn held(document: &Document) -> Vec<String> {
    let day = document.date.map_or("no date".to_owned(), |day| day.to_string());
    let value = document
        .value()
        .map_or("?".to_owned(), |value| value.normalize().to_string());
    let head = format!(
        "{} {} of {day}, type {}, state {:?}, customer {}: it comes to {value}",
        document.kind.name(),
        document.number,
        document.object_type,
        document.state,
        document.customer
    );
    let rows = document.rows.iter().enumerate().map(|(at, row)| {
        format!(
            "row {}: {} «{}» {} × {}, discount {}, VAT {}",
            at + 1,
            row.product_code,
            row.product_name,
            row.count.normalize(),
            row.unit_price.normalize(),
            row.discount.normalize(),
            row.vat.normalize()
        )
    });
    std::iter::once(head).chain(rows).collect()
}

/// What one side was written of it.
pub(super) fn written(written: &Written) -> String {
    match written.to.side {
        Side::Finance => format!(
            "to finance: pre-invoice {} (id {})",
            written.number.as_deref().unwrap_or("?"),
            written.to.id.as_deref().unwrap_or("?")
        ),
        Side::Crm => "to the CRM: the pre-invoice's number, into refId".to_owned(),
    }
}
