//! A token in the address appears nowhere: not in logs at any level, not in spans, metrics, rows or answers.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::json;
use testkit::Engine;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tracing::Level;
use tracing_subscriber::fmt::format::FmtSpan;

use crate::site::{GUID, Site, event, sign};

const TOKEN: &str = "Zx9-open-sesame-Qv7";

#[derive(Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Without a client library, whose own log lines would be in the way.
async fn raw(site: &Site, head: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(site.address).await.unwrap();
    let request = format!(
        "{head}\r\nhost: x\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

/// Requests with the token in every place that takes it, and in some that don't, and the code of each answer.
fn requests(signed: &str) -> Vec<(u16, String, &str)> {
    let good = format!("event=Update&id={GUID}");
    let signature = sign(TOKEN, signed.as_bytes());
    let get = |code, path: String| (code, format!("GET {path} HTTP/1.1"), "");
    vec![
        get(202, format!("/webhook/crm/identity?token={TOKEN}&{good}")),
        (
            202,
            format!("POST /webhook/crm/{TOKEN}/identity?{good} HTTP/1.1"),
            "",
        ),
        get(202, format!("/api/sync/{TOKEN}/customer?{good}")),
        (
            202,
            format!("POST /webhook/crm HTTP/1.1\r\nx-webhook-signature: {signature}"),
            signed,
        ),
        get(400, format!("/webhook/crm/{TOKEN}/identity")),
        (
            400,
            format!("POST /webhook/crm/quote?token={TOKEN} HTTP/1.1"),
            "{",
        ),
        get(401, format!("/webhook/crm/identity?token={TOKEN}x&{good}")),
        get(401, format!("/webhook/crm/{TOKEN}x/identity?{good}")),
        get(404, format!("/webhook/crm/{TOKEN}/nothing")),
        (405, format!("DELETE /webhook/crm/{TOKEN}/identity HTTP/1.1"), ""),
    ]
}

/// On one thread, so that a subscriber of the test's own hears everything.
#[tokio::test]
async fn the_token_appears_nowhere() {
    // While there is only one subscriber, `tracing` asks whatever thread comes to a line first whether anybody wants
    // it: a thread of another test would say no, for all. With a second one all are asked.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let buffer = Buffer::default();
    let writer = buffer.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::TRACE)
        .with_ansi(false)
        .with_span_events(FmtSpan::FULL)
        .with_writer(move || writer.clone())
        .finish();
    let _default = tracing::subscriber::set_default(subscriber);
    service::metrics::install().unwrap();
    let site = Site::with(Engine::Postgres, &[TOKEN]).await;

    let name = "نام‌شخصی";
    let mut signed = event("e-1", &json!(GUID));
    signed["data"]["nickName"] = json!(name);
    let signed = signed.to_string();
    let mut answers = String::new();
    for (code, head, body) in requests(&signed) {
        let answer = raw(&site, &head, body).await;
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {code}")),
            "{code}: {answer}"
        );
        answers.push_str(&answer);
    }
    let logs = String::from_utf8_lossy(&buffer.0.lock().unwrap()).into_owned();
    let rows = format!("{:?}", site.rows().await);
    let metrics = service::metrics::render();
    for (place, text) in [
        ("logs", &logs),
        ("rows", &rows),
        ("metrics", &metrics),
        ("answers", &answers),
    ] {
        assert!(!text.is_empty());
        assert!(!text.contains(TOKEN), "{place}");
    }
    assert!(!logs.contains(name) && !metrics.contains(GUID));
    it_was_told(&logs, &metrics);
    site.end().await;
}

/// Logs and metrics speak of what came.
fn it_was_told(logs: &str, metrics: &str) {
    for line in [
        "📨 Received CRM webhook: customer.updated - CUSTOMER",
        "✅ Webhook queued for processing",
        "/webhook/crm/{token}/identity",
        "http.response.status_code=202",
    ] {
        assert!(logs.contains(line), "{line}");
    }
    let stored = r#"webhooks_received_total{source="crm",form="native",result="stored"}"#;
    assert!(
        metrics.contains(stored) && metrics.contains("webhook_duration_seconds_bucket"),
        "{metrics}"
    );
}
