//! A document's sync as people tell it: what was held, what differed, what was sent, and what to do next. Pure.

use domain::document::{Difference, Document};
use domain::ports::Side;
use domain::store::entities::log;
use domain::store::{Ruling, Status, Trigger};
use serde_json::Value;

use super::output::time;
use super::row::source;
use super::told::Told;

/// What the CRM held.
pub(super) fn held(row: &log::Model) -> Vec<String> {
    let document: Option<Document> = row
        .source_data
        .clone()
        .and_then(|json| serde_json::from_value(json).ok());
    let Some(document) = document else {
        return vec!["it was not looked at".to_owned()];
    };
    let day = document.date.map_or("no date".to_owned(), |day| day.to_string());
    let value = document
        .value()
        .map_or("?".to_owned(), |value| value.normalize().to_string());
    let mut lines = vec![format!(
        "{} {} of {day}, type {}, state {:?}, customer {}: it comes to {value}",
        document.kind.name(),
        document.number,
        document.object_type,
        document.state,
        document.customer
    )];
    lines.extend(document.rows.iter().enumerate().map(|(at, row)| {
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
    }));
    lines
}

/// What is not as it was issued, or what an operator has said.
pub(super) fn decided(row: &log::Model) -> Vec<String> {
    let mut lines = Vec::new();
    if let Some(Ruling::SendAgain { sent_at } | Ruling::Exists { sent_at, .. }) =
        Ruling::of(Trigger::Manual, row.trigger_payload.as_ref())
    {
        lines.push(format!("about what was sent at {}", time(sent_at)));
    }
    lines.extend(differences(row).iter().map(ToString::to_string));
    lines
}

fn differences(row: &log::Model) -> Vec<Difference> {
    let json = row.changes.clone();
    json.and_then(|json| serde_json::from_value(json).ok())
        .unwrap_or_default()
}

/// What finance and the CRM were told.
pub(super) fn written(told: &Told) -> Vec<String> {
    let mut lines = Vec::new();
    for row in std::iter::once(&told.row).chain(&told.same_run) {
        let done = row.status == Status::Success;
        match source(row) {
            Side::Crm => {
                let after = row
                    .target_data_after
                    .as_ref()
                    .filter(|after| done && after.get("sent").is_some());
                let Some(after) = after else { continue };
                let text = |name: &str| after.get(name).and_then(Value::as_str).unwrap_or("?");
                lines.push(format!(
                    "to finance: pre-invoice {} (id {})",
                    text("number"),
                    text("id")
                ));
            }
            Side::Finance if done => {
                lines.push("to the CRM: the pre-invoice's number, into refId".to_owned());
            }
            Side::Finance => {}
        }
    }
    if lines.is_empty() && told.row.status.is_final() {
        lines.push("nothing".to_owned());
    }
    lines
}

/// What to do now; `None`: as for every row.
pub(super) fn next(row: &log::Model) -> Option<String> {
    let id = row.id;
    match (row.status, row.error_class.as_deref()) {
        (Status::Conflict, Some("unknown_outcome")) => Some(format!(
            "look in finance for this document: `siaghsync resolve {id} --exists <number>` if it is there, `siaghsync \
             resolve {id} --send-again` if it is not"
        )),
        (Status::Conflict, Some("conflict")) => Some(format!(
            "put the pre-invoice right in finance by hand, then `siaghsync resolve {id} --accept`; or take the change \
             back in the CRM: that is heard by itself"
        )),
        (Status::Failed, Some("invalid")) => Some(
            "correct the document in the CRM: the edit is heard by itself, and it is issued then".to_owned(),
        ),
        (Status::Pending, Some("dependency")) => {
            Some("it goes on by itself when what it waits for is settled".to_owned())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::story;
    use domain::store::EntityType;
    use serde_json::json;

    fn told(status: Status, class: Option<&str>, changes: Option<Value>) -> String {
        let row = log::Model {
            entity_type: EntityType::PreInvoice,
            direction: "CRM_TO_FINANCE".to_owned(),
            status,
            source_system: "CRM".to_owned(),
            target_system: "FINANCE".to_owned(),
            source_entity_id: "7c1d22aa".to_owned(),
            target_entity_id: Some("5001".to_owned()),
            source_data: Some(json!({
                "kind": "quote", "number": "100-1404/7", "objectType": "PI_5", "customer": "c", "subject": "",
                "description": "", "date": "2025-12-21", "state": "Draft", "totals": {},
                "rows": [{
                    "productCode": "500", "productName": "کاغذ", "isService": false, "unit": "", "count": "2.50",
                    "unitPrice": "1234567890123.45", "totalPrice": null, "discount": "0", "vat": "0", "toll": "0",
                    "description": "",
                }],
            })),
            target_data_after: Some(json!({ "id": "5001", "number": "2488", "sent": {} })),
            error_class: class.map(str::to_owned),
            changes,
            ..row()
        };
        story::tell(&Told {
            row,
            same_run: Vec::new(),
            retry: None,
        })
    }

    fn row() -> log::Model {
        log::Model {
            id: uuid::Uuid::nil(),
            transaction_id: uuid::Uuid::nil(),
            entity_mapping_id: None,
            entity_type: EntityType::PreInvoice,
            direction: String::new(),
            status: Status::Success,
            trigger_type: Trigger::Webhook,
            trigger_payload: None,
            source_system: String::new(),
            target_system: String::new(),
            source_entity_id: String::new(),
            target_entity_id: None,
            source_data: None,
            target_data_before: None,
            target_data_after: None,
            error_message: None,
            error_stack: None,
            retry_count: 0,
            started_at: chrono::DateTime::UNIX_EPOCH,
            completed_at: None,
            duration_ms: None,
            event_id: None,
            changes: None,
            error_class: None,
            error_code: None,
            error_arguments: None,
            covered_by: None,
            trace_id: None,
            trace_parent: None,
            rung_at: None,
            lapses: 0,
        }
    }

    #[test]
    fn an_issued_quote_is_told_row_by_row() {
        let story = told(Status::Success, None, None);
        for words in [
            "quote 100-1404/7 of 2025-12-21",
            "it comes to 3086419725308.625",
            "row 1: 500 «کاغذ» 2.5 × 1234567890123.45",
            "to finance: pre-invoice 2488 (id 5001)",
            "nothing to do",
        ] {
            assert!(story.contains(words), "{words}:\n{story}");
        }
    }

    #[test]
    fn what_waits_for_a_human_names_the_command() {
        let unknown = told(Status::Conflict, Some("unknown_outcome"), None);
        assert!(
            unknown.contains("--exists <number>") && unknown.contains("--send-again"),
            "{unknown}"
        );
        let changes = json!([{ "row": 1, "field": "count", "issued": "2.5", "now": "3" }]);
        let changed = told(Status::Conflict, Some("conflict"), Some(changes));
        assert!(
            changed.contains("row 1: count \"2.5\" → \"3\"") && changed.contains("--accept"),
            "{changed}"
        );
        assert!(told(Status::Failed, Some("invalid"), None).contains("correct the document in the CRM"));
    }
}
