//! The native form, in all its addresses and spellings.

use domain::store::EntityType;
use serde_json::{Value, json};

use crate::site::{ENGINES, GUID, Site, read};

/// The secret of these tests, as it stands in a query and in a path.
const TOKEN: &str = "sesame%2F%C3%B6ffne%2Bdich%3D";

#[tokio::test]
async fn every_address_and_both_methods() {
    use EntityType::{Customer, Invoice, PreInvoice};
    for engine in ENGINES {
        let site = Site::on(engine).await;
        let mut expected = Vec::new();
        for (path, entity_type) in [
            ("/webhook/crm/identity", Customer),
            ("/webhook/crm/quote", PreInvoice),
            ("/webhook/crm/invoice", Invoice),
            ("/api/sync/customer", Customer),
            ("/api/sync/salequote", PreInvoice),
        ] {
            let (folder, name) = path.rsplit_once('/').unwrap();
            for url in [
                format!("{path}?event=Update&id={GUID}&token={TOKEN}"),
                format!("{folder}/{TOKEN}/{name}?event=Update&id={GUID}"),
                format!("{folder}/older/{name}?event=Update&id={GUID}&token=wrong"),
            ] {
                for method in [reqwest::Method::GET, reqwest::Method::POST] {
                    let response = site.client.request(method, site.url(&url)).send().await.unwrap();
                    let (code, body) = read(response).await;
                    assert_eq!(code, 202, "{url}: {body}");
                    expected.push((entity_type, body["eventId"].as_str().unwrap().to_owned()));
                }
            }
        }
        let rows = site.rows().await;
        let found: Vec<_> = rows
            .iter()
            .map(|row| (row.entity_type, row.id.to_string()))
            .collect();
        assert_eq!(found, expected);
        assert!(
            rows.iter().all(|row| row.event_id.is_none()
                && row.source_entity_id == GUID
                && row.source_system == "CRM")
        );
        assert_eq!(site.rings().len(), rows.len());
        site.end().await;
    }
}

#[tokio::test]
async fn every_spelling_of_event_and_id() {
    let site = Site::on(ENGINES[0]).await;
    let bare = GUID.replace('-', "");
    for event in ["Insert", "update", "DELETE", "0", "1", "2"] {
        for id in [GUID, &GUID.to_uppercase(), &bare, &format!("%7B{GUID}%7D")] {
            // A secret pasted as it is: the plus sign and the slash stand in the query unescaped.
            let url =
                format!("/webhook/crm/identity?token=sesame/öffne+dich=&Event={event}&ID={id}&type=Identity");
            assert_eq!(site.get(&url).await.status(), 202, "{url}");
        }
    }
    assert!(site.rows().await.iter().all(|row| row.source_entity_id == GUID));
    site.end().await;
}

#[tokio::test]
async fn the_same_words_may_come_in_a_body() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        let url = site.url(&format!("/webhook/crm/identity?token={TOKEN}"));
        let form =
            format!("event=1&id={GUID}&type=Identity&subtype=%D8%AD%D9%82%DB%8C%D9%82%DB%8C&token={TOKEN}");
        let json = json!({"event": 1, "id": GUID, "type": "Identity", "subtype": "حقیقی", "token": "older"});
        for body in [form, json.to_string()] {
            let response = site.client.post(&url).body(body.clone()).send().await.unwrap();
            assert_eq!(response.status(), 202, "{body}");
        }
        let query = format!(
            "/webhook/crm/identity?token={TOKEN}&event=1&id={GUID}&type=Identity&subtype=%D8%AD%D9%82%DB%8C%D9%82%DB%8C"
        );
        assert_eq!(site.get(&query).await.status(), 202);
        // What stands in the query is enough, whatever the body is.
        assert_eq!(
            site.client
                .post(site.url(&query))
                .body("{")
                .send()
                .await
                .unwrap()
                .status(),
            202
        );
        let payload = json!({"event": "1", "id": GUID, "type": "Identity", "subtype": "حقیقی"});
        let rows = site.rows().await;
        assert_eq!(rows.len(), 4);
        for row in rows {
            assert_eq!(row.trigger_payload, Some(payload.clone()));
        }
        site.end().await;
    }
}

#[tokio::test]
async fn what_is_not_understood_is_said() {
    let site = Site::on(ENGINES[1]).await;
    for (query, field) in [
        (String::new(), "event"),
        (format!("id={GUID}"), "event"),
        (format!("event=Upsert&id={GUID}"), "event"),
        (format!("event=created&id={GUID}"), "event"),
        ("event=Update".to_owned(), "id"),
        ("event=Update&id=".to_owned(), "id"),
        ("event=Update&id=22".to_owned(), "id"),
        ("event=Update&id=%00%ff".to_owned(), "id"),
        (format!("event=Update&id={}", uuid::Uuid::nil()), "id"),
        (format!("event=Update&id={GUID}&type=Quote"), "type"),
        (format!("event=Update&id={GUID}&subtype=a%00b"), "subtype"),
    ] {
        for method in [reqwest::Method::GET, reqwest::Method::POST] {
            let url = site.url(&format!("/webhook/crm/older/identity?{query}"));
            let (code, body) = read(site.client.request(method, url).send().await.unwrap()).await;
            assert_eq!(code, 400, "{query}: {body}");
            assert!(body["error"].as_str().unwrap().contains(field), "{query}: {body}");
        }
    }
    let huge = format!(
        "/webhook/crm/older/identity?event=Update&id={GUID}&subtype={}",
        "x".repeat(20_000)
    );
    assert_eq!(site.get(&huge).await.status(), 202);
    let rows = site.rows().await;
    let payload = rows[0].trigger_payload.as_ref().unwrap();
    assert_eq!(payload["subtype"].as_str().map(str::len), Some(200));
    assert_eq!(payload["type"], Value::Null);
    site.end().await;
}
