//! When the CRM last called: `"WebhookSubscription"."lastEventAt"`. Kept in memory and noted now and then, so that a
//! webhook stays one insert.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use domain::store::EntityType;
use domain::store::sql::SqlStore;
use domain::store::subscriptions;
use tokio_util::sync::CancellationToken;
use tracing::debug;

/// How old a note may be.
const PAUSE: Duration = Duration::from_secs(5);

/// The last event of each type that is not noted yet. Clones share it.
#[derive(Debug, Clone, Default)]
pub(super) struct LastEvents(Arc<Mutex<Vec<(EntityType, Instant)>>>);

impl LastEvents {
    /// One was stored just now.
    pub(super) fn seen(&self, entity_type: EntityType) {
        self.keep(entity_type, Instant::now());
    }

    /// Notes when the CRM last called `url`, until `shutdown` and once after it.
    pub(super) async fn note(self, store: SqlStore, url: String, shutdown: CancellationToken) {
        loop {
            let ends = tokio::time::timeout(PAUSE, shutdown.cancelled()).await.is_ok();
            for (entity_type, last) in self.take() {
                let at = store.clock().now() - last.elapsed();
                if let Err(error) = subscriptions::called(&store, &url, entity_type, at).await {
                    debug!(%error, "the time of the last webhook is not noted, tried again");
                    self.keep(entity_type, last);
                }
            }
            if ends {
                return;
            }
        }
    }

    fn keep(&self, entity_type: EntityType, at: Instant) {
        let mut last = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match last.iter_mut().find(|(known, _)| *known == entity_type) {
            Some((_, known)) => *known = at.max(*known),
            None => last.push((entity_type, at)),
        }
    }

    fn take(&self) -> Vec<(EntityType, Instant)> {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
