//! A connection to wherever the queue is: made at its first use, and looked for anew when it is lost or when the
//! server says that the queue is elsewhere. It never tries twice by itself: who uses it knows better what to do
//! meanwhile.

use std::{sync::Arc, time::Duration};

use futures::FutureExt as _;
use redis::{
    Cmd, ErrorKind, Pipeline, RedisError, RedisFuture, RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, MultiplexedConnection},
};
use tokio::sync::Mutex;

use super::location::{Location, connect};

/// A connection; clones share it.
#[derive(Debug, Clone)]
pub(super) struct Wire {
    location: Location,
    answer: Duration,
    current: Arc<Mutex<Current>>,
}

/// The connection of now, and how many there were before it.
#[derive(Default)]
struct Current {
    connection: Option<MultiplexedConnection>,
    number: u64,
}

impl std::fmt::Debug for Current {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Current({})", self.number)
    }
}

impl Wire {
    /// One that waits so long for an answer.
    pub(super) fn new(location: &Location, answer: Duration) -> Self {
        Self {
            location: location.clone(),
            answer,
            current: Arc::default(),
        }
    }

    async fn connection(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut current = self.current.lock().await;
        let connection = match &current.connection {
            Some(connection) => connection.clone(),
            None => {
                let home = self.location.find().await?;
                let connection = connect(&home, self.answer).await?;
                current.number += 1;
                current.connection.insert(connection).clone()
            }
        };
        Ok((connection, current.number))
    }

    /// Lets a connection go after this error; another one may have taken its place already.
    async fn judge(&self, number: u64, error: &RedisError) {
        if is_lost(error) {
            let mut current = self.current.lock().await;
            if current.number == number {
                current.connection = None;
            }
        }
    }
}

/// Whether the next use of the wire goes to another connection, and so may succeed.
pub(super) fn is_lost(error: &RedisError) -> bool {
    use ServerErrorKind::{Ask, BusyLoading, ClusterDown, MasterDown, Moved, ReadOnly};
    error.is_io_error()
        || error.is_connection_dropped()
        || matches!(
            error.kind(),
            ErrorKind::Server(Ask | BusyLoading | ClusterDown | MasterDown | Moved | ReadOnly)
        )
}

impl ConnectionLike for Wire {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        async move {
            let (mut connection, number) = self.connection().await?;
            let answer = connection
                .req_packed_command(cmd)
                .await
                .and_then(Value::extract_error);
            if let Err(error) = &answer {
                self.judge(number, error).await;
            }
            answer
        }
        .boxed()
    }

    fn req_packed_commands<'a>(
        &'a mut self,
        pipeline: &'a Pipeline,
        offset: usize,
        count: usize,
    ) -> RedisFuture<'a, Vec<Value>> {
        async move {
            let (mut connection, number) = self.connection().await?;
            let answers = connection.req_packed_commands(pipeline, offset, count).await;
            let error = match &answers {
                Err(error) => Some(error.clone()),
                Ok(values) => values.iter().find_map(|value| match value {
                    Value::ServerError(error) => Some(error.clone().into()),
                    _ => None,
                }),
            };
            if let Some(error) = error {
                self.judge(number, &error).await;
            }
            answers
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        // Chosen when the connection is made; only a subscription would ask.
        0
    }
}
