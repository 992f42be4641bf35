//! CRM objects as their users see and change them.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
};
use chrono::NaiveDateTime;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, body, done};
use crate::{crm::Kind, error::SimError, handles::Handles};

#[derive(Deserialize)]
pub(super) struct Silent {
    /// No webhook, not counted as a save.
    #[serde(default)]
    silent: bool,
}

pub(super) async fn list(State(handles): State<Handles>) -> Answer {
    let mut all = handles.crm.customers();
    all.extend(handles.crm.documents());
    Ok(Json(Value::Array(all)))
}

/// One object by its id, or all of a kind.
pub(super) async fn get(State(handles): State<Handles>, Path(key): Path<String>) -> Answer {
    if let Ok(kind) = key.parse::<Kind>() {
        return Ok(Json(Value::Array(handles.crm.list(kind))));
    }
    let object = handles.crm.get(&key);
    Ok(Json(object.ok_or(SimError::NotFound(key))?))
}

pub(super) async fn create(
    State(handles): State<Handles>,
    Path(kind): Path<String>,
    Query(how): Query<Silent>,
    bytes: Bytes,
) -> Answer {
    let (kind, object) = (kind.parse::<Kind>()?, body(&bytes)?);
    let id = if how.silent {
        handles.crm.seed(kind, object)?
    } else {
        handles.crm.create(kind, object)?
    };
    Ok(Json(json!({"crmId": id})))
}

pub(super) async fn edit(State(handles): State<Handles>, Path(id): Path<String>, bytes: Bytes) -> Answer {
    handles.crm.edit(&id, body(&bytes)?)?;
    Ok(Json(handles.crm.get(&id).unwrap_or_default()))
}

pub(super) async fn delete(State(handles): State<Handles>, Path(id): Path<String>) -> Answer {
    handles.crm.delete(&id)?;
    done()
}

pub(super) async fn restore(State(handles): State<Handles>, Path(id): Path<String>) -> Answer {
    handles.crm.restore(&id)?;
    done()
}

pub(super) async fn announce(State(handles): State<Handles>, Path(id): Path<String>) -> Answer {
    handles.crm.announce(&id)?;
    done()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Dates {
    creat_date: Option<NaiveDateTime>,
    modify_date: Option<NaiveDateTime>,
}

pub(super) async fn dates(State(handles): State<Handles>, Path(id): Path<String>, bytes: Bytes) -> Answer {
    let dates: Dates = body(&bytes)?;
    handles.crm.set_dates(&id, dates.creat_date, dates.modify_date)?;
    done()
}

pub(super) async fn webhooks(State(handles): State<Handles>) -> Answer {
    Ok(Json(json!({
        "stats": handles.crm.webhook_stats(),
        "registered": handles.crm.registered_webhooks(),
    })))
}
