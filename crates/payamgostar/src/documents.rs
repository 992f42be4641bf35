//! From the CRM's sales quote or invoice to the canonical document. Pure: nothing here calls anything.
//!
//! It never guesses an amount: one that is missing stays zero (or unknown, in the header), for the domain's checks
//! to name; one that can't be read makes the whole document unreadable.

use chrono::NaiveDate;
use chrono_tz::Tz;
use domain::document::{Document, DocumentKind, DocumentSnapshot, Row, Totals};
use serde_json::Value;

use crate::wire::text;
use crate::{dates, decimals};

/// What a read said. `object` is one with camelCase names and an id.
///
/// # Errors
/// As [`document`].
pub(crate) fn snapshot(object: Value, kind: DocumentKind, zone: Tz) -> Result<DocumentSnapshot, String> {
    let instant = |name| dates::instant(&text(&object, name), zone);
    let created_at = instant("creatDate");
    Ok(DocumentSnapshot {
        id: text(&object, "crmId"),
        document: document(&object, kind, zone)?,
        ref_id: text(&object, "refId"),
        created_at,
        modified_at: instant("modifyDate").or(created_at),
        whole: object,
    })
}

/// What an object says.
///
/// # Errors
/// Which property of which row is no decimal that can be held exactly, or no date.
pub(crate) fn document(object: &Value, kind: DocumentKind, zone: Tz) -> Result<Document, String> {
    let head = |why: String| format!("the {}'s {why}", kind.name());
    let total = |name| decimals::read(object, name).map_err(head);
    let rows = object.get("details").and_then(Value::as_array);
    let rows = rows.into_iter().flatten().enumerate().map(|(index, details)| {
        row(details).map_err(|why| format!("row {} of the {}: {why}", index + 1, kind.name()))
    });
    Ok(Document {
        kind,
        number: text(object, "number"),
        object_type: text(object, "crmObjectTypeCode"),
        customer: text(object, "identityId"),
        subject: text(object, "subject"),
        description: text(object, "description"),
        date: date(object, kind, zone).map_err(head)?,
        state: text(object, "billableObjectState"),
        related_quote: guid(&text(object, "relatedQuoteId")),
        totals: Totals {
            total: total("totalValue")?,
            discount: total("discount")?,
            vat: total("vat")?,
            toll: total("toll")?,
            additional_costs: total("additionalCosts")?,
            final_value: total("finalValue")?,
        },
        rows: rows.collect::<Result<_, _>>()?,
    })
}

/// The document's own day, else that of its creation.
fn date(object: &Value, kind: DocumentKind, zone: Tz) -> Result<Option<NaiveDate>, String> {
    let own = match kind {
        DocumentKind::Quote => "quoteDate",
        DocumentKind::Invoice => "invoiceDate",
    };
    for name in [own, "creatDate"] {
        let text = text(object, name);
        let day = dates::day(&text, zone).map_err(|()| format!("{name} is '{text}': no date"))?;
        if day.is_some() {
            return Ok(day);
        }
    }
    Ok(None)
}

/// An id, unless it is empty or the one of zeros that stands for none.
fn guid(text: &str) -> Option<String> {
    let id = text.trim();
    id.bytes()
        .any(|byte| byte != b'0' && byte.is_ascii_alphanumeric())
        .then(|| id.to_owned())
}

fn row(details: &Value) -> Result<Row, String> {
    let amount = |name| decimals::read(details, name).map(Option::unwrap_or_default);
    Ok(Row {
        product_code: text(details, "productCode"),
        product_name: text(details, "productName"),
        is_service: is_true(details.get("isService")),
        unit: text(details, "productUnitTypeName"),
        count: amount("count")?,
        returned: amount("returnedCount")?,
        unit_price: amount("baseUnitPrice")?,
        total_price: decimals::read(details, "totalUnitPrice")?,
        discount: amount("totalDiscount")?,
        vat: amount("totalVat")?,
        toll: amount("totalToll")?,
        description: text(details, "detailDescription"),
    })
}

fn is_true(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(truth)) => *truth,
        Some(Value::String(text)) => matches!(text.trim().to_ascii_lowercase().as_str(), "true" | "1"),
        Some(Value::Number(number)) => number.as_str() == "1",
        _ => false,
    }
}

#[cfg(test)]
#[path = "documents_tests.rs"]
mod tests;
