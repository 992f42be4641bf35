//! Services that run on while their tables change keep statements prepared on their connections; PostgreSQL refuses one
//! for good whose `*` has come to mean more columns ("cached plan must not change result type"). So their idle
//! connections are ended: a pool notices, and opens new ones.
//!
//! (SQLite's driver, sqlx 0.9, fails on such a statement, too; there is one process there, and it is stopped for the
//! upgrade.)
//!
//! Never one that is at work: what it does is done first. Best effort: a user that may not end sessions has to restart
//! its services.

use std::time::Duration;

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DatabaseBackend, DatabaseConnection, Statement};

/// How often, and how far apart, busy connections are looked at again.
const LOOKS: u32 = 20;
const APART: Duration = Duration::from_millis(100);

/// Ends those that are older than the tables, and counts those that are still at work.
const SQL: &str = r#"
    WITH old AS (SELECT pid, state = 'idle' AS idle FROM pg_stat_activity
                 WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
                   AND backend_type = 'client backend' AND backend_start <= CAST($1 AS timestamptz))
    SELECT COUNT(*) FILTER (WHERE NOT idle) AS busy, COUNT(pg_terminate_backend(pid)) FILTER (WHERE idle) AS ended
    FROM old"#;

pub(crate) async fn renew(db: &DatabaseConnection) {
    if db.get_database_backend() != DatabaseBackend::Postgres {
        return;
    }
    let now = Statement::from_string(
        DatabaseBackend::Postgres,
        "SELECT CAST(clock_timestamp() AS text) AS now",
    );
    let Ok(Some(row)) = db.query_one_raw(now).await else {
        return;
    };
    let Ok(now) = row.try_get::<String>("", "now") else {
        return;
    };
    for look in 0..LOOKS {
        let sql = Statement::from_sql_and_values(DatabaseBackend::Postgres, SQL, [now.clone().into()]);
        let busy = match db.query_one_raw(sql).await {
            Ok(Some(row)) => row.try_get::<i64>("", "busy").unwrap_or(0),
            _ => return,
        };
        if busy == 0 || look + 1 == LOOKS {
            break;
        }
        tokio::time::sleep(APART).await;
    }
    // Its own others are among them: each is found out when it is used.
    for _ in 0..db.get_postgres_connection_pool().size() {
        let _ = db.ping().await;
    }
}
