//! Who is not heard, and why.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use serde_json::json;
use testkit::Engine;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use crate::site::{ENGINES, GUID, SECRET, Site, event, read, sign};

#[tokio::test]
async fn without_a_good_signature_or_token() {
    let site = Site::on(Engine::Sqlite).await;
    let body = event("e", &json!(GUID)).to_string();
    for signature in [
        "",
        "sha256=",
        "00",
        &sign("wrong", body.as_bytes()),
        &sign(SECRET, b"other"),
    ] {
        let request = site
            .client
            .post(site.url("/webhook/crm"))
            .header("x-webhook-signature", signature);
        let (code, answer) = read(request.body(body.clone()).send().await.unwrap()).await;
        assert_eq!((code, &answer["success"]), (401, &json!(false)), "{signature}");
    }
    let unsigned = site
        .client
        .post(site.url("/webhook/finance"))
        .body(body)
        .send()
        .await
        .unwrap();
    assert_eq!(unsigned.status(), 401);
    for path in [
        "/webhook/crm/identity?event=Update",
        "/webhook/crm/identity?event=Update&token=",
        "/webhook/crm/identity?event=Update&token=wrong",
        "/webhook/crm/wrong/identity?event=Update",
        "/webhook/crm/%ff%00/identity?event=Update",
        "/webhook/crm/wrong/identity?event=Update&token=older",
        "/api/sync/customer?event=Update",
        "/api/sync/wrong/salequote",
    ] {
        assert_eq!(read(site.get(path).await).await.0, 401, "{path}");
    }
    assert!(site.rows().await.is_empty());
    site.end().await;
}

#[tokio::test]
async fn nobody_when_no_secret_is_set() {
    let site = Site::with(Engine::Sqlite, &[]).await;
    assert_eq!(
        site.send("/webhook/crm", event("e", &json!(GUID)).to_string())
            .await
            .status(),
        401
    );
    let body = event("e", &json!(GUID)).to_string();
    let empty = site
        .client
        .post(site.url("/webhook/crm"))
        .header("x-webhook-signature", sign("", body.as_bytes()));
    assert_eq!(empty.body(body).send().await.unwrap().status(), 401);
    for query in ["", "&token=", "&token"] {
        let path = format!("/webhook/crm/identity?event=Update&id={GUID}{query}");
        assert_eq!(site.get(&path).await.status(), 401);
    }
    site.end().await;
}

#[tokio::test]
async fn wrong_addresses_methods_and_sizes() {
    let site = Site::on(Engine::Sqlite).await;
    for path in [
        "/",
        "/webhook",
        "/webhook/crm/older/nothing",
        "/webhook/crm/identity/",
    ] {
        assert_eq!(read(site.get(path).await).await.0, 404, "{path}");
    }
    assert_eq!(read(site.get("/webhook/crm").await).await.0, 405);
    let url = site.url("/webhook/crm/older/identity");
    assert_eq!(read(site.client.put(&url).send().await.unwrap()).await.0, 405);
    let query = format!("?event=Update&id={GUID}");
    assert_eq!(
        site.client
            .head(format!("{url}{query}"))
            .send()
            .await
            .unwrap()
            .status(),
        405
    );
    assert!(site.rows().await.is_empty());

    let padded = |bytes: usize| {
        let mut body = event(&bytes.to_string(), &json!(GUID)).to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    assert_eq!(
        read(site.send("/webhook/crm", padded(1 << 20)).await).await.0,
        202
    );
    assert_eq!(
        read(site.send("/webhook/crm", padded((1 << 20) + 1)).await)
            .await
            .0,
        413
    );
    let post = site
        .client
        .post(&url)
        .body(" ".repeat((1 << 20) + 1))
        .send()
        .await
        .unwrap();
    assert_eq!(read(post).await.0, 413);
    // Of unknown length.
    let body = padded((1 << 20) + 1);
    let signature = sign(SECRET, body.as_bytes());
    let chunks = body
        .into_bytes()
        .chunks(50_000)
        .map(|chunk| Ok::<_, std::io::Error>(chunk.to_vec()))
        .collect::<Vec<_>>();
    let stream = reqwest::Body::wrap_stream(futures::stream::iter(chunks));
    let request = site
        .client
        .post(site.url("/webhook/crm"))
        .header("x-webhook-signature", signature);
    assert_eq!(request.body(stream).send().await.unwrap().status(), 413);
    site.end().await;
}

#[tokio::test]
async fn strangers_wait_and_callers_do_not() {
    let site = Site::on(Engine::Sqlite).await;
    let start = Instant::now();
    let mut refused = 0;
    for _ in 0..40 {
        let response = site.get("/webhook/crm/identity?token=guess").await;
        if response.status() == 429 {
            refused += 1;
            let wait: u64 = response.headers()["retry-after"]
                .to_str()
                .unwrap()
                .parse()
                .unwrap();
            assert_eq!(wait, 1);
        } else {
            assert_eq!(response.status(), 401);
        }
    }
    assert!(refused >= 5, "{refused} in {:?}", start.elapsed());
    // A signed event is not even read before the wait is over; a good token is heard at once.
    assert_eq!(site.send("/webhook/crm", "x").await.status(), 429);
    let query = format!("event=Update&id={GUID}");
    assert_eq!(
        site.get(&format!("/webhook/crm/older/identity?{query}"))
            .await
            .status(),
        202
    );
    tokio::time::sleep(Duration::from_millis(1100)).await;
    assert_eq!(
        site.send("/webhook/crm", event("e", &json!(GUID)).to_string())
            .await
            .status(),
        202
    );
    site.end().await;
}

#[tokio::test]
async fn callers_have_a_limit_too() {
    let site = Site::on(Engine::Sqlite).await;
    // Refused for their bodies: the limit is looked at before.
    let codes: Vec<_> = futures::stream::iter(0..2600)
        .map(|_| async { site.get("/webhook/crm/older/identity").await.status() })
        .buffer_unordered(100)
        .collect()
        .await;
    let late = codes.iter().filter(|code| **code == 429).count();
    assert!(codes.iter().all(|code| *code == 400 || *code == 429));
    assert!(late > 0, "nobody had to wait");
    site.end().await;
}

#[tokio::test]
async fn a_body_that_never_comes_is_not_waited_for() {
    for engine in ENGINES {
        let site = Site::on(engine).await;
        let mut stream = TcpStream::connect(site.address).await.unwrap();
        let head = format!(
            "POST /webhook/crm HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100\r\nx-webhook-signature: {}\r\n\r\n{{",
            sign(SECRET, b"")
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        let start = Instant::now();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
        assert!(answer.contains("retry-after: 5"), "{answer}");
        assert!(start.elapsed() < Duration::from_secs(12));
        site.end().await;
    }
}
