//! What the real services tell at `/metrics`: every figure of `deploy/METRICS.md`, and none that is not there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use service::metrics::{By, FIGURES};
use simulator::sample;
use testkit::Engine;

use crate::deployment::{Deployment, Process};

/// Names and kinds of a scrape; each has a help text.
fn told(scrape: &str) -> BTreeMap<String, String> {
    let words = |line: &str| -> Vec<String> { line.split(' ').map(str::to_owned).collect() };
    let kinds: BTreeMap<String, String> = scrape
        .lines()
        .filter(|line| line.starts_with("# TYPE "))
        .map(|line| (words(line)[2].clone(), words(line)[3].clone()))
        .collect();
    for name in kinds.keys() {
        assert!(scrape.contains(&format!("# HELP {name} ")), "{name} has no help");
    }
    kinds
}

#[tokio::test(flavor = "multi_thread")]
async fn the_services_tell_what_the_table_says_and_nothing_else() {
    let d = Deployment::new(Engine::Postgres, &[("POLL_INTERVAL_SECONDS", "1")]).await;
    let settings = d.settings();
    let worker_port = &settings.iter().find(|(name, _)| name == "WORKER_PORT").unwrap().1;
    let folder = tempfile::tempdir().unwrap();
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = Process::start("siagh-worker", &[], &settings, folder.path().join("worker.log"));
    d.ready().await;
    d.native_webhooks();
    let customer = &sample::customers(31, 1)[0];
    d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(Duration::from_secs(60)).await;
    let scrape = async |url: String| d.http.get(url).send().await.unwrap().text().await.unwrap();
    let from_ingest = || scrape(d.url("/metrics"));
    let from_worker = || scrape(format!("http://127.0.0.1:{worker_port}/metrics"));
    // All polls have looked twice, and the worker has counted.
    d.eventually("polled", Duration::from_secs(60), async || {
        let told = from_ingest().await;
        told.matches("poll_lag_seconds{").count() == 4 && told.contains("poll_duration_seconds_count")
    })
    .await;
    d.eventually("counted", Duration::from_secs(60), async || {
        from_worker().await.contains("sync_rows{status=\"pending\"} 0")
    })
    .await;
    let (ingest, worker) = (from_ingest().await, from_worker().await);
    let said = BTreeMap::from([(false, told(&ingest)), (true, told(&worker))]);
    for figure in FIGURES {
        for is_worker in [false, true] {
            let expected = match figure.by {
                By::Both => true,
                By::Worker => is_worker,
                By::Ingest => !is_worker,
            };
            if expected {
                let kind = said[&is_worker].get(figure.name).map(String::as_str);
                assert_eq!(
                    kind,
                    Some(figure.kind.name()),
                    "{} of {figure:?}",
                    if is_worker { "worker" } else { "ingest" }
                );
            }
        }
    }
    for name in said.values().flat_map(BTreeMap::keys) {
        assert!(
            FIGURES.iter().any(|figure| figure.name == name),
            "{name} is in no table"
        );
    }
    assert!(
        worker.contains(
            r#"outside_calls_total{system="finance",endpoint="/BpmsApi/SaveFormData",result="success"}"#
        ),
        "{worker}"
    );
    assert!(worker.contains(r#"outside_breaker_open{system="finance"} 0"#));
    assert!(
        !worker.contains(&customer.mobile),
        "no personal data, no id in a label"
    );
    d.db.drop_it().await;
}

#[test]
fn the_table_for_people_says_the_same() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../deploy/METRICS.md");
    let text = std::fs::read_to_string(path).unwrap();
    let rows: Vec<String> = text
        .lines()
        .filter(|line| line.starts_with("| `"))
        .map(|line| line.replace('`', ""))
        .collect();
    let expected: Vec<String> = FIGURES
        .iter()
        .map(|figure| {
            let labels = if figure.labels.is_empty() {
                "–"
            } else {
                figure.labels
            };
            format!(
                "| {} | {} | {labels} | {} |",
                figure.name,
                figure.kind.name(),
                figure.meaning
            )
        })
        .collect();
    assert_eq!(rows, expected);
}
