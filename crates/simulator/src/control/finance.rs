//! Finance's contacts and documents as their users see and change them.

use axum::{
    Json,
    body::Bytes,
    extract::{Path, Query, State},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Answer, body, done};
use crate::{error::SimError, handles::Handles};

#[derive(Deserialize)]
pub(super) struct Which {
    /// With the system's own users.
    #[serde(default)]
    all: bool,
}

pub(super) async fn list(State(handles): State<Handles>, Query(which): Query<Which>) -> Answer {
    let rows = if which.all {
        handles.finance.rows()
    } else {
        handles.finance.contacts()
    };
    Ok(Json(Value::Array(rows)))
}

pub(super) async fn get(State(handles): State<Handles>, Path(code): Path<i64>) -> Answer {
    let row = handles.finance.get(code);
    Ok(Json(row.ok_or_else(|| SimError::NotFound(code.to_string()))?))
}

pub(super) async fn create(State(handles): State<Handles>, bytes: Bytes) -> Answer {
    let code = handles.finance.create(body(&bytes)?)?;
    Ok(Json(json!({"Code": code})))
}

pub(super) async fn edit(State(handles): State<Handles>, Path(code): Path<i64>, bytes: Bytes) -> Answer {
    handles.finance.edit(code, body(&bytes)?)?;
    Ok(Json(handles.finance.get(code).unwrap_or_default()))
}

pub(super) async fn delete(State(handles): State<Handles>, Path(code): Path<i64>) -> Answer {
    handles.finance.delete(code)?;
    done()
}

pub(super) async fn documents(State(handles): State<Handles>) -> Answer {
    Ok(Json(json!(handles.finance.documents())))
}
