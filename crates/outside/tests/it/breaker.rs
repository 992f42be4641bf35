//! Outages: how they are noticed, what is sent meanwhile, and how they end.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::breaker::PROBE_LEASE;
use domain::clock::SystemClock;
use domain::ports::PortError;
use outside::Intent::{Read, Write};
use testkit::calls::{Said, Stub};
use testkit::memory::MemoryOutside;
use tokio::net::TcpListener;

use crate::support::{Ahead, Process, quick, retry_after};

const DOWN: Said = Said(503, &[], "");
const UP: Said = Said(200, &[], "{}");

fn down_for(calls: usize) -> Vec<Said> {
    let mut answers = vec![DOWN; calls];
    answers.push(UP);
    answers
}

#[tokio::test]
async fn an_outage_is_noticed_and_calls_are_held_without_being_sent() {
    let (stub, url) = Stub::start(&[DOWN], None).await.unwrap();
    let shared = MemoryOutside::new(Arc::new(SystemClock));
    let process = Process::new(&url, quick(), &shared, Arc::new(SystemClock));
    let other = Process::new(&url, quick(), &shared, Arc::new(SystemClock));
    assert!(matches!(
        process.ask(Read).await,
        Err(PortError::Transient { .. })
    ));
    for _ in 0..2 {
        let again = process.ask(Read).await.unwrap_err();
        assert!(
            retry_after(&again).is_some(),
            "another one in a row uses up no try: {again}"
        );
    }
    assert!(
        matches!(
            process.ask(Write).await,
            Err(PortError::UnknownOutcome { down: true, .. })
        ),
        "a 503 of a write stays an unknown outcome"
    );
    let opening = process.ask(Read).await.unwrap_err();
    assert!(
        retry_after(&opening).is_some(),
        "the one that opens it uses up no try: {opening}"
    );
    let held = process.ask(Write).await.unwrap_err();
    assert!(retry_after(&held).is_some(), "{held}");
    assert!(
        held.to_string().contains("finance has not answered since"),
        "{held}"
    );
    assert!(!other.gate.refuses(), "it has not heard of it yet");
    other.refresh().await;
    assert!(other.gate.refuses());
    assert!(retry_after(&other.ask(Read).await.unwrap_err()).is_some());
    assert_eq!(stub.paths().len(), 5, "nothing was sent while it was open");
}

