//! The answers, all of them JSON. They say what to do, and never repeat what was sent.

use std::{any::Any, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

/// When to come again after something that is not the sender's fault.
const AGAIN: Duration = Duration::from_secs(5);

/// Stored: `202`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Good<'a> {
    success: bool,
    event_id: &'a str,
    duplicate: bool,
}

#[derive(Debug, Serialize)]
struct Bad<'a> {
    success: bool,
    error: &'a str,
}

/// The row stands.
#[derive(Debug)]
pub(super) struct Accepted {
    /// The sender's event id, or the row's.
    pub(super) event_id: String,
    /// It stood there before.
    pub(super) duplicate: bool,
}

/// Why nothing was stored.
#[derive(Debug)]
pub(super) enum Refusal {
    /// `401`.
    Unauthorized(&'static str),
    /// `400`: names the field and what to do.
    Invalid(String),
    /// `413`.
    TooLarge,
    /// `429`.
    TooMany(Duration),
    /// `503`: the database is not there.
    NotStored,
    /// `503`: too many large bodies at once.
    Busy,
    /// `503`: the request did not come to its end in time.
    TimedOut,
}

/// What became of a request, for the metrics; travels in the answer's extensions.
#[derive(Debug, Clone, Copy)]
pub(super) struct Became(pub(super) &'static str);

impl IntoResponse for Accepted {
    fn into_response(self) -> Response {
        let body = Good {
            success: true,
            event_id: &self.event_id,
            duplicate: self.duplicate,
        };
        let became = if self.duplicate { "duplicate" } else { "stored" };
        marked((StatusCode::ACCEPTED, Json(body)).into_response(), became)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        use StatusCode as Code;
        let (code, became, text, wait) = match &self {
            Self::Unauthorized(why) => (Code::UNAUTHORIZED, "unauthorized", *why, None),
            Self::Invalid(why) => (Code::BAD_REQUEST, "invalid", why.as_str(), None),
            Self::TooLarge => (
                Code::PAYLOAD_TOO_LARGE,
                "too_large",
                "the body is larger than 1 MiB: send the event without attachments",
                None,
            ),
            Self::TooMany(wait) => (
                Code::TOO_MANY_REQUESTS,
                "rate_limited",
                "too many requests from this address: wait as long as Retry-After says",
                Some(*wait),
            ),
            Self::NotStored => (
                Code::SERVICE_UNAVAILABLE,
                "not_stored",
                "the event could not be stored: send it again later",
                Some(AGAIN),
            ),
            Self::Busy => (
                Code::SERVICE_UNAVAILABLE,
                "busy",
                "too many large bodies at once: send it again later",
                Some(AGAIN),
            ),
            Self::TimedOut => (
                Code::SERVICE_UNAVAILABLE,
                "timeout",
                "the request took too long: send it again later",
                Some(AGAIN),
            ),
        };
        let mut response = marked(error(code, text), became);
        if let Some(wait) = wait {
            let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
            let seconds = HeaderValue::from(seconds.max(1));
            response.headers_mut().insert(header::RETRY_AFTER, seconds);
        }
        response
    }
}

/// `404`.
pub(super) async fn not_found() -> Response {
    error(StatusCode::NOT_FOUND, "there is nothing at this address")
}

/// `405`.
pub(super) async fn method_not_allowed() -> Response {
    let text =
        "this address does not take this method: signed events come by POST, native ones by GET or POST";
    marked(error(StatusCode::METHOD_NOT_ALLOWED, text), "method_not_allowed")
}

/// `500`; a panic is a fault of ours and says so in the log by its own message.
pub(super) fn panicked(_: Box<dyn Any + Send>) -> Response {
    marked(
        error(StatusCode::INTERNAL_SERVER_ERROR, "a fault of ours"),
        "panic",
    )
}

fn error(code: StatusCode, text: &str) -> Response {
    let body = Bad {
        success: false,
        error: text,
    };
    (code, Json(body)).into_response()
}

fn marked(mut response: Response, became: &'static str) -> Response {
    response.extensions_mut().insert(Became(became));
    response
}
