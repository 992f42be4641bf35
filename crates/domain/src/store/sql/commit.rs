//! Ending a run: everything it found out in one transaction, fenced by the lease's token.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, EntityTrait, FromQueryResult, TransactionTrait};
use uuid::Uuid;

use super::{SqlStore, elsewhere, rows, system};
use crate::ports::{Ring, Side};
use crate::store::entities::log;
use crate::store::{
    Commit, EntityRef, Event, Lease, Link, LinkState, Retry, Status, StoreError, StoreResult, Trigger, Work,
};

impl SqlStore {
    pub(super) async fn commit_run(&self, work: &Work, commit: &Commit) -> StoreResult<Option<Ring>> {
        let now = self.clock.now();
        let tx = self.db.begin().await?;
        match &commit.link {
            Some(link) => self.save_mapping(&tx, work, link, commit, now).await?,
            None => self.drop_half(&tx, &work.lease).await?,
        }
        if (work.link.base.is_none() || work.link.in_flight.is_making())
            && !commit.link.as_ref().is_some_and(Link::keeps_its_locks)
        {
            self.unlock(&tx, &work.lease).await?;
        }
        let lead = self.end_lead(&tx, work, commit, now).await?;
        self.cover(&tx, work, commit.outcome.status, now).await?;
        self.unschedule(&tx, work, commit.retry.is_none()).await?;
        if let Some(retry) = commit.retry {
            self.schedule(&tx, work.lead.id, retry, now).await?;
        }
        if let Some(link) = &commit.link {
            for (side, outcome) in &commit.audits {
                let row = rows::audit(&lead, link, *side, outcome, millis(commit.took), now);
                log::Entity::insert(row).exec_without_returning(&tx).await?;
            }
        }
        if commit.look_again {
            self.look_again(&tx, &lead, now).await?;
        }
        tx.commit().await?;
        // Rows that came in meanwhile found the lease taken and left it to us to look.
        match &commit.link {
            Some(link) => self.waiting(link, now).await,
            None => Ok(None),
        }
    }

