//! The control server.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, world};

async fn status(world: &World, method: Method, path: &str, body: Value) -> u16 {
    world.control(method, path, body).await.0.as_u16()
}

/// The answer to what is carried out.
async fn done(world: &World, method: Method, path: &str, body: Value) -> Value {
    let (status, answer) = world.control(method, path, body).await;
    assert_eq!(status, 200, "{path}: {answer}");
    answer
}

async fn get(world: &World, path: &str) -> Value {
    done(world, Method::GET, path, Value::Null).await
}

async fn count(world: &World, path: &str) -> usize {
    get(world, path).await.as_array().unwrap().len()
}

#[tokio::test]
async fn users_of_the_crm_work_over_http() {
    let world = world().await;
    let person = json!({"nickName": "علی", "email": "a@b.c"});
    let created = done(&world, Method::POST, "/crm/person", person).await;
    let path = format!("/crm/{}", created["crmId"].as_str().unwrap());
    let edit = json!({"email": null, "tags": ["x"]});
    let edited = done(&world, Method::PATCH, &path, edit).await;
    assert_eq!(edited["tags"], json!(["x"]));
    assert!(edited.get("email").is_none());
    assert_eq!(count(&world, "/crm/person").await, 1);
    assert_eq!(count(&world, "/crm").await, 1);
    let dates = json!({"modifyDate": "2020-01-01T00:00:00"});
    done(&world, Method::PUT, &format!("{path}/dates"), dates).await;
    assert_eq!(get(&world, &path).await["modifyDate"], "2020-01-01T00:00:00.000");
    done(&world, Method::DELETE, &path, Value::Null).await;
    assert_eq!(status(&world, Method::GET, &path, Value::Null).await, 404);
    assert_eq!(get(&world, "/stats").await["crm"]["user_saves"], 3);
    // Out of the bin it comes as it was, but edited now; once.
    let restore = format!("{path}/restore");
    done(&world, Method::POST, &restore, Value::Null).await;
    let restored = get(&world, &path).await;
    assert_eq!(restored["nickName"], edited["nickName"]);
    assert!(restored["modifyDate"].as_str() > Some("2020-01-01T00:00:00.000"));
    assert_eq!(status(&world, Method::POST, &restore, Value::Null).await, 404);
    done(&world, Method::DELETE, "/stats", Value::Null).await;
    assert_eq!(get(&world, "/saves").await["crm"], json!({}));
}

#[tokio::test]
async fn users_of_finance_work_over_http() {
    let world = world().await;
    let contact = json!({"Name": "a", "MobileNo": "0912"});
    let contact = done(&world, Method::POST, "/finance/contacts", contact).await;
    let path = format!("/finance/contacts/{}", contact["Code"]);
    let edited = done(&world, Method::PATCH, &path, json!({"Name": "b"})).await;
    assert_eq!(edited["Name"], "b");
    let twin = json!({"MobileNo": "0912"});
    assert_eq!(status(&world, Method::POST, "/finance/contacts", twin).await, 409);
    assert_eq!(count(&world, "/finance/contacts").await, 1);
    assert_eq!(count(&world, "/finance/contacts?all=true").await, 3);
    done(&world, Method::DELETE, &path, Value::Null).await;
    assert_eq!(count(&world, "/finance/documents").await, 0);
    assert_eq!(get(&world, "/stats").await["finance"]["user_saves"], 3);
}

#[tokio::test]
async fn faults_over_http() {
    let world = world().await;
    let plan = json!({"seed": 5, "rules": [{"system": "crm", "endpoint": "person/*", "kind": "drop",
        "skip": 100}, {"endpoint": "person/create", "kind": "slow", "ms": 1, "times": 1}]});
    let answer = done(&world, Method::PUT, "/faults", plan).await;
    assert_eq!(answer["rules"].as_array().unwrap().len(), 2);
    world.create_person(json!({"nickName": "x"})).await;
    let rule = json!({"kind": "error500_before", "endpoint": "person/*"});
    let (_, added) = world.control(Method::POST, "/faults", rule).await;
    assert_eq!(added["id"], 3);
    let create = json!({"nickName": "x"});
    assert_eq!(world.crm("crmobject/person/create", create).await.0, 500);
    done(&world, Method::DELETE, "/faults/3", Value::Null).await;
    let wrong = json!({"rules": [{"kind": "no"}]});
    assert_eq!(status(&world, Method::PUT, "/faults", wrong).await, 400);
    done(&world, Method::PUT, "/outage/crm", Value::Null).await;
    let request = world.crm_request(Method::POST, "/api/v2/crmobject/person/get");
    assert!(request.send().await.is_err());
    done(&world, Method::DELETE, "/faults", Value::Null).await;
}

#[tokio::test]
async fn settings_clock_and_actions_over_http() {
    let world = world().await;
    let patch = json!({"crm": {"unknown_id": "empty_ok", "webhooks": {"secret": "s"}}, "finance": {"first_code": 50}});
    done(&world, Method::PUT, "/config", patch).await;
    assert_eq!(world.sim.crm().config().webhooks.secret, "s");
    assert_eq!(world.sim.finance().create(json!({"Name": "a"})).unwrap(), 50);
    let wrong = json!({"crm": {"no_such": 1}});
    assert_eq!(status(&world, Method::PUT, "/config", wrong).await, 400);

    let clock = json!({"freeze": "2025-12-21T10:36:17.173Z", "advance_ms": 1000});
    world.control(Method::PUT, "/clock", clock).await;
    let id = world.create_person(json!({"nickName": "x"})).await;
    assert_eq!(world.person(&id).await["creatDate"], "2025-12-21T14:06:18.173");
    let requests = get(&world, "/requests?system=crm&endpoint=create&limit=1").await;
    assert_eq!(requests[0]["status"], 200);
    assert_eq!(requests.as_array().unwrap().len(), 1);
    done(&world, Method::POST, "/actions/expire_sessions", Value::Null).await;
    assert_eq!(world.sim.finance().open_sessions(), 0);
    let sample = json!({"crm": 30, "finance": 20});
    done(&world, Method::POST, "/sample", sample).await;
    assert_eq!(world.sim.finance().contacts().len(), 21);
}
