//! Listening sockets whose connections can be cut from inside a request: the only honest way to
//! show a client a broken connection.

use std::{
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, Ordering},
    },
    task::{Context, Poll, Waker},
    time::Duration,
};

use axum::{
    Router,
    extract::connect_info::Connected,
    serve::{IncomingStream, Listener},
};
use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// Cuts one connection: every later read or write on it fails, so that the server drops the socket.
#[derive(Clone, Debug, Default)]
pub(crate) struct KillSwitch(Arc<Kill>);

#[derive(Debug, Default)]
struct Kill {
    dead: AtomicBool,
    reader: Mutex<Option<Waker>>,
}

impl KillSwitch {
    pub(crate) fn kill(&self) {
        self.0.kill();
    }
}

impl Kill {
    fn kill(&self) {
        self.dead.store(true, Ordering::SeqCst);
        let waker = self.reader.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn check(&self) -> io::Result<()> {
        if self.dead.load(Ordering::SeqCst) {
            return Err(io::ErrorKind::ConnectionAborted.into());
        }
        Ok(())
    }
}

/// Who is at the other end, and the switch that hangs up on them.
#[derive(Clone, Debug)]
pub(crate) struct Peer {
    pub(crate) addr: SocketAddr,
    pub(crate) switch: KillSwitch,
}

impl Connected<IncomingStream<'_, CuttableListener>> for Peer {
    fn connect_info(stream: IncomingStream<'_, CuttableListener>) -> Self {
        stream.remote_addr().clone()
    }
}

/// A TCP stream that obeys its [`KillSwitch`].
#[derive(Debug)]
pub(crate) struct CuttableStream {
    stream: TcpStream,
    kill: Arc<Kill>,
}

impl AsyncRead for CuttableStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        {
            let mut reader = self.kill.reader.lock().unwrap_or_else(PoisonError::into_inner);
            match &*reader {
                Some(waker) if waker.will_wake(cx.waker()) => {}
                _ => *reader = Some(cx.waker().clone()),
            }
        }
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for CuttableStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.kill.check()?;
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

type Connections = Arc<Mutex<Vec<Weak<Kill>>>>;

/// Accepts connections and remembers them, so that all can be cut at once.
#[derive(Debug)]
pub(crate) struct CuttableListener {
    listener: TcpListener,
    local: SocketAddr,
    connections: Connections,
}

impl Listener for CuttableListener {
    type Io = CuttableStream;
    type Addr = Peer;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            match self.listener.accept().await {
                Ok((stream, addr)) => return self.admit(stream, addr),
                Err(error) => {
                    tracing::warn!(%error, "accept failed");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(Peer {
            addr: self.local,
            switch: KillSwitch::default(),
        })
    }
}

impl CuttableListener {
    fn admit(&self, stream: TcpStream, addr: SocketAddr) -> (CuttableStream, Peer) {
        // Answers are small: waiting for more bytes to send only adds 40 ms.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "set_nodelay failed");
        }
        let switch = KillSwitch::default();
        let kill = Arc::clone(&switch.0);
        let mut connections = self.connections.lock().unwrap_or_else(PoisonError::into_inner);
        if connections.len() >= 256 {
            connections.retain(|known| known.strong_count() > 0);
        }
        connections.push(Arc::downgrade(&kill));
        (CuttableStream { stream, kill }, Peer { addr, switch })
    }
}

/// A running HTTP server. It ends, with all of its connections, when it is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    connections: Connections,
    task: JoinHandle<()>,
}

impl Server {
    pub(crate) async fn start(addr: SocketAddr, router: Router) -> io::Result<Self> {
        let listener = TcpListener::bind(addr).await?;
        let addr = listener.local_addr()?;
        let connections = Connections::default();
        let listener = CuttableListener {
            listener,
            local: addr,
            connections: Arc::clone(&connections),
        };
        let service = router.into_make_service_with_connect_info::<Peer>();
        let task = tokio::spawn(async move {
            if let Err(error) = axum::serve(listener, service).await {
                tracing::error!(%error, "server ended");
            }
        });
        Ok(Self {
            addr,
            connections,
            task,
        })
    }

    /// Cuts every open connection; new ones are still accepted.
    pub(crate) fn cut_all(&self) {
        let connections =
            std::mem::take(&mut *self.connections.lock().unwrap_or_else(PoisonError::into_inner));
        for kill in connections.iter().filter_map(Weak::upgrade) {
            kill.kill();
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
        self.cut_all();
    }
}
