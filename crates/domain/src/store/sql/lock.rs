//! Reserving the keys of a first meeting, so that two twins, or two ends of one pair, meet one after the other.

use sea_orm::{ConnectionTrait, Statement, TransactionTrait, Value};

use super::SqlStore;
use crate::store::{EntityType, Holder, Lease, StoreError, StoreResult};

impl SqlStore {
    /// All keys or none. A key is free when nobody has it, or a link that is no more.
    pub(super) async fn lock_keys(&self, lease: &Lease, keys: &[String]) -> StoreResult<Option<Holder>> {
        let mut sorted = keys.to_vec();
        // Always in one order, so that two that want the same keys wait for each other and don't block each other.
        sorted.sort_unstable();
        sorted.dedup();
        let places: Vec<_> = (2..sorted.len() + 2).map(|n| format!("(${n}, $1)")).collect();
        let sql = format!(
            r#"INSERT INTO "MatchLock" ("key", "entityMappingId") VALUES {}
               ON CONFLICT ("key") DO UPDATE SET "entityMappingId" = excluded."entityMappingId"
               WHERE "MatchLock"."entityMappingId" = excluded."entityMappingId"
                  OR NOT EXISTS (SELECT 1 FROM "EntityMapping" m WHERE m."id" = "MatchLock"."entityMappingId")"#,
            places.join(", ")
        );
        let values: Vec<Value> = std::iter::once(lease.link.into())
            .chain(sorted.iter().map(|key| key.clone().into()))
            .collect();
        let backend = self.db.get_database_backend();
        let tx = self.db.begin().await?;
        // Or they would stay reserved for good: whoever has the entity now may have given them back already. A write, for
        // SQLite takes no lock for writing once a transaction has begun with reading.
        let fence = r#"UPDATE "EntityMapping" SET "leaseToken" = "leaseToken"
                       WHERE "id" = $1 AND "leaseToken" = $2 AND "leaseUntil" > $3"#;
        let held = [lease.link.into(), lease.token.into(), self.clock.now().into()];
        let leased = tx.execute_raw(self.statement(fence, held)).await?;
        if leased.rows_affected() != 1 {
            return Err(StoreError::Fenced);
        }
        let insert = Statement::from_sql_and_values(backend, sql, values.clone());
        if tx.execute_raw(insert).await?.rows_affected() == sorted.len() as u64 {
            tx.commit().await?;
            return Ok(None);
        }
        let places: Vec<_> = (2..sorted.len() + 2).map(|n| format!("${n}")).collect();
        let sql = format!(
            r#"SELECT k."entityMappingId", (SELECT COUNT(*) FROM "SyncLog" l
                   WHERE l."entityMappingId" = k."entityMappingId" AND l."status" IN ('PENDING', 'IN_PROGRESS')) AS "open",
                   m."entityType", CASE WHEN m."base" IS NULL THEN 0 ELSE 1 END AS "known"
               FROM "MatchLock" k JOIN "EntityMapping" m ON m."id" = k."entityMappingId"
               WHERE k."entityMappingId" <> $1 AND k."key" IN ({}) LIMIT 1"#,
            places.join(", ")
        );
        let row = tx
            .query_one_raw(Statement::from_sql_and_values(backend, sql, values))
            .await?;
        tx.rollback().await?;
        Ok(Some(match row {
            Some(row) => Holder {
                link: row.try_get("", "entityMappingId")?,
                waits: row.try_get::<i64>("", "open")? > 0,
                entity_type: row.try_get("", "entityType")?,
                known: row.try_get::<i32>("", "known")? > 0,
            },
            // Given back between the two statements.
            None => Holder {
                link: lease.link,
                waits: true,
                entity_type: EntityType::Customer,
                known: false,
            },
        }))
    }

    pub(super) async fn unlock(&self, tx: &impl ConnectionTrait, lease: &Lease) -> StoreResult<()> {
        let sql = r#"DELETE FROM "MatchLock" WHERE "entityMappingId" = $1"#;
        tx.execute_raw(self.statement(sql, [lease.link.into()])).await?;
        Ok(())
    }
}
