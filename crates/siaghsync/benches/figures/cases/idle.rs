//! Single events with nothing else going on: from the webhook to the first outside call, and to finance's save.

use std::time::Duration;

use anyhow::Context as _;
use chrono::{DateTime, Utc};

use super::{Play, customers};
use crate::customers::{Typed, describe, type_in, verdict, webhooks};
use crate::drive::{seconds, settle, warm_up};
use crate::load::until_accepted;
use crate::meter::Meter;
use crate::services::{Deployment, Setup};
use crate::table::{Table, percentiles};

/// From one event to the next.
const APART: Duration = Duration::from_millis(60);
/// Services that have just worked are looked at after that time.
const REST: Duration = Duration::from_secs(2);

pub async fn run(play: &Play<'_>) -> anyhow::Result<Vec<Table>> {
    let setup = Setup {
        requests: 100 * play.sizes.idle,
        ..Setup::with_workers(1)
    };
    let d = play.start(setup).await?;
    let (warm, measured) = customers(play.sizes.warm, play.sizes.idle);
    let mut everybody = type_in(&d.sim, &warm).await?;
    warm_up(&d, &everybody).await?;
    everybody.extend(type_in(&d.sim, &measured).await?);
    let first = warm.len();
    tokio::time::sleep(REST).await;
    let rest = Meter::start(&d).await?;
    tokio::time::sleep(REST).await;
    let at_rest = rest.stop(&d).await?.peak.together;

    let mut table = Table::new("idle");
    let sent = one_by_one(&d, &webhooks(&d, &everybody[first..], "Insert")).await?;
    table =
        table.with_all(latencies(&d, "new", &everybody[first..], &sent, |one| &one.customer.email).await?);
    describe(&d.sim, &mut everybody[first..], "edited").await?;
    let sent = one_by_one(&d, &webhooks(&d, &everybody[first..], "Update")).await?;
    table = table.with_all(
        latencies(&d, "update", &everybody[first..], &sent, |one| {
            &one.customer.description
        })
        .await?,
    );
    let table = table.with("memory at rest, MB", at_rest);
    Ok(vec![table.judged(verdict(&d.sim, &everybody).await?)])
}

/// Says when each was sent.
async fn one_by_one(d: &Deployment<'_>, webhooks: &[String]) -> anyhow::Result<Vec<DateTime<Utc>>> {
    let mut sent = Vec::new();
    let mut due = tokio::time::interval(APART);
    for webhook in webhooks {
        due.tick().await;
        sent.push(d.now());
        until_accepted(&d.stage.http, webhook).await?;
    }
    settle(d).await?;
    Ok(sent)
}

/// `mark` stands in the save of its customer, and in no other's.
async fn latencies(
    d: &Deployment<'_>,
    what: &str,
    typed: &[Typed],
    sent: &[DateTime<Utc>],
    mark: fn(&Typed) -> &String,
) -> anyhow::Result<Vec<(String, f64)>> {
    let (calls, saves) = (
        requests(d, "system=crm").await?,
        requests(d, "endpoint=SaveFormData").await?,
    );
    let (mut to_call, mut to_save) = (Vec::new(), Vec::new());
    for (one, sent) in typed.iter().zip(sent) {
        let later = |(at, text): &&(DateTime<Utc>, String), what: &str| at >= sent && text.contains(what);
        let call = calls.iter().find(|call| later(call, &one.id));
        let save = saves.iter().find(|save| later(save, mark(one)));
        to_call.extend(call.map(|(at, _)| seconds(*sent, *at)));
        to_save.extend(save.map(|(at, _)| seconds(*sent, *at)));
    }
    let mut rows = percentiles(&format!("{what}: webhook to first call,"), to_call);
    rows.extend(percentiles(&format!("{what}: webhook to save,"), to_save));
    Ok(rows)
}

/// When each came, with its address and body, oldest first.
async fn requests(d: &Deployment<'_>, which: &str) -> anyhow::Result<Vec<(DateTime<Utc>, String)>> {
    let all = d.sim.list(&format!("/requests?{which}")).await?;
    let told = all.iter().map(|request| {
        let at = request["at"].as_str().and_then(|at| at.parse().ok());
        let text = ["path", "query", "body"].map(|part| request[part].as_str().unwrap_or_default());
        Some((at?, text.concat()))
    });
    told.collect::<Option<_>>()
        .context("a request of the simulator without a time")
}
