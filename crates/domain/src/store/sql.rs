//! The store on PostgreSQL or SQLite, by SeaORM. The same statements run on both.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{OnConflict, Query};
use sea_orm::{
    ActiveEnum, ConnectionTrait, DatabaseConnection, DbErr, EntityTrait, FromQueryResult, QueryTrait, SqlErr,
    Statement, TransactionTrait, Value as Sql,
};
use tracing::Instrument as _;
use uuid::Uuid;

use super::entities::{link, log};
use super::{
    Backlog, Claim, Commit, EntityRef, Event, Holder, Intended, LastRun, Lease, Link, LinkState, Stats,
    Store, StoreError, StoreResult, Work,
};
use crate::clock::{Clock, SystemClock};
use crate::ports::{Ring, Side};

mod claim;
mod commit;
mod lock;
mod pool;
mod prune;
mod rows;
mod sweep;
mod trial;

pub(crate) use pool::{LONG, QUICK, in_time};
pub use pool::{Unreachable, connect};
pub use rows::link as link_of;

/// The machine's clock, set by the database's: leases of workers on machines with different clocks agree.
#[derive(Debug, Default)]
pub struct DatabaseClock {
    offset_micros: AtomicI64,
}

impl Clock for DatabaseClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + chrono::Duration::microseconds(self.offset_micros.load(Ordering::Relaxed))
    }

    fn monotonic(&self) -> Duration {
        SystemClock.monotonic()
    }
}

/// The store on a database.
#[derive(Clone)]
pub struct SqlStore {
    db: DatabaseConnection,
    clock: Arc<dyn Clock>,
    aligned: Option<Arc<DatabaseClock>>,
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
        }
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

    /// Sets the clock by the database's. SQLite has this machine's.
    async fn align(&self) -> StoreResult<()> {
        let Some(clock) = &self.aligned else { return Ok(()) };
        let before = SystemClock.now();
        let theirs = self.server_time().await?;
        let after = SystemClock.now();
        if let Some(theirs) = theirs {
            // The answer took a while: within that the two clocks are the same, and processes of one machine, whose
            // questions take different whiles, stay on its clock.
            let error = (after - before) / 2;
            let offset = theirs - (before + error);
            let offset = if offset.abs() <= error + chrono::Duration::milliseconds(1) {
                chrono::Duration::zero()
            } else {
                offset
            };
            clock
                .offset_micros
                .store(offset.num_microseconds().unwrap_or(0), Ordering::Relaxed);
        }
        Ok(())
    }

    fn statement<const N: usize>(&self, sql: &str, values: [Sql; N]) -> Statement {
        Statement::from_sql_and_values(self.db.get_database_backend(), sql, values)
    }
}

/// `CRM`, `FINANCE`: `SyncLog.sourceSystem`.
pub(crate) fn system(side: Side) -> &'static str {
    match side {
        Side::Crm => "CRM",
        Side::Finance => "FINANCE",
    }
}

pub(crate) fn side_of(system: &str) -> Side {
    if system == "CRM" { Side::Crm } else { Side::Finance }
}

/// `SyncLog.direction` of something heard on `side`.
pub(crate) fn direction(side: Side) -> &'static str {
    match side {
        Side::Crm => "CRM_TO_FINANCE",
        Side::Finance => "FINANCE_TO_CRM",
    }
}

/// The column of `EntityMapping` that holds that side's id.
fn id_column(side: Side) -> &'static str {
    match side {
        Side::Crm => "crmId",
        Side::Finance => "financeId",
    }
}

/// How the message of a conflict begins that a link has settled.
pub(super) fn settled_by_link(entity: &EntityRef) -> String {
    format!("settled when {} {} was linked: ", entity.side, entity.id)
}

/// A `DbErr` that says "there is one already" names which id.
fn elsewhere(error: DbErr, side: Side, id: &str) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::LinkedElsewhere {
            side,
            id: id.to_owned(),
        },
        _ => error.into(),
    }
}

#[async_trait]
impl Store for SqlStore {
    async fn enqueue(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        in_time(QUICK, self.enqueue_events(events)).await
    }

    async fn claim(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        let claim = self.claim_row(row, owner, lease);
        in_time(QUICK, claim.instrument(self.span("claim"))).await
    }

    async fn intend(&self, lease: &Lease, intended: Intended<'_>, duration: Duration) -> StoreResult<()> {
        in_time(QUICK, self.intend_writes(lease, intended, duration)).await
    }

    async fn find_link(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        in_time(QUICK, self.link_with(entity)).await
    }

    async fn last_run(&self, link: Uuid) -> StoreResult<Option<LastRun>> {
        in_time(QUICK, self.last_run_of(link)).await
    }

    async fn lock(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        in_time(QUICK, self.lock_keys(lease, keys)).await
    }

    async fn link(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        in_time(QUICK, self.link_entity(lease, entity, &[LinkState::New])).await
    }

