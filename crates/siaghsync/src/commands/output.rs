//! How commands speak: colours and progress on a terminal only, one JSON object a line with `--json`, questions.
//!
//! What was asked for goes to standard output; progress and questions to the terminal (standard error), so that
//! output can be piped.

use std::io::{BufRead, IsTerminal, Write};
use std::time::Duration;

use console::{Style, style};
pub(crate) use domain::clock::readable as time;
use domain::ports::{SetAside, Side};
use domain::store::sql::Unreachable;
use domain::store::{Status, StoreError, words};
pub(crate) use domain::story::text::sign;
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::DbErr;
use serde::Serialize;

/// `println!` for commands: whoever has seen enough (`siaghsync log | head`) may close the pipe.
macro_rules! say {
    ($($text:tt)*) => { $crate::commands::output::line(format_args!($($text)*)) };
}
pub(crate) use say;

/// Prints a line; ends the command when nobody reads any more.
pub(crate) fn line(text: std::fmt::Arguments<'_>) {
    if writeln!(std::io::stdout().lock(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Prints one JSON object on a line of its own.
///
/// # Errors
/// When it can't be written as JSON.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    say!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// [`sign`], coloured where colours are wanted. (Not within a table, which counts letters.)
pub(crate) fn status(status: Status) -> String {
    let colour = match status {
        Status::Pending | Status::InProgress => Style::new().cyan(),
        Status::Success => Style::new().green(),
        Status::Failed => Style::new().red(),
        Status::Conflict => Style::new().yellow(),
        Status::Skipped => Style::new().dim(),
    };
    colour.apply_to(sign(status)).to_string()
}

/// A heading.
pub(crate) fn title(text: &str) -> String {
    style(text).bold().to_string()
}

/// Something of less interest.
pub(crate) fn faint(text: &str) -> String {
    style(text).dim().to_string()
}

/// Why a command failed; of the database in its own words, once, and with what to do.
pub(crate) fn failure(error: &anyhow::Error) -> String {
    let mut said = Vec::new();
    let mut of_database = false;
    for cause in error.chain() {
        if let Some(theirs) = cause.downcast_ref::<DbErr>() {
            of_database = true;
            said.push(format!("database: {}", words(theirs)));
            break;
        }
        of_database |= cause.is::<Unreachable>()
            || matches!(cause.downcast_ref::<StoreError>(), Some(StoreError::Database(_)));
        said.push(cause.to_string());
    }
    let todo = match of_database {
        true => "\n  → `siaghsync check` says what is wrong with the database, and what to do",
        false => "",
    };
    said.join(": ") + todo
}

/// Says what a system shows and nobody can read: whoever waits for one of them should know.
pub(crate) fn set_aside(side: Side, aside: &[SetAside]) {
    for aside in aside {
        eprintln!("⚠️ {side}: {aside}; it is left out");
    }
}

/// Asks on the terminal; where there is none, `--yes` must have been given.
///
/// # Errors
/// When there is nobody to ask.
pub(crate) fn asked(question: &str) -> anyhow::Result<bool> {
    let stdin = std::io::stdin();
    anyhow::ensure!(
        stdin.is_terminal(),
        "there is nobody to ask: repeat the command with --yes"
    );
    eprint!("{question} [y/N] ");
    std::io::stderr().flush()?;
    let mut answer = String::new();
    stdin.lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "Y" | "yes"))
}

/// A progress bar for so many steps, shown on a terminal when it takes longer than a second; `None`: it is not
/// known how many.
pub(crate) fn progress(what: &'static str, of: Option<u64>) -> ProgressBar {
    // indicatif draws on standard error, and only where that is a terminal.
    let bar = match of {
        Some(of) => ProgressBar::new(of),
        None => ProgressBar::new_spinner(),
    };
    let form = match of {
        Some(_) => "{msg} {wide_bar} {human_pos}/{human_len}, {per_sec}, {eta} left",
        None => "{spinner} {msg} {human_pos} ({elapsed})",
    };
    if let Ok(form) = ProgressStyle::with_template(form) {
        bar.set_style(form);
    }
    bar.set_message(what);
    if of.is_none() {
        bar.enable_steady_tick(Duration::from_millis(200));
    }
    bar
}

/// Whose a record is, where several companies are served.
pub(crate) fn of_company(company: impl std::fmt::Display, several: bool) -> String {
    match several {
        true => format!(" of company {company}"),
        false => String::new(),
    }
}
