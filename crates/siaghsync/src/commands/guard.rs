//! `siaghsync guard list|drop`: what the guard holds back, and letting go of it.

use std::io::{BufRead, IsTerminal, Write};
use std::process::ExitCode;

use domain::polls::{Held, PollStore, Verdict};
use domain::store::sql::SqlStore;
use service::settings::Settings;

/// Arguments of `guard`.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(clap::Subcommand)]
enum What {
    /// Shows what the guard holds back, and why
    List,
    /// Drops what is held: these changes are not synced (asks first)
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
                if !listed(&store, None).await?.is_empty() {
                    println!("`siaghsync resume` lets it go on, `siaghsync guard drop` drops it.");
                }
                Ok(ExitCode::SUCCESS)
            }
            What::Drop { poll, yes } => drop_held(&store, poll.as_deref(), yes).await,
        }
    })
}

/// Prints what is held, all of it or one poll's.
///
/// # Errors
/// When a poll is named that is not held.
pub(crate) async fn listed(store: &SqlStore, poll: Option<&str>) -> anyhow::Result<Vec<Held>> {
    let held = store.held(poll).await?;
    match poll {
        Some(poll) if held.is_empty() => {
            anyhow::bail!("the guard does not hold {poll:?}; `siaghsync guard list` shows what it holds")
        }
        None if held.is_empty() => println!("The guard holds nothing."),
        _ => {}
    }
    for one in &held {
        println!(
            "{}: {} change(s) held since {} UTC",
            one.poll,
            one.changes,
            one.since.format("%Y-%m-%d %H:%M:%S")
        );
        println!("  {}", one.why);
        let more = if one.changes > one.examples.len() as u64 {
            ", …"
        } else {
            ""
        };
        println!("  records: {}{more}", one.examples.join(", "));
    }
    Ok(held)
}

async fn drop_held(store: &SqlStore, poll: Option<&str>, yes: bool) -> anyhow::Result<ExitCode> {
    let held = listed(store, poll).await?;
    if held.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    println!(
        "Dropped changes are not synced by themselves: a record is looked at again when it is edited next, or with \
         `siaghsync sync <id>`. Each gets a SKIPPED row that says so."
    );
    if !yes && !asked("Drop them?")? {
        println!("Nothing was dropped.");
        return Ok(ExitCode::FAILURE);
    }
    for one in held {
        let rows = store.settle(&one, Verdict::Drop).await?;
        println!("{}: {rows} change(s) dropped; the poll goes on.", one.poll);
    }
    Ok(ExitCode::SUCCESS)
}

/// Asks on the terminal; where there is none, `--yes` must have been given.
fn asked(question: &str) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    anyhow::ensure!(
        stdin.is_terminal(),
        "there is nobody to ask: repeat the command with --yes"
    );
    print!("{question} [y/N] ");
    std::io::stdout().flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}
