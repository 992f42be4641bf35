//! Connections, and how long anyone waits for the database.
//!
//! A connection may be forgotten by whatever stands between (a firewall, a failover): no answer comes on it, and no end.
//! So every call of the store has its time, no connection that has rested is taken from the pool unheard, and none is put
//! back that owes an answer.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::sqlx::postgres::PgPoolOptions;
use sea_orm::sqlx::{AssertSqlSafe, Connection as _, Error as Sqlx, Executor as _, PgConnection};
use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr, RuntimeErr};

use crate::store::words::{self, words};
use crate::store::{StoreError, StoreResult};

/// What belongs to one run has this time: a lease hardly lives longer.
pub(in crate::store) const QUICK: Duration = Duration::from_secs(20);
/// What goes through many rows has this.
pub(in crate::store) const LONG: Duration = Duration::from_secs(120);
/// A connection that does not answer within this is given up.
const PING: Duration = Duration::from_secs(2);
/// A connection that was used within this is taken without asking.
const FRESH: Duration = Duration::from_secs(1);

/// Waits so long for the database, and no longer. What was cut off may have been carried out. What was wholly undone, as one
/// of two transactions that had waited for each other, is done again.
pub(in crate::store) async fn in_time<T, F>(limit: Duration, work: impl Fn() -> F + Send) -> StoreResult<T>
where
    F: Future<Output = StoreResult<T>> + Send,
{
    let undone =
        |done: &StoreResult<T>| matches!(done, Err(StoreError::Database(error)) if words::is_undone(error));
    let done = async {
        loop {
            let done = work().await;
            if !undone(&done) {
                return done;
            }
            tracing::debug!("a transaction was undone for another's sake; it is done again");
        }
    };
    tokio::time::timeout(limit, done).await.unwrap_or_else(|_| {
        let why = format!("it did not answer within {} s", limit.as_secs());
        Err(StoreError::Database(DbErr::Conn(RuntimeErr::Internal(why))))
    })
}

/// A database that can't be reached, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Unreachable(String);

/// Opens a pool on `postgres://…` or `sqlite://…`; at most `connections`.
///
/// # Errors
/// When it can't be reached or the address is not understood.
pub async fn connect(url: &str, connections: u32) -> Result<DatabaseConnection, Unreachable> {
    open(url, connections, &format!("{SESSION}; {HURRIED}")).await
}

/// [`connect`] for whoever changes the tables, and waits for those that are at work on them as long as it takes.
///
/// # Errors
/// As [`connect`].
pub async fn connect_to_migrate(url: &str) -> Result<DatabaseConnection, Unreachable> {
    open(url, 2, SESSION).await
}

async fn open(url: &str, connections: u32, session: &str) -> Result<DatabaseConnection, Unreachable> {
    let session: Arc<str> = session.into();
    let sqlite = url.starts_with("sqlite:");
    let mut options = ConnectOptions::new(url.to_owned());
    options
        .max_connections(connections)
        .min_connections(1)
        .connect_timeout(Duration::from_secs(5))
        .acquire_timeout(Duration::from_secs(5))
        .map_sqlx_postgres_pool_opts(move |options| tested(options, session.clone()))
        .sqlx_logging(false);
    if sqlite {
        options.map_sqlx_sqlite_opts(|sqlite| {
            use sea_orm::sqlx::sqlite::{SqliteJournalMode, SqliteSynchronous};
            sqlite
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                // A row must survive a power cut once it was acknowledged.
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(Duration::from_secs(10))
        });
    }
    match Database::connect(options).await {
        Ok(db) => Ok(db),
        Err(error) => Err(Unreachable(why(&error, url).await)),
    }
}

/// A pool tries again until its time is up and then says only that; one connection says why.
async fn why(error: &DbErr, url: &str) -> String {
    if words::is_time_out(error) && !url.starts_with("sqlite:") {
        let tried = tokio::time::timeout(Duration::from_secs(2), PgConnection::connect(url));
        if let Ok(Err(error)) = tried.await {
            return words::of_library(&error);
        }
    }
    words(error)
}

/// The server's side of it: a session that was forgotten in the middle of a transaction must not keep its locks until
/// TCP gives up, hours later. No transaction of ours pauses for seconds.
const SESSION: &str = "SET idle_in_transaction_session_timeout = '15s'; SET tcp_keepalives_idle = 60; \
                       SET tcp_keepalives_interval = 10; SET tcp_keepalives_count = 3";

/// Those that are carried out together don't wait for the lock that one of them needs: they are undone, and done one by one,
/// that one again and again until its time is over. And what a service asks for is found by an index: a plan that was made
/// while the tables were new, and is kept, must not read all of them once they are large.
const HURRIED: &str = "SET lock_timeout = '2s'; SET enable_seqscan = off; SET jit = off";

/// The pool's own tests of a connection wait for as long as it takes, and each costs a round trip. A connection that was
/// used a moment ago is as good as one that was asked; of one that is put back with an answer outstanding, the answer is
/// awaited.
fn tested(options: PgPoolOptions, session: Arc<str>) -> PgPoolOptions {
    async fn answers(answer: impl Future<Output = Result<(), Sqlx>>) -> Result<bool, Sqlx> {
        match tokio::time::timeout(PING, answer).await {
            Ok(answer) => answer.map(|()| true),
            Err(_) => Err(Sqlx::Io(std::io::ErrorKind::TimedOut.into())),
        }
    }
    options
        .after_connect(move |connection, _| {
            let session = session.clone();
            Box::pin(async move { connection.execute(AssertSqlSafe(session)).await.map(drop) })
        })
        .test_before_acquire(false)
        .before_acquire(|connection, meta| {
            Box::pin(async move {
                match meta.idle_for < FRESH {
                    true => Ok(true),
                    false => answers(connection.ping()).await,
                }
            })
        })
        .after_release(|connection, _| Box::pin(answers(connection.flush())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn nobody_waits_for_ever() {
        let never = in_time(Duration::from_millis(1), std::future::pending::<StoreResult<()>>).await;
        let why = never.map_err(|error| error.to_string());
        assert!(
            why.as_ref()
                .is_err_and(|why| why.contains("did not answer within")),
            "{why:?}"
        );
        assert!(in_time(QUICK, || async { Ok(1) }).await.is_ok_and(|one| one == 1));
    }
}
