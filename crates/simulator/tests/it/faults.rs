//! Faults as a client meets them.

use std::time::{Duration, Instant};

use reqwest::Method;
use serde_json::{Value, json};
use simulator::{FaultKind, FaultRule, System};

use crate::support::{World, answer, contact_form, world};

const CREATE: &str = "person/create";

fn once(world: &World, kind: FaultKind) {
    world
        .sim
        .faults()
        .replace(None, vec![FaultRule::next(System::Crm, CREATE, kind, 1).ms(300)]);
}

fn create(world: &World) -> reqwest::RequestBuilder {
    world
        .crm_request(Method::POST, "/api/v2/crmobject/person/create")
        .json(&json!({"nickName": "علی"}))
}

/// Whether the change was done, asked a moment later.
async fn eventually(check: impl Fn() -> bool) {
    let begun = Instant::now();
    while !check() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never comes about");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

fn done(world: &World) -> bool {
    world.sim.crm().count() > 0
}

#[tokio::test]
async fn broken_connections_are_broken() {
    for (kind, commits) in [
        (FaultKind::Drop, false),
        (FaultKind::CommitThenDrop, true),
        (FaultKind::Hang, false),
        (FaultKind::Outage, false),
    ] {
        let world = world().await;
        once(&world, kind);
        let error = create(&world).send().await.expect_err("no answer");
        assert!(
            !error.is_timeout() && error.status().is_none(),
            "{kind:?}: {error:?}"
        );
        assert_eq!(done(&world), commits, "{kind:?}");
        let requests = world.sim.crm().stats().requests();
        assert_eq!(requests[0].status, None);
        assert_eq!(requests[0].fault.as_deref(), Some(kind.name()));
        assert!(requests[0].body.contains("علی"));
        if kind == FaultKind::Outage {
            assert!(world.sim.faults().in_outage(System::Crm));
            assert!(create(&world).send().await.is_err());
            assert_eq!(
                world.read_contacts(json!({})).await.len(),
                2,
                "finance is not in it"
            );
            eventually(|| !world.sim.faults().in_outage(System::Crm)).await;
        }
        assert_eq!(
            create(&world).send().await.unwrap().status(),
            200,
            "{kind:?} is over"
        );
    }
}

#[tokio::test]
async fn a_commit_can_outlive_the_clients_patience() {
    let world = world().await;
    world
        .sim
        .faults()
        .add(FaultRule::next(System::Crm, CREATE, FaultKind::CommitThenHang, 1).ms(60_000));
    let request = create(&world).timeout(Duration::from_millis(200));
    let error = request.send().await.expect_err("a time-out");
    assert!(error.is_timeout());
    assert!(done(&world));
}

#[tokio::test]
async fn a_request_can_land_after_its_connection_is_gone() {
    let world = world().await;
    once(&world, FaultKind::LateCommit);
    assert!(create(&world).send().await.is_err());
    assert!(!done(&world));
    eventually(|| done(&world)).await;
}

#[tokio::test]
async fn a_slow_answer_arrives() {
    let world = world().await;
    once(&world, FaultKind::Slow);
    let begun = Instant::now();
    assert_eq!(create(&world).send().await.unwrap().status(), 200);
    assert!(begun.elapsed() >= Duration::from_millis(300));
    once(&world, FaultKind::Slow);
    let impatient = create(&world).timeout(Duration::from_millis(100));
    assert!(impatient.send().await.is_err());
    assert_eq!(world.sim.crm().count(), 1);
    // It is done for a caller that has left.
    eventually(|| world.sim.crm().count() == 2).await;
}

#[tokio::test]
async fn bad_answers() {
    for (kind, status, commits) in [
        (FaultKind::Error500Before, 500, false),
        (FaultKind::Error500After, 500, true),
        (FaultKind::Unavailable, 503, false),
        (FaultKind::HtmlError, 502, false),
        (FaultKind::HtmlErrorAfter, 502, true),
        (FaultKind::Html200, 200, false),
        (FaultKind::EmptyAnswer, 200, true),
        (FaultKind::TruncatedJson, 200, true),
    ] {
        let world = world().await;
        once(&world, kind);
        let (got, body) = answer(create(&world)).await;
        assert_eq!(got, status, "{kind:?}");
        assert_eq!(done(&world), commits, "{kind:?}");
        // Only the system's own errors are JSON.
        let json_expected = matches!(kind, FaultKind::Error500Before | FaultKind::Error500After);
        assert_eq!(body.is_object(), json_expected, "{kind:?}: {body}");
    }
}

#[tokio::test]
async fn a_body_can_end_before_its_length() {
    let world = world().await;
    once(&world, FaultKind::TruncatedBody);
    let response = create(&world).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let promised = response.content_length().unwrap();
    assert!(promised > 10);
    assert!(response.bytes().await.is_err());
    assert!(done(&world));
}

#[tokio::test]
async fn too_many_requests_says_when() {
    let world = world().await;
    let rule = FaultRule::next(System::Crm, "", FaultKind::TooManyRequests, 1).retry_after(7);
    world.sim.faults().add(rule);
    let response = create(&world).send().await.unwrap();
    assert_eq!(response.status(), 429);
    assert_eq!(response.headers()["retry-after"], "7");
    assert!(!done(&world));
}

#[tokio::test]
async fn sessions_end_on_request_and_forms_are_told_apart() {
    let mut world = world().await;
    let rule = FaultRule::next(System::Finance, "2BFDA/create", FaultKind::SessionExpired, 1);
    world.sim.faults().add(rule);
    world.read_contacts(json!({})).await;
    let form = contact_form(None, &[("fullname", "a")]);
    let save = |world: &World, form: &Value| {
        world
            .finance_request(Method::POST, "/BpmsApi/SaveFormData")
            .json(form)
    };
    assert_eq!(answer(save(&world, &form)).await.0, 401);
    world.login_finance().await;
    assert_eq!(answer(save(&world, &form)).await.0, 200);
    let rule = FaultRule::always(System::Finance, "2BFDA/update", FaultKind::CommitThenDrop);
    world.sim.faults().add(rule);
    let update = contact_form(Some(1001), &[("fullname", "b")]);
    assert!(save(&world, &update).send().await.is_err());
    assert_eq!(world.sim.finance().get(1001).unwrap()["Name"], "b");
}

#[tokio::test]
async fn the_same_seed_repeats_the_same_faults() {
    let mut runs = Vec::new();
    for _ in 0..2 {
        let world = world().await;
        let rules = vec![
            FaultRule::random(System::Crm, "", FaultKind::Drop, 0.2),
            FaultRule::random(System::Crm, "", FaultKind::Error500After, 0.2),
        ];
        world.sim.faults().replace(Some(42), rules);
        let mut seen = Vec::new();
        for _ in 0..40 {
            let response = create(&world).send().await;
            seen.push(response.map_or(0, |response| response.status().as_u16()));
        }
        runs.push(seen);
    }
    assert_eq!(runs[0], runs[1]);
    assert!(runs[0].contains(&0) && runs[0].contains(&500) && runs[0].contains(&200));
}

#[tokio::test]
async fn everything_closes_when_the_simulator_is_dropped() {
    let world = world().await;
    world
        .sim
        .faults()
        .add(FaultRule::always(System::Crm, CREATE, FaultKind::Hang).ms(60_000));
    let request = create(&world);
    let url = world.sim.crm_url();
    let pending = tokio::spawn(request.send());
    eventually(|| world.sim.faults().list()[0].hits == 1).await;
    let client = world.client.clone();
    drop(world.sim);
    let result = tokio::time::timeout(Duration::from_secs(20), pending).await;
    assert!(result.expect("ends at once").unwrap().is_err());
    assert!(client.get(url).send().await.unwrap_err().is_connect());
}
