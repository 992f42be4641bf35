//! Webhooks of the CRM, received by a server of the test.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method as HttpMethod, StatusCode as HttpStatus, Uri},
};
use hmac::{Hmac, KeyInit, Mac};
use reqwest::Method;
use serde_json::{Value, json};
use simulator::{Kind, config::NativeHook};

use crate::support::{World, answer, world};

type Calls = Arc<Mutex<Vec<(String, String, Option<String>, String)>>>;

async fn receive(
    State(calls): State<Calls>,
    method: HttpMethod,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> HttpStatus {
    let signature = headers
        .get("x-webhook-signature")
        .map(|value| value.to_str().unwrap().to_owned());
    let body = String::from_utf8(body.to_vec()).unwrap();
    calls
        .lock()
        .unwrap()
        .push((method.to_string(), uri.to_string(), signature, body));
    if uri.path().contains("broken") {
        HttpStatus::INTERNAL_SERVER_ERROR
    } else {
        HttpStatus::ACCEPTED
    }
}

async fn receiver() -> (String, Calls) {
    let calls = Calls::default();
    let app = Router::new().fallback(receive).with_state(Arc::clone(&calls));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (url, calls)
}

async fn settled(world: &World) {
    assert!(world.sim.crm().webhooks_settled(Duration::from_secs(5)).await);
}

#[tokio::test]
async fn native_webhooks_follow_every_change() {
    let world = world().await;
    let (url, calls) = receiver().await;
    world.sim.crm().configure(|config| {
        config.webhooks.native = vec![
            NativeHook {
                item_type: "person".into(),
                url: format!("{url}/webhook/crm/identity?token=t"),
            },
            NativeHook {
                item_type: "PI_5".into(),
                url: format!("{url}/q/{{event}}/{{id}}"),
            },
        ];
    });
    let crm = world.sim.crm();
    let id = crm.create(Kind::Person, json!({"nickName": "x"})).unwrap();
    settled(&world).await;
    world
        .crm_ok("crmobject/person/update", json!({"crmId": id, "nickName": "y"}))
        .await;
    settled(&world).await;
    crm.configure(|config| config.webhooks.native_event_digits = true);
    crm.delete(&id).unwrap();
    settled(&world).await;
    crm.create(Kind::Organization, json!({"nickName": "no hook"}))
        .unwrap();
    let quote = crm.create(Kind::Quote, json!({})).unwrap();
    settled(&world).await;
    let calls: Vec<String> = calls
        .lock()
        .unwrap()
        .iter()
        .map(|call| format!("{} {}", call.0, call.1))
        .collect();
    let label = "%D8%AD%D9%82%DB%8C%D9%82%DB%8C";
    let native = |event: &str| {
        format!("GET /webhook/crm/identity?token=t&event={event}&id={id}&type=Identity&subtype={label}")
    };
    assert_eq!(
        calls,
        [
            native("Insert"),
            native("Update"),
            native("0"),
            format!("GET /q/2/{quote}")
        ]
    );
    assert_eq!(crm.webhook_stats().delivered, 4);
}

#[tokio::test]
async fn signed_webhooks_are_registered_and_signed() {
    let world = world().await;
    let (url, calls) = receiver().await;
    let hooks = world.crm_request(Method::POST, "/api/webhooks");
    let body = json!({"url": format!("{url}/in"), "events": ["customer.created", "customer.updated"]});
    assert_eq!(answer(hooks.json(&body)).await.0, 200);
    let (_, list) = answer(world.crm_request(Method::GET, "/api/webhooks")).await;
    assert_eq!(list[0]["url"], body["url"]);
    let id = world.create_person(json!({"nickName": "علی"})).await;
    world.sim.crm().edit(&id, json!({"email": "a@b.c"})).unwrap();
    world.sim.crm().delete(&id).unwrap();
    settled(&world).await;
    let calls = calls.lock().unwrap().clone();
    assert_eq!(calls.len(), 2, "deleted was not asked for");
    let mut ids = std::collections::HashSet::new();
    for (method, _, signature, body) in &calls {
        assert_eq!(method, "POST");
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"simulator-secret").unwrap();
        mac.update(body.as_bytes());
        let expected = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        assert_eq!(signature.as_ref(), Some(&expected));
        let event: Value = serde_json::from_str(body).unwrap();
        assert_eq!(event["entityType"], "CUSTOMER");
        assert_eq!(event["entityId"], id.as_str());
        assert!(event["timestamp"].as_str().unwrap().ends_with('Z'));
        assert!(event["data"].is_object());
        ids.insert(event["eventId"].to_string());
    }
    assert_eq!(ids.len(), 2);
    world
        .sim
        .crm()
        .configure(|config| config.webhooks.api_enabled = false);
    assert_eq!(
        answer(world.crm_request(Method::GET, "/api/webhooks")).await.0,
        404
    );
}

#[tokio::test]
async fn failures_are_counted_and_never_repeated() {
    let world = world().await;
    let (url, calls) = receiver().await;
    let hook = |url: String| NativeHook {
        item_type: "*".into(),
        url,
    };
    world.sim.crm().configure(|config| {
        config.webhooks.native = vec![hook(format!("{url}/broken")), hook("http://127.0.0.1:1/".into())];
    });
    world.create_person(json!({"nickName": "x"})).await;
    settled(&world).await;
    let stats = world.sim.crm().webhook_stats();
    assert_eq!((stats.sent, stats.delivered, stats.failed), (2, 0, 2));
    assert_eq!(calls.lock().unwrap().len(), 1);
    world.sim.crm().configure(|config| {
        config.webhooks.native = vec![hook(format!("{url}/ok"))];
        config.webhooks.duplicate_probability = 1.0;
    });
    world.create_person(json!({"nickName": "y"})).await;
    settled(&world).await;
    assert_eq!(calls.lock().unwrap().len(), 3);
    world
        .sim
        .crm()
        .configure(|config| config.webhooks.drop_probability = 1.0);
    world.create_person(json!({"nickName": "z"})).await;
    assert_eq!(world.sim.crm().webhook_stats().dropped, 1);
}
