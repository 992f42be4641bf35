//! `siaghsync guard list|drop`: what the guard holds back, and letting go of it.

use std::process::ExitCode;

use domain::polls::{Held, PollStore, Verdict};
use domain::store::sql::SqlStore;
use serde_json::{Value, json};
use service::settings::Settings;

use super::output::{self, say};

/// Arguments of `guard`.
#[derive(clap::Args)]
#[command(after_help = "Examples:
  siaghsync guard list
  siaghsync guard drop finance:contacts
  siaghsync resume                  lets what is held go on instead
Exit codes: 0 done, 1 failed or not confirmed, 2 wrong usage or settings.")]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
    /// One JSON object per poll, a line each
    #[arg(long, global = true)]
    json: bool,
}

#[derive(clap::Subcommand)]
enum What {
    /// Shows what the guard holds back, and why
    #[command(after_help = "Examples:
  siaghsync guard list
  siaghsync guard list --json | jq .changes
Exit codes: 0 done, 1 failed (says why), 2 wrong usage or settings.")]
    List,
    /// Drops what is held: these changes are not synced (asks first)
    #[command(after_help = "Examples:
  siaghsync guard drop
  siaghsync guard drop finance:contacts --yes
Exit codes: 0 done, 1 failed or not confirmed, 2 wrong usage or settings.")]
    Drop {
        /// Only this poll, as `guard list` names it; without it all that are held
        poll: Option<String>,
        /// Doesn't ask
        #[arg(long)]
        yes: bool,
    },
}

pub(crate) fn run(arguments: Arguments) -> anyhow::Result<ExitCode> {
    let settings = Settings::load(super::DATABASE)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        match arguments.what {
            What::List => {
                let held = held(&store, None).await?;
                if arguments.json {
                    held.iter().try_for_each(|one| output::json(&shown(one)))?;
                } else if show(&held) {
                    say!("`siaghsync resume` lets it go on, `siaghsync guard drop` drops it.");
                }
                Ok(ExitCode::SUCCESS)
            }
            What::Drop { poll, yes } => drop_held(&store, poll.as_deref(), yes, arguments.json).await,
        }
    })
}

/// What is held, all of it or one poll's.
///
/// # Errors
/// When a poll is named that is not held.
pub(crate) async fn held(store: &SqlStore, poll: Option<&str>) -> anyhow::Result<Vec<Held>> {
    let held = store.held(poll).await?;
    if let (Some(poll), true) = (poll, held.is_empty()) {
        anyhow::bail!("the guard does not hold {poll:?}; `siaghsync guard list` shows what it holds");
    }
    Ok(held)
}

/// As `--json` prints it.
pub(crate) fn shown(held: &Held) -> Value {
    json!({
        "poll": held.poll, "changes": held.changes, "since": held.since, "why": held.why.english(), "examples": held.examples,
    })
}

/// Prints what is held; says whether there is anything.
pub(crate) fn show(held: &[Held]) -> bool {
    if held.is_empty() {
        say!("The guard holds nothing.");
    }
    for one in held {
        say!(
            "{}: {} change(s) held since {} UTC",
            output::title(&one.poll),
            one.changes,
            one.since.format("%Y-%m-%d %H:%M:%S")
        );
        say!("  {}", one.why);
        let more = if one.changes > one.examples.len() as u64 {
            ", …"
        } else {
            ""
        };
        say!("  records: {}{more}", one.examples.join(", "));
    }
    !held.is_empty()
}

async fn drop_held(
    store: &SqlStore,
    poll: Option<&str>,
    yes: bool,
    as_json: bool,
) -> anyhow::Result<ExitCode> {
    let held = held(store, poll).await?;
    if !as_json && !show(&held) {
        return Ok(ExitCode::SUCCESS);
    }
    if !as_json {
        say!(
            "Dropped changes are not synced by themselves: a record is looked at again when it is edited next, or with \
             `siaghsync sync <id>`. Each gets a SKIPPED row that says so."
        );
    }
    if !yes && !held.is_empty() && !output::asked("Drop them?")? {
        eprintln!("Nothing was dropped.");
        return Ok(ExitCode::FAILURE);
    }
    for one in held {
        let rows = store.settle(&one, Verdict::Drop).await?;
        if as_json {
            output::json(&json!({ "poll": one.poll, "dropped": rows }))?;
        } else {
            say!("{}: {rows} change(s) dropped; the poll goes on.", one.poll);
        }
    }
    Ok(ExitCode::SUCCESS)
}
