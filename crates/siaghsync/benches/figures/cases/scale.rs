//! The same syncs in a small database and in one with very many links, records to match and rows of history: what a sync
//! costs must not grow with them.

use super::{Play, customers};
use crate::copies::{Of, Template};
use crate::customers::{describe, type_in, verdict_beside, webhooks};
use crate::drive::{drive, warm_up};
use crate::services::Setup;
use crate::table::Table;

/// So many customers are synced before anything is measured.
const WARM: usize = 100;
/// What is told of each size; the ratio of these is what counts.
const TOLD: [&str; 7] = [
    "syncs a second",
    "heard to done, p50, ms",
    "heard to done, p99, ms",
    "own CPU, ms",
    "PostgreSQL CPU, ms",
    "statements",
    "round trips",
];

pub async fn run(play: &Play<'_>) -> anyhow::Result<Vec<Table>> {
    let mut table = Table::new("scale");
    let mut of_sizes = Vec::new();
    for links in play.sizes.links {
        of_sizes.push((links, with(play, links).await?));
    }
    for (links, figures) in &of_sizes {
        table = table.with_all(figures.iter().map(|(name, value)| match is_told(name) {
            true => (format!("{}: {name}", short(*links)), *value),
            // A fault is one, whatever the size.
            false => (name.clone(), *value),
        }));
    }
    if let [(few, small), (many, large)] = &of_sizes[..] {
        let times = small
            .iter()
            .zip(large)
            .filter(|((name, _), (same, _))| name == same && is_told(name));
        let times = times.map(|((name, small), (_, large))| {
            (
                format!("{} / {}: {name}", short(*many), short(*few)),
                large / small,
            )
        });
        table = table.with_all(times);
    }
    Ok(vec![table])
}

fn is_told(name: &str) -> bool {
    TOLD.iter().any(|told| name.ends_with(told))
}

fn short(links: usize) -> String {
    match links {
        links if links >= 1_000_000 => format!("{} M links", links / 1_000_000),
        links => format!("{} k links", links / 1_000),
    }
}

async fn with(play: &Play<'_>, links: usize) -> anyhow::Result<Vec<(String, f64)>> {
    let mut d = play.start(Setup::with_workers(1)).await?;
    let template = Template::make(&d, Of::Whole).await?;
    d.end("siagh-").await?;
    let lacking = template.copy(&d, links).await?;
    for table in lacking {
        eprintln!("bench: {} has no table {table}: not filled", play.revision.name);
    }
    d.run_all().await?;
    let n = play.sizes.scale;
    let (warm, measured) = customers(WARM, n);
    let mut everybody = type_in(&d.sim, &warm).await?;
    warm_up(&d, &everybody).await?;
    everybody.extend(type_in(&d.sim, &measured).await?);

    let mut rows = Vec::new();
    let mut keep = |what: &str, table: Table| {
        let kept = table
            .rows
            .into_iter()
            .filter_map(|(name, value)| match is_told(&name) {
                true => Some((format!("{what}, {name}"), value)),
                false => crate::table::is_fault(&name).then_some((name, value)),
            });
        rows.extend(kept);
    };
    let driven = drive(&d, &webhooks(&d, &everybody[WARM..], "Insert")).await?;
    // The template stands in finance, too.
    keep(
        "new",
        driven.table("new", n, verdict_beside(&d.sim, &everybody, 1).await?),
    );
    describe(&d.sim, &mut everybody[WARM..], "edited").await?;
    let driven = drive(&d, &webhooks(&d, &everybody[WARM..], "Update")).await?;
    keep(
        "update",
        driven.table("update", n, verdict_beside(&d.sim, &everybody, 1).await?),
    );
    Ok(rows)
}
