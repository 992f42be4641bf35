//! The database: a pool of connections, the clock that its machines share, and what every operation needs of both.
//! The same statements run on PostgreSQL and SQLite.

use std::sync::Arc;

use chrono::{DateTime, SubsecRound, Utc};
use sea_orm::{
    DatabaseBackend, DatabaseConnection, DatabaseTransaction, DbErr, SqliteTransactionMode, Statement,
    TransactionOptions, TransactionTrait, Value as Sql,
};
use serde::Serialize;

use super::{StoreError, StoreResult};
use crate::clock::Clock;
use crate::company::{Companies, Company};
use crate::side::Side;

mod clock;
mod columns;
mod group;
mod pool;
mod trial;

use group::Groups;

pub use clock::DatabaseClock;
pub(super) use columns::{Column, plain, record, set, set_from, typed};
pub(super) use group::{Claiming, Intending, limit, one_by_one};
pub(super) use pool::{LONG, QUICK, in_time};
pub use pool::{Unreachable, connect, connect_to_migrate};

/// The store on a database, as one company's finance system is kept in it: codes of finance are that company's.
#[derive(Clone)]
pub struct SqlStore {
    db: DatabaseConnection,
    clock: Arc<dyn Clock>,
    aligned: Option<Arc<DatabaseClock>>,
    company: Company,
    served: Companies,
    groups: Arc<Groups>,
}

impl std::fmt::Debug for SqlStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SqlStore({:?})", self.db.get_database_backend())
    }
}

impl SqlStore {
    /// A store on that pool, with a clock set by the database's.
    ///
    /// # Errors
    /// The database's own, when it can't be asked for its time.
    pub async fn new(db: DatabaseConnection) -> StoreResult<Self> {
        let clock = Arc::new(DatabaseClock::default());
        let store = Self {
            db,
            clock: clock.clone(),
            aligned: Some(clock),
            company: Company::default(),
            served: Companies::default(),
            groups: Arc::default(),
        };
        store.align().await?;
        Ok(store)
    }

    /// A store that takes its time from `clock`, for tests.
    #[must_use]
    pub fn with_clock(db: DatabaseConnection, clock: Arc<dyn Clock>) -> Self {
        Self {
            db,
            clock,
            aligned: None,
            company: Company::default(),
            served: Companies::default(),
            groups: Arc::default(),
        }
    }

    /// The same of a deployment that serves these: as the first of them.
    #[must_use]
    pub fn serving(mut self, served: Companies) -> Self {
        self.company = served.first();
        self.served = served;
        self
    }

    /// The same as that company.
    #[must_use]
    pub fn of(&self, company: Company) -> Self {
        Self {
            company,
            ..self.clone()
        }
    }

    /// Whose codes are finance's here.
    #[must_use]
    pub fn company(&self) -> Company {
        self.company
    }

    /// All that are served.
    #[must_use]
    pub fn served(&self) -> &Companies {
        &self.served
    }

    /// The clock that leases are measured by.
    #[must_use]
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.clock.clone()
    }

    /// The pool, for queries of an operator's command.
    #[must_use]
    pub fn db(&self) -> &DatabaseConnection {
        &self.db
    }

    /// What is carried out together.
    pub(super) fn groups(&self) -> &Groups {
        &self.groups
    }

    /// A transaction that writes after it has read: on SQLite one that begins with reading is refused where another has
    /// written meanwhile.
    pub(super) async fn begin_to_write(&self) -> StoreResult<DatabaseTransaction> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        };
        Ok(self.db.begin_with_options(options).await?)
    }

    /// The present instant, as a column keeps it.
    pub(super) fn now(&self) -> DateTime<Utc> {
        micros(self.clock.now())
    }

    pub(super) fn is_postgres(&self) -> bool {
        self.db.get_database_backend() == DatabaseBackend::Postgres
    }

    /// Whether it is the first company's.
    pub(super) fn is_first(&self) -> bool {
        self.company == self.served.first()
    }

    /// How `"OutsideSystem"` names the company's finance system.
    pub(super) fn finance_system(&self) -> String {
        match self.is_first() {
            true => system(Side::Finance).to_owned(),
            false => format!("{}:{}", system(Side::Finance), self.company),
        }
    }

    /// How `"OutsideSystem"` names that system.
    pub(super) fn outside_system(&self, side: Side) -> String {
        match side {
            Side::Crm => system(side).to_owned(),
            Side::Finance => self.finance_system(),
        }
    }

    /// The `company` column.
    pub(super) fn label(&self) -> Sql {
        self.company.to_string().into()
    }

    /// That column where the CRM's rows stand too: it is one, and nobody's own.
    pub(super) fn label_on(&self, side: Side) -> Sql {
        match side {
            Side::Crm => "".into(),
            Side::Finance => self.label(),
        }
    }

    /// The condition that something is among what that statement finds, which is carried out once: PostgreSQL may otherwise
    /// carry it out row by row, or read a whole table for it.
    pub(super) fn among(&self, found: &str) -> String {
        match self.is_postgres() {
            true => format!("= ANY(ARRAY({found}))"),
            false => format!("IN ({found})"),
        }
    }

    pub(super) fn statement(&self, sql: &str, values: impl IntoIterator<Item = Sql>) -> Statement {
        Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)
    }

    /// A client span after OpenTelemetry's database conventions; never a statement or a value.
    pub(super) fn span(&self, operation: &'static str) -> tracing::Span {
        tracing::info_span!(
            "database",
            otel.name = operation,
            otel.kind = "client",
            db.system.name = if self.is_postgres() {
                "postgresql"
            } else {
                "sqlite"
            },
            db.operation.name = operation,
        )
    }
}

/// A time as columns keep it: PostgreSQL keeps microseconds, and no database of ours shows more.
pub(super) fn micros(at: DateTime<Utc>) -> DateTime<Utc> {
    at.trunc_subsecs(6)
}

/// A value as a JSON column keeps it.
pub(super) fn json(value: &impl Serialize) -> StoreResult<serde_json::Value> {
    Ok(serde_json::to_value(value).map_err(|error| DbErr::Json(error.to_string()))?)
}

/// What is written under a lease touches one row, or the lease was lost.
pub(super) fn fenced(done: &sea_orm::ExecResult) -> StoreResult<()> {
    match done.rows_affected() {
        1 => Ok(()),
        _ => Err(StoreError::Fenced),
    }
}

/// `CRM`, `FINANCE`: `SyncLog.sourceSystem`.
pub(super) fn system(side: Side) -> &'static str {
    match side {
        Side::Crm => "CRM",
        Side::Finance => "FINANCE",
    }
}

pub(super) fn side_of(system: &str) -> Side {
    if system == "CRM" { Side::Crm } else { Side::Finance }
}
