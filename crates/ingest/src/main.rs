//! `siagh-ingest`: settings, logging, listener, and then [`ingest::run()`]. Exit codes: 0 after a shutdown, 1 when it
//! can't go on, 2 when the settings are wrong.

use std::{net::Ipv4Addr, process::ExitCode};

use anyhow::Context as _;
use service::{
    crypto,
    doorbell::{RedisDoorbell, RedisOptions},
    metrics,
    settings::{ExposeSecret as _, Needs, Settings},
    shutdown, telemetry,
};
use tokio::net::{TcpListener, TcpSocket};
use tracing::error;

/// How many connections may wait to be accepted: what doesn't fit is delayed by a second or lost, and the CRM sends
/// its imports in bursts and nothing twice.
const BACKLOG: u32 = 1024;

#[expect(clippy::print_stderr, reason = "logging is not set up yet")]
fn main() -> ExitCode {
    let settings = match Settings::load(Needs::DISTRIBUTED) {
        Ok(settings) => settings,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    crypto::install();
    let guard = match telemetry::init("siagh-ingest", &settings.telemetry) {
        Ok(guard) => guard,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let result = serve(&settings);
    if let Err(error) = &result {
        error!("siagh-ingest stopped: {error:#}");
    }
    guard.shutdown();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

#[tokio::main]
async fn serve(settings: &Settings) -> anyhow::Result<()> {
    metrics::install()?;
    let port = settings.http.port;
    let listener = listen(port).with_context(|| {
        format!("port {port} (PORT) can't be used: stop the program that has it, or set another PORT")
    })?;
    let doorbell = RedisDoorbell::connect(settings.redis()?.url.expose_secret(), &RedisOptions::default())?;
    ingest::run(settings, listener, doorbell, shutdown::token()).await
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // On Windows this would let another process take the port over.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::UNSPECIFIED, port).into())?;
    socket.listen(BACKLOG)
}