#[tokio::test]
async fn refusals_and_strange_answers() {
    let refused = Said(400, &[], r#"{"message":"no"}"#);
    let page = Said(200, &[], "<!DOCTYPE html><html>");
    for (said, opens) in [
        (refused, false),
        (Said(401, &[], ""), false),
        (Said(403, &[], "<html>"), false),
        (Said(404, &[], "{}"), false),
        (page, true),
        (Said(502, &[], "<html>"), true),
        (Said(429, &[("Retry-After", "7")], ""), true),
        (Said(302, &[("Location", "/elsewhere")], ""), true),
    ] {
        let (_stub, url) = Stub::start(std::slice::from_ref(&said), None).await.unwrap();
        let shared = MemoryOutside::new(Arc::new(SystemClock));
        let process = Process::new(&url, quick(), &shared, Arc::new(SystemClock));
        for _ in 0..6 {
            let _ = process.call(Read).await;
        }
        assert_eq!(process.gate.refuses(), opens, "{said:?}");
        if said.0 == 429 {
            let wait = retry_after(&process.call(Read).await.unwrap_err()).unwrap();
            assert!(
                wait > Duration::from_secs(5),
                "it is given the time it asks for: {wait:?}"
            );
        }
    }
}

/// 500 callers in two processes who all try again at once: the system sees one probe at a time, the pauses between
/// them are kept, and when it is back all of them get through.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn however_many_wait_the_load_of_an_outage_is_a_probe() {
    const PROBES: usize = 6;
    let (stub, url) = Stub::start(&down_for(5 + PROBES), None).await.unwrap();
    let shared = MemoryOutside::new(Arc::new(SystemClock));
    let processes = [(); 2].map(|()| Process::new(&url, quick(), &shared, Arc::new(SystemClock)));
    for _ in 0..5 {
        assert!(processes[0].ask(Read).await.is_err());
    }
    processes[1].refresh().await;
    let started = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..500 {
        let process = processes[n % 2].clone();
        callers.spawn(async move {
            while let Err(error) = process.ask(Read).await {
                assert!(retry_after(&error).is_some(), "a try is used up: {error}");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
            Instant::now()
        });
    }
    let keepers = processes.clone().map(|process| {
        tokio::spawn(async move {
            loop {
                process.refresh().await;
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        })
    });
    callers.join_all().await;
    keepers.iter().for_each(tokio::task::JoinHandle::abort);
    // 100, 200, 400, 400, … milliseconds, each at most a fifth shorter.
    let least = Duration::from_millis(100 + 200 + 400 * (PROBES as u64 - 1)).mul_f64(0.8);
    let took = started.elapsed();
    assert!(took > least, "{PROBES} failed probes within {took:?}");
    assert_eq!(
        stub.paths().len(),
        5 + PROBES + 500,
        "each got through with one call"
    );
}

/// A process is killed while it probes: its call is never heard of again.
#[tokio::test]
async fn a_probe_that_is_abandoned_lapses_and_one_that_lives_is_kept() {
    // Takes every connection and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", silent.local_addr().unwrap());
    let holding = tokio::spawn(async move {
        let mut all = Vec::new();
        while let Ok((stream, _)) = silent.accept().await {
            all.push(stream);
        }
    });
    let (_stub, down) = Stub::start(&[DOWN], None).await.unwrap();
    let (_stub, up) = Stub::start(&[UP], None).await.unwrap();
    let clock = Arc::new(Ahead::default());
    let shared = MemoryOutside::new(clock.clone());
    let opener = Process::new(&down, quick(), &shared, clock.clone());
    let prober = Process::new(&url, quick(), &shared, clock.clone());
    let other = Process::new(&up, quick(), &shared, clock.clone());
    for _ in 0..5 {
        assert!(opener.ask(Read).await.is_err());
    }
    prober.refresh().await;
    clock.advance(Duration::from_millis(500));
    let probe = tokio::spawn({
        let prober = prober.clone();
        async move { prober.ask(Read).await }
    });
    while !prober.gate.refuses() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // It lives, and says so: nobody else goes, however long it takes.
    for _ in 0..3 {
        clock.advance(PROBE_LEASE - Duration::from_millis(500));
        prober.refresh().await;
        other.refresh().await;
        assert!(retry_after(&other.ask(Read).await.unwrap_err()).is_some());
    }
    probe.abort();
    assert!(probe.await.is_err());
    // Now nobody says so any more.
    prober.refresh().await;
    clock.advance(PROBE_LEASE);
    other.refresh().await;
    other.ask(Read).await.unwrap();
    prober.refresh().await;
    assert!(
        prober.gate.outage().is_none(),
        "one answered probe closes it for all"
    );
    holding.abort();
}

/// Reads are answered all the while: nobody's writes are sent by the dozen, none of them uses up a try, and the first
/// that is carried out is enough.
#[tokio::test]
async fn writes_that_fail_one_after_the_other_are_held_though_reads_go_on() {
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.extend([UP, DOWN]);
    }
    answers.push(UP);
    let (stub, url) = Stub::start(&answers, None).await.unwrap();
    let clock = Arc::new(Ahead::default());
    let shared = MemoryOutside::new(clock.clone());
    let process = Process::new(&url, quick(), &shared, clock.clone());
    for n in 0..5 {
        process.ask(Read).await.unwrap();
        let Err(PortError::UnknownOutcome {
            down, retry_after, ..
        }) = process.ask(Write).await
        else {
            panic!("it may have been carried out")
        };
        assert_eq!((down, retry_after.is_some()), (n > 0, n > 0), "write {n}");
    }
    assert!(process.gate.outage().is_none(), "it is not down for all");
    for _ in 0..3 {
        let held = process.ask(Write).await.unwrap_err();
        assert!(retry_after(&held).is_some(), "{held}");
        assert!(held.to_string().contains("the last writes failed"), "{held}");
    }
    assert_eq!(stub.paths().len(), 10, "they were not sent");
    process.ask(Read).await.unwrap();
    clock.advance(Duration::from_secs(1));
    for _ in 0..3 {
        process.ask(Write).await.unwrap();
    }
}
