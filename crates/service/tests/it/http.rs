//! Health, readiness, metrics, and an end that nobody can hold up.

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};

use axum::{Router, extract::ConnectInfo, routing::get};
use chrono::{DateTime, TimeZone as _, Utc};
use domain::clock::Clock;
use serde_json::{Value, json};
use service::http::{Check, DRAIN, router, serve};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::Notify,
    task::JoinHandle,
};
use tokio_util::sync::CancellationToken;

struct Noon;

impl Clock for Noon {
    fn now(&self) -> DateTime<Utc> {
        Utc.with_ymd_and_hms(2024, 1, 15, 12, 0, 0).unwrap()
    }

    fn monotonic(&self) -> Duration {
        Duration::ZERO
    }
}

struct Part {
    name: &'static str,
    takes: Duration,
    result: Result<(), String>,
}

impl Part {
    fn new(name: &'static str, result: Result<(), &str>) -> Self {
        Self {
            name,
            takes: Duration::ZERO,
            result: result.map_err(str::to_owned),
        }
    }
}

#[async_trait::async_trait]
impl Check for Part {
    fn name(&self) -> &'static str {
        self.name
    }

    async fn check(&self) -> Result<(), String> {
        tokio::time::sleep(self.takes).await;
        self.result.clone()
    }
}

struct Served {
    address: SocketAddr,
    shutdown: CancellationToken,
    task: JoinHandle<anyhow::Result<()>>,
}

async fn start(router: Router) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(serve(listener, router, shutdown.clone()));
    Served {
        address,
        shutdown,
        task,
    }
}

async fn with(parts: Vec<Part>) -> Served {
    let checks = parts
        .into_iter()
        .map(|part| Arc::new(part) as Arc<dyn Check>)
        .collect();
    start(router("SiaghSync", Arc::new(Noon), checks)).await
}

async fn get_text(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn ready(parts: Vec<Part>) -> (u16, Value) {
    let (code, body) = get_text(with(parts).await.address, "/health/ready").await;
    (code, serde_json::from_str(&body).unwrap())
}

#[tokio::test]
async fn health_is_exactly_as_it_always_was() {
    let (code, body) = get_text(with(Vec::new()).await.address, "/health").await;
    assert_eq!(code, 200);
    assert_eq!(
        body,
        r#"{"status":"ok","timestamp":"2024-01-15T12:00:00.000Z","service":"SiaghSync"}"#
    );
}

#[tokio::test]
async fn readiness_names_what_is_down() {
    let (code, body) = ready(vec![Part::new("database", Ok(())), Part::new("redis", Ok(()))]).await;
    assert_eq!((code, &body["status"]), (200, &json!("ok")));
    assert_eq!(
        body["parts"],
        json!({"database": {"status": "up"}, "redis": {"status": "up"}})
    );

    let error = Err("can't connect to postgres://u:geheim@db:5432/x");
    let (code, body) = ready(vec![Part::new("database", error), Part::new("redis", Ok(()))]).await;
    assert_eq!((code, &body["status"]), (503, &json!("unavailable")));
    assert_eq!(
        body["parts"]["database"],
        json!({"status": "down", "error": "can't connect to postgres://***@db:5432/x"})
    );

    let redis = Part::new("redis", Err("refused"));
    let (code, body) = ready(vec![Part::new("database", Ok(())), redis]).await;
    assert_eq!((code, &body["status"]), (503, &json!("unavailable")));
    assert_eq!(body["parts"]["redis"]["error"], "refused");
}

#[tokio::test]
async fn slow_parts_are_looked_at_together_for_two_seconds() {
    let slow = |name| Part {
        takes: Duration::from_secs(30),
        ..Part::new(name, Ok(()))
    };
    let start = Instant::now();
    let (code, body) = ready(vec![slow("database"), slow("redis"), Part::new("queue", Ok(()))]).await;
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert_eq!(code, 503);
    assert_eq!(body["parts"]["redis"]["error"], "no answer within 2 s");
    assert_eq!(body["parts"]["queue"]["status"], "up");
}

#[tokio::test]
async fn metrics_have_buckets_in_seconds() {
    service::metrics::install().unwrap();
    service::metrics::install().unwrap();
    metrics::counter!("test_total", "kind" => "a").increment(2);
    metrics::histogram!("test_duration_seconds").record(0.003);
    let (code, body) = get_text(with(Vec::new()).await.address, "/metrics").await;
    assert_eq!(code, 200);
    assert!(body.contains(r#"test_total{kind="a"} 2"#), "{body}");
    assert!(
        body.contains(r#"test_duration_seconds_bucket{le="0.005"} 1"#),
        "{body}"
    );
}

#[tokio::test]
async fn a_request_may_end_and_idle_connections_are_closed() {
    let begun = Arc::new(Notify::new());
    let begins = begun.clone();
    let slow = || async move {
        begins.notify_one();
        tokio::time::sleep(Duration::from_secs(1)).await;
        "done"
    };
    let who = |ConnectInfo(address): ConnectInfo<SocketAddr>| async move { address.ip().to_string() };
    let served = start(Router::new().route("/slow", get(slow)).route("/who", get(who))).await;
    assert_eq!(get_text(served.address, "/who").await.1, "127.0.0.1");

    let _idle = TcpStream::connect(served.address).await.unwrap();
    let request = tokio::spawn(get_text(served.address, "/slow"));
    begun.notified().await;
    let start = Instant::now();
    served.shutdown.cancel();
    served.task.await.unwrap().unwrap();
    assert!(start.elapsed() < DRAIN, "{:?}", start.elapsed());
    assert_eq!(request.await.unwrap(), (200, "done".to_owned()));
    assert!(TcpStream::connect(served.address).await.is_err());
}

#[tokio::test]
async fn nobody_can_hold_the_process_up() {
    let begun = Arc::new(Notify::new());
    let begins = begun.clone();
    let endless = || async move {
        begins.notify_one();
        std::future::pending::<&'static str>().await
    };
    let served = start(Router::new().route("/endless", get(endless))).await;
    let _request = tokio::spawn(get_text(served.address, "/endless"));
    let mut half = TcpStream::connect(served.address).await.unwrap();
    half.write_all(b"GET /endless HTTP/1.1\r\nhos").await.unwrap();
    begun.notified().await;
    let start = Instant::now();
    served.shutdown.cancel();
    served.task.await.unwrap().unwrap();
    assert!(
        start.elapsed() < DRAIN + Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}
