//! The doorbell within one process keeps the same promises.

use std::time::{Duration, Instant};

use domain::ports::{BellError, Doorbell as _};
use service::doorbell::{Listener, in_process};
use tokio_util::sync::CancellationToken;

use crate::bell::{Notebook, Running, eventually, listening, ring, rings};

fn noting(
    listener: service::doorbell::InProcessListener,
    concurrency: usize,
    notebook: &Notebook,
) -> Running {
    let shutdown = CancellationToken::new();
    let notebook = notebook.clone();
    let handler = move |ring: domain::ports::Ring| {
        let notebook = notebook.clone();
        async move { notebook.note(ring.row) }
    };
    let listener = Listener::InProcess(listener);
    let task = tokio::spawn(listener.run(listening(concurrency), handler, shutdown.clone()));
    Running { shutdown, task }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bounded_all_or_none_and_none_lost() {
    let (bell, listener) = in_process(2000);
    let (mut taken, mut refused) = (Vec::new(), 0);
    for some in rings(9_999).chunks(3) {
        match bell.ring(some).await {
            Ok(()) => taken.extend_from_slice(some),
            Err(BellError::Full) => refused += some.len(),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((taken.len(), refused), (1998, 8001));
    assert!(!bell.is_full(), "two places are left");
    bell.ring(&rings(2)).await.unwrap();
    assert!(bell.is_full());
    assert_eq!((bell.depth().await.unwrap(), bell.capacity()), (2000, 2000));
    assert!(matches!(bell.ring(&rings(2001)).await, Err(BellError::Full)));

    let notebook = Notebook::default();
    let running = noting(listener, 16, &notebook);
    notebook.wait_for(&taken, Duration::from_secs(10)).await;
    assert_eq!(notebook.totals(), (2000, 2000));
    assert_eq!(bell.depth().await.unwrap(), 0);
    running.stop().await;
    assert!(matches!(
        bell.ring(&[ring()]).await,
        Err(BellError::Unreachable(_))
    ));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_stops_nothing_and_shutdown_drains() {
    let (bell, listener) = in_process(100);
    let (started, ended) = (Notebook::default(), Notebook::default());
    let (s, e) = (started.clone(), ended.clone());
    let shutdown = CancellationToken::new();
    let handler = move |ring: domain::ports::Ring| {
        s.note(ring.row);
        assert!(ring.traceparent.is_none(), "on purpose");
        let e = e.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(500)).await;
            e.note(ring.row);
        }
    };
    let task = tokio::spawn(listener.run(listening(4), handler, shutdown.clone()));
    let running = Running { shutdown, task };
    let mut bad = ring();
    bad.traceparent = Some("panic".to_owned());
    bell.ring(&[bad]).await.unwrap();
    bell.ring(&rings(40)).await.unwrap();
    assert!(eventually(Duration::from_secs(5), || async { started.totals().0 >= 5 }).await);
    let start = Instant::now();
    running.stop().await;
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    assert_eq!(
        started.totals().0,
        ended.totals().0 + 1,
        "all but the panicking one ended"
    );
    assert!(started.totals().0 < 41, "nothing new was started");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_ring_is_heard_at_once() {
    let (bell, listener) = in_process(100);
    let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
    let shutdown = CancellationToken::new();
    let handler = move |_| {
        let _ = heard.send(Instant::now());
        async {}
    };
    let task = tokio::spawn(listener.run(listening(4), handler, shutdown.clone()));
    let mut latencies = Vec::new();
    for _ in 0..100 {
        tokio::time::sleep(Duration::from_millis(3)).await;
        let rung = Instant::now();
        bell.ring(&[ring()]).await.unwrap();
        latencies.push(hears.recv().await.unwrap() - rung);
    }
    latencies.sort();
    println!("in process: p50 {:?}, p99 {:?}", latencies[50], latencies[98]);
    // A busy machine makes a few late.
    assert!(
        latencies[90] < Duration::from_millis(20),
        "{:?}",
        &latencies[85..]
    );
    Running { shutdown, task }.stop().await;
}
