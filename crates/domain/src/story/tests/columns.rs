use chrono::DateTime;
use serde_json::json;

use super::{alone, id, row, text};
use crate::entity::EntityType;
use crate::message::{Code, Message};
use crate::store::entities::log::Model;
use crate::store::{Status, Trigger};
use crate::story::{Row, explain};

#[test]
fn the_run_that_covered_a_row_is_named_also_where_version_0_1_wrote_a_text() {
    let model = Model {
        error_message: Some(format!("covered by {}: both systems changed", id(5))),
        ..model()
    };
    let facts = alone(Row::from(&model));
    let story = explain(&facts);
    assert_eq!(story.decided.covered_by, Some(id(5)));
    assert!(story.next.advice.english().contains(&id(5).to_string()));
    let named = Row::from(&Model {
        covered_by: Some(id(6)),
        error_message: None,
        error_code: Some("covered_by".to_owned()),
        error_arguments: Some(json!({ "row": id(6) })),
        ..model.clone()
    });
    assert_eq!(
        (named.covered_by, named.message.unwrap().code),
        (Some(id(6)), Code::CoveredBy)
    );
    let other = Row::from(&Model {
        error_message: Some("covered by nobody, and this is no id".to_owned()),
        ..model
    });
    assert_eq!(other.covered_by, None);
}

fn model() -> Model {
    Model {
        company: "100".to_owned(),
        id: id(1),
        transaction_id: id(100),
        entity_mapping_id: None,
        entity_type: EntityType::Customer,
        direction: "FINANCE_TO_CRM".to_owned(),
        status: Status::Skipped,
        trigger_type: Trigger::Poll,
        trigger_payload: Some(json!({})),
        source_system: "FINANCE".to_owned(),
        target_system: "CRM".to_owned(),
        source_entity_id: "22".to_owned(),
        target_entity_id: None,
        source_data: None,
        target_data_before: None,
        target_data_after: None,
        error_message: None,
        error_stack: None,
        retry_count: 0,
        started_at: DateTime::UNIX_EPOCH,
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
fn a_message_is_kept_as_data_beside_its_text() {
    let message = Message::new(Code::InStep);
    let facts = alone(Row {
        message: Some(message.clone()),
        ..row(1, Status::Skipped)
    });
    let ended = explain(&facts).ended;
    assert_eq!(
        (ended.message, ended.text.as_deref()),
        (Some(message), Some("in step already"))
    );
    let newer = Message::new(Code::Newer("from_tomorrow".to_owned()));
    let facts = alone(Row {
        message: Some(newer),
        text: Some("as tomorrow says it".to_owned()),
        ..row(1, Status::Skipped)
    });
    assert!(
        text(&facts).contains("as tomorrow says it"),
        "the text that was stored with it"
    );
}
