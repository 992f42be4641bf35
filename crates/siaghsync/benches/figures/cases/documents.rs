//! Quotes of customers that are linked, issued as pre-invoices.

use super::{Play, customers};
use crate::customers::type_in;
use crate::drive::{drive, warm_up};
use crate::quotes;
use crate::services::Setup;
use crate::table::Table;

pub async fn run(play: &Play<'_>) -> anyhow::Result<Vec<Table>> {
    let d = play.start(Setup::with_workers(1)).await?;
    let (warm, _) = customers(play.sizes.warm, 0);
    let typed = type_in(&d.sim, &warm).await?;
    warm_up(&d, &typed).await?;
    let n = play.sizes.documents;
    let quotes = quotes::type_in(&d.sim, &typed, n).await?;
    let webhooks: Vec<_> = quotes
        .iter()
        .map(|quote| d.webhook("quote", "Insert", &quote.id))
        .collect();
    let driven = drive(&d, &webhooks).await?;
    let verdict = quotes::verdict(&d.sim, &quotes).await?;
    Ok(vec![driven.table("documents", n, verdict)])
}
