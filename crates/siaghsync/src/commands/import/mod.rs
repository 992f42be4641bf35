//! `siaghsync import`: finance's contacts into the CRM, on the first day.
//!
//! A match report first, from one read of each system; nothing is written before the question is answered. Then the
//! ordinary engine, contact by contact, which looks for each afresh before it creates anything.
//!
//! Memory: about 2 KB for each identity of the CRM and for each contact of finance.

use std::collections::{HashMap, HashSet};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use domain::index::{IndexStore, Sighting};
use domain::polls::PollStore;
use domain::ports::Side;
use domain::store::entities::{link, log};
use domain::store::sql::SqlStore;
use domain::store::{EntityType, LinkState, Status};
use engine::Engine;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use serde_json::{Value, json};
use service::settings::Settings;
use uuid::Uuid;

use super::output::{self, say};
use carry::Carrier;
use read::read;
use report::{Fate, Known, Matcher};
use show::{print, write_csv};

mod alike;
mod carry;
mod directory;
mod read;
mod report;
mod show;

/// More connections than a worker at rest has are not taken.
const AT_ONCE: usize = 8;
/// So many records are written into the index at a time.
const INDEXED: usize = 1000;
/// So many of each kind are shown; all of them stand in `--report`.
const SHOWN: usize = 10;

/// Arguments of `import`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync import --dry-run --report matches.csv    look first: what would be linked, created, left alone, and why
  siaghsync import --limit 20                        the first 20, after a question
  siaghsync import --yes --rate 50
  siaghsync import --link-alike 'the name agrees'    all doubts that have this reason are the same customer
CRM_CALLS_PER_SECOND and FINANCE_CALLS_PER_SECOND limit its calls as they do those of the services.
It may be ended at any moment (Ctrl-C, a crash) and run again: it goes on, and makes nothing twice. What is in doubt is
not touched; the report names it: correct it, or `siaghsync resolve --link <crm-id> <finance-code>`.
Exit codes: 0 done (also when nothing is to be done), 1 not all of it done, or not confirmed, 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    /// Ends with the report: nothing is written
    #[arg(long)]
    dry_run: bool,
    /// Doesn't ask
    #[arg(long, conflicts_with = "dry_run")]
    yes: bool,
    /// Instead: links each contact in doubt with its only candidate, where the report gives just this reason (column `why`)
    #[arg(long, value_name = "WHY", conflicts_with = "dry_run")]
    link_alike: Option<String>,
    /// Carries over at most so many contacts, in the order of their codes
    #[arg(long, value_name = "NUMBER")]
    limit: Option<usize>,
    /// At most so many contacts a second (each takes some calls)
    #[arg(long, value_name = "PER_SECOND", default_value = "20")]
    rate: NonZeroU32,
    /// Writes the whole report into this file, as CSV
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// The report, and the outcome, as a JSON object each, a line each
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    company: crate::commands::typed::OfCompany,
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::SYSTEMS)?;
    anyhow::ensure!(
        settings.sync.to_crm,
        "SYNC_FINANCE_TO_CRM is off: nothing may be created in the CRM; set it to true to import"
    );
    super::block_on(&settings, async {
        let company = arguments.company.named(&settings)?;
        anyhow::ensure!(
            company.is_some() || !settings.companies.are_many(),
            "--company: say whose contacts are to be imported, one company after the other ({} are served)",
            settings.companies
        );
        let company = company.unwrap_or(settings.companies.first());
        let store = service::database::open(&settings, 8).await?.of(company);
        let engine = worker::assemble::engine(
            &settings,
            &store,
            &crate::commands::gates(&settings, &store).await?,
        )?;
        let known = known(&store).await?;
        let of_company = engine.of(company).context("the company is not served")?;
        let both = read(&settings, &store, of_company, &known).await?;
        let seen = both.seen;
        let entries = Matcher::new(both.crm, both.finance, known).report(both.contacts);
        if let Some(path) = &arguments.report {
            write_csv(path, &entries).with_context(|| format!("{} can't be written", path.display()))?;
        }
        if let Some(why) = &arguments.link_alike {
            note(&store, &seen).await?;
            let pairs = alike::pairs(&entries, why);
            return alike::link(&engine, &store, &pairs, arguments.yes, arguments.json).await;
        }
        print(&entries, arguments.json)?;
        let wanted = entries
            .iter()
            .filter(|entry| matches!(entry.fate, Fate::Link(_) | Fate::Create));
        let wanted: Vec<&str> = wanted
            .map(|entry| entry.code.as_str())
            .take(arguments.limit.unwrap_or(usize::MAX))
            .collect();
        if wanted.is_empty() {
            eprintln!("There is nothing to carry over.");
            return Ok(ExitCode::SUCCESS);
        }
        if arguments.dry_run {
            eprintln!("Nothing was written (--dry-run).");
            return Ok(ExitCode::SUCCESS);
        }
        if !arguments.yes && !output::asked(&format!("Carry {} contacts over to the CRM?", wanted.len()))? {
            eprintln!("Nothing was written.");
            return Ok(ExitCode::FAILURE);
        }
        note(&store, &seen).await?;
        let at_once = settings.worker.concurrency.min(AT_ONCE);
        carry(&engine, &store, &wanted, at_once, &arguments).await
    })
}

