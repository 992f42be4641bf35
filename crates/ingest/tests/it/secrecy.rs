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

/// On one thread, so that a subscriber of the test's own hears everything.
#[tokio::test]
async fn the_token_appears_nowhere() {
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
    let signature = sign(TOKEN, signed.as_bytes());
    let good = format!("event=Update&id={GUID}");
    let mut answers = String::new();
    let mut expect = Vec::new();
    for (code, head, body) in [
        (
            202,
            format!("GET /webhook/crm/identity?token={TOKEN}&{good} HTTP/1.1"),
            "",
        ),
        (
            202,
            format!("POST /webhook/crm/{TOKEN}/identity?{good} HTTP/1.1"),
            "",
        ),
        (202, format!("GET /api/sync/{TOKEN}/customer?{good} HTTP/1.1"), ""),
        (
            202,
            format!("POST /webhook/crm HTTP/1.1\r\nx-webhook-signature: {signature}"),
            signed.as_str(),
        ),
        (400, format!("GET /webhook/crm/{TOKEN}/identity HTTP/1.1"), ""),
        (
            400,
            format!("POST /webhook/crm/quote?token={TOKEN} HTTP/1.1"),
            "{",
        ),
        (
            401,
            format!("GET /webhook/crm/identity?token={TOKEN}x&{good} HTTP/1.1"),
            "",
        ),
        (
            401,
            format!("GET /webhook/crm/{TOKEN}x/identity?{good} HTTP/1.1"),
            "",
        ),
        (404, format!("GET /webhook/crm/{TOKEN}/nothing HTTP/1.1"), ""),
        (405, format!("DELETE /webhook/crm/{TOKEN}/identity HTTP/1.1"), ""),
    ] {
        let answer = raw(&site, &head, body).await;
        expect.push((code, answer.clone()));
        answers.push_str(&answer);
    }
    for (code, answer) in expect {
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {code}")),
            "{code}: {answer}"
        );
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
    site.end().await;
}
