//! `siaghsync plan` and `siaghsync verify`: what a sync would change and why; whether both systems agree.

use std::process::ExitCode;

use domain::company::Company;
use domain::message::Message;
use domain::ports::Side;
use domain::store::entities::link;
use domain::store::sql::SqlStore;
use domain::store::{EntityType, Link, LinkState};
use engine::Engine;
use engine::plan::{Doing, Plan};
use futures::StreamExt;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder};
use service::settings::Settings;

use super::output::{self, say};

/// Customers are looked at so many at a time.
const AT_ONCE: usize = 8;
/// Exit code of `verify` when the systems differ.
const DRIFT: u8 = 3;

/// Arguments of `plan` and `verify`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync plan                    every customer that a sync would change, and why
  siaghsync plan 505
  siaghsync verify --json | jq .name
  siaghsync verify --documents      quotes and invoices, day by day: what the CRM has and what was sent
  siaghsync verify --documents --json | jq -r '.unheard[].id'
Exit codes: 0 done (verify: in agreement), 1 failed (says why), 2 wrong usage or settings, 3 drift (verify).")]
pub(crate) struct Arguments {
    /// Only this customer: the CRM's id (a guid), or finance's code (a number)
    id: Option<String>,
    #[command(flatten)]
    company: super::typed::OfCompany,
    /// One JSON object per customer, a line each
    #[arg(long)]
    json: bool,
}

/// Arguments of `verify`.
#[derive(clap::Args)]
pub(crate) struct Verify {
    #[command(flatten)]
    customers: Arguments,
    /// Compares documents instead: count and sum per day, of what the CRM has and of what was sent to finance; names each
    /// that makes a difference, and those that nobody has heard of
    #[arg(long, conflicts_with = "id")]
    documents: bool,
}

/// `plan`: every customer that a sync would change; exit code 0.
pub(crate) fn plan(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let shown = look(&arguments, |plan| plan.step != Doing::Nothing, false)?;
    if !arguments.json {
        say!("{}", counted(&shown, "would be changed, or wait"));
    }
    Ok(ExitCode::SUCCESS)
}

/// `verify`: every customer on which the systems differ; exit code 3 if there is one.
pub(crate) fn verify(arguments: Verify) -> anyhow::Result<ExitCode> {
    let Verify {
        customers: arguments,
        documents,
    } = arguments;
    if documents {
        let agree = super::documents::verify(arguments.json)?;
        return Ok(if agree {
            ExitCode::SUCCESS
        } else {
            ExitCode::from(DRIFT)
        });
    }
    let drifted =
        |plan: &Plan| !plan.differences.is_empty() || !matches!(plan.step, Doing::Nothing | Doing::Write);
    let shown = look(&arguments, drifted, true)?;
    if !arguments.json {
        say!("{}", counted(&shown, "differ, or can't be compared"));
        if shown.alone > 0 {
            say!(
                "{} record(s) stand on one side only, as the two were last seen.",
                shown.alone
            );
        }
    }
    Ok(if shown.drifted == 0 && shown.alone == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(DRIFT)
    })
}

struct Shown {
    looked_at: usize,
    drifted: usize,
    /// Records that stand on one side only.
    alone: usize,
}

fn counted(shown: &Shown, what: &str) -> String {
    format!(
        "{} customer(s) looked at, {} {what}.",
        shown.looked_at, shown.drifted
    )
}

/// `alone`: names what stands on one side only, too.
fn look(arguments: &Arguments, interesting: impl Fn(&Plan) -> bool, alone: bool) -> anyhow::Result<Shown> {
    let settings = Settings::load(super::SYSTEMS)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let gates = super::gates(&settings, &store).await?;
        let engine = worker::assemble::engine(&settings, &store, &gates)?;
        let company = arguments.company.named(&settings)?;
        let customers = customers(&store, arguments.id.as_deref(), company).await?;
        let mut plans = futures::stream::iter(&customers)
            .map(|(link, heard)| plan_one(&engine, link, *heard))
            .buffer_unordered(AT_ONCE);
        let mut shown = Shown {
            looked_at: 0,
            drifted: 0,
            alone: 0,
        };
        let bar = output::progress("customers", Some(customers.len() as u64));
        while let Some(plan) = plans.next().await {
            shown.looked_at += 1;
            bar.inc(1);
            if interesting(&plan) {
                shown.drifted += 1;
                bar.suspend(|| match arguments.json {
                    true => output::json(&plan),
                    false => {
                        say!("{}", diff(&plan));
                        Ok(())
                    }
                })?;
            }
        }
        bar.finish_and_clear();
        if alone && arguments.id.is_none() {
            shown.alone = super::one_sided::name_all(&store, arguments.json).await?;
        }
        Ok(shown)
    })
}

