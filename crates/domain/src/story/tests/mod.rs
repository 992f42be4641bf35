//! What every part of the story is tested with.

use chrono::{DateTime, TimeDelta};
use serde_json::{Value, json};

use super::text::{PLAIN, render};
use super::*;
use crate::customer::{Customer, Kind};
use crate::store::Trigger;

mod columns;
mod customers;
mod documents;
mod next;

fn id(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn row(n: u128, status: Status) -> Row {
    Row {
        id: id(n),
        transaction: id(100),
        entity_type: EntityType::Customer,
        status,
        trigger: Trigger::Webhook,
        payload: Some(json!({})),
        source: Side::Crm,
        source_id: "a".to_owned(),
        target_id: Some("22".to_owned()),
        source_data: Some(customer("علی", "0912")),
        target_before: Some(customer("Ali", "0912")),
        target_after: None,
        changes: None,
        message: None,
        text: None,
        error_class: None,
        covered_by: None,
        retries: 0,
        lapses: 0,
        started_at: DateTime::UNIX_EPOCH,
        completed_at: status
            .is_final()
            .then_some(DateTime::UNIX_EPOCH + TimeDelta::seconds(2)),
        duration_ms: status.is_final().then_some(40),
        event_id: None,
        trace_id: None,
    }
}

/// A row that a run wrote besides: from that side, its changes.
fn audit(n: u128, source: Side, changes: Value) -> Row {
    Row {
        payload: None,
        source,
        source_id: if source == Side::Crm { "a" } else { "22" }.to_owned(),
        target_id: Some(if source == Side::Crm { "22" } else { "a" }.to_owned()),
        changes: Some(changes),
        ..row(n, Status::Success)
    }
}

fn customer(name: &str, mobile: &str) -> Value {
    let customer = Customer::new(Kind::Person)
        .with(Field::Name, name)
        .with(Field::Mobile, mobile);
    serde_json::to_value(customer).unwrap()
}

fn name(winner: Option<&str>, reason: &str) -> Value {
    json!([{ "field": "name", "crm": "علی", "finance": "Ali", "winner": winner, "reason": reason }])
}

fn alone(row: Row) -> Facts {
    Facts {
        row,
        others: Vec::new(),
        retry: None,
        link: None,
        covers: Vec::new(),
    }
}

fn text(facts: &Facts) -> String {
    let story = explain(facts);
    let stored = serde_json::to_value(&story).unwrap();
    assert_eq!(
        serde_json::from_value::<Story>(stored).unwrap(),
        story,
        "it is data"
    );
    render(&story, PLAIN)
}
