//! `siaghsync`: the operator's command line, and the all-in-one mode.
//!
//! Exit codes: 0 done, 1 failed (says what and what to do), 2 wrong usage or settings, 3 drift (`verify`).
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on the terminal"
)]

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};
use service::settings::SettingsError;

mod commands;
mod demo;
#[cfg(test)]
mod messages;

/// Keeps a Payamgostar CRM and a Siagh finance system in step.
#[derive(Parser)]
#[command(name = "siaghsync", version, about, arg_required_else_help = true)]
#[command(
    after_help = "Settings come from the environment or .env (see .env.example).\n\
    Exit codes: 0 done, 1 failed (says what, and what to do), 2 wrong usage or settings, 3 drift (verify).\n\
    What was asked for goes to standard output, everything else to standard error. NO_COLOR=1: no colours."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Shows a sync of two simulated systems, on a throw-away SQLite file; needs nothing else
    Demo(demo::Arguments),
    /// Runs everything in one process: webhooks, workers, sweeper. No Redis; SQLite or PostgreSQL
    #[command(after_help = "Examples:
  siaghsync serve
  PORT=8080 RUST_LOG=info,worker=debug siaghsync serve
It ends by Ctrl-C or SIGTERM, when the syncs that run have ended; killing it loses nothing.
Exit codes: 0 done (it was told to end), 1 failed (the log says why), 2 wrong usage or settings.")]
    Serve,
    /// Creates the tables, or upgrades them to this version
    Migrate(commands::migrate::Arguments),
    /// Tells line by line what works (database, Redis, CRM, finance, clocks, webhooks), and what to do about the rest
    Check(commands::check::Arguments),
    /// Prints the hash of a password that FINANCE_PASSWORD takes; asks for it
    HashPassword(commands::hash_password::Arguments),
    /// Brings finance's contacts into the CRM, on the first day; shows a match report and asks first
    Import(commands::import::Arguments),
    /// Syncs one customer now, by its CRM id or finance code
    Sync(commands::sync::Arguments),
    /// Shows what a sync would change, and why, changing nothing
    Plan(commands::plan::Arguments),
    /// Compares both systems with what is known; exit code 3 when they differ
    Verify(commands::plan::Verify),
    /// Shows the latest audit rows
    Log(commands::log::Arguments),
    /// Tells the story of one sync, field by field
    Show(commands::show::Arguments),
    /// Tries failed rows again
    Retry(commands::retry::Arguments),
    /// Says what only a human can decide: whose value stands, or who is who
    Resolve(commands::resolve::Arguments),
    /// Lets the changes go on that the guard holds back
    Resume(commands::resume::Arguments),
    /// Tells the CRM our address, or shows whom it calls
    Webhooks(commands::webhooks::Arguments),
    /// Shows or drops what the guard holds back
    Guard(commands::guard::Arguments),
    /// The queue in front of the workers
    Queue(commands::queue::Arguments),
    /// Prints the completions for a shell
    Completions(commands::completions::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Serve => return commands::serve::run(),
        Command::Migrate(arguments) => commands::migrate::run(arguments),
        Command::Check(arguments) => commands::check::run(arguments),
        Command::HashPassword(arguments) => commands::hash_password::run(arguments),
        Command::Import(arguments) => commands::import::run(arguments),
        Command::Sync(arguments) => commands::sync::run(arguments),
        Command::Plan(arguments) => commands::plan::plan(arguments),
        Command::Verify(arguments) => commands::plan::verify(arguments),
        Command::Log(arguments) => commands::log::run(arguments),
        Command::Show(arguments) => commands::show::run(arguments),
        Command::Retry(arguments) => commands::retry::run(arguments),
        Command::Resolve(arguments) => commands::resolve::run(arguments),
        Command::Resume(arguments) => commands::resume::run(arguments),
        Command::Webhooks(arguments) => commands::webhooks::run(arguments),
        Command::Guard(arguments) => commands::guard::run(arguments),
        Command::Queue(arguments) => commands::queue::run(arguments),
        Command::Completions(arguments) => commands::completions::run(&arguments, Cli::command()),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("siaghsync: {}", commands::output::failure(&error));
            ExitCode::from(if error.is::<SettingsError>() { 2 } else { 1 })
        }
    }
}
