//! Rows ↔ values, as the databases keep them: what is JSON there goes through its text here.

use chrono::{DateTime, Utc};
use domain::base::Known;
use domain::company::Company;
use domain::in_flight::InFlight;
use domain::message::Message;
use domain::ports::Side;
use domain::store::entities::{link, log};
use domain::store::{
    ClaimedRow, EntityRef, EntityType, Event, Link, Outcome, Ruling, Status, StoreError, StoreResult,
    says_gone,
};
use sea_orm::DbErr;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::Digest;
use uuid::Uuid;

use super::own::{Own, own_on};
use super::tables::{Named, micros};

/// A value as a JSON column gives it back.
pub(super) fn json(value: &impl Serialize) -> StoreResult<Value> {
    let text = serde_json::to_string(value).map_err(broken)?;
    serde_json::from_str(&text).map_err(broken)
}

fn read<T: DeserializeOwned>(column: Option<&Value>) -> StoreResult<Option<T>> {
    column
        .map(|value| serde_json::from_str(&value.to_string()).map_err(broken))
        .transpose()
}

fn broken(error: serde_json::Error) -> StoreError {
    StoreError::Database(DbErr::Json(error.to_string()))
}

pub(super) fn system(side: Side) -> &'static str {
    match side {
        Side::Crm => "CRM",
        Side::Finance => "FINANCE",
    }
}

pub(super) fn side_of(system: &str) -> Side {
    if system == "CRM" { Side::Crm } else { Side::Finance }
}

/// The records that a link names: the keys of the two unique indexes.
pub(super) fn records(row: &link::Model) -> Vec<Named> {
    let company = row.company.parse().unwrap_or_default();
    let named = |side, id: &Option<String>| Some((row.entity_type, side, own_on(side, company), id.clone()?));
    let crm = named(Side::Crm, &row.crm_id);
    let finance = named(Side::Finance, &row.finance_id);
    crm.into_iter().chain(finance).collect()
}

/// Whether a row is about the entity of that link.
pub(super) fn is_of(row: &log::Model, link: &link::Model) -> bool {
    let id = match side_of(&row.source_system) {
        Side::Crm => &link.crm_id,
        Side::Finance if row.company == link.company => &link.finance_id,
        Side::Finance => return false,
    };
    row.entity_type == link.entity_type && id.as_deref() == Some(row.source_entity_id.as_str())
}

/// The row of a record that is met, as that company's until somebody knows better.
pub(super) fn half(id: Uuid, entity: &EntityRef, company: Company, now: DateTime<Utc>) -> link::Model {
    let mut unmet = Link::unmet(entity.entity_type);
    unmet.set_id(entity.side, entity.id.clone());
    link::Model {
        id,
        entity_type: entity.entity_type,
        company: company.to_string(),
        crm_id: unmet.crm_id,
        finance_id: unmet.finance_id,
        last_sync_at: None,
        last_sync_source: None,
        last_sync_transaction_id: None,
        crm_checksum: None,
        finance_checksum: None,
        crm_updated_at: None,
        finance_updated_at: None,
        created_at: now,
        updated_at: now,
        base: None,
        in_flight: None,
        version: 0,
        state: unmet.state,
        lease_owner: None,
        lease_token: 0,
        lease_until: None,
    }
}

/// A link as the engine knows it.
pub(super) fn link(row: &link::Model) -> StoreResult<Link> {
    let company = row.company.parse();
    let company = company.map_err(|error| DbErr::Type(format!("EntityMapping.company: {error}")))?;
    let mut link = Link {
        id: row.id,
        crm_id: row.crm_id.clone(),
        finance_id: row.finance_id.clone(),
        state: row.state,
        in_flight: read(row.in_flight.as_ref())?.unwrap_or_default(),
        crm_updated_at: row.crm_updated_at,
        finance_updated_at: row.finance_updated_at,
        version: row.version,
        company,
        ..Link::unmet(row.entity_type)
    };
    match row.entity_type {
        EntityType::Customer => link.base = read(row.base.as_ref())?,
        _ => link.issued = read(row.base.as_ref())?,
    }
    Ok(link)
}

