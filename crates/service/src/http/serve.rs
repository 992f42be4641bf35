//! Serves until it is told to stop, then lets requests end, but not for ever.

use std::{net::SocketAddr, time::Duration};

use anyhow::Context as _;
use axum::{Router, serve::ListenerExt as _};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

/// How long requests may take to end after a shutdown.
pub const DRAIN: Duration = Duration::from_secs(10);

/// Serves `router` on `listener` until `shutdown`; then accepts nothing new and returns when the running
/// requests have ended, at the latest after [`DRAIN`]. Handlers get the client's address by
/// `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// When the listener breaks.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> anyhow::Result<()> {
    let listener = listener.tap_io(|stream| {
        if let Err(error) = stream.set_nodelay(true) {
            debug!(%error, "TCP_NODELAY can't be set");
        }
    });
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let served = axum::serve(listener, service).with_graceful_shutdown(shutdown.clone().cancelled_owned());
    let late = async {
        shutdown.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        result = served.into_future() => result.context("HTTP can't be served"),
        () = late => {
            warn!("some HTTP requests did not end within {} s and are cut off", DRAIN.as_secs());
            Ok(())
        }
    }
}
