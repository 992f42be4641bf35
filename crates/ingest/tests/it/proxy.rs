//! A wire to a database that can be cut and mended.

use std::{net::SocketAddr, sync::Arc};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinHandle,
};

pub struct Proxy {
    pub address: SocketAddr,
    target: Arc<str>,
    running: Option<(JoinHandle<()>, watch::Sender<()>)>,
}

impl Proxy {
    /// Nobody listens there yet.
    pub async fn cut(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        Self {
            address: listener.local_addr().unwrap(),
            target: target.into(),
            running: None,
        }
    }

    pub async fn mend(&mut self) {
        let listener = TcpListener::bind(self.address).await.unwrap();
        let (alive, death) = watch::channel(());
        let target = self.target.clone();
        let task = tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (target, mut death) = (target.clone(), death.clone());
                tokio::spawn(async move {
                    let Ok(mut far) = TcpStream::connect(&*target).await else {
                        return;
                    };
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = death.changed() => {}
                    }
                });
            }
        });
        self.running = Some((task, alive));
    }

    pub async fn tear(&mut self) {
        if let Some((task, alive)) = self.running.take() {
            task.abort();
            let _ = task.await;
            drop(alive);
        }
    }
}
