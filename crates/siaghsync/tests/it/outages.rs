//! PostgreSQL and Redis die, come back, and hang, under processes that are left running: no accepted event is lost,
//! readiness tells the truth meanwhile, and everything is in step in the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectOptions, ConnectionTrait, Database};
use serde_json::Value;
use simulator::CrmHandle;
use simulator::sample::{self, SampleCustomer};
use testkit::proxy::Proxy;
use testkit::{Engine, TestDb, port, postgres};
use uuid::Uuid;

use crate::deployment::{Deployment, SECRET};
use crate::oracle;

const LONG: Duration = Duration::from_secs(120);
const QUICK: [(&str, &str); 4] = [
    ("SWEEP_INTERVAL_SECONDS", "2"),
    ("LEASE_SECONDS", "6"),
    ("HTTP_TIMEOUT_SECONDS", "3"),
    ("CREATE_SETTLE_SECONDS", "6"),
];

/// A sender that, unlike the CRM, sends each event until it is accepted, and remembers what was.
struct Sender {
    url: String,
    http: reqwest::Client,
}

#[derive(Default)]
struct Sent {
    typed: Vec<(String, SampleCustomer)>,
    /// The rows that were promised with 202.
    accepted: Vec<Uuid>,
    refused: usize,
}

impl Sender {
    fn of(d: &Deployment) -> Self {
        Self {
            url: d.url(&format!("/webhook/crm/identity?token={SECRET}&event=Update")),
            http: d.http.clone(),
        }
    }

    /// The answer's code (0: none) and, of a 202, its row.
    async fn try_once(&self, id: &str) -> (u16, Option<Uuid>) {
        let Ok(answer) = self.http.get(format!("{}&id={id}", self.url)).send().await else {
            return (0, None);
        };
        let code = answer.status().as_u16();
        let body: Value = answer.json().await.unwrap_or_default();
        let row = body["eventId"].as_str().and_then(|id| id.parse().ok());
        (code, row.filter(|_| code == 202))
    }

