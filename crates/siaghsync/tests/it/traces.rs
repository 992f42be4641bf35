//! One trace from the webhook through the queue to each outside call, seen by a real OTLP receiver.

use std::collections::BTreeSet;
use std::time::Duration;

use simulator::sample;
use testkit::Engine;
use testkit::otlp::{Span, receiver};

use crate::deployment::{Deployment, SECRET};

type Spans<'a> = [&'a (String, Span)];

fn each_has_its_parent(ours: &Spans<'_>) {
    let spans: BTreeSet<_> = ours.iter().map(|(_, span)| span.span_id.clone()).collect();
    for (service, span) in ours {
        let parent = hex::encode(&span.parent_span_id);
        let known = spans.contains(&span.parent_span_id) || parent == "b7ad6b7169203331";
        assert!(known, "{service} {}: a parent outside the trace", span.name);
    }
}

/// Semantic conventions: HTTP both ways, the queue's two ends, the database.
fn attributes_are_conventional(ours: &Spans<'_>) {
    for (service, attribute, value) in [
        ("siagh-ingest", "http.route", "/webhook/crm/identity"),
        ("siagh-ingest", "http.response.status_code", "202"),
        ("siagh-ingest", "db.system.name", "postgresql"),
        ("siagh-ingest", "db.operation.name", "enqueue"),
        ("siagh-ingest", "messaging.operation.type", "send"),
        ("siagh-worker", "messaging.operation.type", "process"),
        ("siagh-worker", "messaging.system", "redis"),
        ("siagh-worker", "db.operation.name", "claim"),
        ("siagh-worker", "db.operation.name", "intend"),
        ("siagh-worker", "db.operation.name", "commit"),
        ("siagh-worker", "http.request.method", "POST"),
        ("siagh-worker", "server.address", "127.0.0.1"),
    ] {
        let found = ours.iter().any(|(from, span)| {
            let mut attributes = span.attributes.iter();
            from == service
                && attributes.any(|a| a.key == attribute && format!("{:?}", a.value).contains(value))
        });
        assert!(found, "{service}: {attribute}={value}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_trace_from_the_webhook_to_each_outside_call() {
    let (endpoint, received) = receiver();
    let d = Deployment::new(Engine::Postgres, &[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]).await;
    let ingest = d.run("siagh-ingest", &[]);
    let worker = d.run("siagh-worker", &[]);
    d.ready().await;
    let customer = &sample::customers(4, 1)[0];
    let id = d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
    let trace = "0af7651916cd43dd8448eb211c80319c";
    let url = d.url(&format!(
        "/webhook/crm/identity?token={SECRET}&event=Insert&id={id}&type=Identity"
    ));
    let request = d
        .http
        .get(url)
        .header("traceparent", format!("00-{trace}-b7ad6b7169203331-01"));
    assert_eq!(request.send().await.unwrap().status(), 202);
    d.settled(Duration::from_secs(30)).await;
    let row = &d.rows().await[0];
    assert_eq!(row.trace_id.as_deref(), Some(trace));
    assert_eq!(worker.stop(Duration::from_secs(20)), Some(0));
    assert_eq!(ingest.stop(Duration::from_secs(20)), Some(0));

    let received = received.lock().unwrap().clone();
    let ours: Vec<_> = received
        .iter()
        .filter(|(_, span)| hex::encode(&span.trace_id) == trace)
        .collect();
    let services: BTreeSet<_> = ours.iter().map(|(service, _)| service.as_str()).collect();
    assert_eq!(services, BTreeSet::from(["siagh-ingest", "siagh-worker"]));
    each_has_its_parent(&ours);
    attributes_are_conventional(&ours);
    let attributes = format!("{ours:?}");
    for part in ["person/get", "GetAll", "SaveFormData", "/webhook/crm/identity"] {
        assert!(
            attributes.contains(part) || (part == "person/get" && attributes.contains("organization/get")),
            "{part}"
        );
    }
    assert!(!attributes.contains(SECRET), "no secret in a span");
    d.db.drop_it().await;
}
