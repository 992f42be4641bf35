//! `siagh-ingest`: settings, logging, listener, and then [`ingest::run()`]. Exit codes: 0 after a shutdown, 1 when it
//! can't go on, 2 when the settings are wrong.

use std::{net::Ipv4Addr, process::ExitCode};

use anyhow::Context as _;
use service::{
    doorbell::{RedisDoorbell, RedisOptions},
    process,
    settings::{ExposeSecret as _, Needs, Settings},
};
use tokio::net::{TcpListener, TcpSocket};
use tokio_util::sync::CancellationToken;

/// How many connections may wait to be accepted: what doesn't fit is delayed by a second or lost, and the CRM sends
/// its imports in bursts and nothing twice.
const BACKLOG: u32 = 1024;

fn main() -> ExitCode {
    process::run("siagh-ingest", Needs::DISTRIBUTED, serve)
}

async fn serve(settings: Settings, shutdown: CancellationToken) -> anyhow::Result<()> {
    let port = settings.http.port;
    let listener = listen(port).with_context(|| {
        format!("port {port} (PORT) can't be used: stop the program that has it, or set another PORT")
    })?;
    let doorbell = RedisDoorbell::connect(settings.redis()?.url.expose_secret(), &RedisOptions::default())?;
    ingest::run(&settings, listener, doorbell, shutdown).await
}

fn listen(port: u16) -> std::io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // On Windows this would let another process take the port over.
    #[cfg(not(windows))]
    socket.set_reuseaddr(true)?;
    socket.bind((Ipv4Addr::UNSPECIFIED, port).into())?;
    socket.listen(BACKLOG)
}
