//! When to stop. One token per process, handed to everything that runs; never a global.

use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// A token that is cancelled by the first `SIGTERM` or Ctrl-C. A second one ends the process at once, for
/// the person who doesn't want to wait. Must be called inside a tokio runtime.
#[must_use]
pub fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        let signal = received().await;
        info!(signal, "shutting down: nothing new is started, what runs may end");
        cancel.cancel();
        let signal = received().await;
        warn!(signal, "stopped at once by a second signal");
        std::process::exit(130);
    });
    token
}

#[cfg(unix)]
async fn received() -> &'static str {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        warn!("signals can't be heard: the process ends only when it is killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => "SIGTERM",
        _ = interrupt.recv() => "Ctrl-C",
    }
}

#[cfg(not(unix))]
async fn received() -> &'static str {
    if tokio::signal::ctrl_c().await.is_err() {
        warn!("signals can't be heard: the process ends only when it is killed");
        return std::future::pending().await;
    }
    "Ctrl-C"
}
