//! What the real services tell at `/metrics`: every figure of `deploy/METRICS.md`, and none that is not there.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use serde_json::json;
use service::metrics::{By, FIGURES};
use simulator::System;
use simulator::sample::{self, SampleCustomer};
use testkit::Engine;

use crate::deployment::{Deployment, Process, SECRET};

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

/// The table's figures and no other, each where the table says it is.
fn only_what_the_table_says(ingest: &str, worker: &str) {
    let said = BTreeMap::from([(false, told(ingest)), (true, told(worker))]);
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
    only_what_the_table_says(&ingest, &worker);
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

/// The sum of all series of a scrape that begin with `name` and hold all of `labels`.
fn sum(scrape: &str, name: &str, labels: &[&str]) -> f64 {
    let of = |line: &&str| {
        let rest = line.strip_prefix(name);
        rest.is_some_and(|rest| rest.starts_with(['{', ' ']))
            && labels.iter().all(|label| line.contains(label))
    };
    let series = scrape.lines().filter(of);
    series
        .map(|line| line.rsplit(' ').next().unwrap().parse::<f64>().unwrap())
        .sum()
}

/// Ingest and a worker, both scraped.
struct Scraped {
    d: Deployment,
    worker: Process,
    _ingest: Process,
    urls: [String; 2],
    _folder: tempfile::TempDir,
}

impl Scraped {
    async fn start(settings: &[(&str, &str)]) -> Self {
        let d = Deployment::new(Engine::Postgres, settings).await;
        let settings = d.settings();
        let worker_port = &settings.iter().find(|(name, _)| name == "WORKER_PORT").unwrap().1;
        let folder = tempfile::tempdir().unwrap();
        let ingest = d.run("siagh-ingest", &[]);
        let worker = Process::start("siagh-worker", &[], &settings, folder.path().join("worker.log"));
        d.ready().await;
        let urls = [
            d.url("/metrics"),
            format!("http://127.0.0.1:{worker_port}/metrics"),
        ];
        Self {
            d,
            worker,
            _ingest: ingest,
            urls,
            _folder: folder,
        }
    }

    /// Both processes' figures in one text.
    async fn scrape(&self) -> String {
        let mut all = String::new();
        for url in &self.urls {
            // A process that still starts tells nothing.
            if let Ok(told) = self.d.http.get(url).send().await {
                all += &told.text().await.unwrap_or_default();
            }
        }
        all
    }

    async fn reaches(&self, name: &str, labels: &[&str], wanted: fn(f64) -> bool) {
        let what = format!("{name} {labels:?}");
        self.d
            .eventually(&what, Duration::from_secs(60), async || {
                wanted(sum(&self.scrape().await, name, labels))
            })
            .await;
    }

    async fn a_sync_and_a_poll_count(&self) {
        let some = |n| n >= 1.0;
        self.reaches("sync_runs_total", &["crm_to_finance", "success"], some)
            .await;
        self.d.settled(Duration::from_secs(60)).await;
        self.reaches("sync_run_duration_seconds_count", &["crm_to_finance"], some)
            .await;
        self.reaches("outside_calls_total", &["crm", "/person/", "success"], some)
            .await;
        self.reaches("poll_changes_total", &["crm:"], some).await;
    }

    /// A stranger, and one who may speak.
    async fn webhooks_count(&self, id: &str) {
        for (token, result) in [("wrong", "unauthorized"), (SECRET, "stored")] {
            let url = self.d.url(&format!(
                "/webhook/crm/identity?token={token}&event=Update&id={id}"
            ));
            self.d.http.get(url).send().await.unwrap();
            self.reaches("webhooks_received_total", &["native", result], |n| n == 1.0)
                .await;
        }
    }

    /// Both edit one field: a human must decide.
    async fn a_conflict_counts(&self, id: &str) {
        let d = &self.d;
        d.settled(Duration::from_secs(60)).await;
        let code = d.sim.finance().contacts()[0]["Code"].as_i64().unwrap();
        self.worker.signal("STOP");
        d.edit_crm(id, json!({"email": "crm@example.com"}));
        d.edit_finance(code, json!({"Email": "finance@example.com"}));
        self.worker.signal("CONT");
        self.reaches("sync_runs_total", &["conflict"], |n| n >= 1.0).await;
        self.reaches("sync_rows", &["conflict"], |n| n == 1.0).await;
    }

    /// Finance is away: what is heard waits and gets older, and nobody hammers it.
    async fn an_outage_shows(&self, customers: &[SampleCustomer]) {
        self.d.sim.faults().outage(System::Finance, None);
        self.d.create_customers(customers.to_vec());
        let some = |n| n >= 1.0;
        self.reaches("outside_breaker_open", &["finance"], some).await;
        self.reaches("outside_calls_total", &["finance", "no_answer"], some)
            .await;
        self.reaches("sync_rows", &["pending"], some).await;
        self.reaches("sync_oldest_pending_seconds", &[], |n| n >= 2.0)
            .await;
        self.reaches("sync_runs_total", &["retry"], some).await;
        self.d.sim.faults().lift_outage(System::Finance);
        self.reaches("outside_breaker_open", &["finance"], |n| n == 0.0)
            .await;
        self.reaches("sync_oldest_pending_seconds", &[], |n| n == 0.0)
            .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_figures_that_alerts_stand_on_move() {
    let scraped = Scraped::start(&[
        ("POLL_INTERVAL_SECONDS", "1"),
        ("CONFLICT_STRATEGY", "manual"),
        ("BREAKER_FAILURES", "2"),
        ("RETRY_BASE_SECONDS", "1"),
    ])
    .await;
    let customers = sample::customers(41, 4);
    let (id, _) = scraped.d.create_customers(customers[..1].to_vec()).remove(0);
    scraped.a_sync_and_a_poll_count().await;
    scraped.webhooks_count(&id).await;
    scraped.a_conflict_counts(&id).await;
    scraped.an_outage_shows(&customers[1..]).await;
    let Scraped { d, .. } = scraped;
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