async fn plan_one(engine: &Engine, link: &Link, heard: Side) -> Plan {
    engine.plan(link, heard).await
}

/// All mapped customers that are not closed, or the one that was named (it need not be mapped yet).
async fn customers(
    store: &SqlStore,
    id: Option<&str>,
    company: Option<Company>,
) -> anyhow::Result<Vec<(Link, Side)>> {
    let mut query = link::Entity::find()
        .filter(link::Column::EntityType.eq(EntityType::Customer))
        .order_by_asc(link::Column::CreatedAt);
    let entity = id.map(super::typed::customer).transpose()?;
    match &entity {
        Some(entity) if entity.side == Side::Crm => query = query.filter(link::Column::CrmId.eq(&entity.id)),
        Some(entity) => query = query.filter(link::Column::FinanceId.eq(&entity.id)),
        None => query = query.filter(link::Column::State.ne(LinkState::Closed)),
    }
    let of_finance = entity.as_ref().is_some_and(|entity| entity.side == Side::Finance);
    if let Some(company) = company.or_else(|| of_finance.then(|| store.company())) {
        query = query.filter(link::Column::Company.eq(company.to_string()));
    }
    let models = query.all(store.db()).await?;
    let mut customers = Vec::with_capacity(models.len());
    for model in models {
        let link = domain::store::link_of(model)?;
        let heard = if link.crm_id.is_some() {
            Side::Crm
        } else {
            Side::Finance
        };
        customers.push((link, heard));
    }
    if let (Some(entity), true) = (entity, customers.is_empty()) {
        let mut unmet = Link {
            company: company.unwrap_or(store.company()),
            ..Link::unmet(entity.entity_type)
        };
        unmet.set_id(entity.side, entity.id);
        customers.push((unmet, entity.side));
    }
    Ok(customers)
}

/// A plan as people read it: the customer, what would be done, and field by field why.
fn diff(plan: &Plan) -> String {
    let id = |id: &Option<String>| id.clone().unwrap_or_else(|| "–".to_owned());
    let mut lines = vec![format!(
        "{} (CRM {}, finance {}): {}",
        plan.name,
        id(&plan.crm_id),
        id(&plan.finance_id),
        rendered(&plan.step)
    )];
    for change in &plan.changes {
        let (arrow, why) = match change.winner {
            Some(Side::Crm) => ("→", change.reason),
            Some(Side::Finance) => ("←", change.reason),
            None => ("≠", change.reason),
        };
        lines.push(format!(
            "    {:<15} CRM {:?} {arrow} finance {:?}   {}",
            change.field,
            change.crm,
            change.finance,
            Message::new(why.code())
        ));
    }
    let explained =
        |difference: &&engine::plan::Difference| !plan.changes.iter().any(|c| c.field == difference.field);
    for difference in plan.differences.iter().filter(explained) {
        lines.push(format!(
            "    {:<15} CRM {:?} ≠ finance {:?}   neither was edited since both were last in step",
            difference.field, difference.crm, difference.finance
        ));
    }
    lines.join("\n")
}

fn rendered(step: &Doing) -> String {
    match step {
        Doing::Nothing => "nothing to do".to_owned(),
        Doing::Write => "would be written".to_owned(),
        Doing::Hold => "would wait for a human (fields in conflict)".to_owned(),
        Doing::Link(id) => format!("would be linked with {id}"),
        Doing::Create(side) => format!("would be created in {side}"),
        Doing::Conflict(why) => format!("would wait for a human: {}", why.english()),
        Doing::Gone(side) => format!("no longer in {side}"),
        Doing::Unknown(why) => format!("can't be said: {}", why.english()),
    }
}
