//! Serves until it is told to stop, then lets requests end, but not for ever. Ingest may face the internet, so
//! a client that never finishes its headers, or opens connections without end, is not waited for either;
//! `axum::serve` has no limit for these. How long a request's handler may take is the handler's affair.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, body::Body, extract::ConnectInfo, http::Request};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
};
use tokio_util::sync::CancellationToken;
use tower::Service as _;
use tracing::{debug, error, warn};

/// How long requests may take to end after a shutdown.
pub const DRAIN: Duration = Duration::from_secs(10);
/// What strangers may ask of us.
#[derive(Clone, Copy)]
struct Limits {
    /// How long a client may take to send a request's headers, and to begin its next request.
    headers: Duration,
    /// How many connections are served at once, below the usual limit of open files; the others wait.
    connections: usize,
}

const LIMITS: Limits = Limits {
    headers: Duration::from_secs(30),
    connections: 900,
};
/// How long to wait when the process has run out of open files.
const EXHAUSTED: Duration = Duration::from_millis(500);

/// Serves `router` on `listener` until `shutdown`; then accepts nothing new and returns when the running
/// requests have ended, at the latest after [`DRAIN`]. Handlers get the client's address by
/// `ConnectInfo<SocketAddr>`.
///
/// # Errors
/// None at present: a failure to accept is waited out.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> anyhow::Result<()> {
    within(LIMITS, listener, router, shutdown).await;
    Ok(())
}

async fn within(limits: Limits, listener: TcpListener, router: Router, shutdown: CancellationToken) {
    let open = GracefulShutdown::new();
    let places = Arc::new(Semaphore::new(limits.connections));
    while let Some((stream, client, place)) = shutdown.run_until_cancelled(next(&listener, &places)).await {
        talk(limits, stream, client, place, router.clone(), &open);
    }
    drop(listener);
    if tokio::time::timeout(DRAIN, open.shutdown()).await.is_err() {
        warn!(
            "some HTTP requests did not end within {} s and are cut off",
            DRAIN.as_secs()
        );
    }
}

/// The next connection, once there is a place for it.
async fn next(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = places.clone().acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, client)) => return (stream, client, place),
            Err(error) if is_the_clients(&error) => debug!(%error, "a connection broke before it began"),
            Err(error) => {
                error!(%error, "connections can't be accepted now");
                tokio::time::sleep(EXHAUSTED).await;
            }
        }
    }
}

fn is_the_clients(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset
    )
}

/// Serves one connection in a task of its own.
fn talk(
    limits: Limits,
    stream: TcpStream,
    client: SocketAddr,
    place: Option<OwnedSemaphorePermit>,
    router: Router,
    open: &GracefulShutdown,
) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "TCP_NODELAY can't be set");
    }
    let service = service_fn(move |request: Request<Incoming>| {
        let mut request = request.map(Body::new);
        request.extensions_mut().insert(ConnectInfo(client));
        // A router is always ready.
        router.clone().call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .serve_connection(TokioIo::new(stream), service);
    let connection = open.watch(connection);
    tokio::spawn(async move {
        let _place = place;
        if let Err(error) = connection.await {
            // Mostly a client that went away.
            debug!(%error, "a connection ended early");
        }
    });
}

#[cfg(test)]
mod tests {
    use axum::routing::get;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

    use super::*;

    const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

    #[tokio::test]
    async fn clients_that_never_finish_are_dropped_and_the_others_get_their_turn() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().route("/", get(|| async { "here" }));
        let shutdown = CancellationToken::new();
        let limits = Limits {
            headers: Duration::from_millis(300),
            connections: 2,
        };
        let served = tokio::spawn(within(limits, listener, router, shutdown.clone()));
        let mut slow = Vec::new();
        for beginning in [&REQUEST[..10], b""] {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(beginning).await.unwrap();
            slow.push(stream);
        }
        let mut good = TcpStream::connect(address).await.unwrap();
        good.write_all(REQUEST).await.unwrap();
        let mut answer = String::new();
        let limit = Duration::from_secs(5);
        tokio::time::timeout(limit, good.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert!(answer.ends_with("here"), "{answer}");
        for mut stream in slow {
            let mut rest = Vec::new();
            assert!(
                tokio::time::timeout(limit, stream.read_to_end(&mut rest))
                    .await
                    .is_ok()
            );
        }
        shutdown.cancel();
        served.await.unwrap();
    }
}
