//! The native form: the CRM calls an address with a query that says "look". It can't be signed, so the address
//! itself carries a token. Each call is a row of its own: two updates of one customer read alike.

use std::{borrow::Cow, sync::Arc};

use axum::{
    Extension,
    extract::{RawPathParams, Request, State, rejection::RawPathParamsRejection},
    http::{Method, Uri},
    response::{IntoResponse as _, Response},
};
use domain::{
    ports::Side,
    store::{EntityRef, Event, Trigger},
};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{
    Shared,
    answer::{Accepted, Refusal},
    ids,
    kind::{Action, Kind},
    observe::Trace,
    secrets::Secrets,
};

const NO_TOKEN: &str =
    "the token is missing or wrong: add ?token=<one of WEBHOOK_SECRET>, or put it in the address";
/// The longest hint that is kept.
const HINT: usize = 200;

/// The parameters, from the query or, for a POST, from the body.
#[derive(Debug, Default)]
struct Parameters {
    event: Option<String>,
    id: Option<String>,
    kind: Option<String>,
    subtype: Option<String>,
}

/// The handler.
pub(super) async fn enqueue(
    kind: Kind,
    State(shared): State<Arc<Shared>>,
    Extension(trace): Extension<Trace>,
    uri: Uri,
    path: Result<RawPathParams, RawPathParamsRejection>,
    request: Request,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let right = match &path {
        Ok(path) => path.iter().find(|(name, _)| *name == "token").map_or_else(
            || token_in_query(&shared.secrets, query),
            |(_, token)| shared.secrets.contain(token.as_bytes()),
        ),
        Err(_) => false,
    };
    answer(kind, &shared, trace, query, right, request)
        .await
        .into_response()
}

async fn answer(
    kind: Kind,
    shared: &Shared,
    trace: Trace,
    query: &str,
    right: bool,
    request: Request,
) -> Result<Accepted, Refusal> {
    if !right {
        return Err(shared.refuse(shared.client(&request), NO_TOKEN));
    }
    let mut parameters = Parameters::default();
    parameters.take_form(query.as_bytes());
    if request.method() == Method::POST {
        let body = shared.bodies.read(request).await?;
        if !parameters.complete() {
            parameters.take_body(&body).map_err(Refusal::Invalid)?;
        }
    }
    let (id, action) = parameters.understand(kind).map_err(Refusal::Invalid)?;
    let event = Event {
        row: Uuid::now_v7(),
        entity: EntityRef {
            entity_type: kind.entity_type(),
            side: Side::Crm,
            id,
        },
        company: None,
        trigger: Trigger::Webhook,
        event_id: None,
        payload: parameters.payload(),
        traceparent: Some(trace.0),
        rung: false,
    };
    shared.record(event, kind, action).await
}

/// People paste a secret as it is, so its plus signs are tried as such too.
fn token_in_query(secrets: &Secrets, query: &str) -> bool {
    let literal = query.replace('+', "%2B");
    let contains = |query: &str| {
        form_urlencoded::parse(query.as_bytes())
            .find(|(name, _)| name == "token")
            .is_some_and(|(_, token)| secrets.contain(token.as_bytes()))
    };
    contains(query) | contains(&literal)
}

impl Parameters {
    fn complete(&self) -> bool {
        self.event.is_some() && self.id.is_some()
    }

    /// The first value of a name counts; names in any case.
    fn take(&mut self, name: &str, value: Cow<'_, str>) {
        let place = match name.to_ascii_lowercase().as_str() {
            "event" => &mut self.event,
            "id" => &mut self.id,
            "type" => &mut self.kind,
            "subtype" => &mut self.subtype,
            _ => return,
        };
        if place.is_none() {
            *place = Some(value.into_owned());
        }
    }

    fn take_form(&mut self, form: &[u8]) {
        for (name, value) in form_urlencoded::parse(form) {
            self.take(&name, value);
        }
    }

    /// A JSON object if it looks like one, else a form.
    fn take_body(&mut self, body: &[u8]) -> Result<(), String> {
        let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
        if !body.trim_ascii_start().starts_with(b"{") {
            self.take_form(body);
            return Ok(());
        }
        let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|error| {
            format!(
                "the body is not JSON in UTF-8 (line {}, column {})",
                error.line(),
                error.column()
            )
        })?;
        for (name, value) in &fields {
            match value {
                Value::String(text) => self.take(name, text.into()),
                Value::Number(number) => self.take(name, number.as_str().into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// The record's id and what happened to it. `subtype` is only a hint and never wrong.
    fn understand(&self, kind: Kind) -> Result<(String, Action), String> {
        let event = self
            .event
            .as_deref()
            .ok_or("event is missing: send Insert, Update or Delete (2, 1 or 0)")?;
        let action = match event.trim().to_ascii_lowercase().as_str() {
            "insert" | "update" | "delete" | "0" | "1" | "2" => Action::parse(event),
            _ => None,
        };
        let action = action.ok_or("event must be Insert, Update or Delete (2, 1 or 0)")?;
        let id = self
            .id
            .as_deref()
            .ok_or("id is missing: send the record's guid")?;
        let id = ids::guid(id).map_err(|why| format!("id {why}"))?;
        if self
            .kind
            .as_deref()
            .and_then(Kind::parse)
            .is_some_and(|said| said != kind)
        {
            return Err(format!(
                "type does not fit this address, which is for {} events: call the address of its type",
                kind.prefix()
            ));
        }
        if [&self.kind, &self.subtype]
            .into_iter()
            .flatten()
            .any(|hint| hint.contains('\0'))
        {
            return Err("type or subtype holds a NUL character: leave it out".to_owned());
        }
        Ok((id, action))
    }

    /// What was said, without the token.
    fn payload(&self) -> Value {
        let short = |hint: &Option<String>| {
            hint.as_ref()
                .map(|hint| hint.chars().take(HINT).collect::<String>())
        };
        json!({
            "event": short(&self.event),
            "id": short(&self.id),
            "type": short(&self.kind),
            "subtype": short(&self.subtype),
        })
    }
}
