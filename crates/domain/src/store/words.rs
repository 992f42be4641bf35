//! The database's errors as people should read them: in the server's own words, said once, without the library's layers.

use sea_orm::sqlx::Error as Sqlx;
use sea_orm::{ConnAcquireErr, DbErr, RuntimeErr};

/// What the database says.
#[must_use]
pub fn words(error: &DbErr) -> String {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(inner))
        | DbErr::Exec(RuntimeErr::SqlxError(inner))
        | DbErr::Query(RuntimeErr::SqlxError(inner)) => of_library(inner),
        DbErr::ConnectionAcquire(ConnAcquireErr::Timeout) => TIMED_OUT.to_owned(),
        other => other.to_string(),
    }
}

const TIMED_OUT: &str = "it gave no connection in time (it is down, or has too many already)";

pub(super) fn of_library(error: &Sqlx) -> String {
    match error {
        // Its own text adds a line number of the server's source.
        Sqlx::Database(error) => error.message().to_owned(),
        Sqlx::Io(error) => error.to_string(),
        Sqlx::PoolTimedOut => TIMED_OUT.to_owned(),
        other => other.to_string(),
    }
}

/// Whether it only says that a pool had no connection to give.
pub(super) fn is_time_out(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(RuntimeErr::SqlxError(inner)) => matches!(**inner, Sqlx::PoolTimedOut),
        DbErr::ConnectionAcquire(_) => true,
        _ => false,
    }
}
