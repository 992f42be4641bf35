//! A real OTLP receiver (HTTP, protobuf) that keeps the spans it gets.
#![allow(clippy::unwrap_used, clippy::panic, reason = "test support may fail")]

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, routing::post};
pub use opentelemetry_proto::tonic::trace::v1::Span;
use opentelemetry_proto::tonic::{
    collector::trace::v1::ExportTraceServiceRequest, common::v1::any_value::Value,
};
use prost::Message as _;

/// What has arrived: service name and span.
pub type Received = Arc<Mutex<Vec<(String, Span)>>>;

async fn receive(State(received): State<Received>, body: Bytes) {
    let request = ExportTraceServiceRequest::decode(body).unwrap();
    for resource in request.resource_spans {
        let attributes = resource.resource.unwrap().attributes;
        let service = attributes.into_iter().find(|a| a.key == "service.name").unwrap();
        let Some(Value::StringValue(service)) = service.value.unwrap().value else {
            panic!("no text")
        };
        let spans = resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
        received
            .lock()
            .unwrap()
            .extend(spans.map(|span| (service.clone(), span)));
    }
}

/// A receiver in a thread of its own, as a collector is a process of its own; says its address.
#[must_use]
pub fn receiver() -> (String, Received) {
    let received = Received::default();
    let app = Router::new()
        .route("/v1/traces", post(receive))
        .with_state(received.clone());
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener, app).await.unwrap();
        });
    });
    (endpoint, received)
}
