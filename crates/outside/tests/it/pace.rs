//! The ceiling of calls per second, across processes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use domain::clock::SystemClock;
use outside::Intent::Read;
use outside::Limits;
use testkit::calls::{Said, Stub};
use testkit::memory::MemoryOutside;

use crate::support::{Process, quick, retry_after};

const UP: Said = Said(200, &[], "{}");

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_processes_together_keep_the_ceiling_and_use_it() {
    const CEILING: u32 = 50;
    let (stub, url) = Stub::start(&[UP], None).await.unwrap();
    let shared = MemoryOutside::new(Arc::new(SystemClock));
    let limits = Limits {
        calls_per_second: CEILING,
        ..quick()
    };
    let processes = [(); 2].map(|()| Process::new(&url, limits, &shared, Arc::new(SystemClock)));
    let started = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for n in 0..20 {
        let process = processes[n % 2].clone();
        callers.spawn(async move {
            for _ in 0..5 {
                process.ask(Read).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    let took = started.elapsed().as_secs_f64();
    assert_eq!(stub.paths().len(), 100);
    // 99 gaps of 20 ms, whoever went.
    assert!(took >= 1.95, "100 calls within {took} s");
    assert!(took < 20.0, "100 calls took {took} s: places are wasted");
}

#[tokio::test]
async fn who_would_wait_too_long_is_put_off_at_once() {
    let (stub, url) = Stub::start(&[UP], None).await.unwrap();
    let shared = MemoryOutside::new(Arc::new(SystemClock));
    let limits = Limits {
        calls_per_second: 1,
        ..quick()
    };
    let process = Process::new(&url, limits, &shared, Arc::new(SystemClock));
    let started = Instant::now();
    let calls = (0..10).map(|_| process.ask(Read));
    let results = futures::future::join_all(calls).await;
    let put_off = results.iter().filter(|result| result.is_err()).count();
    // Places at 0, 1 and 2 s, and perhaps one more while they are given out.
    assert!((6..=7).contains(&put_off), "{put_off} of 10");
    let error = results.into_iter().find_map(Result::err).unwrap();
    assert!(
        retry_after(&error).is_some_and(|wait| wait >= Duration::from_secs(1)),
        "{error}"
    );
    assert!(error.to_string().contains("1 times a second"), "{error}");
    assert_eq!(stub.paths().len(), 10 - put_off, "those were not sent");
    assert!(started.elapsed() >= Duration::from_secs(2));
}
