//! The doorbell on a bad day: each test ruins a Redis of its own, and then everything goes on by itself.

use std::time::{Duration, Instant};

use domain::ports::{BellError, Doorbell, Ring};

use testkit::redis::Server;

use crate::bell::{Notebook, Queue, eventually, listening, ring, rings};

/// Rings until it is taken, as the sweeper would.
async fn ring_at_last(bell: &impl Doorbell, some: &[Ring]) {
    assert!(
        eventually(Duration::from_secs(10), || async {
            bell.ring(some).await.is_ok()
        })
        .await,
        "no ring is taken any more"
    );
}

/// A ring is handled soon again; rung again until it is, as the sweeper would.
async fn goes_on(bell: &impl Doorbell, notebook: &Notebook) -> Duration {
    let start = Instant::now();
    let one = [ring()];
    ring_at_last(bell, &one).await;
    let heard = eventually(Duration::from_secs(20), || async {
        if eventually(Duration::from_secs(2), || async { notebook.has(&one) }).await {
            return true;
        }
        let _ = bell.ring(&one).await;
        false
    });
    assert!(heard.await, "nothing is heard any more");
    start.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn flushall_in_the_middle_of_work() {
    let server = Server::start().await;
    let queue = Queue::at(server.url(), 2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let note = notebook.clone();
    let listener = queue.listen(listening(4), move |ring| {
        let note = note.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(300)).await;
            note.note(ring.row);
        }
    });
    bell.ring(&rings(40)).await.unwrap();
    let handled = async |least: usize| {
        eventually(Duration::from_secs(20), || async { notebook.totals().0 >= least }).await
    };
    assert!(handled(4).await, "{:?}", notebook.totals());
    server.command(&["FLUSHALL"]).await.unwrap();
    // Those that were running end all the same; those that waited are the sweeper's.
    assert!(handled(8).await, "{:?}", notebook.totals());
    println!(
        "after FLUSHALL: heard again in {:?}",
        goes_on(&bell, &notebook).await
    );
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn script_flush_costs_nothing() {
    let server = Server::start().await;
    let queue = Queue::at(server.url(), 2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(4, &notebook);
    for _ in 0..10 {
        let some = rings(20);
        bell.ring(&some).await.unwrap();
        server.command(&["SCRIPT", "FLUSH"]).await.unwrap();
        notebook.wait_for(&some, Duration::from_secs(3)).await;
    }
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_loses_nothing_that_was_appended() {
    let mut server = Server::start().await;
    let queue = Queue::at(server.url(), 2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let note = notebook.clone();
    let listener = queue.listen(listening(4), move |ring| {
        let note = note.clone();
        async move {
            tokio::time::sleep(Duration::from_millis(100)).await;
            note.note(ring.row);
        }
    });
    let all = rings(100);
    bell.ring(&all).await.unwrap();
    tokio::time::sleep(Duration::from_millis(500)).await;
    server.down();

    // Nobody waits for a dead Redis, and the second one not even for the first one's attempt.
    let start = Instant::now();
    assert!(matches!(
        bell.ring(&[ring()]).await,
        Err(BellError::Unreachable(_))
    ));
    assert!(
        start.elapsed() < Duration::from_millis(2500),
        "{:?}",
        start.elapsed()
    );
    let start = Instant::now();
    assert!(matches!(
        bell.ring(&[ring()]).await,
        Err(BellError::Unreachable(_))
    ));
    assert!(
        start.elapsed() < Duration::from_millis(200),
        "{:?}",
        start.elapsed()
    );

    tokio::time::sleep(Duration::from_secs(2)).await;
    server.up().await;
    let start = Instant::now();
    notebook.wait_for(&all, Duration::from_secs(20)).await;
    println!(
        "after a restart: all handled in {:?}, (rows, runs) {:?}",
        start.elapsed(),
        notebook.totals()
    );
    println!(
        "after a restart: heard again in {:?}",
        goes_on(&bell, &notebook).await
    );
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_of_three_seconds() {
    let server = Server::start().await;
    let queue = Queue::at(server.url(), 2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(4, &notebook);
    goes_on(&bell, &notebook).await;

    let debug = server.command(&["DEBUG", "SLEEP", "3"]);
    let meanwhile = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let start = Instant::now();
        assert!(bell.ring(&[ring()]).await.is_err());
        assert!(
            start.elapsed() < Duration::from_millis(2500),
            "{:?}",
            start.elapsed()
        );
        let start = Instant::now();
        assert!(bell.ring(&[ring()]).await.is_err());
        assert!(
            start.elapsed() < Duration::from_millis(200),
            "{:?}",
            start.elapsed()
        );
    };
    let (slept, ()) = tokio::join!(debug, meanwhile);
    slept.unwrap();
    println!(
        "after DEBUG SLEEP 3: heard again in {:?}",
        goes_on(&bell, &notebook).await
    );

    server.signal("STOP");
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.signal("CONT");
    println!(
        "after SIGSTOP for 3 s: heard again in {:?}",
        goes_on(&bell, &notebook).await
    );

    // Longer than the worker's own patience.
    server.signal("STOP");
    tokio::time::sleep(Duration::from_secs(9)).await;
    server.signal("CONT");
    println!(
        "after SIGSTOP for 9 s: heard again in {:?}",
        goes_on(&bell, &notebook).await
    );
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redis_may_come_later() {
    let mut server = Server::stopped();
    let queue = Queue::at(server.url(), 2000);
    let start = Instant::now();
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(4, &notebook);
    assert!(matches!(
        bell.ring(&[ring()]).await,
        Err(BellError::Unreachable(_))
    ));
    assert!(!bell.is_full());
    assert!(
        start.elapsed() < Duration::from_millis(2500),
        "{:?}",
        start.elapsed()
    );
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.up().await;
    println!("Redis came later: heard in {:?}", goes_on(&bell, &notebook).await);
    listener.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shutdown_ends_without_redis_too() {
    let mut server = Server::start().await;
    let queue = Queue::at(server.url(), 2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(4, &notebook);
    goes_on(&bell, &notebook).await;
    server.down();
    tokio::time::sleep(Duration::from_millis(700)).await;
    let start = Instant::now();
    listener.stop().await;
    println!("shut down without Redis in {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}
