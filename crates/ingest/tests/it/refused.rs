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
async fn wrong_addresses_and_methods() {
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
    let head = site.client.head(format!("{url}?event=Update&id={GUID}"));
    assert_eq!(head.send().await.unwrap().status(), 405);
    assert!(site.rows().await.is_empty());
    site.end().await;
}

#[tokio::test]
async fn a_megabyte_is_the_most() {
    const MOST: usize = 1 << 20;
    let site = Site::on(Engine::Sqlite).await;
    let padded = |bytes: usize| {
        let mut body = event(&bytes.to_string(), &json!(GUID)).to_string();
        body.push_str(&" ".repeat(bytes - body.len()));
        body
    };
    for (bytes, code) in [(MOST, 202), (MOST + 1, 413)] {
        let answer = site.send("/webhook/crm", padded(bytes)).await;
        assert_eq!(read(answer).await.0, code);
    }
    let url = site.url("/webhook/crm/older/identity");
    let post = site.client.post(&url).body(" ".repeat(MOST + 1));
    assert_eq!(read(post.send().await.unwrap()).await.0, 413);
    // Of unknown length.
    let body = padded(MOST + 1);
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
    // Many, because a slow machine is given more meanwhile.
    for _ in 0..2_000 {
        if refused == 5 {
            break;
        }
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
    assert_eq!(refused, 5, "in {:?}", start.elapsed());
    // A signed event is not even read before the wait is over; a good token is heard at once.
    assert_eq!(site.send("/webhook/crm", "x").await.status(), 429);
    let query = format!("event=Update&id={GUID}");
    assert_eq!(
        site.get(&format!("/webhook/crm/older/identity?{query}"))
            .await
            .status(),
        202
    );
    let waited = Instant::now();
    let code = loop {
        let body = event("e", &json!(GUID)).to_string();
        let code = site.send("/webhook/crm", body).await.status();
        if code != 429 {
            break code;
        }
        assert!(
            waited.elapsed() < Duration::from_secs(20),
            "the wait is never over"
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    assert_eq!(code, 202);
    site.end().await;
}

/// Guesses a token `times` times as the client that these headers name; how often it was told to wait.
async fn guess(site: &Site, times: usize, headers: impl Fn(usize) -> Vec<(&'static str, String)>) -> usize {
    let mut refused = 0;
    for n in 0..times {
        let mut request = site.client.get(site.url("/webhook/crm/identity?token=guess"));
        for (name, value) in headers(n) {
            request = request.header(name, value);
        }
        refused += usize::from(request.send().await.unwrap().status() == 429);
    }
    refused
}

#[tokio::test]
async fn a_header_does_not_make_another_client_of_a_stranger() {
    let site = Site::on(Engine::Sqlite).await;
    let lies = |n: usize| {
        vec![
            ("x-forwarded-for", format!("203.0.113.{n}")),
            ("forwarded", format!("for=203.0.113.{n}")),
        ]
    };
    assert!(guess(&site, 60, lies).await > 0);
    site.end().await;
}

#[tokio::test]
async fn behind_a_trusted_proxy_each_client_has_a_limit_of_its_own() {
    let site = Site::behind_a_proxy().await;
    // One client, which writes something else before what the proxy writes each time.
    let liar = |n: usize| vec![("x-forwarded-for", format!("198.51.100.{n}, 203.0.113.1"))];
    assert!(guess(&site, 60, liar).await > 0);
    let other = |_: usize| vec![("x-forwarded-for", "203.0.113.2".to_owned())];
    assert_eq!(guess(&site, 20, other).await, 0);
    let standard = |_: usize| vec![("forwarded", "for=\"[2001:db8::7]:99\";proto=https".to_owned())];
    assert_eq!(guess(&site, 20, standard).await, 0);
    // Both headers: whichever the proxy did not write is the client's invention.
    let both = |n: usize| {
        let mut headers = standard(n);
        headers.push(("x-forwarded-for", format!("198.51.100.{n}")));
        headers
    };
    assert!(guess(&site, 60, both).await > 0);
    site.end().await;
}

#[tokio::test]
async fn whoever_shows_his_right_is_limited_by_nothing_but_what_can_be_stored() {
    let site = Site::on(Engine::Sqlite).await;
    // Refused for their bodies: a limit would be looked at before.
    let mut codes = futures::stream::iter(0..5_000)
        .map(|_| async { site.get("/webhook/crm/older/identity").await.status() })
        .buffer_unordered(100);
    while let Some(code) = codes.next().await {
        assert_eq!(code, 400);
    }
    drop(codes);
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
        assert!(start.elapsed() < Duration::from_secs(20));
        site.end().await;
    }
}
