//! At start: do the CRM and finance let us in? Said in the log, never a reason not to start.

use std::time::Duration;

use domain::ports::Side;
use engine::Engine;
use tokio_util::sync::CancellationToken;
use tracing::warn;

/// Knocks at both systems until they have let us in once, or `shutdown`.
pub async fn greet(engine: &Engine, shutdown: CancellationToken) {
    tokio::select! {
        () = shutdown.cancelled() => {}
        _ = async { tokio::join!(knock(engine, Side::Crm), knock(engine, Side::Finance)) } => {}
    }
}

async fn knock(engine: &Engine, side: Side) {
    let mut wait = Duration::from_secs(5);
    loop {
        match engine.port(side).check().await {
            // The client has said so, in the words that operators look for.
            Ok(_) => return,
            Err(error) => warn!(%error, "{side} does not let us in: {error}; rows wait until it does"),
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(Duration::from_secs(300));
    }
}
