//! Where the queue is: the one server that an address names, or the node of a Redis Cluster that serves the
//! queue's slot at this moment. All keys of the queue are in one slot, so one node is all that is ever talked to;
//! each node of a cluster tells which one it is. Never prints an address.

use std::{sync::Arc, time::Duration};

use domain::ports::BellError;
use futures::future::select_ok;
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ErrorKind, IntoConnectionInfo as _, RedisError,
    RedisResult, aio::MultiplexedConnection,
};

/// How long a connection may take to be made, and how long one server may take to say where the queue is.
pub(super) const CONNECT: Duration = Duration::from_millis(800);

/// The addresses in `REDIS_URL`: one, or several nodes of one Redis Cluster.
///
/// # Errors
/// What is wrong with them, without quoting them.
pub fn addresses(text: &str) -> Result<Vec<Client>, String> {
    let parts = parts(text);
    let clients: Vec<Client> = parts
        .iter()
        .enumerate()
        .map(|(i, part)| {
            Client::open(part.as_str()).map_err(|_| match parts.len() {
                1 => "is not a Redis address".to_owned(),
                n => format!(
                    "holds {n} addresses, of which number {} is not a Redis address",
                    i + 1
                ),
            })
        })
        .collect::<Result<_, _>>()?;
    if clients.len() > 1 {
        for info in clients.iter().map(Client::get_connection_info) {
            if matches!(info.addr(), ConnectionAddr::Unix(_)) {
                return Err("holds several addresses, one of them a socket".to_owned());
            }
            if info.redis_settings().db() != 0 {
                return Err("names a database number, but a Redis Cluster has only database 0".to_owned());
            }
        }
    }
    Ok(clients)
}

/// Cut at the commas before an address; a password may hold others.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for piece in text.split(',') {
        match parts.last_mut() {
            Some(last) if !piece.contains("://") => {
                last.push(',');
                last.push_str(piece);
            }
            _ => parts.push(piece.trim().to_owned()),
        }
    }
    parts
}

/// The servers to ask, and one of the queue's keys to ask for.
#[derive(Debug, Clone)]
pub(super) struct Location {
    addresses: Arc<[Client]>,
    key: Arc<str>,
}

impl Location {
    /// Of the queue that has this key; the servers need not be up yet.
    pub(super) fn new(url: &str, key: &str) -> Result<Self, BellError> {
        crate::crypto::install();
        let addresses = addresses(url).map_err(|why| BellError::Unreachable(format!("REDIS_URL {why}")))?;
        Ok(Self {
            addresses: addresses.into(),
            key: key.into(),
        })
    }

    /// The server that holds the queue now, as the first says that answers.
    pub(super) async fn find(&self) -> RedisResult<Client> {
        let asked = self.addresses.iter().map(|client| Box::pin(self.ask(client)));
        let (found, _) = select_ok(asked).await?;
        Ok(found)
    }

    async fn ask(&self, client: &Client) -> RedisResult<Client> {
        let mut connection = connect(client, CONNECT).await?;
        if self.addresses.len() > 1 {
            // Two servers that know nothing of each other would be two queues.
            let mut member = redis::cmd("CLUSTER");
            member.arg("KEYSLOT").arg(&*self.key);
            member
                .query_async::<u16>(&mut connection)
                .await
                .map_err(no_cluster)?;
        }
        let here = redis::cmd("EXISTS")
            .arg(&*self.key)
            .query_async::<u8>(&mut connection)
            .await;
        match here {
            Ok(_) => Ok(client.clone()),
            Err(error) => match error.redirect_node() {
                Some((address, _)) => redirected(client, address),
                None => Err(error),
            },
        }
    }
}

/// A connection to this very server.
pub(super) async fn connect(client: &Client, answer: Duration) -> RedisResult<MultiplexedConnection> {
    let config = AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT))
        .set_response_timeout(Some(answer));
    client.get_multiplexed_async_connection_with_config(&config).await
}

/// The same, credentials and TLS included, at the `host:port` of a redirection; no host means the one that was asked.
fn redirected(asked: &Client, address: &str) -> RedisResult<Client> {
    let odd = || RedisError::from((ErrorKind::Parse, "a redirection without a port"));
    let (host, port) = address.rsplit_once(':').ok_or_else(odd)?;
    let port = port.parse().map_err(|_| odd())?;
    let info = asked.get_connection_info().clone();
    let host = |asked: &str| if host.is_empty() { asked } else { host }.to_owned();
    let addr = match info.addr().clone() {
        ConnectionAddr::TcpTls {
            host: asked,
            insecure,
            tls_params,
            ..
        } => ConnectionAddr::TcpTls {
            host: host(&asked),
            port,
            insecure,
            tls_params,
        },
        ConnectionAddr::Tcp(asked, _) => ConnectionAddr::Tcp(host(&asked), port),
        _ => ConnectionAddr::Tcp(host("localhost"), port),
    };
    Client::open(info.set_addr(addr).into_connection_info()?)
}

fn no_cluster(error: RedisError) -> RedisError {
    if error.is_io_error() {
        return error;
    }
    let why = "REDIS_URL has several addresses, which are for the nodes of a Redis Cluster; this server says";
    RedisError::from((ErrorKind::InvalidClientConfig, why, error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_addresses_are_cut_where_an_address_begins() {
        let three = "redis://:a,b@h1:1, rediss://h2:2,redis://h3";
        assert_eq!(parts(three), ["redis://:a,b@h1:1", "rediss://h2:2", "redis://h3"]);
        assert_eq!(parts("redis://:p,w@h/2"), ["redis://:p,w@h/2"]);
        assert_eq!(addresses(three).unwrap().len(), 3);
        for (bad, why) in [
            ("redis://h1:1,redis://h2:x", "number 2"),
            ("redis://h1:1,h2:2", "is not a Redis address"),
            ("redis://h1,unix:///tmp/s", "socket"),
            ("redis://h1,redis://h2/3", "database 0"),
        ] {
            let error = addresses(bad).unwrap_err();
            assert!(error.contains(why), "{bad}: {error}");
        }
    }

    #[test]
    fn a_redirection_keeps_the_credentials_and_the_way_of_speaking() {
        let asked = Client::open("rediss://user:pw@h1:1").unwrap();
        let found = redirected(&asked, "10.0.0.7:7001").unwrap();
        let info = found.get_connection_info();
        assert_eq!(info.addr().to_string(), "10.0.0.7:7001");
        assert!(matches!(info.addr(), ConnectionAddr::TcpTls { .. }));
        assert_eq!(info.redis_settings().password(), Some("pw"));
        let same_host = redirected(&asked, ":7002").unwrap();
        assert_eq!(same_host.get_connection_info().addr().to_string(), "h1:7002");
        let v6 = redirected(&asked, "::1:7003").unwrap();
        assert_eq!(v6.get_connection_info().addr().to_string(), "::1:7003");
        assert!(redirected(&asked, "nowhere").is_err());
    }
}
