//! The doorbell in Redis on a good day: its bound, its latency, what can't stop it.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use domain::ports::{BellError, Doorbell as _};
use redis::AsyncCommands as _;
use uuid::Uuid;

use crate::bell::{Notebook, Queue, eventually, listening, ring, rings};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn beyond_the_bound_rings_are_refused_and_none_that_was_taken_is_lost() {
    let queue = Queue::shared(2000);
    let all = rings(10_000);
    // Several processes ring at once: the bound holds for all of them together.
    let mut tasks = Vec::new();
    for part in all.chunks(1000) {
        let (bell, part) = (queue.bell(), part.to_vec());
        tasks.push(tokio::spawn(async move {
            let mut taken = Vec::new();
            for ring in part.chunks(7) {
                match bell.ring(ring).await {
                    Ok(()) => taken.extend_from_slice(ring),
                    Err(BellError::Full) => assert!(bell.is_full() || ring.len() > 1),
                    Err(error) => panic!("{error}"),
                }
            }
            taken
        }));
    }
    let mut taken = Vec::new();
    for task in tasks {
        taken.extend(task.await.unwrap());
    }
    assert!(taken.len() <= 2000 && taken.len() > 1990, "{}", taken.len());
    let bell = queue.bell();
    assert_eq!(bell.depth().await.unwrap(), taken.len());
    assert!(matches!(bell.ring(&rings(11)).await, Err(BellError::Full)));

    let notebook = Notebook::default();
    let listener = queue.note(16, &notebook);
    let start = Instant::now();
    notebook.wait_for(&taken, Duration::from_secs(20)).await;
    println!("2,000 no-op rings drained in {:?}", start.elapsed());
    assert_eq!(notebook.totals(), (taken.len(), taken.len()), "each once");
    assert!(!bell.is_full());
    assert!(bell.ring(&[ring()]).await.is_ok());
    listener.stop().await;
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_idle_ring_is_heard_within_20_ms() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    let heard: Arc<Mutex<Option<Instant>>> = Arc::default();
    let note = heard.clone();
    let listener = queue.listen(listening(16), move |_| {
        *note.lock().unwrap() = Some(Instant::now());
        async {}
    });
    // It listens.
    bell.ring(&[ring()]).await.unwrap();
    let noted = || async { heard.lock().unwrap().is_some() };
    assert!(eventually(Duration::from_secs(20), noted).await);
    let (mut latencies, mut pushes) = (Vec::new(), Vec::new());
    for i in 0..100 {
        // At different moments of the worker's own rhythm.
        tokio::time::sleep(Duration::from_millis(20 + i % 17)).await;
        *heard.lock().unwrap() = None;
        let rung = Instant::now();
        bell.ring(&[ring()]).await.unwrap();
        pushes.push(rung.elapsed());
        assert!(eventually(Duration::from_secs(20), noted).await);
        latencies.push(heard.lock().unwrap().unwrap() - rung);
    }
    latencies.sort();
    pushes.sort();
    println!(
        "idle ring to handler: p50 {:?}, p99 {:?}, most {:?}",
        latencies[50], latencies[98], latencies[99]
    );
    println!("ring(): p50 {:?}, p99 {:?}", pushes[50], pushes[98]);
    // On a busy machine Redis's own round trip takes longer too, and is the measure then; and a few come late. Without
    // the announcement it would be half a second.
    let limit = Duration::from_millis(20).max(4 * pushes[90]);
    assert!(latencies[90] < limit, "{:?}", &latencies[85..]);
    listener.stop().await;
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_panic_nor_rubbish_stops_it() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let note = notebook.clone();
    let listener = queue.listen(listening(4), move |ring| {
        note.note(ring.row);
        let odd = ring.row.as_u128() % 2 == 1;
        async move { assert!(!odd, "on purpose") }
    });
    let first = rings(20);
    bell.ring(&first).await.unwrap();

    let mut connection = queue.connection().await;
    let push = async |id: &str, data: Option<&[u8]>, meta: &[(&str, &str)]| {
        let mut connection = connection.clone();
        if let Some(data) = data {
            let () = connection.hset(queue.key("data"), id, data).await.unwrap();
        }
        if !meta.is_empty() {
            let () = connection
                .hset_multiple(queue.key(&format!("meta:{id}")), meta)
                .await
                .unwrap();
        }
        let () = connection.rpush(queue.key("active"), id).await.unwrap();
    };
    let good = [("attempts", "0"), ("max_attempts", "1"), ("status", "Pending")];
    push(&Uuid::new_v4().to_string(), Some(b"\xff\xfe no json"), &good).await;
    push(&Uuid::new_v4().to_string(), Some(b"{\"row\":1}"), &good).await;
    push(&Uuid::new_v4().to_string(), None, &good).await;
    push(&Uuid::new_v4().to_string(), Some(b"{}"), &[]).await;
    push(
        &Uuid::new_v4().to_string(),
        Some(b"{}"),
        &[("attempts", "many"), ("status", "Odd")],
    )
    .await;
    push("not an id", Some(b"{}"), &good).await;

    let second = rings(20);
    bell.ring(&second).await.unwrap();
    notebook.wait_for(&first, Duration::from_secs(10)).await;
    notebook.wait_for(&second, Duration::from_secs(10)).await;
    // All of it is gone, the rubbish too, and nothing goes round in circles.
    let clean = eventually(Duration::from_secs(8), || async {
        let depths = bell.depths().await.unwrap();
        (depths.waiting, depths.in_flight, depths.done) == (0, 0, 0)
    });
    assert!(clean.await, "{:?}", bell.depths().await.unwrap());
    let left: usize = connection.hlen(queue.key("data")).await.unwrap();
    assert_eq!(left, 0);
    listener.stop().await;
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn done_rings_leave_nothing_behind() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let listener = queue.note(16, &notebook);
    for _ in 0..5 {
        let some = rings(1000);
        bell.ring(&some).await.unwrap();
        notebook.wait_for(&some, Duration::from_secs(10)).await;
    }
    let mut connection = queue.connection().await;
    let forgotten = eventually(Duration::from_secs(5), || async {
        bell.depths().await.unwrap().done == 0
    });
    assert!(forgotten.await);
    listener.stop().await;
    let left: Vec<String> = connection
        .keys(format!("{}*", queue.options.namespace))
        .await
        .unwrap();
    assert!(left.iter().all(|key| key.ends_with(":signal")), "{left:?}");
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_more_than_the_concurrency_run_at_once_and_a_busy_worker_is_not_given_up() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let notebook = Notebook::default();
    let slow = |notebook: &Notebook| {
        let (now, most, notebook) = (now.clone(), most.clone(), notebook.clone());
        move |ring: domain::ports::Ring| {
            let (now, most, notebook) = (now.clone(), most.clone(), notebook.clone());
            async move {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                notebook.note(ring.row);
                // Longer than it takes to be given up as dead.
                tokio::time::sleep(Duration::from_secs(6)).await;
                now.fetch_sub(1, Ordering::SeqCst);
            }
        }
    };
    let all = rings(12);
    let (one, other) = (
        queue.listen(listening(3), slow(&notebook)),
        queue.listen(listening(3), slow(&notebook)),
    );
    bell.ring(&all).await.unwrap();
    notebook.wait_for(&all, Duration::from_secs(40)).await;
    one.stop().await;
    other.stop().await;
    assert_eq!(most.load(Ordering::SeqCst), 6);
    assert_eq!(notebook.totals(), (12, 12), "none was taken for orphaned");
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shutdown_lets_running_handlers_end_and_starts_nothing_new() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    let (started, ended) = (Notebook::default(), Notebook::default());
    let (s, e) = (started.clone(), ended.clone());
    let listener = queue.listen(listening(4), move |ring| {
        let (s, e) = (s.clone(), e.clone());
        async move {
            s.note(ring.row);
            tokio::time::sleep(Duration::from_secs(1)).await;
            e.note(ring.row);
        }
    });
    let all = rings(50);
    bell.ring(&all).await.unwrap();
    assert!(eventually(Duration::from_secs(5), || async { started.totals().0 == 4 }).await);
    let start = Instant::now();
    listener.stop().await;
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
    assert_eq!((started.totals(), ended.totals()), ((4, 4), (4, 4)));
    // What was not started waits for the next one, and what was done does not come again.
    assert_eq!(bell.depths().await.unwrap().waiting, 46);
    assert_eq!(bell.depths().await.unwrap().in_flight, 0);
    let rest = Notebook::default();
    let next = queue.note(8, &rest);
    assert!(eventually(Duration::from_secs(5), || async { rest.totals().0 == 46 }).await);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(rest.totals(), (46, 46));
    next.stop().await;
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_grace_period_bounds_a_shutdown_and_the_cut_off_ring_comes_back() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    let notebook = Notebook::default();
    let note = notebook.clone();
    let mut how = listening(4);
    how.grace = Duration::from_millis(500);
    let listener = queue.listen(how, move |ring| {
        note.note(ring.row);
        std::future::pending()
    });
    let all = rings(2);
    bell.ring(&all).await.unwrap();
    notebook.wait_for(&all, Duration::from_secs(5)).await;
    let start = Instant::now();
    listener.stop().await;
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
    let again = Notebook::default();
    let next = queue.note(4, &again);
    // At once: it was given back, not missed.
    again.wait_for(&all, Duration::from_secs(2)).await;
    next.stop().await;
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_listeners_rings_go_to_another() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    let stuck = Notebook::default();
    let note = stuck.clone();
    let ended = Arc::new(AtomicUsize::new(0));
    let end = ended.clone();
    let dying = queue.listen(listening(8), move |ring| {
        note.note(ring.row);
        let end = end.clone();
        async move {
            tokio::time::sleep(Duration::from_secs(3)).await;
            end.fetch_add(1, Ordering::SeqCst);
        }
    });
    let all = rings(8);
    bell.ring(&all).await.unwrap();
    stuck.wait_for(&all, Duration::from_secs(5)).await;
    let heard = Notebook::default();
    let other = queue.note(8, &heard);
    dying.task.abort();
    let start = Instant::now();
    heard.wait_for(&all, Duration::from_secs(12)).await;
    println!("a killed listener's rings came back after {:?}", start.elapsed());
    assert_eq!(
        ended.load(Ordering::SeqCst),
        0,
        "handlers end with their listener"
    );
    other.stop().await;
    queue.remove().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clear_forgets_what_waits() {
    let queue = Queue::shared(2000);
    let bell = queue.bell();
    bell.ring(&rings(1200)).await.unwrap();
    assert_eq!(bell.depths().await.unwrap().waiting, 1200);
    assert_eq!(bell.clear().await.unwrap(), 1200);
    assert_eq!(bell.depth().await.unwrap(), 0);
    let mut connection = queue.connection().await;
    let left: Vec<String> = connection
        .keys(format!("{}*", queue.options.namespace))
        .await
        .unwrap();
    assert!(left.is_empty(), "{left:?}");
    queue.remove().await;
}
