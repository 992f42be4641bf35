//! `siaghsync`: the operator's command line, and the all-in-one mode.
//!
//! Exit codes: 0 done, 1 failed (says what and what to do), 2 wrong usage or settings.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command line speaks on the terminal"
)]

use std::process::ExitCode;

use clap::{Parser, Subcommand};
use service::settings::SettingsError;

mod commands;
mod demo;

/// Keeps a Payamgostar CRM and a Siagh finance system in step.
#[derive(Parser)]
#[command(name = "siaghsync", version, about, arg_required_else_help = true)]
#[command(
    after_help = "Settings come from the environment or .env (see .env.example).\n\
    Exit codes: 0 done, 1 failed, 2 wrong usage or settings, 3 drift (verify)."
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
    Serve,
    /// Creates the tables, or upgrades them to this version
    Migrate,
    /// Tells line by line what works (database, Redis, CRM, finance, webhooks) and what does not
    Check,
    /// Syncs one customer now, by its CRM id or finance code
    Sync(commands::sync::Arguments),
    /// Shows what a sync would change, and why, changing nothing
    Plan(commands::plan::Arguments),
    /// Compares both systems with what is known; exit code 3 when they differ
    Verify(commands::plan::Arguments),
    /// Shows the latest audit rows
    Log(commands::log::Arguments),
    /// Tries failed rows again
    Retry(commands::retry::Arguments),
    /// Lets the changes go on that the guard holds back
    Resume(commands::resume::Arguments),
    /// Tells the CRM our address, or shows whom it calls
    Webhooks(commands::webhooks::Arguments),
    /// Shows or drops what the guard holds back
    Guard(commands::guard::Arguments),
    /// The queue in front of the workers
    Queue(commands::queue::Arguments),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let result = match cli.command {
        Command::Demo(arguments) => demo::run(arguments),
        Command::Serve => return commands::serve::run(),
        Command::Migrate => commands::migrate::run(),
        Command::Check => commands::check::run(),
        Command::Sync(arguments) => commands::sync::run(arguments),
        Command::Plan(arguments) => commands::plan::plan(arguments),
        Command::Verify(arguments) => commands::plan::verify(arguments),
        Command::Log(arguments) => commands::log::run(arguments),
        Command::Retry(arguments) => commands::retry::run(arguments),
        Command::Resume(arguments) => commands::resume::run(arguments),
        Command::Webhooks(arguments) => commands::webhooks::run(arguments),
        Command::Guard(arguments) => commands::guard::run(arguments),
        Command::Queue(arguments) => commands::queue::run(arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => {
            eprintln!("siaghsync: {error:#}");
            ExitCode::from(if error.is::<SettingsError>() { 2 } else { 1 })
        }
    }
}
