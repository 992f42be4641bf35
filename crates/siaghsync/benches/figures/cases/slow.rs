//! New customers while each outside call takes 50 ms: what counts is how much is done at the same time.

use super::{Play, customers};
use crate::customers::{type_in, verdict, webhooks};
use crate::drive::{drive, warm_up};
use crate::services::Setup;
use crate::table::Table;

const LATENCY_MS: u64 = 50;

pub async fn run(play: &Play<'_>, workers: usize, case: &'static str) -> anyhow::Result<Vec<Table>> {
    let d = play.start(Setup::with_workers(workers)).await?;
    let n = play.sizes.slow;
    let (warm, measured) = customers(play.sizes.warm, n);
    let mut everybody = type_in(&d.sim, &warm).await?;
    warm_up(&d, &everybody).await?;
    everybody.extend(type_in(&d.sim, &measured).await?);
    d.sim.slow(LATENCY_MS).await?;
    let driven = drive(&d, &webhooks(&d, &everybody[warm.len()..], "Insert")).await?;
    let verdict = verdict(&d.sim, &everybody).await?;
    Ok(vec![driven.table(case, n, verdict)])
}
