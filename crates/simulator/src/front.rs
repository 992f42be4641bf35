//! What stands before each system's own handlers: it logs and counts every request and carries out
//! the fault that hits it. It never knows what a request means.

use std::{sync::Arc, time::Duration};

use axum::{
    body::{Body, Bytes, to_bytes},
    extract::{ConnectInfo, Request, State},
    http::{HeaderValue, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use futures::StreamExt;

use crate::{
    clock::Clock,
    faults::{FaultKind, Faults, Hit, System},
    net::{KillSwitch, Peer},
    stats::{RequestRecord, Stats},
};

const MAX_BODY: usize = 32 * 1024 * 1024;
const HTML: &str = "<!DOCTYPE html>\r\n<html><head><title>502 - Web server received an invalid \
                    response while acting as a gateway or proxy server.</title></head>\
                    <body><h1>Server Error</h1></body></html>";

/// What the front of one system needs to know of it.
pub(crate) struct Front {
    pub(crate) system: System,
    pub(crate) clock: Clock,
    pub(crate) faults: Faults,
    pub(crate) stats: Arc<Stats>,
    /// Names an endpoint by more than its path.
    pub(crate) label: fn(&Parts, &Bytes) -> String,
    /// Ends all sessions.
    pub(crate) expire: Box<dyn Fn() + Send + Sync>,
    /// The system's own body for status 500.
    pub(crate) internal_error: fn() -> Response,
}

pub(crate) async fn front(
    State(front): State<Arc<Front>>,
    ConnectInfo(peer): ConnectInfo<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let endpoint = (front.label)(&parts, &body);
    let hit = front.faults.choose(front.system, &endpoint);
    let seq = front.stats.begin(RequestRecord {
        seq: 0,
        at: front.clock.now(),
        system: front.system,
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        endpoint,
        body: String::from_utf8_lossy(&body).into_owned(),
        status: None,
        done: None,
        fault: hit.as_ref().map(|hit| hit.kind.name().to_owned()),
    });
    tracing::debug!(
        method = %parts.method, path = %parts.uri.path(), from = %peer.addr,
        fault = hit.as_ref().map(|hit| hit.kind.name()), "request"
    );
    let request = Request::from_parts(parts, Body::from(body));
    let work = Work {
        front: Arc::clone(&front),
        seq,
        request,
        next,
    };
    let response = match hit {
        None => Some(work.run().await),
        Some(hit) => front.apply(&hit, work).await,
    };
    let status = response.as_ref().map(|response| response.status().as_u16());
    front.stats.finish(seq, status);
    let mut response = response.unwrap_or_else(|| cut(&peer.switch));
    // The server's clock is the simulator's, however far that is from the machine's.
    let now = front.clock.now().format("%a, %d %b %Y %H:%M:%S GMT").to_string();
    if let Ok(now) = HeaderValue::from_str(&now) {
        response.headers_mut().insert(header::DATE, now);
    }
    response
}

/// The connection is dead before the answer is written, so the client sees none of it.
fn cut(switch: &KillSwitch) -> Response {
    switch.kill();
    StatusCode::INTERNAL_SERVER_ERROR.into_response()
}

/// A request that the system has not seen yet.
struct Work {
    front: Arc<Front>,
    seq: u64,
    request: Request,
    next: Next,
}

impl Work {
    /// The system carries it out.
    async fn run(self) -> Response {
        let response = self.next.run(self.request).await;
        self.front.stats.done(self.seq, self.front.clock.now());
        response
    }
}

impl Front {
    /// An answer that asks to wait.
    fn later(&self, status: StatusCode, hit: &Hit) -> Response {
        let seconds = hit.retry_after_seconds;
        let at =
            self.clock.now() + chrono::Duration::seconds(i64::try_from(seconds).unwrap_or(i64::MAX / 1000));
        let text = match hit.retry_after_as_date {
            true => at.format("%a, %d %b %Y %H:%M:%S GMT").to_string(),
            false => seconds.to_string(),
        };
        let mut response = status.into_response();
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }

    /// None means: break the connection.
    async fn apply(&self, hit: &Hit, work: Work) -> Option<Response> {
        match hit.kind {
            FaultKind::CommitThenHang => {
                let response = work.run().await;
                tokio::time::sleep(hit.duration).await;
                Some(response)
            }
            FaultKind::CommitThenDrop => {
                work.run().await;
                None
            }
            FaultKind::Hang => {
                tokio::time::sleep(hit.duration).await;
                None
            }
            FaultKind::Drop | FaultKind::Outage => None,
            FaultKind::LateCommit => {
                let delay = hit.duration;
                tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    work.run().await;
                });
                None
            }
            FaultKind::Error500Before => Some((self.internal_error)()),
            FaultKind::Error500After => {
                work.run().await;
                Some((self.internal_error)())
            }
            FaultKind::Unavailable => Some(StatusCode::SERVICE_UNAVAILABLE.into_response()),
            FaultKind::UnavailableFor => Some(self.later(StatusCode::SERVICE_UNAVAILABLE, hit)),
            FaultKind::TooManyRequests => Some(self.later(StatusCode::TOO_MANY_REQUESTS, hit)),
            FaultKind::TruncatedJson => Some(truncate(work.run().await, false).await),
            FaultKind::TruncatedBody => Some(truncate(work.run().await, true).await),
            FaultKind::HtmlError => Some(html(StatusCode::BAD_GATEWAY)),
            FaultKind::HtmlErrorAfter => {
                work.run().await;
                Some(html(StatusCode::BAD_GATEWAY))
            }
            FaultKind::Html200 => Some(html(StatusCode::OK)),
            FaultKind::EmptyAnswer => {
                work.run().await;
                Some(StatusCode::OK.into_response())
            }
            FaultKind::Slow => {
                let delay = hit.duration;
                // On its own, so that it is done even when the caller gives up waiting.
                let done = tokio::spawn(async move {
                    tokio::time::sleep(delay).await;
                    work.run().await
                });
                done.await.ok()
            }
            FaultKind::SessionExpired => {
                (self.expire)();
                Some(work.run().await)
            }
        }
    }
}

fn html(status: StatusCode) -> Response {
    let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
    (status, kind, HTML).into_response()
}

/// The first half of the answer; with `lie`, under the whole answer's length.
async fn truncate(response: Response, lie: bool) -> Response {
    let (mut parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, usize::MAX).await else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let mut half = body.len() / 2;
    // Not inside a letter: the prefix is valid text, only the JSON is not.
    while half > 0 && body.get(half).is_some_and(|byte| byte & 0xC0 == 0x80) {
        half -= 1;
    }
    let prefix = body.slice(..half);
    if !lie {
        parts.headers.insert(header::CONTENT_LENGTH, half.into());
        return Response::from_parts(parts, Body::from(prefix));
    }
    parts.headers.insert(header::CONTENT_LENGTH, body.len().into());
    let broken = futures::stream::once(async {
        // The prefix must be on its way before the connection is given up.
        tokio::time::sleep(Duration::from_millis(20)).await;
        Err(std::io::Error::from(std::io::ErrorKind::ConnectionAborted))
    });
    let stream = futures::stream::once(async move { Ok(prefix) }).chain(broken);
    Response::from_parts(parts, Body::from_stream(stream))
}
