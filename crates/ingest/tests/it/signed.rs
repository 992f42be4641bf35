//! Signed events that are heard.

use domain::store::{EntityType, Status, Trigger};
use futures::future::join_all;
use serde_json::json;

use crate::site::{ENGINES, GUID, Mood, OLD_SECRET, Site, event, read, sign};

#[tokio::test]
async fn an_event_is_a_row_then_a_ring_then_an_answer() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        let sent = event("e-1", &json!(GUID.to_uppercase()));
        let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        let body = sent.to_string();
        let request = site
            .client
            .post(site.url("/webhook/crm"))
            .header("traceparent", traceparent);
        let request = request.header(
            "X-Webhook-Signature",
            sign(OLD_SECRET, body.as_bytes()).to_uppercase(),
        );
        let answer = read(request.body(body).send().await.unwrap()).await;
        assert_eq!(
            answer,
            (
                202,
                json!({"success": true, "eventId": "e-1", "duplicate": false})
            )
        );

        let rows = site.rows().await;
        let [row] = &rows[..] else { panic!("{rows:?}") };
        assert_eq!(row.status, Status::Pending);
        assert_eq!(row.trigger_type, Trigger::Webhook);
        assert_eq!(row.entity_type, EntityType::Customer);
        assert_eq!(row.direction, "CRM_TO_FINANCE");
        assert_eq!(row.source_entity_id, GUID);
        assert_eq!(row.event_id.as_deref(), Some("e-1"));
        assert_eq!(row.trigger_payload.as_ref(), Some(&sent));
        assert_eq!(row.trace_id.as_deref(), Some("4bf92f3577b34da6a3ce929d0e0e4736"));
        assert_eq!(row.trace_parent.as_deref(), Some(traceparent));
        assert!(row.rung_at.is_some());
        let rings = site.rings();
        assert_eq!((rings.len(), rings[0].row), (1, row.id));
        assert_eq!(rings[0].traceparent.as_deref(), Some(traceparent));
        site.end().await;
    }
}

#[tokio::test]
async fn finance_sends_codes_and_event_ids_are_its_own() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        for (n, code) in [json!(505), json!("505"), json!("0505")].into_iter().enumerate() {
            let answer = read(
                site.send("/webhook/finance", event(&n.to_string(), &code).to_string())
                    .await,
            )
            .await;
            assert_eq!(answer.0, 202, "{answer:?}");
        }
        // The CRM may use the same event id for something else.
        assert_eq!(
            read(
                site.send("/webhook/crm", event("1", &json!(GUID)).to_string())
                    .await
            )
            .await
            .1["duplicate"],
            json!(false)
        );
        let rows = site.rows().await;
        assert_eq!(rows.len(), 4);
        for row in &rows[..3] {
            assert_eq!(
                (row.source_entity_id.as_str(), row.source_system.as_str()),
                ("505", "FINANCE")
            );
            assert!(row.trace_id.is_some());
        }
        site.end().await;
    }
}

#[tokio::test]
async fn types_are_taken_from_wherever_they_stand() {
    let site = Site::on(ENGINES[0]).await;
    let mut expected = Vec::new();
    for (n, (body, entity_type)) in [
        (json!({"eventType": "customer.created"}), EntityType::Customer),
        (json!({"eventType": "quote.updated"}), EntityType::PreInvoice),
        (
            json!({"eventType": "invoice.deleted", "entityType": null, "data": null}),
            EntityType::Invoice,
        ),
        (
            json!({"entityType": "QUOTE", "action": "updated"}),
            EntityType::PreInvoice,
        ),
        (
            json!({"entityType": "PreInvoice", "action": "Created"}),
            EntityType::PreInvoice,
        ),
        (
            json!({"eventType": "identity.updated", "entityType": "CUSTOMER"}),
            EntityType::Customer,
        ),
        (
            json!({"eventType": "person.updated", "entityType": "CUSTOMER"}),
            EntityType::Customer,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let mut body = body;
        body["eventId"] = json!(format!("e-{n}"));
        body["entityId"] = json!(GUID);
        let answer = read(site.send("/webhook/crm", format!("\u{feff}{body}")).await).await;
        assert_eq!(answer.0, 202, "{body} {answer:?}");
        expected.push(entity_type);
    }
    let types: Vec<_> = site.rows().await.iter().map(|row| row.entity_type).collect();
    assert_eq!(types, expected);
    site.end().await;
}

#[tokio::test]
async fn an_event_heard_again_and_again_is_one_row_and_one_ring() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        let body = event("twice", &json!(GUID)).to_string();
        let answers =
            join_all((0..40).map(|_| async { read(site.send("/webhook/crm", body.clone()).await).await }))
                .await;
        assert!(
            answers
                .iter()
                .all(|answer| answer.0 == 202 && answer.1["eventId"] == json!("twice"))
        );
        let new = answers
            .iter()
            .filter(|answer| answer.1["duplicate"] == json!(false))
            .count();
        assert_eq!(new, 1);
        assert_eq!((site.rows().await.len(), site.rings().len()), (1, 1));
        site.end().await;
    }
}

#[tokio::test]
async fn a_bell_that_fails_is_no_failure() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        for (mood, rung) in [(Mood::Full, false), (Mood::Unreachable, true)] {
            site.mood(mood);
            let body = event(&format!("{mood:?}"), &json!(GUID)).to_string();
            assert_eq!(site.send("/webhook/crm", body).await.status(), 202, "{mood:?}");
            let row = site.rows().await.pop().unwrap();
            assert_eq!(
                (row.status, row.rung_at.is_some()),
                (Status::Pending, rung),
                "{mood:?}"
            );
        }
        assert!(site.rings().is_empty());
        site.end().await;
    }
}
