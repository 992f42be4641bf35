//! Webhooks, sent from this process, a bounded number of them at a time.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use reqwest::{Client, StatusCode};

/// So many webhooks are on their way at a time.
const AT_ONCE: usize = 64;
/// A webhook that is told to come again does so this often.
const TRIES: u32 = 50;

pub struct Sent {
    /// Seconds from sending to `2xx`, of each that was accepted.
    pub seconds: Vec<f64>,
    /// Answers that were none.
    pub refused: usize,
    pub took: Duration,
}

impl Sent {
    pub fn a_second(&self) -> f64 {
        self.seconds.len() as f64 / self.took.as_secs_f64()
    }
}

/// Sends each once for that long, over and over. What is refused is counted, and not sent again.
pub async fn for_a_while(http: &Client, urls: &[String], time: Duration) -> anyhow::Result<Sent> {
    let (start, refused) = (Instant::now(), AtomicUsize::new(0));
    let due = urls.iter().cycle().take_while(|_| start.elapsed() < time);
    let sent = stream::iter(due).map(|url| {
        let refused = &refused;
        async move {
            let at = Instant::now();
            let status = once(http, url).await?;
            if !status.is_success() {
                refused.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(status.is_success().then(|| at.elapsed().as_secs_f64()))
        }
    });
    let seconds: Vec<Option<f64>> = sent.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(Sent {
        seconds: seconds.into_iter().flatten().collect(),
        refused: refused.into_inner(),
        took: start.elapsed(),
    })
}

/// Sends each until it is accepted.
pub async fn all(http: &Client, urls: &[String]) -> anyhow::Result<Sent> {
    let (start, refused) = (Instant::now(), AtomicUsize::new(0));
    let sent = stream::iter(urls).map(|url| {
        let refused = &refused;
        async move {
            let at = Instant::now();
            let again = until_accepted(http, url).await?;
            refused.fetch_add(again, Ordering::Relaxed);
            anyhow::Ok(at.elapsed().as_secs_f64())
        }
    });
    let seconds = sent.buffer_unordered(AT_ONCE).try_collect().await?;
    Ok(Sent {
        seconds,
        refused: refused.into_inner(),
        took: start.elapsed(),
    })
}

/// Says how often it was told to come again.
pub async fn until_accepted(http: &Client, url: &str) -> anyhow::Result<usize> {
    for again in 0..TRIES {
        let status = once(http, url).await?;
        if status.is_success() {
            return Ok(again as usize);
        }
        let may_come_again = matches!(
            status,
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE
        );
        anyhow::ensure!(may_come_again, "a webhook was answered {status}");
        tokio::time::sleep(Duration::from_millis(50) * (again + 1)).await;
    }
    anyhow::bail!("a webhook was told to come again {TRIES} times")
}

async fn once(http: &Client, url: &str) -> anyhow::Result<StatusCode> {
    let answer = http.get(url).send().await.context("a webhook")?;
    let status = answer.status();
    answer.bytes().await.context("a webhook's answer")?;
    Ok(status)
}
