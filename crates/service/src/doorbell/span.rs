//! The span around one handler: the worker's end of the trace that began with the request.

use domain::ports::Ring;
use tracing::{Span, info_span};

use crate::telemetry::set_remote_parent;

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
