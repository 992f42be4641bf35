use serde_json::{Value, json};

use super::{alone, audit, row, text};
use crate::entity::EntityType;
use crate::side::Side;
use crate::store::{Status, Trigger};
use crate::story::{Facts, Row, explain};

fn document(status: Status, class: Option<&str>, changes: Option<Value>) -> Facts {
    alone(Row {
        entity_type: EntityType::PreInvoice,
        source_id: "7c1d22aa".to_owned(),
        target_id: Some("5001".to_owned()),
        source_data: Some(json!({
            "kind": "quote", "number": "100-1404/7", "objectType": "PI_5", "customer": "c", "subject": "",
            "description": "", "date": "2025-12-21", "state": "Draft", "totals": {},
            "rows": [{
                "productCode": "500", "productName": "کاغذ", "isService": false, "unit": "", "count": "2.50",
                "unitPrice": "1234567890123.45", "totalPrice": null, "discount": "0", "vat": "0", "toll": "0",
                "description": "",
            }],
        })),
        target_before: None,
        target_after: Some(json!({ "id": "5001", "number": "2488", "sent": {} })),
        error_class: class.map(str::to_owned),
        changes,
        ..row(1, status)
    })
}

#[test]
fn an_issued_quote_is_told_row_by_row() {
    let mut facts = document(Status::Success, None, None);
    let noted = audit(
        2,
        Side::Finance,
        json!([{ "field": "refId", "issued": "", "now": "2488" }]),
    );
    facts.others = vec![Row {
        entity_type: EntityType::PreInvoice,
        target_after: None,
        ..noted
    }];
    let text = text(&facts);
    for part in [
        "quote 100-1404/7 of 2025-12-21",
        "it comes to 3086419725308.625",
        "row 1: 500 «کاغذ» 2.5 × 1234567890123.45",
        "to finance: pre-invoice 2488 (id 5001)",
        "to the CRM: the pre-invoice's number, into refId",
        "nothing to do",
    ] {
        assert!(text.contains(part), "{part}:\n{text}");
    }
    let numbers: Vec<_> = explain(&facts)
        .written
        .into_iter()
        .map(|one| one.number)
        .collect();
    assert_eq!(numbers, [Some("2488".to_owned()), Some("2488".to_owned())]);
}

#[test]
fn a_document_that_waits_for_a_human_names_the_command() {
    let unknown = text(&document(Status::Conflict, Some("unknown_outcome"), None));
    assert!(
        unknown.contains("--exists <number>") && unknown.contains("--send-again"),
        "{unknown}"
    );
    let changes = json!([{ "row": 1, "field": "count", "issued": "2.5", "now": "3" }]);
    let changed = text(&document(Status::Conflict, Some("conflict"), Some(changes)));
    assert!(
        changed.contains("row 1: count \"2.5\" → \"3\"") && changed.contains("--accept"),
        "{changed}"
    );
    let invalid = text(&document(Status::Failed, Some("invalid"), None));
    assert!(invalid.contains("correct the document in the CRM"), "{invalid}");
}

#[test]
fn what_an_operator_ruled_is_heard_from_him() {
    let mut facts = document(Status::Success, None, None);
    facts.row.trigger = Trigger::Manual;
    facts.row.payload =
        Some(json!({ "resolve": { "exists": { "sent_at": "1970-01-01T00:00:00Z", "number": "9" } } }));
    let said = text(&facts);
    assert!(
        said.contains("from an operator: it stands in finance as pre-invoice 9"),
        "{said}"
    );
    assert!(
        said.contains("about what was sent at 1970-01-01 00:00:00 UTC"),
        "{said}"
    );
    facts.row.payload = Some(json!({}));
    assert!(text(&facts).contains("from an operator of CRM"));
}
