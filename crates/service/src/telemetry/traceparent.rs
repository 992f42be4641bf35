//! The W3C trace context, as text: how a trace goes from a request into a row, the queue and a worker.

use axum::http::HeaderMap;
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt as _;
use uuid::Uuid;

/// The `traceparent` of the current span; `None` when no exporter is set, or outside of any span.
#[must_use]
pub fn current_traceparent() -> Option<String> {
    let context = Span::current().context();
    let span = context.span().span_context().clone();
    span.is_valid().then(|| {
        format!(
            "00-{:032x}-{:016x}-{:02x}",
            span.trace_id(),
            span.span_id(),
            span.trace_flags().to_u8()
        )
    })
}

/// A fresh random `traceparent`, for when no exporter gives one: rows and log lines of the services still
/// share a trace id.
#[must_use]
pub fn new_traceparent() -> String {
    let trace = Uuid::new_v4().simple().to_string();
    let span = Uuid::new_v4().simple().to_string();
    format!("00-{trace}-{}-01", &span[..16])
}

/// The current span's, else a fresh one.
#[must_use]
pub fn traceparent_or_new() -> String {
    current_traceparent().unwrap_or_else(new_traceparent)
}

/// The trace id (32 lower-case hex digits) of a `traceparent`; `None` when it is malformed.
#[must_use]
pub fn trace_id(traceparent: &str) -> Option<&str> {
    parse(traceparent).map(|(trace, _, _)| trace)
}

/// The `traceparent` of a request, if it carries a well-formed one.
#[must_use]
pub fn header_traceparent(headers: &HeaderMap) -> Option<&str> {
    headers
        .get("traceparent")?
        .to_str()
        .ok()
        .filter(|text| parse(text).is_some())
}

/// Makes `span` a child of the remote one. Before the span is entered; does nothing without an exporter, or
/// for a malformed text.
pub fn set_remote_parent(span: &Span, traceparent: &str) {
    let Some((trace, id, flags)) = parse(traceparent) else {
        return;
    };
    let (Ok(trace), Ok(id), Ok(flags)) = (
        TraceId::from_hex(trace),
        SpanId::from_hex(id),
        u8::from_str_radix(flags, 16),
    ) else {
        return;
    };
    let remote = SpanContext::new(trace, id, TraceFlags::new(flags), true, TraceState::default());
    // It fails without a layer or after the span was entered; a lost link is no reason to lose a sync.
    let _ = span.set_parent(opentelemetry::Context::new().with_remote_span_context(remote));
}

/// Trace id, span id and flags. Versions after 00 may carry more behind the flags.
fn parse(text: &str) -> Option<(&str, &str, &str)> {
    let mut parts = text.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let hex = |s: &str, n: usize| s.len() == n && s.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let zero = |s: &str| s.bytes().all(|b| b == b'0');
    let fine = hex(version, 2)
        && version != "ff"
        && hex(trace, 32)
        && !zero(trace)
        && hex(span, 16)
        && !zero(span)
        && hex(flags, 2)
        && (version != "00" || parts.next().is_none());
    fine.then_some((trace, span, flags))
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn the_trace_id_of_well_formed_texts_only() {
        assert_eq!(trace_id(EXAMPLE), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert!(trace_id("01-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-later").is_some());
        for bad in [
            "",
            "00",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-4bf92f3577b34da6a3ce929d0e0e473۶-00f067aa0ba902b7-01",
        ] {
            assert_eq!(trace_id(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_fresh_one_is_well_formed_and_none_is_current_without_an_exporter() {
        let (a, b) = (new_traceparent(), new_traceparent());
        assert_ne!(trace_id(&a).unwrap(), trace_id(&b).unwrap());
        assert_eq!(current_traceparent(), None);
        assert!(trace_id(&traceparent_or_new()).is_some());
    }

    #[test]
    fn only_a_well_formed_header_counts() {
        let mut headers = HeaderMap::new();
        assert_eq!(header_traceparent(&headers), None);
        headers.insert("traceparent", "nonsense".parse().unwrap());
        assert_eq!(header_traceparent(&headers), None);
        headers.insert("traceparent", EXAMPLE.parse().unwrap());
        assert_eq!(header_traceparent(&headers), Some(EXAMPLE));
    }
}
