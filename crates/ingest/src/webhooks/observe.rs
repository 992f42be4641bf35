//! Around every request: its span, its figures and its time-out. Addresses appear only as route templates,
//! because a real one may carry a token.

use std::time::{Duration, Instant};

use axum::{
    extract::{MatchedPath, Request},
    http::Method,
    middleware::Next,
    response::{IntoResponse as _, Response},
};
use metrics::{counter, histogram};
use service::telemetry::{current_traceparent, header_traceparent, new_traceparent, set_remote_parent};
use tracing::{Instrument as _, Span, debug, field::Empty, info_span};

use super::answer::{Became, Refusal};

/// How long a request may take as a whole, its body's arrival included.
const LIMIT: Duration = Duration::from_secs(10);

/// The trace that a request belongs to, for the row and the ring.
#[derive(Debug, Clone)]
pub(super) struct Trace(pub(super) String);

/// The middleware.
pub(super) async fn observe(mut request: Request, next: Next) -> Response {
    let start = Instant::now();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or("", MatchedPath::as_str);
    let span = span(&request, route);
    let trace = trace(&request, &span);
    request.extensions_mut().insert(Trace(trace));
    let answer = tokio::time::timeout(LIMIT, next.run(request))
        .instrument(span.clone())
        .await;
    let response = answer.unwrap_or_else(|_| Refusal::TimedOut.into_response());
    let code = response.status();
    span.record("http.response.status_code", code.as_u16());
    if code.is_server_error() {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", code.as_str());
    }
    if let Some((source, form)) = labels(route) {
        let result = response
            .extensions()
            .get()
            .map_or("other", |became: &Became| became.0);
        counter!("webhooks_received_total", "source" => source, "form" => form, "result" => result)
            .increment(1);
        histogram!("webhook_duration_seconds", "source" => source, "form" => form).record(start.elapsed());
        span.in_scope(|| debug!(result, status = code.as_u16(), "webhook answered"));
    }
    response
}

fn span(request: &Request, route: &str) -> Span {
    let method = method(request.method());
    let span = info_span!(
        "webhook",
        otel.name = format!("{method} {route}").trim_end(),
        otel.kind = "server",
        otel.status_code = Empty,
        http.request.method = method,
        http.route = Empty,
        http.response.status_code = Empty,
        error.type = Empty,
    );
    if !route.is_empty() {
        span.record("http.route", route);
    }
    span
}

/// Goes on with the caller's trace, or begins one; without an exporter the caller's own text is handed on.
fn trace(request: &Request, span: &Span) -> String {
    let remote = header_traceparent(request.headers());
    if let Some(remote) = remote {
        set_remote_parent(span, remote);
    }
    let ours = span.in_scope(current_traceparent);
    ours.or_else(|| remote.map(str::to_owned))
        .unwrap_or_else(new_traceparent)
}

/// Known methods by name, all others as one: a sender must not choose what stands in our traces.
fn method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        _ => "_OTHER",
    }
}

/// `source` and `form` of the metrics; none for what is no webhook.
fn labels(route: &str) -> Option<(&'static str, &'static str)> {
    match route {
        "" => None,
        "/webhook/crm" => Some(("crm", "signed")),
        "/webhook/finance" => Some(("finance", "signed")),
        _ => Some(("crm", "native")),
    }
}