    /// Customers one after the other until `enough`.
    async fn send(self, crm: CrmHandle, seed: u64, enough: Arc<AtomicBool>) -> Sent {
        let mut sent = Sent::default();
        for customer in sample::customers(seed, 2000) {
            if enough.load(Ordering::SeqCst) {
                break;
            }
            let id = crm.create(customer.kind, customer.to_crm()).unwrap();
            loop {
                let (_, row) = self.try_once(&id).await;
                if let Some(row) = row {
                    sent.accepted.push(row);
                    break;
                }
                sent.refused += 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            sent.typed.push((id, customer));
            tokio::time::sleep(Duration::from_millis(150)).await;
        }
        sent
    }
}

/// `database`, `redis`: what this address says is down; `None`: no such answer.
async fn down(d: &Deployment, url: &str) -> Option<(u16, Vec<String>)> {
    let answer = d.http.get(url).send().await.ok()?;
    let code = answer.status().as_u16();
    let body: Value = answer.json().await.ok()?;
    let parts = body["parts"].as_object()?;
    let down = parts.iter().filter(|(_, part)| part["status"] == "down");
    Some((code, down.map(|(name, _)| name.clone()).collect()))
}

/// Waits until all of them say exactly this.
async fn says(d: &Deployment, urls: &[String], parts: &[&str]) {
    let code = if parts.is_empty() { 200 } else { 503 };
    let expected = Some((code, parts.iter().map(|part| (*part).to_owned()).collect()));
    for url in urls {
        let start = Instant::now();
        loop {
            let said = down(d, url).await;
            if said == expected {
                break;
            }
            assert!(start.elapsed() < LONG, "{url} says {said:?}, not {expected:?}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }
}

/// Everything is in step, and no accepted event is lost.
async fn ends_well(d: &Deployment, sent: &Sent) {
    println!(
        "{} webhooks accepted, {} refused meanwhile",
        sent.accepted.len(),
        sent.refused
    );
    d.eventually("the tests' own connections", LONG, async || {
        domain::store::Store::ping(&d.db.store).await.is_ok()
    })
    .await;
    d.settled(LONG).await;
    oracle::finance_holds_exactly(&d.sim, &sent.typed);
    let rows = d.rows().await;
    for row in &sent.accepted {
        let found = rows.iter().find(|found| found.id == *row);
        assert!(
            found.is_some_and(|row| row.status.is_final()),
            "accepted and lost: {row}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn postgres_and_redis_die_and_come_back_while_webhooks_come_in() {
    let database = postgres::Server::start();
    let db = TestDb::on(&database).await.unwrap();
    let mut d = Deployment::with(Engine::Postgres, db, &QUICK).await;
    let ports = [port::free(), port::free()];
    let ingest = d.run("siagh-ingest", &[]);
    let workers = ports.map(|port| d.run_with("siagh-worker", &[], &[("WORKER_PORT", port.to_string())]));
    let mut urls = vec![d.url("/health/ready")];
    urls.extend(ports.map(|port| format!("http://127.0.0.1:{port}/health/ready")));
    says(&d, &urls, &[]).await;

    let enough = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn(Sender::of(&d).send(d.sim.crm().clone(), 41, enough.clone()));
    for mode in ["immediate", "fast"] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        database.down(mode);
        says(&d, &urls, &["database"]).await;
        let start = Instant::now();
        let (code, row) = Sender::of(&d).try_once(&Uuid::new_v4().to_string()).await;
        assert_eq!((code, row), (503, None), "nothing is accepted that is not stored");
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        database.up();
        says(&d, &urls, &[]).await;
    }
    tokio::time::sleep(Duration::from_secs(1)).await;
    d.redis.as_mut().unwrap().down();
    says(&d, &urls, &["redis"]).await;
    // Both at once.
    database.down("immediate");
    says(&d, &urls, &["database", "redis"]).await;
    database.up();
    says(&d, &urls, &["redis"]).await;
    d.redis.as_mut().unwrap().up().await;
    says(&d, &urls, &[]).await;
    for _ in 0..3 {
        d.redis.as_ref().unwrap().command(&["FLUSHALL"]).await.unwrap();
        tokio::time::sleep(Duration::from_millis(700)).await;
    }
    enough.store(true, Ordering::SeqCst);
    let sent = sending.await.unwrap();
    assert!(sent.refused > 0, "the outages hit nothing");

    ends_well(&d, &sent).await;
    for process in workers.into_iter().chain([ingest]) {
        assert_eq!(
            process.stop(Duration::from_secs(30)),
            Some(0),
            "the same process to the end"
        );
    }
    d.db.drop_it().await;
}

/// However many ask, and even the webhooks.
async fn all_are_answered_in_time(d: &Deployment, ready: &str) {
    let start = Instant::now();
    let asked = futures::future::join_all((0..30).map(|_| down(d, ready))).await;
    assert!(
        asked
            .iter()
            .all(|said| said.as_ref().is_some_and(|(code, _)| *code == 503))
    );
    assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
    let start = Instant::now();
    let sender = Sender::of(d);
    let ids: Vec<_> = (0..20).map(|_| Uuid::new_v4().to_string()).collect();
    let answers = futures::future::join_all(ids.iter().map(|id| sender.try_once(id))).await;
    assert!(answers.iter().all(|answer| *answer == (503, None)), "{answers:?}");
    println!(
        "20 webhooks to a hanging database: answered in {:?}",
        start.elapsed()
    );
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
    assert_eq!(
        d.http.get(d.url("/health")).send().await.unwrap().status(),
        200,
        "alive all the same"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_hangs_holds_nobody_up() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let (front, rest) = db.url.split_once('@').unwrap();
    let (host, name) = rest.split_once('/').unwrap();
    let mut proxy = Proxy::cut(host);
    proxy.mend().await;
    let url = format!("{front}@{}/{name}", proxy.address);
    let settings = [&QUICK[..], &[("DATABASE_URL", url.as_str())]].concat();
    let d = Deployment::with(Engine::Postgres, db, &settings).await;
    let port = port::free();
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run_with("siagh-worker", &[], &[("WORKER_PORT", port.to_string())]);
    let urls = [
        d.url("/health/ready"),
        format!("http://127.0.0.1:{port}/health/ready"),
    ];
    says(&d, &urls, &[]).await;
    let enough = Arc::new(AtomicBool::new(false));
    let sending = tokio::spawn(Sender::of(&d).send(d.sim.crm().clone(), 43, enough.clone()));

    for forever in [false, true] {
        tokio::time::sleep(Duration::from_secs(1)).await;
        proxy.hang();
        says(&d, &urls, &["database"]).await;
        all_are_answered_in_time(&d, &urls[0]).await;
        if forever {
            proxy.forget();
        } else {
            proxy.release();
        }
        let start = Instant::now();
        says(&d, &urls, &[]).await;
        println!("ready again after {:?}", start.elapsed());
    }
    enough.store(true, Ordering::SeqCst);
    let sent = sending.await.unwrap();
    ends_well(&d, &sent).await;
    d.db.drop_it().await;
}

/// A Redis without its replica, and a database that was made read-only under the services: both answer every question.
#[tokio::test(flavor = "multi_thread")]
async fn what_takes_no_writes_is_not_ready() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let port = port::free();
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run_with("siagh-worker", &[], &[("WORKER_PORT", port.to_string())]);
    let urls = [
        d.url("/health/ready"),
        format!("http://127.0.0.1:{port}/health/ready"),
    ];
    says(&d, &urls, &[]).await;
    let redis = d.redis.as_ref().unwrap();
    for (setting, refuses, takes) in [("min-replicas-to-write", "1", "0"), ("maxmemory", "1", "0")] {
        redis.command(&["CONFIG", "SET", setting, refuses]).await.unwrap();
        says(&d, &urls, &["redis"]).await;
        redis.command(&["CONFIG", "SET", setting, takes]).await.unwrap();
        says(&d, &urls, &[]).await;
    }

    let name = d.db.url.rsplit('/').next().unwrap();
    let mut one = ConnectOptions::new(&d.db.url);
    one.max_connections(1);
    let admin = Database::connect(one).await.unwrap();
    for (read_only, parts) in [("on", &["database"][..]), ("off", &[])] {
        let sql = format!(
            "SET default_transaction_read_only = off; \
             ALTER DATABASE \"{name}\" SET default_transaction_read_only = {read_only}"
        );
        admin.execute_unprepared(&sql).await.unwrap();
        // It holds for connections that are made from now on.
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE datname = current_database() AND pid <> pg_backend_pid()";
        admin.execute_unprepared(sql).await.unwrap();
        says(&d, &urls, parts).await;
    }
    admin.close().await.unwrap();
    d.db.drop_it().await;
}
