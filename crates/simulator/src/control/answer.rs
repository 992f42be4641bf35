//! What the control API takes and answers.

use axum::Json;
use axum::body::Bytes;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::error::SimError;

/// A refused request of the control API: `{"error": "…"}`.
pub(crate) struct Refusal(StatusCode, String);

impl Refusal {
    pub(super) fn bad(reason: impl ToString) -> Self {
        Self(StatusCode::BAD_REQUEST, reason.to_string())
    }
}

impl From<SimError> for Refusal {
    fn from(error: SimError) -> Self {
        let status = match error {
            SimError::NotFound(_) => StatusCode::NOT_FOUND,
            SimError::Refused(_) => StatusCode::CONFLICT,
            SimError::BadInput(_) => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (self.0, Json(json!({"error": self.1}))).into_response()
    }
}

pub(super) type Answer = Result<Json<Value>, Refusal>;

/// Any body is taken as JSON, whatever its content type, so that `curl -d` does.
pub(super) fn body<T: serde::de::DeserializeOwned>(bytes: &Bytes) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(Refusal::bad)
}

pub(super) fn done() -> Answer {
    Ok(Json(json!({"ok": true})))
}
