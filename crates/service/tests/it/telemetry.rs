//! Spans arrive at a real OTLP receiver, in the trace that they belong to, and none is lost at the end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Instant,
};

use domain::ports::{Doorbell as _, Ring};
use opentelemetry_proto::tonic::{common::v1::any_value::Value, trace::v1::Span};
use service::{
    doorbell::in_process,
    settings::{LogFormat, TelemetrySettings},
    telemetry::{self, current_traceparent, new_traceparent, trace_id},
};
use testkit::otlp::receiver;
use tokio_util::sync::CancellationToken;
use tracing::info_span;
use uuid::Uuid;

use crate::bell::listening;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn spans_arrive_in_their_trace_and_none_is_lost_at_the_end() {
    let (endpoint, received) = receiver();
    let settings = TelemetrySettings {
        log_format: LogFormat::Json,
        // However quiet the log is, traces are whole.
        filter: Some("off".to_owned()),
        otlp_endpoint: Some(endpoint),
        sampling: Default::default(),
    };
    let guard = telemetry::init("siagh-test", &settings).unwrap();
    assert!(telemetry::init("siagh-test", &settings).is_err());

    let (traceparent, row) = (new_traceparent(), Uuid::new_v4());
    handled_in_its_trace(row, &traceparent).await;

    for n in 0..5000 {
        info_span!("many", n).in_scope(|| ());
    }
    let start = Instant::now();
    guard.shutdown();
    println!("5,000 spans flushed in {:?}", start.elapsed());

    let received = received.lock().unwrap();
    assert!(received.iter().all(|(service, _)| service == "siagh-test"));
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for (_, span) in received.iter() {
        *counts.entry(span.name.as_str()).or_default() += 1;
    }
    assert_eq!(counts["many"], 5000);
    is_in_its_trace(&received, row, &traceparent);
}

/// The queue carries the trace into the handler.
async fn handled_in_its_trace(row: Uuid, traceparent: &str) {
    let (bell, listener) = in_process(10);
    let shutdown = CancellationToken::new();
    let (tell, told) = tokio::sync::oneshot::channel();
    let tell = Arc::new(Mutex::new(Some(tell)));
    let handler = move |_| {
        let tell = tell.clone();
        async move {
            let inner = info_span!("an outside call").in_scope(current_traceparent);
            tell.lock().unwrap().take().unwrap().send(inner).unwrap();
        }
    };
    let running = tokio::spawn(listener.run(listening(1), handler, shutdown.clone()));
    bell.ring(&[Ring {
        row,
        traceparent: Some(traceparent.to_owned()),
    }])
    .await
    .unwrap();
    let inner = told.await.unwrap().unwrap();
    assert_eq!(trace_id(&inner), trace_id(traceparent));
    shutdown.cancel();
    running.await.unwrap();
}

/// The row's span is the caller's child, and what the handler calls is the child of that.
fn is_in_its_trace(received: &[(String, Span)], row: Uuid, traceparent: &str) {
    // Other tests of this binary ring as well: ours by its row.
    let is_ours = |span: &&Span| {
        span.attributes.iter().any(|a| {
            let value = a.value.as_ref().and_then(|v| v.value.as_ref());
            a.key == "row" && value == Some(&Value::StringValue(row.to_string()))
        })
    };
    let sync = received.iter().map(|(_, span)| span).find(is_ours).unwrap();
    assert_eq!(sync.name, "sync");
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    assert_eq!(hex(&sync.trace_id), trace_id(traceparent).unwrap());
    assert_eq!(hex(&sync.parent_span_id), traceparent[36..52]);
    let call = received
        .iter()
        .map(|(_, span)| span)
        .find(|span| span.name == "an outside call")
        .unwrap();
    assert_eq!(
        (&call.trace_id, &call.parent_span_id),
        (&sync.trace_id, &sync.span_id)
    );
    let keys: Vec<&str> = sync.attributes.iter().map(|a| a.key.as_str()).collect();
    for key in [
        "messaging.system",
        "messaging.destination.name",
        "messaging.operation.type",
    ] {
        assert!(keys.contains(&key), "{keys:?}");
    }
}

#[test]
fn outside_of_a_trace_rows_still_get_a_trace_id() {
    assert_eq!(trace_id(&telemetry::traceparent_or_new()).unwrap().len(), 32);
}
