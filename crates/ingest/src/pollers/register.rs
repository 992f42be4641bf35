//! In the background of the pollers: the CRM is told our address (`ENABLE_WEBHOOKS`), and asked now and then whether
//! it still knows. One process at a time, so that it is told once.

use std::sync::Arc;
use std::time::Duration;

use domain::polls::{Begin, Rhythm};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::Pollers;
use crate::registration::{Registered, address, native_addresses, register};

/// The lease's name.
const NAME: &str = "crm:webhooks";
/// The first wait after a failure, and the longest.
const AGAIN: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(300);

/// Until `shutdown`.
pub(super) async fn run(pollers: Arc<Pollers>, base_url: String, shutdown: CancellationToken) {
    let mut failures = 0_u32;
    loop {
        let wait = tokio::select! {
            () = shutdown.cancelled() => return,
            wait = once(&pollers, &base_url, &mut failures) => wait,
        };
        tokio::select! {
            () = shutdown.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
        }
    }
}

async fn once(pollers: &Pollers, base_url: &str, failures: &mut u32) -> Duration {
    let rhythm = Rhythm {
        interval: Duration::ZERO,
        lease: pollers.lease,
    };
    let turn = match pollers.store.begin(NAME, &pollers.owner, rhythm).await {
        Ok(Begin::Taken(turn)) => turn,
        Ok(_) => return AGAIN,
        Err(error) => {
            debug!(%error, "webhooks are not registered: the database is out of reach");
            return AGAIN;
        }
    };
    let result = register(&*pollers.crm, &pollers.database, base_url).await;
    if let Err(error) = pollers.store.give_back(&turn, Duration::ZERO).await {
        debug!(%error, "the lease lapses by itself");
    }
    match result {
        Ok(registered) => {
            *failures = 0;
            tell(&registered, base_url);
            // Looked at again: a CRM that was restored from a backup may have forgotten.
            pollers.intervals.0.max(LONGEST)
        }
        Err(error) => {
            *failures += 1;
            if failures.is_power_of_two() {
                warn!(
                    failures,
                    "webhooks are not registered with the CRM yet, tried again: {error}"
                );
            }
            AGAIN.saturating_mul(1 << (*failures - 1).min(16)).min(LONGEST)
        }
    }
}

fn tell(registered: &Registered, base_url: &str) {
    match registered {
        Registered::Now => info!("✅ Webhooks registered with the CRM: {}", address(base_url)),
        Registered::Before => info!("the CRM calls {} already", address(base_url)),
        Registered::ByHand => {
            warn!(
                "this CRM has no webhook registration: in its customization page of each item type, set these \
                 addresses for insert, update and delete (put one of WEBHOOK_SECRET where it says so):"
            );
            for (what, address) in native_addresses(base_url) {
                warn!("  {what}: {address}");
            }
        }
    }
}