/// What a run knows of a link, into its row.
pub(super) fn save(row: &mut link::Model, link: &Link) -> StoreResult<()> {
    row.crm_id.clone_from(&link.crm_id);
    row.finance_id.clone_from(&link.finance_id);
    row.state = link.state;
    row.company = link.company.to_string();
    row.crm_updated_at = link.crm_updated_at.map(micros);
    row.finance_updated_at = link.finance_updated_at.map(micros);
    row.base = match (&link.issued, &link.base) {
        (Some(issued), _) => Some(json(issued)?),
        (None, Some(base)) => Some(json(base)?),
        (None, None) => None,
    };
    row.in_flight = in_flight(&link.in_flight)?;
    let base = link.base.as_ref();
    row.crm_checksum = base.map(|base| checksum(&base.crm));
    row.finance_checksum = base.map(|base| checksum(&base.finance));
    Ok(())
}

pub(super) fn in_flight(writes: &InFlight) -> StoreResult<Option<Value>> {
    (!writes.is_empty()).then(|| json(writes)).transpose()
}

fn checksum(values: &Known) -> String {
    let mut text = String::new();
    for (field, value) in values {
        text.extend([field.name(), "\u{1}", value, "\u{2}"]);
    }
    hex::encode(sha2::Sha256::digest(text))
}

/// The row of an event.
pub(super) fn pending(own: &Own, event: &Event, now: DateTime<Utc>) -> log::Model {
    let side = event.entity.side;
    let company = event.company.unwrap_or(own.company);
    let key = |id: &str| own.event_key(company, side, id);
    let direction = match side {
        Side::Crm => "CRM_TO_FINANCE",
        Side::Finance => "FINANCE_TO_CRM",
    };
    let trace_id = event.traceparent.as_deref().and_then(|t| t.split('-').nth(1));
    log::Model {
        id: event.row,
        transaction_id: event.row,
        entity_mapping_id: None,
        entity_type: event.entity.entity_type,
        company: company.to_string(),
        direction: direction.to_owned(),
        status: Status::Pending,
        trigger_type: event.trigger,
        trigger_payload: Some(event.payload.clone()),
        source_system: system(side).to_owned(),
        target_system: system(side.other()).to_owned(),
        source_entity_id: event.entity.id.clone(),
        target_entity_id: None,
        source_data: None,
        target_data_before: None,
        target_data_after: None,
        error_message: None,
        error_stack: None,
        retry_count: 0,
        started_at: now,
        completed_at: None,
        duration_ms: None,
        event_id: event.event_id.as_deref().map(key),
        changes: None,
        error_class: None,
        error_code: None,
        error_arguments: None,
        covered_by: None,
        trace_id: trace_id.filter(|id| id.len() == 32).map(str::to_owned),
        trace_parent: event.traceparent.clone(),
        rung_at: event.rung.then_some(now),
        lapses: 0,
    }
}

/// What a row says from now on.
pub(super) fn say(row: &mut log::Model, message: Option<&Message>) -> StoreResult<()> {
    row.error_message = message.map(Message::english);
    row.error_code = message.map(|message| message.code.as_str().to_owned());
    let arguments = message.map(|message| &message.arguments);
    let arguments = arguments.filter(|arguments| !arguments.is_empty());
    row.error_arguments = arguments.map(json).transpose()?;
    Ok(())
}

/// What a run has come to, into the row of it.
pub(super) fn tell(row: &mut log::Model, outcome: &Outcome) -> StoreResult<()> {
    row.source_data.clone_from(&outcome.source_data);
    row.target_data_before.clone_from(&outcome.target_before);
    row.target_data_after.clone_from(&outcome.target_after);
    row.changes.clone_from(&outcome.changes);
    row.error_class = outcome.error_class.map(str::to_owned);
    say(row, outcome.message.as_ref())
}

pub(super) fn claimed(row: &log::Model) -> ClaimedRow {
    ClaimedRow {
        id: row.id,
        side: side_of(&row.source_system),
        trigger: row.trigger_type,
        heard_at: row.started_at,
        retry_count: row.retry_count.unsigned_abs(),
        scheduled: row.retry_count > 0 || row.error_class.is_some(),
        lapses: row.lapses.unsigned_abs(),
        ruling: Ruling::of(row.trigger_type, row.trigger_payload.as_ref()),
        gone: row.trigger_payload.as_ref().is_some_and(says_gone),
    }
}
