//! The worker's connection, which knows whether a command is under way. That is how the backend tells an
//! empty fetch from one that has not come back: apalis says "pending" for both.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use futures::FutureExt as _;
use redis::{Cmd, Pipeline, RedisFuture, Value, aio::ConnectionLike};

use super::wire::Wire;

/// A connection that counts its commands.
#[derive(Clone)]
pub(super) struct Link {
    connection: Wire,
    under_way: Arc<AtomicUsize>,
}

impl Link {
    pub(super) fn new(connection: Wire) -> Self {
        Self {
            connection,
            under_way: Arc::default(),
        }
    }

    /// Whether a command has been sent and not been answered.
    pub(super) fn is_busy(&self) -> bool {
        self.under_way.load(Ordering::Acquire) > 0
    }

    fn begin(&self) -> UnderWay {
        self.under_way.fetch_add(1, Ordering::AcqRel);
        UnderWay(self.under_way.clone())
    }
}

/// A command under way; also ended when its future is dropped.
struct UnderWay(Arc<AtomicUsize>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }
}

impl ConnectionLike for Link {
    fn req_packed_command<'a>(&'a mut self, cmd: &'a Cmd) -> RedisFuture<'a, Value> {
        let under_way = self.begin();
        async move {
            let answer = self.connection.req_packed_command(cmd).await;
            drop(under_way);
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
        let under_way = self.begin();
        async move {
            let answer = self.connection.req_packed_commands(pipeline, offset, count).await;
            drop(under_way);
            answer
        }
        .boxed()
    }

    fn get_db(&self) -> i64 {
        self.connection.get_db()
    }
}
