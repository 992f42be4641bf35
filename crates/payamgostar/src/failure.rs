//! From a status or a broken connection to the error that decides what happens next (design, "Errors").
//!
//! Messages say the endpoint, the status and what to do. They never hold a secret or the request's body;
//! what the CRM itself says of a refusal is passed on, since only that tells what is wrong with the data.

use std::error::Error as _;

use domain::ports::PortError;
use reqwest::StatusCode;

use crate::http::{Answer, Call, Intent};
use crate::wire;

/// No (whole) answer came: broken, timed out, or never connected.
pub(crate) fn no_answer(call: &Call<'_>, error: reqwest::Error) -> PortError {
    let never_sent = error.is_connect() || error.is_builder();
    let what = if error.is_connect() {
        "can't be reached: check CRM_API_BASE_URL and the network"
    } else if error.is_timeout() {
        "did not answer in time (HTTP_TIMEOUT_SECONDS)"
    } else {
        "broke off the connection"
    };
    let message = format!(
        "the CRM {what} ({} {}): {}",
        call.method,
        call.path,
        chain(&error.without_url())
    );
    match call.intent {
        Intent::Write if !never_sent => {
            PortError::UnknownOutcome(format!("{message}; it may have been carried out"))
        }
        _ => PortError::Transient {
            message,
            retry_after: None,
        },
    }
}

/// The answer is not what the contract says it is.
pub(crate) fn unreadable(call: &Call<'_>, why: impl std::fmt::Display) -> PortError {
    let message = format!(
        "the CRM's answer to {} {} is not understood: {why}",
        call.method, call.path
    );
    match call.intent {
        Intent::Write => PortError::UnknownOutcome(format!("{message}; it may have been carried out")),
        Intent::Read => PortError::Transient {
            message,
            retry_after: None,
        },
    }
}

/// A status other than success.
pub(crate) fn status(call: &Call<'_>, answer: &Answer) -> PortError {
    let status = answer.status;
    let head = format!("the CRM answered {} {} with {status}", call.method, call.path);
    match status {
        StatusCode::UNAUTHORIZED => PortError::Session(format!(
            "{head}: it does not accept the session; check the API user's rights"
        )),
        StatusCode::PAYMENT_REQUIRED => PortError::Session(format!(
            "{head}: its API module is not licensed; ask the CRM's vendor"
        )),
        StatusCode::FORBIDDEN => PortError::Session(format!(
            "{head}: the API user may not do this; give it the right in the CRM"
        )),
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
            PortError::Transient {
                message: format!("{head}: it asks to wait"),
                retry_after: answer.retry_after,
            }
        }
        _ if status.is_client_error() => {
            let words = wire::words_of(&answer.body).unwrap_or_else(|| "it gives no reason".to_owned());
            PortError::Refused(format!("{head}: {words}"))
        }
        _ if status.is_redirection() => unreadable(
            call,
            format_args!("it redirects ({status}); set CRM_API_BASE_URL to the final address"),
        ),
        _ => match call.intent {
            Intent::Write => PortError::UnknownOutcome(format!("{head}; it may have been carried out")),
            Intent::Read => PortError::Transient {
                message: head,
                retry_after: answer.retry_after,
            },
        },
    }
}

/// The error and its causes in one line.
fn chain(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
