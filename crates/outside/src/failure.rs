//! From a status or a broken connection to the error that decides what happens next (design, "Errors").
//!
//! Messages say the endpoint, the status and what to do. They never hold a secret or the request's body;
//! what the system itself says of a refusal is passed on, since only that tells what is wrong with the data.

use std::error::Error as _;
use std::fmt::Display;

use domain::ports::{PortError, Side};
use reqwest::StatusCode;

use crate::answer::Answer;
use crate::call::{Call, Intent};

/// An outside system, as messages speak of it.
#[derive(Debug, Clone, Copy)]
pub struct System {
    /// Which of the two.
    pub side: Side,
    /// Its name in a sentence: `the CRM`.
    pub name: &'static str,
    /// The setting that holds its address.
    pub address: &'static str,
    /// The sentence that says that it did not answer a call in time; told the cause, where there is one.
    pub late: fn(&Call<'_>, cause: &str) -> String,
}

impl System {
    /// No (whole) answer came: broken, timed out, or never connected.
    pub(crate) fn no_answer(&self, call: &Call<'_>, error: reqwest::Error) -> PortError {
        let error = error.without_url();
        let cause = chain(&error);
        if error.is_timeout() && !error.is_connect() {
            return lost(call, (self.late)(call, &cause), true);
        }
        // What rustls says of an answer in plain text.
        let speaks_plain = cause.contains("InvalidContentType");
        let what = if error.is_connect() && speaks_plain {
            format!(
                "speaks no TLS there: write {} with http://, not https://, or another port",
                self.address
            )
        } else if error.is_connect() {
            format!("can't be reached: check {} and the network", self.address)
        } else {
            "broke off the connection".to_owned()
        };
        let never_sent = error.is_connect() || error.is_builder();
        let message = format!("{} {what} ({} {}): {cause}", self.name, call.method, call.path);
        lost(call, message, !never_sent)
    }

    /// Nothing came for as long as a call may take.
    pub(crate) fn silence(&self, call: &Call<'_>) -> PortError {
        lost(call, (self.late)(call, "nothing came"), true)
    }

    /// The answer is not what the contract says it is.
    pub fn unreadable(&self, call: &Call<'_>, why: impl Display) -> PortError {
        let message = format!(
            "{}'s answer to {} {} is not understood: {why}",
            self.name, call.method, call.path
        );
        lost(call, message, true)
    }

    /// The beginning of every message about a status.
    #[must_use]
    pub fn answered(&self, call: &Call<'_>, status: StatusCode) -> String {
        format!(
            "{} answered {} {} with {status}",
            self.name, call.method, call.path
        )
    }

    /// A status other than success that has no meaning of the system's own; `words` are what it says of a refusal.
    #[must_use]
    pub fn status(&self, call: &Call<'_>, answer: &Answer, words: Option<String>) -> PortError {
        let status = answer.status;
        let head = self.answered(call, status);
        match self.of_status(call, answer, words, head) {
            PortError::Transient { message, .. } if answer.held.is_some() => PortError::Unavailable {
                message,
                retry_after: answer.held.max(answer.retry_after).unwrap_or_default(),
            },
            PortError::Transient { message, .. } => PortError::Transient {
                message,
                retry_after: answer.retry_after,
            },
            PortError::UnknownOutcome { message, .. } => PortError::UnknownOutcome {
                message,
                retry_after: answer.retry_after.max(answer.held),
                down: answer.held.is_some(),
            },
            error => error,
        }
    }

    fn of_status(&self, call: &Call<'_>, answer: &Answer, words: Option<String>, head: String) -> PortError {
        let status = answer.status;
        if answer.refuses_markup(call.markup) {
            return PortError::Refused(format!(
                "{head}, a page of its web server: what takes the value of {fields} for an attack stands before {name}, \
                 since it holds '<' or '&#'. Take that out of the value, or let the web server's administrator allow it",
                fields = call.markup,
                name = self.name
            ));
        }
        match status {
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY | StatusCode::TOO_MANY_REQUESTS => {
                lost(call, format!("{head}: it asks to wait"), false)
            }
            // A proxy, or IIS while the system is installed anew: it was not even asked.
            StatusCode::BAD_REQUEST | StatusCode::NOT_FOUND if answer.is_page() => {
                let message = format!("{head}: it is a web page; check {}", self.address);
                lost(call, message, false)
            }
            _ if status.is_client_error() => {
                let words = words.unwrap_or_else(|| "it gives no reason".to_owned());
                PortError::Refused(format!("{head}: {words}"))
            }
            _ if status.is_redirection() => self.unreadable(
                call,
                format_args!(
                    "it redirects ({status}); set {} to the final address",
                    self.address
                ),
            ),
            _ => lost(call, head, true),
        }
    }
}

/// What a lost answer means: nothing for a read; for a write that may have gone out, that no one knows.
fn lost(call: &Call<'_>, message: String, sent: bool) -> PortError {
    match call.intent {
        Intent::Write if sent => PortError::unknown(format!("{message}; it may have been carried out")),
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
