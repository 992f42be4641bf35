//! The knock at the worker's door: a push is announced on a channel, and the worker, which would only look
//! once a second by itself, looks at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    task::Context,
    time::Duration,
};

use futures::{StreamExt as _, task::AtomicWaker};
use redis::RedisResult;
use tracing::debug;

use super::location::{CONNECT, Location};

/// How long to wait before a lost subscription is made anew.
const AGAIN: Duration = Duration::from_millis(250);

/// A knock that is remembered until it is answered.
#[derive(Debug, Clone, Default)]
pub(super) struct Wake(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    knocked: AtomicBool,
    waker: AtomicWaker,
}

impl Wake {
    pub(super) fn knock(&self) {
        self.0.knocked.store(true, Ordering::Release);
        self.0.waker.wake();
    }

    /// Answers: whoever looks after this sees all that was announced before.
    pub(super) fn answer(&self) {
        self.0.knocked.store(false, Ordering::Release);
    }

    /// Whether there is a knock; if not, the next one wakes this task.
    pub(super) fn knocked_or_wait(&self, cx: &Context<'_>) -> bool {
        self.0.waker.register(cx.waker());
        self.0.knocked.load(Ordering::Acquire)
    }
}

/// Hears announcements for ever, over a connection of its own.
pub(super) async fn listen(location: &Location, channel: &str, wake: &Wake) {
    loop {
        if let Err(error) = subscription(location, channel, wake).await {
            debug!(%error, "announcements can't be heard");
        }
        tokio::time::sleep(AGAIN).await;
    }
}

async fn subscription(location: &Location, channel: &str, wake: &Wake) -> RedisResult<()> {
    let connecting = async {
        let mut subscription = location.find().await?.get_async_pubsub().await?;
        subscription.subscribe(channel).await?;
        RedisResult::Ok(subscription)
    };
    let Ok(subscription) = tokio::time::timeout(2 * CONNECT, connecting).await else {
        return Ok(());
    };
    let mut announcements = subscription?.into_on_message();
    // Whatever was announced while nobody listened.
    wake.knock();
    while announcements.next().await.is_some() {
        wake.knock();
    }
    Ok(())
}