    async fn take_over(&self, lease: &Lease, entity: &EntityRef) -> StoreResult<()> {
        let states = [LinkState::New, LinkState::Conflict, LinkState::Closed];
        in_time(QUICK, self.link_entity(lease, entity, &states)).await
    }

    async fn commit(&self, work: &Work, commit: &Commit) -> StoreResult<Option<Ring>> {
        let commit = self.commit_run(work, commit);
        in_time(QUICK, commit.instrument(self.span("commit"))).await
    }

    async fn release(&self, work: &Work) -> StoreResult<()> {
        in_time(QUICK, self.release_run(work)).await
    }

    async fn sweep(&self, limit: u64, quiet_for: Duration) -> StoreResult<Vec<Ring>> {
        in_time(QUICK, self.align()).await?;
        in_time(QUICK, self.sweep_rows(limit, quiet_for)).await
    }

    async fn retry(&self, row: Option<Uuid>) -> StoreResult<u64> {
        in_time(LONG, self.retry_rows(row)).await
    }

    async fn prune(&self, older_than: Duration, limit: u64) -> StoreResult<u64> {
        in_time(LONG, self.prune_rows(older_than, limit)).await
    }

    async fn stats(&self) -> StoreResult<Stats> {
        in_time(LONG, self.row_stats()).await
    }

    async fn backlog(&self) -> StoreResult<Backlog> {
        in_time(LONG, self.row_backlog()).await
    }

    async fn ping(&self) -> StoreResult<()> {
        // A standby, a disk that was full, an upgrade under way: it answers, and nothing can be written.
        let sql = match self.db.get_database_backend() {
            sea_orm::DatabaseBackend::Postgres => {
                "SELECT current_setting('transaction_read_only') = 'on' AS \"read_only\""
            }
            _ => "SELECT 0 AS \"read_only\"",
        };
        in_time(QUICK, async {
            let row = self.db.query_one_raw(self.statement(sql, [])).await?;
            if row.map(|row| row.try_get("", "read_only")).transpose()? == Some(true) {
                return Err(DbErr::Custom("it takes no writes (read-only)".to_owned()).into());
            }
            Ok(())
        })
        .await
    }
}

impl SqlStore {
    async fn enqueue_events(&self, events: &[Event]) -> StoreResult<Vec<bool>> {
        if events.is_empty() {
            return Ok(Vec::new());
        }
        let now = self.clock.now();
        let mut insert = log::Entity::insert_many(events.iter().map(|event| rows::pending(event, now)));
        let insert = insert
            .query()
            // Whatever is there already: the event's key, or the row itself when only its answer was lost.
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .returning(Query::returning().column(log::Column::Id));
        let mut written = std::collections::HashSet::with_capacity(events.len());
        for row in self.db.query_all(insert).instrument(self.span("hear")).await? {
            written.insert(row.try_get::<Uuid>("", "id")?);
        }
        Ok(events.iter().map(|event| written.contains(&event.row)).collect())
    }

