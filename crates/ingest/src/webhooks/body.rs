//! Reads a body within bounds. Memory stays bounded too: bodies that are large, or of unknown length, are read
//! a few at a time.

use axum::{
    body::{Bytes, HttpBody as _},
    extract::{FromRequest as _, Request},
    http::StatusCode,
};
use tokio::sync::Semaphore;

use super::answer::Refusal;

/// The largest body.
pub(super) const MAX: usize = 1 << 20;
/// A usual body, of which any number may be read at once.
const USUAL: u64 = 64 << 10;
/// How many larger ones.
const LARGE: usize = 64;

/// The places for large bodies.
#[derive(Debug)]
pub(super) struct Bodies(Semaphore);

impl Default for Bodies {
    fn default() -> Self {
        Self(Semaphore::new(LARGE))
    }
}

impl Bodies {
    /// The whole body.
    pub(super) async fn read(&self, request: Request) -> Result<Bytes, Refusal> {
        let announced = request.body().size_hint();
        if announced.lower() > MAX as u64 {
            return Err(Refusal::TooLarge);
        }
        let usual = announced.upper().is_some_and(|bytes| bytes <= USUAL);
        let _place = if usual {
            None
        } else {
            Some(self.0.try_acquire().map_err(|_| Refusal::Busy)?)
        };
        Bytes::from_request(request, &())
            .await
            .map_err(|rejection| match rejection.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Refusal::TooLarge,
                _ => Refusal::Invalid("the body did not arrive whole: send it again".to_owned()),
            })
    }
}
