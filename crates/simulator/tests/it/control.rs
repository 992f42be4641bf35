//! The control server.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::world;

#[tokio::test]
async fn users_work_over_http() {
    let world = world().await;
    let call = async |method: Method, path: &str, body: Value| {
        let (status, answer) = world.control(method, path, body).await;
        assert_eq!(status, 200, "{path}: {answer}");
        answer
    };
    let created = call(
        Method::POST,
        "/crm/person",
        json!({"nickName": "علی", "email": "a@b.c"}),
    )
    .await;
    let path = format!("/crm/{}", created["crmId"].as_str().unwrap());
    let edited = call(Method::PATCH, &path, json!({"email": null, "tags": ["x"]})).await;
    assert_eq!(edited["tags"], json!(["x"]));
    assert!(edited.get("email").is_none());
    assert_eq!(
        call(Method::GET, "/crm/person", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        call(Method::GET, "/crm", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    call(
        Method::PUT,
        &format!("{path}/dates"),
        json!({"modifyDate": "2020-01-01T00:00:00"}),
    )
    .await;
    let object = call(Method::GET, &path, Value::Null).await;
    assert_eq!(object["modifyDate"], "2020-01-01T00:00:00.000");
    call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(world.control(Method::GET, &path, Value::Null).await.0, 404);

    let contact = call(
        Method::POST,
        "/finance/contacts",
        json!({"Name": "a", "MobileNo": "0912"}),
    )
    .await;
    let path = format!("/finance/contacts/{}", contact["Code"]);
    let edited = call(Method::PATCH, &path, json!({"Name": "b"})).await;
    assert_eq!(edited["Name"], "b");
    let twin = world
        .control(Method::POST, "/finance/contacts", json!({"MobileNo": "0912"}))
        .await;
    assert_eq!(twin.0, 409);
    assert_eq!(
        call(Method::GET, "/finance/contacts", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        call(Method::GET, "/finance/contacts?all=true", Value::Null)
            .await
            .as_array()
            .unwrap()
            .len(),
        3
    );
    call(Method::DELETE, &path, Value::Null).await;
    assert_eq!(
        call(Method::GET, "/finance/documents", Value::Null).await,
        json!([])
    );
    let stats = call(Method::GET, "/stats", Value::Null).await;
    assert_eq!(stats["crm"]["user_saves"], 3);
    assert_eq!(stats["finance"]["user_saves"], 3);
    call(Method::DELETE, "/stats", Value::Null).await;
    assert_eq!(call(Method::GET, "/saves", Value::Null).await["crm"], json!({}));
}

#[tokio::test]
async fn faults_settings_and_clock_over_http() {
    let world = world().await;
    let plan = json!({"seed": 5, "rules": [{"system": "crm", "endpoint": "person/*", "kind": "drop",
        "skip": 100}, {"endpoint": "person/create", "kind": "slow", "ms": 1, "times": 1}]});
    let (status, answer) = world.control(Method::PUT, "/faults", plan).await;
    assert_eq!(
        (status.as_u16(), answer["rules"].as_array().unwrap().len()),
        (200, 2)
    );
    world.create_person(json!({"nickName": "x"})).await;
    let (_, added) = world
        .control(
            Method::POST,
            "/faults",
            json!({"kind": "error500_before", "endpoint": "person/*"}),
        )
        .await;
    assert_eq!(added["id"], 3);
    assert_eq!(
        world
            .crm("crmobject/person/create", json!({"nickName": "x"}))
            .await
            .0,
        500
    );
    assert_eq!(
        world.control(Method::DELETE, "/faults/3", Value::Null).await.0,
        200
    );
    assert_eq!(
        world
            .control(Method::PUT, "/faults", json!({"rules": [{"kind": "no"}]}))
            .await
            .0,
        400
    );
    assert_eq!(
        world.control(Method::PUT, "/outage/crm", Value::Null).await.0,
        200
    );
    let request = world.crm_request(Method::POST, "/api/v2/crmobject/person/get");
    assert!(request.send().await.is_err());
    assert_eq!(world.control(Method::DELETE, "/faults", Value::Null).await.0, 200);

    let patch = json!({"crm": {"unknown_id": "empty_ok", "webhooks": {"secret": "s"}}, "finance": {"first_code": 50}});
    let (status, config) = world.control(Method::PUT, "/config", patch).await;
    assert_eq!(status, 200, "{config}");
    assert_eq!(world.sim.crm().config().webhooks.secret, "s");
    assert_eq!(world.sim.finance().create(json!({"Name": "a"})).unwrap(), 50);
    let (status, _) = world
        .control(Method::PUT, "/config", json!({"crm": {"no_such": 1}}))
        .await;
    assert_eq!(status, 400);

    world
        .control(
            Method::PUT,
            "/clock",
            json!({"freeze": "2025-12-21T10:36:17.173Z", "advance_ms": 1000}),
        )
        .await;
    let id = world.create_person(json!({"nickName": "x"})).await;
    assert_eq!(world.person(&id).await["creatDate"], "2025-12-21T14:06:18.173");
    let (_, requests) = world
        .control(
            Method::GET,
            "/requests?system=crm&endpoint=create&limit=1",
            Value::Null,
        )
        .await;
    assert_eq!(requests[0]["status"], 200);
    assert_eq!(requests.as_array().unwrap().len(), 1);
    assert_eq!(
        world
            .control(Method::POST, "/actions/expire_sessions", Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(world.sim.finance().open_sessions(), 0);
    let (status, _) = world
        .control(Method::POST, "/sample", json!({"crm": 30, "finance": 20}))
        .await;
    assert_eq!((status.as_u16(), world.sim.finance().contacts().len()), (200, 21));
}
