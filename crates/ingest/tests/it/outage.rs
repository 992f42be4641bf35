//! The service on a bad day: the database comes late, goes away, comes back; Redis is real or gone.

use std::time::{Duration, Instant};

use ingest::run;
use serde_json::{Value, json};
use service::{
    doorbell::{Listener, Listening, RedisDoorbell, RedisListener, RedisOptions, TAG},
    settings::{Needs, Settings},
};
use testkit::{Engine, TestDb, proxy::Proxy};
use tokio::{net::TcpListener, sync::mpsc};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{GUID, SECRET, client, event, read, sign};

fn settings(database: &str) -> Settings {
    Settings::from_pairs(
        [("DATABASE_URL", database), ("WEBHOOK_SECRET", SECRET)],
        Needs::DATABASE,
    )
    .unwrap()
}

fn options() -> RedisOptions {
    RedisOptions {
        namespace: format!("{TAG}:siagh-test-{}", Uuid::new_v4().simple()),
        ..RedisOptions::default()
    }
}

/// A running service.
struct Service {
    base: String,
    client: reqwest::Client,
    shutdown: CancellationToken,
    task: tokio::task::JoinHandle<anyhow::Result<()>>,
}

impl Service {
    async fn start(database: &str, redis: &str, options: &RedisOptions) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shutdown = CancellationToken::new();
        let (settings, stop) = (settings(database), shutdown.clone());
        let doorbell = RedisDoorbell::connect(redis, options).unwrap();
        let task = tokio::spawn(async move { run(&settings, listener, doorbell, stop).await });
        Self {
            base,
            client: client(),
            shutdown,
            task,
        }
    }

    async fn send(&self, event_id: &str) -> (u16, Value) {
        let body = event(event_id, &json!(GUID)).to_string();
        let request = self.client.post(format!("{}/webhook/crm", self.base));
        let request = request.header("x-webhook-signature", sign(SECRET, body.as_bytes()));
        read(request.body(body).send().await.unwrap()).await
    }

    async fn ready(&self) -> (u16, Value) {
        read(
            self.client
                .get(format!("{}/health/ready", self.base))
                .send()
                .await
                .unwrap(),
        )
        .await
    }

    async fn eventually_stored(&self, event_id: &str) -> Duration {
        let start = Instant::now();
        while self.send(event_id).await.0 != 202 {
            assert!(start.elapsed() < Duration::from_secs(20), "it does not recover");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        start.elapsed()
    }

    /// Many at once are answered 503, in time.
    async fn refuses_a_crowd(&self) {
        let start = Instant::now();
        let gone = |n: usize| async move { self.send(&format!("gone-{n}")).await.0 };
        let codes = futures::future::join_all((0..150).map(gone)).await;
        println!("the database went: 150 answers within {:?}", start.elapsed());
        assert!(codes.iter().all(|code| *code == 503), "{codes:?}");
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
    }

    async fn stop(self) {
        self.shutdown.cancel();
        drop(self.client);
        self.task.await.unwrap().unwrap();
    }
}

