//! How many webhooks are stored, with nobody there to carry them out, and beside a worker that does.

use std::time::Duration;

use super::{Play, customers};
use crate::customers::{type_in, verdict, webhooks};
use crate::drive::settle;
use crate::load::{Sent, for_a_while};
use crate::meter::Meter;
use crate::services::Setup;
use crate::table::{Table, Verdict, percentiles};

/// Records that the webhooks are about, where nobody looks at them.
const RECORDS: usize = 1_000;
const WARM: Duration = Duration::from_millis(500);

pub async fn alone(play: &Play<'_>) -> anyhow::Result<Vec<Table>> {
    let d = play.start(Setup::with_workers(0)).await?;
    let id = |_| uuid::Uuid::new_v4().to_string();
    let urls: Vec<_> = (0..RECORDS)
        .map(|n| d.webhook("identity", "Update", &id(n)))
        .collect();
    let before = for_a_while(&d.stage.http, &urls, WARM).await?;
    let meter = Meter::start(&d).await?;
    let sent = for_a_while(&d.stage.http, &urls, Duration::from_secs(play.sizes.seconds)).await?;
    let cost = meter.stop(&d).await?;
    let stored = d.count(r#"SELECT count(*) FROM "SyncLog""#).await?;
    let accepted = before.seconds.len() + sent.seconds.len();
    // What was accepted stands in the database, once.
    let verdict = Verdict {
        missing: accepted.saturating_sub(stored),
        duplicates: stored.saturating_sub(accepted),
        ..Verdict::default()
    };
    let n = sent.seconds.len();
    Ok(vec![
        table("webhooks-alone", sent)
            .with_all(cost.rows(n))
            .judged(verdict),
    ])
}

pub async fn beside_syncs(play: &Play<'_>) -> anyhow::Result<Vec<Table>> {
    let d = play.start(Setup::with_workers(1)).await?;
    let (_, measured) = customers(0, play.sizes.beside);
    let typed = type_in(&d.sim, &measured).await?;
    let urls = webhooks(&d, &typed, "Update");
    let meter = Meter::start(&d).await?;
    let sent = for_a_while(&d.stage.http, &urls, Duration::from_secs(play.sizes.seconds)).await?;
    let cost = meter.stop(&d).await?;
    settle(&d).await?;
    let (n, calls) = (sent.seconds.len(), cost.calls() / sent.took.as_secs_f64());
    let table = table("webhooks-beside-syncs", sent)
        .with("outside calls a second meanwhile", calls)
        .with_all(cost.rows(n))
        .judged(verdict(&d.sim, &typed).await?);
    Ok(vec![table])
}

fn table(case: &'static str, sent: Sent) -> Table {
    Table::new(case)
        .with("accepted a second", sent.a_second())
        .with_any("refused", sent.refused)
        .with_all(percentiles("answer,", sent.seconds))
}
