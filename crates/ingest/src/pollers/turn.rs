//! Holding a poll's lease while a long read goes on.

use std::time::Duration;

use domain::polls::{PollLease, PollStore};
use domain::store::StoreError;
use tracing::debug;

use super::Failure;

/// Runs `work` and renews the lease meanwhile. When another process has taken it, the work is dropped; whatever
/// happens between two renewals, the end of a look is fenced by the lease's token.
pub(super) async fn under_lease<T>(
    store: &dyn PollStore,
    turn: &PollLease,
    lease: Duration,
    work: impl Future<Output = Result<T, Failure>>,
) -> Result<T, Failure> {
    let renewing = async {
        loop {
            tokio::time::sleep(lease / 3).await;
            match store.renew(turn, lease).await {
                Ok(()) => {}
                Err(StoreError::Fenced) => return,
                Err(error) => debug!(poll = turn.poll, %error, "the lease of a poll is not renewed now"),
            }
        }
    };
    // Both are driven all the time: a renewal may have to wait for the very transaction that the work is in.
    tokio::select! {
        biased;
        result = work => result,
        () = renewing => Err(StoreError::Fenced.into()),
    }
}