async fn forget(namespace: &str) {
    let mut connection = testkit::redis::connection(&testkit::redis_url()).await.unwrap();
    let keys: Vec<String> = redis::cmd("KEYS")
        .arg(format!("{namespace}*"))
        .query_async(&mut connection)
        .await
        .unwrap();
    if !keys.is_empty() {
        let _: () = redis::cmd("DEL")
            .arg(keys)
            .query_async(&mut connection)
            .await
            .unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_comes_late_goes_away_and_comes_back() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let (front, rest) = db
        .url
        .split_once('@')
        .expect("postgres://user@host:port/database");
    let (host, name) = rest.split_once('/').unwrap();
    let mut proxy = Proxy::cut(host);
    let url = format!("{front}@{}/{name}", proxy.address);
    let options = options();
    let service = Service::start(&url, &testkit::redis_url(), &options).await;

    assert_eq!(
        service
            .client
            .get(format!("{}/health", service.base))
            .send()
            .await
            .unwrap()
            .status(),
        200
    );
    let start = Instant::now();
    assert_eq!(service.send("late").await.0, 503);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    let (code, ready) = service.ready().await;
    assert_eq!(
        (
            code,
            &ready["parts"]["database"]["status"],
            &ready["parts"]["redis"]["status"]
        ),
        (503, &json!("down"), &json!("up"))
    );

    proxy.mend().await;
    println!(
        "the database came: stored after {:?}",
        service.eventually_stored("late").await
    );
    assert_eq!(service.ready().await.0, 200);

    proxy.tear().await;
    service.refuses_a_crowd().await;
    assert_eq!(service.ready().await.0, 503);

    proxy.mend().await;
    println!(
        "the database came back: stored after {:?}",
        service.eventually_stored("back").await
    );
    assert_eq!(db.store.stats_pending().await, 2);
    service.stop().await;
    forget(&options.namespace).await;
    db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_id_arrives_through_redis() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let options = options();
    let (heard, mut hearing) = mpsc::unbounded_channel();
    let listener = Listener::Redis(Box::new(
        RedisListener::new(&testkit::redis_url(), &options).unwrap(),
    ));
    let how = Listening {
        concurrency: 2,
        grace: Duration::from_secs(1),
        name: "test".to_owned(),
    };
    let shutdown = CancellationToken::new();
    let handler = move |ring: domain::ports::Ring| {
        let heard = heard.clone();
        async move { heard.send(ring).unwrap() }
    };
    let listening = tokio::spawn(listener.run(how, handler, shutdown.clone()));
    let service = Service::start(&db.url, &testkit::redis_url(), &options).await;
    service.eventually_stored("first").await;
    let native = format!(
        "{}/webhook/crm/identity?event=Insert&id={GUID}&token=sesame%2F%C3%B6ffne%2Bdich%3D",
        service.base
    );
    let (code, answer) = read(service.client.get(native).send().await.unwrap()).await;
    assert_eq!(code, 202);
    let mut rows = Vec::new();
    while rows.len() < 2 {
        let ring = tokio::time::timeout(Duration::from_secs(10), hearing.recv())
            .await
            .unwrap()
            .unwrap();
        assert!(ring.traceparent.is_some());
        rows.push(ring.row.to_string());
    }
    assert!(
        rows.contains(&answer["eventId"].as_str().unwrap().to_owned()),
        "{rows:?}"
    );
    service.stop().await;
    shutdown.cancel();
    listening.await.unwrap();
    forget(&options.namespace).await;
    db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_redis_rows_stand_and_readiness_says_so() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let db = TestDb::new(engine).await.unwrap();
        let service = Service::start(&db.url, "redis://127.0.0.1:1", &options()).await;
        service.eventually_stored("one").await;
        let start = Instant::now();
        for n in 0..50 {
            assert_eq!(service.send(&n.to_string()).await.0, 202);
        }
        println!("{engine:?}: 50 webhooks without Redis in {:?}", start.elapsed());
        assert!(start.elapsed() < Duration::from_secs(20), "{:?}", start.elapsed());
        let (code, ready) = service.ready().await;
        assert_eq!((code, &ready["parts"]["redis"]["status"]), (503, &json!("down")));
        assert_eq!(db.store.stats_pending().await, 51);
        service.stop().await;
        db.drop_it().await;
    }
}

#[tokio::test]
async fn older_tables_end_the_service() {
    let db = TestDb::bare(Engine::Sqlite).await.unwrap();
    let service = Service::start(&db.url, "redis://127.0.0.1:1", &options()).await;
    let error = service.task.await.unwrap().unwrap_err();
    assert!(error.is::<service::database::OldSchema>(), "{error:#}");
    db.drop_it().await;
}

/// Counts through the store's own eyes.
trait Pending {
    async fn stats_pending(&self) -> u64;
}

impl Pending for domain::store::sql::SqlStore {
    async fn stats_pending(&self) -> u64 {
        domain::store::Store::stats(self).await.unwrap().pending
    }
}
