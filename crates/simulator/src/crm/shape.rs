//! How answers look: names in the installation's case, empty properties, undocumented ones, the
//! error body.

use axum::{
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{
    config::CrmConfig,
    kind::{Kind, LISTS},
    store::Record,
};
use crate::json::{Object, pascal_case, with_raw_texts};

/// A refusal with the CRM's error body.
#[derive(Clone, Debug)]
pub(crate) struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) message: String,
    pub(crate) field: Option<String>,
}

impl ApiError {
    pub(crate) fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            field: None,
        }
    }

    pub(crate) fn bad(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub(crate) fn field(field: &str, message: impl Into<String>) -> Self {
        Self {
            field: Some(field.to_owned()),
            ..Self::bad(message)
        }
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "Authorization has been denied for this request.",
        )
    }

    pub(crate) fn response(&self, pascal: bool) -> Response {
        let code = self.status.as_u16();
        let details = match &self.field {
            Some(field) => json!([{"statusCode": code, "field": field, "message": self.message}]),
            None => json!([]),
        };
        let body = json!({"code": code, "message": self.message, "errorDetails": details});
        json_response(self.status, body, pascal)
    }
}

/// A JSON answer in the installation's case.
pub(crate) fn json_response(status: StatusCode, body: Value, pascal: bool) -> Response {
    let body = if pascal { pascal_case(body) } else { body };
    json_text(status, body.to_string())
}

fn json_text(status: StatusCode, body: String) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json; charset=utf-8")];
    (status, kind, body).into_response()
}

/// The answer of a success to this verb, with all that this installation does to it.
pub(crate) fn answer(verb: &str, mut body: Value, config: &CrmConfig) -> Response {
    if config.capital_ids_in.iter().any(|named| named == verb) {
        capital_ids(&mut body);
    }
    let body = if config.pascal_case {
        pascal_case(body)
    } else {
        body
    };
    json_text(
        StatusCode::OK,
        with_raw_texts(body.to_string(), &config.raw_texts),
    )
}

fn capital_ids(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(capital_ids),
        Value::Object(object) => {
            for (name, value) in object.iter_mut() {
                match value {
                    Value::String(text) if ["crmId", "identityId"].contains(&name.as_str()) => {
                        *text = text.to_uppercase();
                    }
                    other => capital_ids(other),
                }
            }
        }
        _ => {}
    }
}

/// An object as `get` and `find` show it.
pub(crate) fn object(record: &Record, config: &CrmConfig) -> Value {
    let mut object: Object = record.object.clone();
    if !config.omit_nulls {
        for property in record.kind.properties() {
            if !object.contains_key(*property) {
                let empty = if LISTS.contains(property) && !config.null_lists {
                    json!([])
                } else {
                    Value::Null
                };
                object.insert((*property).to_owned(), empty);
            }
        }
    }
    if config.null_lists {
        for (_, value) in object.iter_mut() {
            if value.as_array().is_some_and(Vec::is_empty) {
                *value = Value::Null;
            }
        }
    }
    if config.extra_properties {
        let version = format!("AAAAAA{:x}", record.modified.and_utc().timestamp_micros());
        object.insert("rowVersion".into(), version.into());
        object.insert("assignedToUserName".into(), Value::Null);
        object.insert(
            "processLifePaths".into(),
            json!([{"lifePathId": record.seq, "state": {"code": 3, "name": "جاری"}}]),
        );
    }
    Value::Object(object)
}

/// One row of `identity/search`.
pub(crate) fn identity(record: &Record) -> Value {
    json!({
        "identityId": record.id.to_string(),
        "nickName": record.object.get("nickName"),
        "customerNo": record.object.get("customerNumber"),
    })
}

/// The title of an item type, for native webhooks.
pub(crate) fn label(kind: Kind, config: &CrmConfig) -> &str {
    match kind {
        Kind::Person => &config.person_label,
        Kind::Organization => &config.organization_label,
        Kind::Quote => &config.quote_label,
        Kind::Invoice => &config.invoice_label,
    }
}
