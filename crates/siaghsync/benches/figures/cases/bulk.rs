//! Customers as fast as they go: new ones, then an edit of each, then a webhook about each that nobody has edited.

use super::{Play, customers};
use crate::customers::{describe, type_in, verdict, webhooks};
use crate::drive::{drive, warm_up};
use crate::services::{Database, Setup};
use crate::table::Table;

pub async fn run(
    play: &Play<'_>,
    database: Database,
    n: usize,
    cases: &[&'static str],
) -> anyhow::Result<Vec<Table>> {
    let [new, update, unchanged] = cases else {
        anyhow::bail!("three cases, not {cases:?}")
    };
    let setup = Setup {
        database,
        ..Setup::with_workers(1)
    };
    let d = play.start(setup).await?;
    let (warm, measured) = customers(play.sizes.warm, n);
    let mut everybody = type_in(&d.sim, &warm).await?;
    warm_up(&d, &everybody).await?;
    everybody.extend(type_in(&d.sim, &measured).await?);
    let first = warm.len();

    let mut tables = Vec::new();
    let driven = drive(&d, &webhooks(&d, &everybody[first..], "Insert")).await?;
    tables.push(driven.table(new, n, verdict(&d.sim, &everybody).await?));

    describe(&d.sim, &mut everybody[first..], "edited").await?;
    let driven = drive(&d, &webhooks(&d, &everybody[first..], "Update")).await?;
    tables.push(driven.table(update, n, verdict(&d.sim, &everybody).await?));

    let saves = d.sim.counts().await?.saves;
    let driven = drive(&d, &webhooks(&d, &everybody[first..], "Update")).await?;
    let saved = d.sim.counts().await?.saves - saves;
    let mut judged = verdict(&d.sim, &everybody).await?;
    // Nothing was to be saved.
    judged.wrong += usize::try_from(saved)?;
    tables.push(driven.table(unchanged, n, judged));
    Ok(tables)
}
