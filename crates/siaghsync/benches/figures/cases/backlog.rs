//! Webhooks that came while no worker ran, of as many linked customers, each of whom somebody has edited: how fast they are
//! taken, and then carried out by two workers.

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};

use super::Play;
use crate::copies::{FIRST, Of, Template};
use crate::customers::{AT_ONCE, create};
use crate::drive::{done_since, settle};
use crate::load;
use crate::meter::Meter;
use crate::services::{Deployment, Setup};
use crate::table::{Table, Verdict};

const WORKERS: usize = 2;

pub async fn run(play: &Play<'_>) -> anyhow::Result<Vec<Table>> {
    let n = play.sizes.backlog;
    let mut d = play.start(Setup::with_workers(1)).await?;
    let template = Template::make(&d, Of::WithoutTelephones).await?;
    d.end("siagh-worker").await?;
    let them = linked(&d, &template, n).await?;
    let lacking = template.copy_as(&d, &them).await?;
    anyhow::ensure!(
        !lacking.contains(&"EntityMapping"),
        "this revision knows no links"
    );

    let webhooks: Vec<_> = them
        .iter()
        .map(|(_, id)| d.webhook("identity", "Update", id))
        .collect();
    let heard = d.now();
    let sent = load::all(&d.stage.http, &webhooks).await?;
    let (meter, start) = (Meter::start(&d).await?, d.now());
    d.run_workers(WORKERS).await?;
    settle(&d).await?;
    let cost = meter.stop(&d).await?;
    let done = done_since(&d, heard).await?;
    let drained = done.ends_after(start);
    let verdict = verdict(&d, n).await?;
    let took = drained.last().copied().context("nothing was drained")?;
    let tenth = |from: usize, to: usize| {
        let at = |n: usize| {
            drained
                .get((n * (drained.len() - 1)) / 10)
                .copied()
                .unwrap_or(f64::NAN)
        };
        n as f64 / 10.0 / (at(to) - at(from))
    };
    let table = Table::new("backlog")
        .with("rows", n as f64)
        .with("accepted a second, no worker", sent.a_second())
        .with_any("webhooks told to come again", sent.refused)
        .with("syncs a second", verdict.arrived(n) as f64 / took)
        .with("the same, second tenth", tenth(1, 2))
        .with("the same, last tenth", tenth(9, 10))
        .with_all(cost.rows(n))
        .judged(verdict)
        .with_any("not done", done.not_done);
    Ok(vec![table])
}

/// Puts as many pairs into both systems, the CRM's half of each already edited. Says which.
async fn linked(d: &Deployment<'_>, template: &Template, n: usize) -> anyhow::Result<Vec<(usize, String)>> {
    let tokens = FIRST + 1..=FIRST + n;
    let made = stream::iter(tokens).map(|token| async move {
        let contact = Template::as_copy(&template.contact, token)?;
        d.sim.post("/finance/contacts", &contact).await?;
        let mut object = Template::as_copy(&template.object, token)?;
        object["description"] = edited(token).into();
        anyhow::Ok((token, create(&d.sim, "person", &object).await?))
    });
    made.buffered(AT_ONCE).try_collect().await
}

fn edited(token: usize) -> String {
    format!("edited-{token}")
}

async fn verdict(d: &Deployment<'_>, n: usize) -> anyhow::Result<Verdict> {
    let contacts = d.sim.list("/finance/contacts").await?;
    let is_edited = |contact: &&serde_json::Value| {
        let token = contact["Code"]
            .as_u64()
            .and_then(|code| usize::try_from(code).ok());
        token.is_some_and(|token| contact["Description"] == edited(token).as_str())
    };
    Ok(Verdict {
        missing: n.saturating_sub(contacts.iter().filter(is_edited).count()),
        // The template is one more.
        duplicates: contacts.len().saturating_sub(n + 1),
        ..Verdict::default()
    })
}
