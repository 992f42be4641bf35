//! What is asked of an outside system, and where a long answer goes.

use std::time::Duration;

use async_trait::async_trait;
use reqwest::Method;

/// Whether a lost answer may hide a change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Nothing changes over there.
    Read,
    /// Something may have changed once the request is out.
    Write,
}

/// What is asked.
#[derive(Debug, Clone)]
pub struct Call<'a> {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Path below the base address, with a leading slash; never holds data.
    pub path: &'a str,
    /// The JSON text, if any.
    pub body: Option<&'a [u8]>,
    /// Read or write.
    pub intent: Intent,
    /// The fields whose values hold what a web server may take for an attack (`<b>`), for its refusal to name; empty: none.
    pub markup: &'a str,
}

/// Whether a web server may take a text for markup: `<b`, `</b`, `<!`, `&#`.
#[must_use]
pub fn holds_markup(text: &str) -> bool {
    let opens = text.split('<').skip(1).any(|rest| {
        rest.starts_with(|next: char| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?'))
    });
    opens || text.contains("&#")
}

impl<'a> Call<'a> {
    /// A `POST`.
    #[must_use]
    pub fn post(path: &'a str, body: Option<&'a [u8]>, intent: Intent) -> Self {
        Self {
            method: Method::POST,
            path,
            body,
            intent,
            markup: "",
        }
    }

    /// The same, with the fields that hold markup.
    #[must_use]
    pub fn with_markup(self, markup: &'a str) -> Self {
        Self { markup, ..self }
    }
}

/// Takes the body of a success piece by piece, so that it need not be held in memory.
#[async_trait]
pub trait Sink: Send {
    /// The longest that the whole answer may take (never less than a call may); within it, no silence may be
    /// longer than a call.
    fn within(&self) -> Duration;

    /// Takes a piece.
    ///
    /// # Errors
    /// Why it is unreadable.
    fn feed(&mut self, piece: &[u8]) -> Result<(), String>;

    /// Returns once there is room for the next piece.
    async fn has_room(&mut self);
}