    async fn intend_writes(
        &self,
        lease: &Lease,
        intended: Intended<'_>,
        duration: Duration,
    ) -> StoreResult<()> {
        let now = self.clock.now();
        let sql = r#"UPDATE "EntityMapping" SET "inFlight" = $1, "leaseUntil" = $2, "updatedAt" = $3,
                            "base" = COALESCE($6, "base")
                     WHERE "id" = $4 AND "leaseToken" = $5 AND "leaseUntil" > $3"#;
        let in_flight = (!intended.in_flight.is_empty())
            .then(|| rows::json(intended.in_flight))
            .transpose()?;
        let base = intended.base.map(rows::json).transpose()?;
        let values = [
            in_flight.into(),
            (now + duration).into(),
            now.into(),
            lease.link.into(),
            lease.token.into(),
            base.into(),
        ];
        let intended = self.db.execute_raw(self.statement(sql, values));
        if intended.instrument(self.span("intend")).await?.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Fenced)
        }
    }

    async fn link_with(&self, entity: &EntityRef) -> StoreResult<Option<Link>> {
        let sql = format!(
            r#"SELECT * FROM "EntityMapping" WHERE "entityType" = $1 AND "{}" = $2"#,
            id_column(entity.side)
        );
        let values = [entity.entity_type.to_value().into(), entity.id.clone().into()];
        let model = self.link_from(&self.db, self.statement(&sql, values)).await?;
        model.map(rows::link).transpose()
    }

    async fn last_run_of(&self, link: Uuid) -> StoreResult<Option<LastRun>> {
        let sql = r#"SELECT "id", "status", "errorMessage" FROM "SyncLog"
                     WHERE "entityMappingId" = $1 AND "status" NOT IN ('PENDING', 'IN_PROGRESS')
                       AND NOT ("status" = 'SKIPPED' AND COALESCE("errorMessage", '') LIKE 'covered by %')
                     ORDER BY "completedAt" DESC, CASE WHEN "status" = 'FAILED' THEN 0 ELSE 1 END, "id" DESC LIMIT 1"#;
        let row = self.db.query_one_raw(self.statement(sql, [link.into()])).await?;
        row.map(|row| {
            Ok(LastRun {
                row: row.try_get("", "id")?,
                status: row.try_get("", "status")?,
                message: row.try_get("", "errorMessage")?,
            })
        })
        .transpose()
    }

    /// A client span after OpenTelemetry's database conventions; never a statement or a value.
    fn span(&self, operation: &'static str) -> tracing::Span {
        let system = match self.db.get_database_backend() {
            sea_orm::DatabaseBackend::Postgres => "postgresql",
            _ => "sqlite",
        };
        tracing::info_span!(
            "database",
            otel.name = operation,
            otel.kind = "client",
            db.system.name = system,
            db.operation.name = operation,
        )
    }

    /// Makes the id part of the link; a half in one of `states` that has it is absorbed.
    async fn link_entity(&self, lease: &Lease, entity: &EntityRef, states: &[LinkState]) -> StoreResult<()> {
        let tx = self.db.begin().await?;
        self.absorb_half(&tx, lease.link, entity, states).await?;
        let column = id_column(entity.side);
        if states.contains(&LinkState::Closed) {
            let sql = format!(
                r#"UPDATE "EntityMapping" SET "{column}" = NULL, "updatedAt" = $1
                   WHERE "entityType" = $2 AND "{column}" = $3 AND "id" <> $4 AND "state" = 'CLOSED'
                     AND ("leaseUntil" IS NULL OR "leaseUntil" <= $1)"#
            );
            let values = [
                self.clock.now().into(),
                entity.entity_type.to_value().into(),
                entity.id.clone().into(),
                lease.link.into(),
            ];
            tx.execute_raw(self.statement(&sql, values)).await?;
        }
        let sql = format!(
            r#"UPDATE "EntityMapping" SET "{column}" = $1, "updatedAt" = $2,
                   "state" = CASE WHEN "state" = 'NEW' THEN 'ACTIVE' ELSE "state" END
               WHERE "id" = $3 AND "leaseToken" = $4 AND "leaseUntil" > $2"#
        );
        let values = [
            entity.id.clone().into(),
            self.clock.now().into(),
            lease.link.into(),
            lease.token.into(),
        ];
        let done = tx
            .execute_raw(self.statement(&sql, values))
            .await
            .map_err(|e| elsewhere(e, entity.side, &entity.id))?;
        if done.rows_affected() != 1 {
            return Err(StoreError::Fenced);
        }
        tx.commit().await?;
        Ok(())
    }

    /// A half link that the other side's event made of the same record becomes ours, with its rows; one that
    /// is being worked on, or waits for something that it sent, stays, and the unique index will say so.
    async fn absorb_half(
        &self,
        tx: &impl ConnectionTrait,
        ours: Uuid,
        entity: &EntityRef,
        states: &[LinkState],
    ) -> StoreResult<()> {
        let states: Vec<_> = states
            .iter()
            .map(|state| format!("'{}'", state.to_value()))
            .collect();
        let sql = format!(
            r#"DELETE FROM "EntityMapping" WHERE "entityType" = $1 AND "{}" = $2 AND "id" <> $3
               AND "state" IN ({}) AND "{}" IS NULL
               AND "inFlight" IS NULL AND ("leaseUntil" IS NULL OR "leaseUntil" <= $4) RETURNING "id""#,
            id_column(entity.side),
            states.join(", "),
            id_column(entity.side.other()),
        );
        let values = [
            entity.entity_type.to_value().into(),
            entity.id.clone().into(),
            ours.into(),
            self.clock.now().into(),
        ];
        if let Some(row) = tx.query_one_raw(self.statement(&sql, values)).await? {
            let theirs: Uuid = row.try_get("", "id")?;
            // What a run of theirs left in progress is covered by ours: it is to be tried again no more.
            let sql = r#"DELETE FROM "SyncRetryQueue" WHERE "syncLogId" IN
                         (SELECT "id" FROM "SyncLog" WHERE "entityMappingId" = $1 AND "status" = 'IN_PROGRESS')"#;
            tx.execute_raw(self.statement(sql, [theirs.into()])).await?;
            let sql = r#"UPDATE "SyncLog" SET "entityMappingId" = $1,
                             "errorMessage" = CASE WHEN "status" = 'CONFLICT' THEN $2 || COALESCE("errorMessage", '')
                                                   ELSE "errorMessage" END,
                             "status" = CASE WHEN "status" = 'CONFLICT' THEN 'SKIPPED' ELSE "status" END
                         WHERE "entityMappingId" = $3"#;
            tx.execute_raw(self.statement(sql, [ours.into(), settled_by_link(entity).into(), theirs.into()]))
                .await?;
        }
        Ok(())
    }

    async fn link_from(
        &self,
        db: &impl ConnectionTrait,
        statement: Statement,
    ) -> StoreResult<Option<link::Model>> {
        let row = db.query_one_raw(statement).await?;
        Ok(row
            .map(|row| link::Model::from_query_result(&row, ""))
            .transpose()?)
    }
}
