//! Logins, tokens and sessions of both systems.

use chrono::Duration;
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{World, answer, md5_upper, world, world_with};

fn login_body(password: &str) -> Value {
    json!({"username": "siaghsync", "password": password, "deviceId": "SiaghSync", "platformType": 4})
}

async fn login(world: &World, password: &str) -> (u16, Value) {
    let url = format!("{}/api/v2/auth/login", world.sim.crm_url());
    let (status, body) = answer(world.client.post(url).json(&login_body(password))).await;
    (status.as_u16(), body)
}

async fn search(world: &World, authorization: &str) -> u16 {
    let url = format!("{}/api/v2/crmobject/identity/search", world.sim.crm_url());
    let request = world.client.post(url).header("authorization", authorization);
    let request = request.json(&json!({"pageNumber": 0, "pageSize": 1}));
    answer(request).await.0.as_u16()
}

#[tokio::test]
async fn a_crm_login_gives_a_token_that_ends() {
    let world = world().await;
    let (status, tokens) = login(&world, "crm-password").await;
    assert_eq!(status, 200);
    let bearer = format!("Bearer {}", tokens["accessToken"].as_str().unwrap());
    assert_eq!(search(&world, &bearer).await, 200);
    assert_eq!(search(&world, bearer.trim_start_matches("Bearer ")).await, 401);
    world.sim.clock().advance(Duration::hours(2));
    assert_eq!(search(&world, &bearer).await, 401);
    let url = format!("{}/api/v2/auth/token/refresh", world.sim.crm_url());
    let body = json!({"refreshToken": tokens["refreshToken"]});
    let (status, renewed) = answer(world.client.post(&url).json(&body)).await;
    assert_eq!(status, 200);
    assert_ne!(renewed["accessToken"], tokens["accessToken"]);
    // A refresh token is good for once.
    assert_eq!(answer(world.client.post(&url).json(&body)).await.0, 401);
    world.sim.crm().expire_tokens();
    let bearer = format!("Bearer {}", renewed["accessToken"].as_str().unwrap());
    assert_eq!(search(&world, &bearer).await, 401);
    assert_eq!(search(&world, crate::support::API_TOKEN).await, 200);
}

#[tokio::test]
async fn hammering_the_crm_login_locks_out() {
    let world = world().await;
    for _ in 0..5 {
        assert_eq!(login(&world, "wrong").await.0, 401);
    }
    let (status, body) = login(&world, "crm-password").await;
    assert_eq!((status, &body["code"]), (403, &json!(403)));
    assert_eq!(world.sim.crm().stats().event_count("login_while_locked"), 1);
    world.sim.clock().advance(Duration::minutes(16));
    assert_eq!(login(&world, "crm-password").await.0, 200);
    world.sim.crm().configure(|config| config.api_licensed = false);
    assert_eq!(login(&world, "crm-password").await.0, 402);
}

#[tokio::test]
async fn the_crm_is_strict_about_requests() {
    let world = world().await;
    let get = world.crm_request(Method::GET, "/api/v2/crmobject/person/get");
    let (status, body) = answer(get).await;
    assert_eq!(status, 405);
    assert_eq!(body["code"], 405);
    assert!(body["errorDetails"].is_array());
    assert_eq!(search(&world, "Bearer wrong").await, 401);
    let url = format!("{}/api/v2/crmobject/person/get", world.sim.crm_url());
    assert_eq!(answer(world.client.get(url)).await.0, 401);
    let text = world
        .crm_request(Method::POST, "/api/v2/crmobject/person/get")
        .body("{}");
    assert_eq!(answer(text).await.0, 415);
    let (status, body) = world
        .crm("crmobject/person/create", json!({"NickName": "x"}))
        .await;
    assert_eq!(
        (status.as_u16(), &body["errorDetails"][0]["field"]),
        (400, &json!("NickName"))
    );
    assert_eq!(world.crm("crmobject/lead/get", json!({"id": "x"})).await.0, 404);
}

#[tokio::test]
async fn a_finance_session_is_the_whole_header_and_ends_without_notice() {
    let mut world = world().await;
    let read = |world: &World, header: &str| {
        let url = format!("{}/api/Sgh/GEN/Gn_Web_Users/GetAll", world.sim.finance_url());
        let request = world.client.get(url).header("authorization", header);
        async move { answer(request).await.0.as_u16() }
    };
    let url = format!("{}/GeneralApi/LoginUser", world.sim.finance_url());
    let hash = md5_upper("finance-password");
    for wrong in ["finance-password".to_owned(), hash.to_lowercase()] {
        let body = json!({"UserName": "مدیر سیستم", "Password": wrong});
        let (status, body) = answer(world.client.post(&url).json(&body)).await;
        assert_eq!(status, 401);
        assert_eq!(body, json!({"Message": "Invalid username or password"}));
    }
    let body = json!({"UserName": "مدیر سیستم", "Password": hash});
    let (_, login) = answer(world.client.post(&url).json(&body)).await;
    let session = login["SessionId"].as_str().unwrap();
    assert_eq!(login["Token"], format!("{session}:0"));
    assert!(login["FiscalYear"].as_i64().unwrap() >= 1404);
    assert_eq!(read(&world, session).await, 200);
    assert_eq!(read(&world, &format!("Bearer {session}")).await, 401);
    assert_eq!(read(&world, &format!("{session}:0")).await, 401);
    world.sim.finance().expire_sessions();
    assert_eq!(read(&world, session).await, 401);
    world.login_finance().await;
    world
        .sim
        .finance()
        .configure(|config| config.session_max_requests = 2);
    world.read_contacts(json!({})).await;
    world.read_contacts(json!({})).await;
    let third = world.finance_request(Method::GET, "/api/Sgh/GEN/Gn_Web_Users/GetAll");
    assert_eq!(answer(third).await.0, 401);
}

#[tokio::test]
async fn answers_can_be_in_pascal_case() {
    let world = world_with(|config| config.crm.pascal_case = true).await;
    let (_, body) = login(&world, "crm-password").await;
    assert!(body["AccessToken"].is_string());
    let created = world
        .crm_ok("crmobject/person/create", json!({"firstName": "علی"}))
        .await;
    let person = world
        .crm_ok("crmobject/person/get", json!({"id": created["CrmId"]}))
        .await;
    assert_eq!(person["NickName"], "علی");
    let (status, error) = world.crm("crmobject/person/get", json!({"id": "no"})).await;
    assert_eq!((status.as_u16(), &error["Code"]), (400, &json!(400)));
}
