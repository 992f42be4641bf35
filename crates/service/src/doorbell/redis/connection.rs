//! Opening connections to Redis, always lazily and with time-outs. Never prints an address.

use std::time::Duration;

use domain::ports::BellError;
use redis::{
    Client, RedisError,
    aio::{ConnectionManager, ConnectionManagerConfig},
};

/// How long a connection may take to be made.
pub(super) const CONNECT: Duration = Duration::from_secs(1);

/// A client of this address.
pub(super) fn client(url: &str) -> Result<Client, BellError> {
    crate::crypto::install();
    Client::open(url).map_err(|error| unreachable(&error))
}

/// A connection that is made at its first use, and again when it is lost. It doesn't try twice by itself: who
/// uses it knows better what to do meanwhile.
pub(super) fn lazy(client: &Client, answer: Duration) -> Result<ConnectionManager, BellError> {
    let config = ConnectionManagerConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(answer))
        .set_number_of_retries(0);
    ConnectionManager::new_lazy_with_config(client.clone(), config).map_err(|error| unreachable(&error))
}

/// The error of a call, in a few words.
pub(super) fn unreachable(error: &RedisError) -> BellError {
    BellError::Unreachable(error.to_string())
}
