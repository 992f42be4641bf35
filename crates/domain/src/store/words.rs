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

/// Whether it was not there, or went away before it had answered.
pub(super) fn is_away(error: &DbErr) -> bool {
    match error {
        DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => true,
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
            matches!(**inner, Sqlx::Io(_) | Sqlx::PoolTimedOut | Sqlx::PoolClosed)
        }
        _ => false,
    }
}

/// Whether PostgreSQL has undone a whole transaction, for the sake of one that it had waited for (a deadlock, an order in
/// which the two can't both have been carried out, a lock that it did not get in time), or has ended the session before.
pub(super) fn is_undone(error: &DbErr) -> bool {
    code(error).is_some_and(|code| matches!(&*code, "40P01" | "40001" | "55P03" | "57P01"))
}

fn code(error: &DbErr) -> Option<std::borrow::Cow<'_, str>> {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner)) => {
            inner.as_database_error().and_then(|error| error.code())
        }
        _ => None,
    }
}

/// Whether it refuses a value: too long, no text of its encoding, beyond its range.
pub(super) fn is_about_the_data(error: &DbErr) -> bool {
    match error {
        DbErr::Exec(RuntimeErr::SqlxError(inner)) | DbErr::Query(RuntimeErr::SqlxError(inner))
            if matches!(**inner, Sqlx::Encode(_)) =>
        {
            true
        }
        DbErr::Json(_) => true,
        other => code(other).is_some_and(|code| refuses_a_value(&code)),
    }
}

/// PostgreSQL: class 22 (data exceptions: too long, no text, out of range), what an index or a row can't hold, `NOT NULL`,
/// `CHECK`. SQLite: too big, another type, `CHECK`, `NOT NULL`.
fn refuses_a_value(code: &str) -> bool {
    match code.len() {
        5 => code.starts_with("22") || matches!(code, "54000" | "23502" | "23514"),
        _ => matches!(code, "18" | "20" | "275" | "1299"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_that_is_refused_is_told_from_a_database_that_is_away() {
        for (code, of_data) in [
            ("22P05", true),
            ("22001", true),
            ("54000", true),
            ("18", true),
            ("40001", false),
            ("53300", false),
            ("57P01", false),
            ("25006", false),
            ("23505", false),
            ("5", false),
            ("13", false),
        ] {
            assert_eq!(refuses_a_value(code), of_data, "{code}");
        }
        let away = DbErr::Conn(RuntimeErr::Internal("it did not answer".to_owned()));
        assert!(!is_about_the_data(&away));
    }
}
