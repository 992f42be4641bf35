//! Many at once: grouped inserts, and one bad row among good ones.

use std::time::{Duration, Instant};

use futures::future::join_all;
use serde_json::json;
use uuid::Uuid;

use crate::site::{ENGINES, GUID, Site, event, read};

async fn crowd(site: &Site, count: usize) -> Vec<u16> {
    join_all((0..count).map(|n| async move {
        let body = event(&format!("crowd-{n}"), &json!(Uuid::new_v4())).to_string();
        read(site.send("/webhook/crm", body).await).await.0
    }))
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_at_once_are_a_thousand_rows_in_few_inserts() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        // Long enough for many to come in meanwhile, however slowly the machine sends them.
        *site.store.delay.lock().unwrap() = Duration::from_millis(100);
        let start = Instant::now();
        let codes = crowd(&site, 1000).await;
        let took = start.elapsed();
        assert!(codes.iter().all(|code| *code == 202));
        let inserts = site.store.inserts();
        println!("{engine:?}: 1,000 webhooks in {took:?} and {inserts} inserts");
        assert!(inserts < 100, "{inserts}");
        let rows = site.rows().await;
        let mut rung: Vec<_> = site.rings().iter().map(|ring| ring.row).collect();
        rung.sort();
        assert_eq!(rows.iter().map(|row| row.id).collect::<Vec<_>>(), rung);
        assert_eq!(rows.len(), 1000);
        site.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_alone_goes_at_once() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        crowd(&site, 1).await;
        let mut times = Vec::new();
        for n in 0..200 {
            let body = event(&format!("alone-{n}"), &json!(GUID)).to_string();
            let start = Instant::now();
            assert_eq!(site.send("/webhook/crm", body).await.status(), 202);
            times.push(start.elapsed());
        }
        times.sort();
        println!(
            "{engine:?}: a webhook alone: p50 {:?}, p99 {:?}",
            times[100], times[198]
        );
        assert_eq!(site.store.inserts(), 201);
        site.end().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_poison_row_does_not_fail_its_neighbours() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        *site.store.delay.lock().unwrap() = Duration::from_millis(20);
        *site.store.poison.lock().unwrap() = Some(GUID.to_owned());
        let bad = event("poison", &json!(GUID)).to_string();
        let (codes, poison) = tokio::join!(crowd(&site, 60), async {
            tokio::time::sleep(Duration::from_millis(5)).await;
            site.send("/webhook/crm", bad.clone()).await
        });
        assert!(codes.iter().all(|code| *code == 202), "{codes:?}");
        assert!(poison.headers().contains_key("retry-after"));
        assert_eq!(read(poison).await.0, 503);
        assert_eq!(site.rows().await.len(), 60);
        assert_eq!(site.rings().len(), 60);
        // Once it can be stored, it is.
        *site.store.poison.lock().unwrap() = None;
        assert_eq!(site.send("/webhook/crm", bad).await.status(), 202);
        site.end().await;
    }
}

#[tokio::test]
async fn a_sender_that_hangs_up_was_heard_all_the_same() {
    let site = Site::on(ENGINES[1]).await;
    *site.store.delay.lock().unwrap() = Duration::from_millis(300);
    let impatient = site.send("/webhook/crm", event("gone", &json!(GUID)).to_string());
    assert!(
        tokio::time::timeout(Duration::from_millis(150), impatient)
            .await
            .is_err()
    );
    let start = Instant::now();
    while site.rings().is_empty() {
        assert!(start.elapsed() < Duration::from_secs(20), "nothing was rung for");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!((site.rows().await.len(), site.rings().len()), (1, 1));
    site.end().await;
}
