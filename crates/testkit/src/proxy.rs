//! A wire to a server that can be cut, mended, and made to hang.
#![allow(clippy::unwrap_used, reason = "test support may fail")]

use std::{io, net::SocketAddr, sync::Arc};

use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

use crate::port;

/// The wire; torn when it is dropped.
#[derive(Debug)]
pub struct Proxy {
    /// Where it listens while it is whole.
    pub address: SocketAddr,
    target: Arc<str>,
    running: Option<(JoinHandle<()>, watch::Sender<()>)>,
    /// Connections with a number below this hang: nothing is carried, nothing is closed.
    hanging: watch::Sender<u64>,
    count: Arc<std::sync::atomic::AtomicU64>,
}

impl Proxy {
    /// A wire to `host:port`; nobody listens there yet.
    #[must_use]
    pub fn cut(target: &str) -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], port::free())),
            target: target.into(),
            running: None,
            hanging: watch::Sender::new(0),
            count: Arc::default(),
        }
    }

    /// Carries connections from now on.
    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (alive, death) = watch::channel(());
        let (target, hanging, count) = (self.target.clone(), self.hanging.clone(), self.count.clone());
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (target, mut death) = (target.clone(), death.clone());
                let hanging = hanging.subscribe();
                let number = count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                tokio::spawn(async move {
                    let Ok(far) = TcpStream::connect(&*target).await else {
                        return;
                    };
                    tokio::select! {
                        _ = carry(near, far, number, hanging) => {}
                        _ = death.changed() => {}
                    }
                });
            }
        });
        self.running = Some((task, alive));
    }

    /// Closes all connections and listens no more.
    pub async fn tear(&mut self) {
        if let Some((task, alive)) = self.running.take() {
            task.abort();
            let _ = task.await;
            drop(alive);
        }
    }

    /// All connections hang from now on, new ones included.
    pub fn hang(&self) {
        self.hanging.send_replace(u64::MAX);
    }

    /// New connections are carried again; those that hung until now do so for ever, as after a failover to another
    /// machine.
    pub fn forget(&self) {
        let count = self.count.load(std::sync::atomic::Ordering::SeqCst);
        self.hanging.send_replace(count);
    }

    /// All connections go on where they hung.
    pub fn release(&self) {
        self.hanging.send_replace(0);
    }
}

async fn carry(
    near: TcpStream,
    far: TcpStream,
    number: u64,
    hanging: watch::Receiver<u64>,
) -> io::Result<()> {
    let (near_read, near_write) = near.into_split();
    let (far_read, far_write) = far.into_split();
    tokio::try_join!(
        pump(near_read, far_write, number, hanging.clone()),
        pump(far_read, near_write, number, hanging)
    )?;
    Ok(())
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    number: u64,
    mut hanging: watch::Receiver<u64>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 << 10];
    loop {
        if hanging.wait_for(|below| number >= *below).await.is_err() {
            return Ok(());
        }
        let bytes = tokio::select! {
            biased;
            _ = hanging.wait_for(|below| number < *below) => continue,
            bytes = from.read(&mut buffer) => bytes?,
        };
        if bytes == 0 {
            return to.shutdown().await;
        }
        to.write_all(&buffer[..bytes]).await?;
    }
}
