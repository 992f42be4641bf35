//! Reading documents, on an answer that was recorded as JSON.

use rust_decimal::Decimal;
use serde_json::json;

use super::*;
use crate::wire;

const QUOTE: &[u8] = include_bytes!("../tests/fixtures/quote_pascal.json");
const ZONE: Tz = Tz::Asia__Tehran;

fn quote() -> Value {
    wire::parse(QUOTE).unwrap().unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn a_quote_is_read_to_the_digit() {
    let read = snapshot(quote(), DocumentKind::Quote, ZONE).unwrap();
    assert_eq!(read.id, "3f2b1c0a-5e6f-4d7c-8b9a-0c1d2e3f4a5b");
    assert_eq!(read.ref_id, "");
    assert_eq!(read.created_at, "2025-03-20T20:28:17.173Z".parse().ok());
    assert_eq!(read.modified_at, "2025-03-21T05:36:17.1234567Z".parse().ok());
    let row = Row {
        product_code: "500102014".to_owned(),
        product_name: "کاغذ A4".to_owned(),
        is_service: false,
        unit: "بسته".to_owned(),
        count: decimal("1.0000"),
        returned: Decimal::ZERO,
        unit_price: decimal("1234567890123.45"),
        total_price: Some(decimal("1234567890123.45")),
        discount: decimal("0.5"),
        vat: decimal("1530000"),
        toll: Decimal::ZERO,
        description: "سفید".to_owned(),
    };
    let service = Row {
        product_name: "نصب".to_owned(),
        is_service: true,
        count: decimal("0.001"),
        ..Row::default()
    };
    let expected = Document {
        kind: DocumentKind::Quote,
        number: "100-1404/27".to_owned(),
        object_type: "PI_5".to_owned(),
        customer: "0b1c0a5e-6f7e-4d0c-9a2e-2f1c6d1f0a11".to_owned(),
        subject: "پیش فاکتور لوازم اداری".to_owned(),
        description: "تحویل درب انبار".to_owned(),
        date: "2025-03-21".parse().ok(),
        state: "2".to_owned(),
        related_quote: None,
        totals: Totals {
            total: Some(decimal("1234567890123.45")),
            discount: Some(decimal("0.50")),
            vat: Some(decimal("1530000")),
            toll: None,
            additional_costs: Some(decimal("1500")),
            final_value: Some(decimal("1234569420123.45")),
        },
        rows: vec![row, service],
    };
    assert_eq!(read.document, expected);
    // What goes back holds each number as it was written.
    let whole = read.whole.to_string();
    for kept in ["1234567890123.45", "1.5e+3", r#""deep":[1.10]"#, "1.0000"] {
        assert!(whole.contains(kept), "{kept}");
    }
}

#[test]
fn an_amount_that_is_none_names_its_row_and_property() {
    let with = |place: &str, value: Value| {
        let mut object = quote();
        *object.pointer_mut(place).unwrap() = value;
        document(&object, DocumentKind::Quote, ZONE).unwrap_err()
    };
    let said = with("/details/1/count", json!("یک"));
    assert!(said.starts_with("row 2 of the quote: count is 'یک'"), "{said}");
    let said = with("/details/0/baseUnitPrice", json!("1e-40"));
    assert!(
        said.starts_with("row 1 of the quote: baseUnitPrice is '1e-40'"),
        "{said}"
    );
    let said = with("/totalValue", json!(true));
    assert!(said.starts_with("the quote's totalValue is true"), "{said}");
    let said = with("/quoteDate", json!("1404/01/01"));
    assert!(
        said.starts_with("the quote's quoteDate is '1404/01/01'"),
        "{said}"
    );
}

#[test]
fn the_day_is_the_documents_own_else_that_of_its_creation() {
    let day = |object: Value, kind| document(&object, kind, ZONE).unwrap().date;
    let on = |text: &str| text.parse::<NaiveDate>().ok();
    let mut object = quote();
    assert_eq!(day(object.clone(), DocumentKind::Invoice), on("2025-03-20"));
    object["invoiceDate"] = json!("2025-03-20T20:30:00Z");
    assert_eq!(day(object.clone(), DocumentKind::Invoice), on("2025-03-21"));
    for (text, own) in [
        ("2026-03-20T23:59:59.9999999", "2026-03-20"),
        ("2026-03-21T00:00:00", "2026-03-21"),
        ("2026-03-20T20:29:59Z", "2026-03-20"),
        ("2026-03-20T20:30:00Z", "2026-03-21"),
        ("2026-03-21T00:00:00+04:30", "2026-03-20"),
    ] {
        object["quoteDate"] = json!(text);
        assert_eq!(day(object.clone(), DocumentKind::Quote), on(own), "{text}");
    }
    object["quoteDate"] = json!("0001-01-01T00:00:00");
    assert_eq!(day(object.clone(), DocumentKind::Quote), on("2025-03-20"));
    object["creatDate"] = Value::Null;
    assert_eq!(day(object, DocumentKind::Quote), None);
}

#[test]
fn a_sparse_document_is_read_and_a_related_quote_is_known() {
    let sparse = |object: Value| document(&object, DocumentKind::Invoice, ZONE).unwrap();
    let empty = sparse(json!({"crmId": "x", "details": null}));
    assert!(empty.rows.is_empty() && empty.totals == Totals::default());
    let zeros = json!({"relatedQuoteId": "00000000-0000-0000-0000-000000000000"});
    assert_eq!(sparse(zeros).related_quote, None);
    let related = sparse(json!({"relatedQuoteId": "0b1c0a5e-0000-0000-0000-000000000000"}));
    assert_eq!(
        related.related_quote.as_deref(),
        Some("0b1c0a5e-0000-0000-0000-000000000000")
    );
}
