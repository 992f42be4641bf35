//! One look at all of finance where nothing has changed since the last one.

use std::time::{Duration, Instant};

use anyhow::Context as _;
use chrono::{DateTime, Utc};
use sea_orm::ConnectionTrait as _;
use serde_json::json;

use super::Play;
use crate::drive::seconds;
use crate::machine;
use crate::meter::Meter;
use crate::services::{Deployment, Setup};
use crate::table::{Table, Verdict};

const POLL: &str = "finance:contacts";
/// How long a look may take.
const PATIENCE: Duration = Duration::from_secs(900);
const INGEST: &str = "siagh-ingest";

pub async fn run(play: &Play<'_>) -> anyhow::Result<Vec<Table>> {
    let n = play.sizes.poll;
    let mut setup = Setup::with_workers(0);
    // The first look sees all of them for the first time, and no guard shall hold that.
    setup.settings = vec![
        ("MAX_CHANGES_PER_RUN", "1000000".to_owned()),
        ("MAX_CHANGED_SHARE", "1".to_owned()),
        ("POLL_INTERVAL_SECONDS", "86400".to_owned()),
    ];
    let mut d = play.prepared(setup).await?;
    d.sim.post("/sample", &json!({"crm": 0, "finance": n})).await?;
    link_all(&d, n).await?;
    make_due(&d).await?;
    d.run_all().await?;
    looked(&d, None).await?;
    d.end(INGEST).await?;
    forget_the_first(&d).await?;
    let (_, first) = last_look(&d).await?.context("there was a look")?;

    make_due(&d).await?;
    let meter = Meter::start(&d).await?;
    d.run_all().await?;
    let at_rest = d.pids().first().map_or(0.0, |ingest| machine::resident(*ingest));
    let (began, ended) = looked(&d, Some(first)).await?;
    let cost = meter.stop(&d).await?;
    let changes = d.count(r#"SELECT count(*) FROM "SyncLog""#).await?;
    let took = seconds(began, ended);
    let most = cost.peak.together;
    let table = Table::new("poll")
        .with("contacts", n as f64)
        .with("a look, s", took)
        .with("contacts a second", n as f64 / took)
        .with("memory at rest, MB", at_rest)
        .with("memory more than at rest, MB", most - at_rest)
        .with_all(cost.rows(1))
        .judged(Verdict {
            wrong: changes,
            ..Verdict::default()
        });
    Ok(vec![table])
}

/// Each contact has a link, so that no guard takes the first look for a mistake.
async fn link_all(d: &Deployment<'_>, n: usize) -> anyhow::Result<()> {
    let first_code = simulator::FinanceConfig::default().first_code;
    let sql = format!(
        r#"INSERT INTO "EntityMapping" ("id", "entityType", "crmId", "financeId")
           SELECT md5('link' || n)::uuid, 'CUSTOMER', md5('crm' || n)::uuid::text, ({first_code} - 1 + n)::text
           FROM generate_series(1, {n}) n"#
    );
    d.execute(&sql, []).await
}

async fn make_due(d: &Deployment<'_>) -> anyhow::Result<()> {
    let sql = r#"UPDATE "PollCursor" SET "notBefore" = NULL, "attemptedAt" = NULL WHERE "name" = $1"#;
    d.execute(sql, [POLL.into()]).await
}

/// What the first look has told of each contact: nobody shall carry it out.
async fn forget_the_first(d: &Deployment<'_>) -> anyhow::Result<()> {
    for statement in [r#"TRUNCATE "SyncLog" CASCADE"#, "VACUUM ANALYZE", "CHECKPOINT"] {
        d.db.execute_unprepared(statement).await?;
    }
    Ok(())
}

/// Waits for a look that ended after that one; says when it began and ended.
async fn looked(
    d: &Deployment<'_>,
    before: Option<DateTime<Utc>>,
) -> anyhow::Result<(DateTime<Utc>, DateTime<Utc>)> {
    let asked = Instant::now();
    loop {
        let last = last_look(d).await?;
        if let Some((began, ended)) = last.filter(|(_, ended)| Some(*ended) != before) {
            return Ok((began, ended));
        }
        anyhow::ensure!(asked.elapsed() < PATIENCE, "finance is not looked at in time");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

async fn last_look(d: &Deployment<'_>) -> anyhow::Result<Option<(DateTime<Utc>, DateTime<Utc>)>> {
    let sql =
        r#"SELECT "startedAt", "completedAt", "heldBy"::text AS held FROM "PollCursor" WHERE "name" = $1"#;
    let rows = d.rows(sql, [POLL.into()]).await?;
    let row = rows.first().context("no such poll")?;
    let held: Option<String> = row.try_get("", "held")?;
    anyhow::ensure!(held.is_none(), "the guard holds the look");
    let (began, ended) = (row.try_get("", "startedAt")?, row.try_get("", "completedAt")?);
    Ok(Option::zip(began, ended))
}
