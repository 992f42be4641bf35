//! Signed events: JSON whose raw bytes are signed with a secret. Nothing is parsed, and hardly anything read,
//! before the signature is known to be good.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Request, State},
    response::{IntoResponse as _, Response},
};
use domain::{
    company::Company,
    ports::Side,
    store::{EntityRef, Event, Trigger},
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{
    Shared,
    answer::{Accepted, Refusal},
    ids,
    kind::{Action, Kind},
    observe::Trace,
    secrets::Signature,
};

const HEADER: &str = "x-webhook-signature";
const UNSIGNED: &str =
    "the signature is missing: send x-webhook-signature: sha256=<HMAC-SHA256 of the body in hex>";
const BADLY_SIGNED: &str =
    "the signature does not fit the body: sign its raw bytes with one of WEBHOOK_SECRET";
/// The longest event id; a guid has 36.
const EVENT_ID: usize = 200;
/// The longest number, and the largest exponent: within what PostgreSQL's `jsonb` holds.
const NUMBER: usize = 1000;

/// An event that was understood.
#[derive(Debug)]
pub(super) struct Signed {
    event_id: String,
    kind: Kind,
    action: Action,
    entity_id: String,
    company: Option<Company>,
    payload: Value,
}

/// The handler.
pub(super) async fn enqueue(
    side: Side,
    State(shared): State<Arc<Shared>>,
    Extension(trace): Extension<Trace>,
    request: Request,
) -> Response {
    answer(side, &shared, trace, request).await.into_response()
}

async fn answer(side: Side, shared: &Shared, trace: Trace, request: Request) -> Result<Accepted, Refusal> {
    let address = shared.client(&request);
    let signature = request
        .headers()
        .get(HEADER)
        .and_then(|header| Signature::parse(header.as_bytes()));
    let Some(signature) = signature.filter(|_| !shared.secrets.is_empty()) else {
        return Err(shared.refuse(address, UNSIGNED));
    };
    shared.limits.unproven(address).map_err(Refusal::TooMany)?;
    let body = shared.bodies.read(request).await?;
    if !shared.secrets.signed(&body, signature) {
        return Err(shared.refuse(address, BADLY_SIGNED));
    }
    let signed = parse(side, &body).map_err(Refusal::Invalid)?;
    let event = Event {
        row: Uuid::now_v7(),
        entity: EntityRef {
            entity_type: signed.kind.entity_type(),
            side,
            id: signed.entity_id,
        },
        company: signed.company,
        trigger: Trigger::Webhook,
        event_id: Some(signed.event_id),
        payload: signed.payload,
        traceparent: Some(trace.0),
        rung: false,
    };
    shared.record(event, signed.kind, signed.action).await
}

/// Understands a body, or says which field is wrong and what to do.
pub(super) fn parse(side: Side, body: &[u8]) -> Result<Signed, String> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let payload: Value = serde_json::from_slice(body).map_err(|error| {
        format!(
            "the body is not JSON in UTF-8 (line {}, column {}): send one object",
            error.line(),
            error.column()
        )
    })?;
    storable(&payload)?;
    let Value::Object(fields) = &payload else {
        return Err("the body must be one JSON object".to_owned());
    };
    let event_id = text(fields, "eventId")?.ok_or("eventId is missing: send the event's unique id")?;
    if event_id.trim().is_empty() || event_id.chars().count() > EVENT_ID {
        return Err(format!("eventId must have 1 to {EVENT_ID} characters"));
    }
    let (kind, action) = meaning(fields)?;
    let entity_id = fields
        .get("entityId")
        .ok_or("entityId is missing: send the record's id")?;
    let entity_id = ids::normal(side, entity_id).map_err(|why| format!("entityId {why}"))?;
    text(fields, "timestamp")?;
    if !matches!(fields.get("data"), None | Some(Value::Null | Value::Object(_))) {
        return Err("data must be an object, or left out".to_owned());
    }
    Ok(Signed {
        event_id: event_id.to_owned(),
        kind,
        action,
        entity_id,
        company: company(side, fields)?,
        payload,
    })
}

/// Whose finance system tells of it, where several are served. The CRM is one.
fn company(side: Side, fields: &Map<String, Value>) -> Result<Option<Company>, String> {
    let code = match (side, fields.get("company")) {
        (Side::Crm, _) | (_, None | Some(Value::Null)) => return Ok(None),
        (_, Some(Value::String(code))) => code.clone(),
        (_, Some(other)) => other.to_string(),
    };
    let company = code.parse().map_err(|error| format!("company: {error}"))?;
    Ok(Some(company))
}

/// From `entityType` and `action`, or else from `eventType`, which may leave either out.
fn meaning(fields: &Map<String, Value>) -> Result<(Kind, Action), String> {
    let event_type = text(fields, "eventType")?.unwrap_or_default();
    let (prefix, suffix) = event_type.split_once('.').unwrap_or((event_type, ""));
    let said = Kind::parse(prefix);
    let kind = match text(fields, "entityType")? {
        Some(name) => Some(
            Kind::parse(name)
                .ok_or("entityType is not known: send CUSTOMER, QUOTE, PREINVOICE or INVOICE")?,
        ),
        None => None,
    };
    let kind = match (kind, said) {
        (Some(kind), Some(said)) if kind != said => {
            return Err("entityType and eventType speak of different things: make them agree".to_owned());
        }
        (Some(kind), _) | (None, Some(kind)) => kind,
        (None, None) => {
            return Err("entityType is missing: send CUSTOMER, QUOTE, PREINVOICE or INVOICE".to_owned());
        }
    };
    let action = match text(fields, "action")? {
        Some(name) => Action::parse(name),
        None => Action::parse(suffix),
    };
    let action = action
        .ok_or("action must be created, updated or deleted (or eventType say it, as customer.updated)")?;
    Ok((kind, action))
}

/// A text field; null counts as missing.
fn text<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<Option<&'a str>, String> {
    match fields.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(format!("{name} must be text")),
    }
}

/// PostgreSQL's `jsonb` holds no NUL character and no number beyond its range. Recursion is bounded, because
/// the parser has bounded it.
fn storable(value: &Value) -> Result<(), String> {
    const NUL: &str = "the body holds a NUL character (\\u0000), which can't be stored: leave it out";
    match value {
        Value::String(text) if text.contains('\0') => Err(NUL.to_owned()),
        Value::Number(number) if !holds(number.as_str()) => {
            Err("the body holds a number out of range: send it as text".to_owned())
        }
        Value::Array(items) => items.iter().try_for_each(storable),
        Value::Object(fields) => fields.iter().try_for_each(|(name, value)| {
            if name.contains('\0') {
                return Err(NUL.to_owned());
            }
            storable(value)
        }),
        _ => Ok(()),
    }
}

fn holds(number: &str) -> bool {
    let exponent = number
        .split_once(['e', 'E'])
        .map(|(_, exponent)| exponent.parse::<i32>());
    number.len() <= NUMBER
        && match exponent {
            None => true,
            Some(Ok(exponent)) => exponent.unsigned_abs() as usize <= NUMBER,
            Some(Err(_)) => false,
        }
}
