//! Taking the lease of an entity and its open rows: one read, then one transaction of two statements.

use std::time::Duration;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait, FromQueryResult, TransactionTrait};
use uuid::Uuid;

use super::{SqlStore, id_column, rows, side_of};
use crate::store::entities::log;
use crate::store::{Claim, EntityRef, Lease, Status, StoreResult, Work};

impl SqlStore {
    pub(super) async fn claim_row(&self, row: Uuid, owner: &str, lease: Duration) -> StoreResult<Claim> {
        let now = self.clock.now();
        let sql = r#"SELECT l."status", l."entityType", l."sourceSystem", l."sourceEntityId", r."nextRetryAt"
                     FROM "SyncLog" l LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id" WHERE l."id" = $1"#;
        let Some(rung) = self.db.query_one_raw(self.statement(sql, [row.into()])).await? else {
            return Ok(Claim::Done);
        };
        if rung.try_get::<Status>("", "status")?.is_final() {
            return Ok(Claim::Done);
        }
        if rung
            .try_get::<Option<DateTime<Utc>>>("", "nextRetryAt")?
            .is_some_and(|at| at > now)
        {
            return Ok(Claim::NotDue);
        }
        let entity = EntityRef {
            entity_type: rung.try_get("", "entityType")?,
            side: side_of(&rung.try_get::<String>("", "sourceSystem")?),
            id: rung.try_get("", "sourceEntityId")?,
        };
        self.claim_entity(row, &entity, owner, lease, now).await
    }

    async fn claim_entity(
        &self,
        row: Uuid,
        entity: &EntityRef,
        owner: &str,
        lease: Duration,
        now: DateTime<Utc>,
    ) -> StoreResult<Claim> {
        let tx = self.db.begin().await?;
        let column = id_column(entity.side);
        // Creates the half link, or takes the lease of the link unless someone holds it.
        let sql = format!(
            r#"INSERT INTO "EntityMapping" ("id", "entityType", "{column}", "state", "version", "leaseOwner", "leaseToken",
                                            "leaseUntil", "createdAt", "updatedAt")
               VALUES ($1, $2, $3, 'NEW', 0, $4, 1, $5, $6, $6)
               ON CONFLICT ("entityType", "{column}") DO UPDATE
               SET "leaseOwner" = excluded."leaseOwner", "leaseToken" = "EntityMapping"."leaseToken" + 1,
                   "leaseUntil" = excluded."leaseUntil"
               WHERE "EntityMapping"."leaseUntil" IS NULL OR "EntityMapping"."leaseUntil" <= $6
               RETURNING *"#
        );
        let values = [
            Uuid::now_v7().into(),
            entity.entity_type.to_value().into(),
            entity.id.clone().into(),
            owner.into(),
            (now + lease).into(),
            now.into(),
        ];
        let Some(model) = self.link_from(&tx, self.statement(&sql, values)).await? else {
            tx.rollback().await?;
            return Ok(Claim::Busy);
        };
        let token = model.lease_token;
        let link = rows::link(model)?;
        // Rows that an earlier run left in progress are orphans: its lease is ours now.
        let sql = r#"UPDATE "SyncLog" SET "lapses" = "lapses" + (CASE WHEN "status" = 'IN_PROGRESS' THEN 1 ELSE 0 END),
                            "status" = 'IN_PROGRESS', "entityMappingId" = $1
                     WHERE "status" IN ('PENDING', 'IN_PROGRESS') AND "entityType" = $2
                       AND (("sourceSystem" = 'CRM' AND "sourceEntityId" = $3)
                         OR ("sourceSystem" = 'FINANCE' AND "sourceEntityId" = $4))
                     RETURNING *"#;
        let values = [
            link.id.into(),
            entity.entity_type.to_value().into(),
            link.crm_id.clone().into(),
            link.finance_id.clone().into(),
        ];
        let mut open = Vec::new();
        for row in tx.query_all_raw(self.statement(sql, values)).await? {
            open.push(rows::claimed(&log::Model::from_query_result(&row, "")?));
        }
        if open.is_empty() {
            // Someone closed the row between our look and the lease.
            tx.rollback().await?;
            return Ok(Claim::Done);
        }
        tx.commit().await?;
        open.sort_by_key(|row| (row.heard_at, row.id));
        let lease = Lease { link: link.id, token };
        let lead = open.iter().position(|claimed| claimed.id == row).unwrap_or(0);
        let lead = open.remove(lead);
        Ok(Claim::Taken(Box::new(Work {
            lease,
            link,
            lead,
            covered: open,
        })))
    }
}