/// What was read, into the index: the runs that follow ask it.
async fn note(store: &SqlStore, seen: &[Sighting]) -> anyhow::Result<()> {
    for some in seen.chunks(INDEXED) {
        IndexStore::note(store, some).await?;
    }
    Ok(())
}

/// Links by finance's code.
async fn known(store: &SqlStore) -> anyhow::Result<HashMap<String, Known>> {
    let rows = link::Entity::find()
        .filter(link::Column::EntityType.eq(EntityType::Customer))
        .filter(link::Column::Company.eq(store.company().to_string()))
        .filter(link::Column::FinanceId.is_not_null())
        .select_only()
        .column(link::Column::FinanceId)
        .column(link::Column::CrmId)
        .column(link::Column::State)
        .into_tuple::<(String, Option<String>, LinkState)>();
    let rows = rows.all(store.db()).await?.into_iter();
    Ok(rows
        .map(|(code, crm_id, state)| (code, Known { crm_id, state }))
        .collect())
}

async fn carry(
    engine: &Engine,
    store: &SqlStore,
    wanted: &[&str],
    at_once: usize,
    arguments: &Arguments,
) -> anyhow::Result<ExitCode> {
    let stop = service::shutdown::token();
    let interrupted = stop.clone();
    let bar = output::progress("contacts carried over", Some(wanted.len() as u64));
    let mut carrier = Carrier::new(
        engine,
        store,
        arguments.rate,
        at_once,
        stop.child_token(),
        bar.clone(),
    );
    let rows = carrier.carry_out(wanted).await;
    bar.finish_and_clear();
    let rows = rows?;
    let linked = linked(store, wanted).await?;
    let left: Vec<&str> = wanted
        .iter()
        .copied()
        .filter(|code| !linked.contains(*code))
        .collect();
    let failed = reasons(store, &rows, &left).await?;
    let stopped = interrupted.is_cancelled();
    summary(linked.len(), left.len(), &failed, stopped, arguments.json)?;
    Ok(if left.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Those of the contacts that are linked now, whoever did it.
async fn linked<'a>(store: &SqlStore, codes: &[&'a str]) -> anyhow::Result<HashSet<&'a str>> {
    let mut linked = HashSet::with_capacity(codes.len());
    for batch in codes.chunks(500) {
        let mapped = PollStore::linked(store, Side::Finance, batch).await?;
        let whole = |code: &&&str| {
            mapped
                .get(**code)
                .is_some_and(|mapped| mapped.state == LinkState::Active || mapped.base.is_some())
        };
        linked.extend(batch.iter().filter(whole).copied());
    }
    Ok(linked)
}

/// Why these were not carried over, of those that were tried.
async fn reasons(
    store: &SqlStore,
    rows: &HashMap<Uuid, String>,
    left: &[&str],
) -> anyhow::Result<Vec<(String, Status, String)>> {
    let left: HashSet<&str> = left.iter().copied().collect();
    let ids: Vec<Uuid> = rows
        .iter()
        .filter(|(_, code)| left.contains(code.as_str()))
        .map(|(row, _)| *row)
        .collect();
    let mut reasons = Vec::new();
    for batch in ids.chunks(500) {
        let rows = log::Entity::find()
            .filter(log::Column::Id.is_in(batch.iter().copied()))
            .filter(log::Column::ErrorMessage.is_not_null());
        let rows = rows.all(store.db()).await?.into_iter();
        reasons.extend(rows.map(|row| {
            (
                row.source_entity_id,
                row.status,
                row.error_message.unwrap_or_default(),
            )
        }));
    }
    Ok(reasons)
}

fn summary(
    done: usize,
    left: usize,
    failed: &[(String, Status, String)],
    stopped: bool,
    as_json: bool,
) -> anyhow::Result<()> {
    if as_json {
        let failed: Vec<Value> = failed
            .iter()
            .map(|(code, status, why)| json!({ "code": code, "status": status, "why": why }))
            .collect();
        return output::json(&json!({ "done": done, "left": left, "failed": failed, "stopped": stopped }));
    }
    say!("{done} contacts carried over, {left} left.");
    for (code, status, why) in failed.iter().take(SHOWN) {
        say!("  {code} {}: {why}", output::status(*status));
    }
    if failed.len() > SHOWN {
        say!(
            "  … and {} more; `siaghsync log --failed`, `siaghsync log --conflict`",
            failed.len() - SHOWN
        );
    }
    match (left, stopped) {
        (0, _) => say!("`siaghsync verify` compares both systems."),
        (_, true) => say!("Stopped in good order. Nothing is lost: run it again to go on."),
        _ => {
            say!("Run it again to go on with what is left; `siaghsync show <code>` tells why one failed.")
        }
    }
    Ok(())
}
