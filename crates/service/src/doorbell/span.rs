//! The spans of the queue: ringing, and the worker's end of the trace that began with the request.

use domain::ports::Ring;
use tracing::{Span, info_span};

use crate::telemetry::set_remote_parent;

/// The span of ringing: the sending end, after the same conventions.
pub(super) fn of_ringing(rings: usize, queue: &str) -> Span {
    info_span!(
        "ring",
        otel.kind = "producer",
        messaging.system = "redis",
        messaging.destination.name = queue,
        messaging.operation.name = "send",
        messaging.operation.r#type = "send",
        messaging.batch.message_count = rings,
    )
}

/// A `sync` span with the ring's trace as its parent, named after OpenTelemetry's messaging conventions.
pub(super) fn of(ring: &Ring, system: &'static str, queue: &str) -> Span {
    let span = info_span!(
        "sync",
        otel.kind = "consumer",
        messaging.system = system,
        messaging.destination.name = queue,
        messaging.operation.name = "process",
        messaging.operation.r#type = "process",
        messaging.message.id = %ring.row,
        row = %ring.row,
    );
    if let Some(traceparent) = &ring.traceparent {
        set_remote_parent(&span, traceparent);
    }
    span
}
