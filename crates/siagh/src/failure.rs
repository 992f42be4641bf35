//! From a status or a broken connection to the error that decides what happens next (design, "Errors").
//!
//! Messages say the endpoint, the status and what to do. They never hold a secret or the request's body;
//! what finance itself says of a refusal is passed on, since only that tells what is wrong with the data.

use std::error::Error as _;

use domain::ports::PortError;
use reqwest::StatusCode;

use crate::http::{Answer, Call, Intent};
use crate::wire;

/// No (whole) answer came: broken, timed out, or never connected.
pub(crate) fn no_answer(call: &Call<'_>, error: reqwest::Error) -> PortError {
    if error.is_timeout() && !error.is_connect() {
        return silence(call);
    }
    let never_sent = error.is_connect() || error.is_builder();
    let what = if error.is_connect() {
        "can't be reached: check FINANCE_API_BASE_URL and the network"
    } else {
        "broke off the connection"
    };
    let message = format!(
        "finance {what} (POST {}): {}",
        call.path,
        chain(&error.without_url())
    );
    lost(call, message, !never_sent)
}

/// Nothing came for as long as a call may take.
pub(crate) fn silence(call: &Call<'_>) -> PortError {
    lost(
        call,
        format!(
            "finance did not answer POST {} in time (HTTP_TIMEOUT_SECONDS)",
            call.path
        ),
        true,
    )
}

/// The answer is not what the contract says it is.
pub(crate) fn unreadable(call: &Call<'_>, why: impl std::fmt::Display) -> PortError {
    lost(
        call,
        format!("finance's answer to POST {} is not understood: {why}", call.path),
        true,
    )
}

/// A status other than success.
pub(crate) fn status(call: &Call<'_>, answer: &Answer) -> PortError {
    let status = answer.status;
    let head = format!("finance answered POST {} with {status}", call.path);
    match status {
        StatusCode::UNAUTHORIZED => PortError::Session(format!(
            "{head} right after a login: check the rights of FINANCE_USERNAME, and that no one else logs in with it"
        )),
        StatusCode::PAYMENT_REQUIRED | StatusCode::FORBIDDEN => PortError::Session(format!(
            "{head}: FINANCE_USERNAME may not do this; give it the right in Siagh"
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
            format_args!("it redirects ({status}); set FINANCE_API_BASE_URL to the final address"),
        ),
        _ => match lost(call, head, true) {
            PortError::Transient { message, .. } => PortError::Transient {
                message,
                retry_after: answer.retry_after,
            },
            other => other,
        },
    }
}

/// What a lost answer means: nothing for a read; for a write that may have gone out, that no one knows.
fn lost(call: &Call<'_>, message: String, sent: bool) -> PortError {
    match call.intent {
        Intent::Write if sent => {
            PortError::UnknownOutcome(format!("{message}; it may have been carried out"))
        }
        _ => PortError::Transient {
            message,
            retry_after: None,
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