    async fn save_mapping(
        &self,
        tx: &impl ConnectionTrait,
        work: &Work,
        link: &Link,
        commit: &Commit,
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        let mut gained = None;
        for side in [Side::Crm, Side::Finance] {
            if let (None, Some(id)) = (work.link.id_on(side), link.id_on(side)) {
                let entity = EntityRef {
                    entity_type: link.entity_type,
                    side,
                    id: id.to_owned(),
                };
                self.absorb_half(tx, link.id, &entity, &[LinkState::New]).await?;
                gained = Some(entity);
            }
        }
        let sql = r#"UPDATE "EntityMapping" SET "crmId" = $1, "financeId" = $2, "state" = $3, "base" = $4, "inFlight" = $5,
                "crmUpdatedAt" = $6, "financeUpdatedAt" = $7, "crmChecksum" = $8, "financeChecksum" = $9,
                "lastSyncAt" = CASE WHEN $10 IS NULL THEN "lastSyncAt" ELSE $11 END,
                "lastSyncSource" = COALESCE($10, "lastSyncSource"),
                "lastSyncTransactionId" = CASE WHEN $10 IS NULL THEN "lastSyncTransactionId" ELSE $12 END,
                "version" = "version" + 1, "updatedAt" = $11, "leaseOwner" = NULL, "leaseUntil" = NULL
            WHERE "id" = $13 AND "leaseToken" = $14"#;
        use sea_orm::ActiveEnum;
        let base = link.base.as_ref();
        let known = match &link.issued {
            Some(issued) => Some(rows::json(issued)?),
            None => base.map(rows::json).transpose()?,
        };
        let in_flight = if link.in_flight.is_empty() {
            None
        } else {
            Some(rows::json(&link.in_flight)?)
        };
        let values = [
            link.crm_id.clone().into(),
            link.finance_id.clone().into(),
            link.state.to_value().into(),
            known.into(),
            in_flight.into(),
            link.crm_updated_at.into(),
            link.finance_updated_at.into(),
            base.map(|b| checksum(&b.crm)).into(),
            base.map(|b| checksum(&b.finance)).into(),
            commit.synced_from.map(system).into(),
            now.into(),
            commit.transaction.into(),
            link.id.into(),
            work.lease.token.into(),
        ];
        let done = tx
            .execute_raw(self.statement(sql, values))
            .await
            .map_err(|error| match &gained {
                Some(entity) => elsewhere(error, entity.side, &entity.id),
                None => error.into(),
            })?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Fenced)
        }
    }

    async fn drop_half(&self, tx: &impl ConnectionTrait, lease: &Lease) -> StoreResult<()> {
        let sql = r#"DELETE FROM "EntityMapping" WHERE "id" = $1 AND "leaseToken" = $2 AND "state" = 'NEW'"#;
        let values = [lease.link.into(), lease.token.into()];
        let done = tx.execute_raw(self.statement(sql, values)).await?;
        if done.rows_affected() == 1 {
            Ok(())
        } else {
            Err(StoreError::Fenced)
        }
    }

    async fn end_lead(
        &self,
        tx: &impl ConnectionTrait,
        work: &Work,
        commit: &Commit,
        now: DateTime<Utc>,
    ) -> StoreResult<log::Model> {
        use sea_orm::ActiveEnum;
        let outcome = &commit.outcome;
        let done = outcome.status.is_final().then_some(now);
        let link = commit.link.as_ref();
        let sql = r#"UPDATE "SyncLog" SET "status" = $1, "transactionId" = $2, "entityMappingId" = $3, "targetEntityId" = $4,
                "sourceData" = $5, "targetDataBefore" = $6, "targetDataAfter" = $7, "errorMessage" = $8, "errorClass" = $9,
                "changes" = $10, "retryCount" = $11, "completedAt" = $12, "durationMs" = $13
            WHERE "id" = $14 RETURNING *"#;
        let values = [
            outcome.status.to_value().into(),
            commit.transaction.into(),
            link.map(|m| m.id).into(),
            link.and_then(|m| m.id_on(work.lead.side.other()))
                .map(str::to_owned)
                .into(),
            outcome.source_data.clone().into(),
            outcome.target_before.clone().into(),
            outcome.target_after.clone().into(),
            outcome.text().into(),
            outcome.error_class.into(),
            outcome.changes.clone().into(),
            commit
                .retry
                .map_or(work.lead.retry_count, |retry| retry.count)
                .cast_signed()
                .into(),
            done.into(),
            Some(millis(commit.took)).into(),
            work.lead.id.into(),
        ];
        let row = tx.query_one_raw(self.statement(sql, values)).await?;
        let row = row.ok_or_else(|| sea_orm::DbErr::RecordNotFound(format!("SyncLog {}", work.lead.id)))?;
        Ok(log::Model::from_query_result(&row, "")?)
    }

    /// Closes the rows that this run covers; with a final outcome also the entity's earlier conflicts, which it
    /// has looked at again.
    async fn cover(
        &self,
        tx: &impl ConnectionTrait,
        work: &Work,
        status: Status,
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        let message = format!("covered by {}", work.lead.id);
        if !work.covered.is_empty() {
            let sql = r#"UPDATE "SyncLog" SET "status" = 'SKIPPED', "errorMessage" = $1, "completedAt" = $2, "durationMs" = 0
                         WHERE "entityMappingId" = $3 AND "status" = 'IN_PROGRESS' AND "id" <> $4"#;
            let values = [
                message.clone().into(),
                now.into(),
                work.lease.link.into(),
                work.lead.id.into(),
            ];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        if status.is_final() && work.link.state == crate::store::LinkState::Conflict {
            let sql = r#"UPDATE "SyncLog" SET "status" = 'SKIPPED', "errorMessage" = $1 || ': ' || COALESCE("errorMessage", '')
                         WHERE "entityMappingId" = $2 AND "status" = 'CONFLICT' AND "id" <> $3"#;
            let values = [message.into(), work.lease.link.into(), work.lead.id.into()];
            tx.execute_raw(self.statement(sql, values)).await?;
        }
        Ok(())
    }

    async fn schedule(
        &self,
        tx: &impl ConnectionTrait,
        row: Uuid,
        retry: Retry,
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        let sql = r#"INSERT INTO "SyncRetryQueue" ("id", "syncLogId", "nextRetryAt", "retryCount", "maxRetries", "createdAt")
                     VALUES ($1, $2, $3, $4, $5, $6)
                     ON CONFLICT ("syncLogId") DO UPDATE SET "nextRetryAt" = excluded."nextRetryAt",
                         "retryCount" = excluded."retryCount", "maxRetries" = excluded."maxRetries""#;
        let values = [
            Uuid::now_v7().into(),
            row.into(),
            retry.at.into(),
            retry.count.cast_signed().into(),
            retry.max.cast_signed().into(),
            now.into(),
        ];
        tx.execute_raw(self.statement(sql, values)).await?;
        Ok(())
    }

    /// Takes the retry entries of the rows that this run closes: the covered ones, and the lead row if it `ends`.
    async fn unschedule(&self, tx: &impl ConnectionTrait, work: &Work, ends: bool) -> StoreResult<()> {
        let lead = ends.then_some(&work.lead);
        for row in lead.into_iter().chain(&work.covered).filter(|row| row.scheduled) {
            let sql = r#"DELETE FROM "SyncRetryQueue" WHERE "syncLogId" = $1"#;
            tx.execute_raw(self.statement(sql, [row.id.into()])).await?;
        }
        Ok(())
    }

    async fn look_again(
        &self,
        tx: &impl ConnectionTrait,
        lead: &log::Model,
        now: DateTime<Utc>,
    ) -> StoreResult<()> {
        let event = Event {
            row: Uuid::now_v7(),
            entity: EntityRef {
                entity_type: lead.entity_type,
                side: super::side_of(&lead.source_system),
                id: lead.source_entity_id.clone(),
            },
            trigger: Trigger::Poll,
            event_id: None,
            payload: serde_json::json!({ "lookAgainAfter": lead.id }),
            traceparent: lead.trace_parent.clone(),
            rung: false,
        };
        log::Entity::insert(rows::pending(&event, now))
            .exec_without_returning(tx)
            .await?;
        Ok(())
    }

    /// A row of the entity that waits and is due.
    async fn waiting(&self, link: &Link, now: DateTime<Utc>) -> StoreResult<Option<Ring>> {
        use sea_orm::ActiveEnum;
        let sql = r#"SELECT l."id", l."traceParent" FROM "SyncLog" l
                     LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id"
                     WHERE l."status" = 'PENDING' AND l."entityType" = $1
                       AND ((l."sourceSystem" = 'CRM' AND l."sourceEntityId" = $2)
                         OR (l."sourceSystem" = 'FINANCE' AND l."sourceEntityId" = $3))
                       AND (r."nextRetryAt" IS NULL OR r."nextRetryAt" <= $4)
                     LIMIT 1"#;
        let values = [
            link.entity_type.to_value().into(),
            link.crm_id.clone().into(),
            link.finance_id.clone().into(),
            now.into(),
        ];
        let row = self.db.query_one_raw(self.statement(sql, values)).await?;
        row.map(|row| {
            Ok(Ring {
                row: row.try_get("", "id")?,
                traceparent: row.try_get("", "traceParent")?,
            })
        })
        .transpose()
    }

    pub(super) async fn free(&self, db: &impl ConnectionTrait, lease: &Lease) -> StoreResult<()> {
        let sql = r#"UPDATE "EntityMapping" SET "leaseOwner" = NULL, "leaseUntil" = NULL
                     WHERE "id" = $1 AND "leaseToken" = $2"#;
        db.execute_raw(self.statement(sql, [lease.link.into(), lease.token.into()]))
            .await?;
        Ok(())
    }

    pub(super) async fn release_run(&self, work: &Work) -> StoreResult<()> {
        let tx = self.db.begin().await?;
        let sql = r#"UPDATE "SyncLog" SET "status" = 'PENDING', "rungAt" = NULL
                     WHERE "entityMappingId" = $1 AND "status" = 'IN_PROGRESS'
                       AND EXISTS (SELECT 1 FROM "EntityMapping" m WHERE m."id" = $1 AND m."leaseToken" = $2)"#;
        tx.execute_raw(self.statement(sql, [work.lease.link.into(), work.lease.token.into()]))
            .await?;
        self.free(&tx, &work.lease).await?;
        tx.commit().await?;
        Ok(())
    }
}

fn millis(took: std::time::Duration) -> i32 {
    i32::try_from(took.as_millis()).unwrap_or(i32::MAX)
}

/// A fingerprint of a side's values: "did anything change?" at a glance.
fn checksum(values: &crate::base::Known) -> String {
    use sha2::Digest;
    let mut hash = sha2::Sha256::new();
    for part in values
        .iter()
        .flat_map(|(field, value)| [field.name(), "\u{1}", value, "\u{2}"])
    {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}
