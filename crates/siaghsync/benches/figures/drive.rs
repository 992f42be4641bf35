//! Webhooks sent, and everything awaited that follows from them.

use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};

use crate::customers::{self, Typed};
use crate::load::{self, Sent};
use crate::meter::{Cost, Meter};
use crate::services::Deployment;
use crate::table::{Table, Verdict, percentiles};

/// How often it is looked whether all is done.
const LOOK: Duration = Duration::from_millis(50);
/// So many looks in a row must show that nothing is left, and no outside call meanwhile.
const QUIET: u32 = 5;
/// No progress for that long is the end.
const PATIENCE: Duration = Duration::from_secs(180);

const OPEN: &str = r#"SELECT count(*) FROM (SELECT 1 FROM "SyncLog" WHERE "status" IN ('PENDING', 'IN_PROGRESS') LIMIT 1) s"#;

/// What came of webhooks.
pub struct Driven {
    pub sent: Sent,
    pub cost: Cost,
    pub done: Done,
    start: DateTime<Utc>,
}

/// The rows of what was heard since some instant.
pub struct Done {
    /// When each was heard, and when it was final.
    pub rows: Vec<(DateTime<Utc>, DateTime<Utc>)>,
    /// Rows that ended otherwise than well.
    pub not_done: usize,
}

/// Sends all of them as fast as they are taken, and waits until nothing is left to be done.
pub async fn drive(d: &Deployment<'_>, webhooks: &[String]) -> anyhow::Result<Driven> {
    let (meter, start) = (Meter::start(d).await?, d.now());
    let sent = load::all(&d.stage.http, webhooks).await?;
    settle(d).await?;
    let cost = meter.stop(d).await?;
    let done = done_since(d, start).await?;
    Ok(Driven {
        sent,
        cost,
        done,
        start,
    })
}

impl Driven {
    pub fn table(self, case: &'static str, n: usize, verdict: Verdict) -> Table {
        let took = self.done.ends_after(self.start).pop().unwrap_or(f64::NAN);
        let waits = self
            .done
            .rows
            .iter()
            .map(|(heard, ended)| seconds(*heard, *ended));
        // Only what arrived counts.
        Table::new(case)
            .with("syncs a second", verdict.arrived(n) as f64 / took)
            .with_all(percentiles("heard to done,", waits.collect()))
            .with_all(self.cost.rows(n))
            .with_any("webhooks told to come again", self.sent.refused)
            .judged(verdict)
            .with_any("not done", self.done.not_done)
    }
}

impl Done {
    /// Seconds from that instant until each was final, in that order.
    pub fn ends_after(&self, start: DateTime<Utc>) -> Vec<f64> {
        let mut ends: Vec<f64> = self
            .rows
            .iter()
            .map(|(_, ended)| seconds(start, *ended))
            .collect();
        ends.sort_by(f64::total_cmp);
        ends
    }
}

/// Customers that are synced before anything is measured: connections, statements and caches are warm.
pub async fn warm_up(d: &Deployment<'_>, typed: &[Typed]) -> anyhow::Result<()> {
    carry_out(d, &customers::webhooks(d, typed, "Insert")).await
}

/// Nothing is measured.
pub async fn carry_out(d: &Deployment<'_>, webhooks: &[String]) -> anyhow::Result<()> {
    load::all(&d.stage.http, webhooks).await?;
    settle(d).await
}

/// Waits until no row is open and no outside call is made any more.
pub async fn settle(d: &Deployment<'_>) -> anyhow::Result<()> {
    let (mut counts, mut quiet, mut moved) = (d.sim.counts().await?, 0, Instant::now());
    while quiet < QUIET {
        tokio::time::sleep(LOOK).await;
        let now = d.sim.counts().await?;
        if now != counts {
            (counts, quiet, moved) = (now, 0, Instant::now());
        } else if d.count(OPEN).await? > 0 {
            quiet = 0;
        } else {
            quiet += 1;
        }
        if moved.elapsed() > PATIENCE {
            anyhow::bail!("nothing moves any more: {}", rows_by_status(d).await?);
        }
    }
    Ok(())
}

/// With one reason each, for whoever must find out why.
async fn rows_by_status(d: &Deployment<'_>) -> anyhow::Result<String> {
    let sql =
        r#"SELECT "status", count(*) AS rows, min("errorMessage") AS why FROM "SyncLog" GROUP BY "status""#;
    let mut told = Vec::new();
    for row in d.rows(sql, []).await? {
        let (status, rows): (String, i64) = (row.try_get("", "status")?, row.try_get("", "rows")?);
        let why: Option<String> = row.try_get("", "why")?;
        told.push(format!("{rows} {status} ({})", why.unwrap_or_default()));
    }
    Ok(told.join(", "))
}

pub async fn done_since(d: &Deployment<'_>, start: DateTime<Utc>) -> anyhow::Result<Done> {
    let sql = r#"SELECT "startedAt", "completedAt", "status" FROM "SyncLog" WHERE "startedAt" >= $1"#;
    let mut done = Done {
        rows: Vec::new(),
        not_done: 0,
    };
    for row in d.rows(sql, [start.into()]).await? {
        let heard: DateTime<Utc> = row.try_get("", "startedAt")?;
        let status: String = row.try_get("", "status")?;
        let ended: Option<DateTime<Utc>> = row.try_get("", "completedAt")?;
        done.rows.extend(ended.map(|ended| (heard, ended)));
        done.not_done += usize::from(!matches!(status.as_str(), "SUCCESS" | "SKIPPED"));
    }
    if done.not_done > 0 {
        eprintln!("bench: not done: {}", rows_by_status(d).await?);
    }
    Ok(done)
}

pub fn seconds(from: DateTime<Utc>, to: DateTime<Utc>) -> f64 {
    (to - from).as_seconds_f64()
}
