//! The first tables. Names and columns are those of the earlier SiaghSync, since people query them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, integer, integer_null, json_binary_null, pk_uuid, string, string_null, text_null,
    timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const MAPPING: &str = "EntityMapping";
const LOG: &str = "SyncLog";
const RETRY: &str = "SyncRetryQueue";
const WEBHOOK: &str = "WebhookSubscription";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(link()).await?;
        manager.create_table(log()).await?;
        manager.create_table(retry()).await?;
        manager.create_table(webhook()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [WEBHOOK, RETRY, LOG, MAPPING] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn now() -> Expr {
    Expr::current_timestamp()
}

fn link() -> TableCreateStatement {
    Table::create()
        .table(MAPPING)
        .col(pk_uuid("id"))
        .col(string("entityType"))
        .col(string_null("crmId"))
        .col(string_null("financeId"))
        .col(timestamp_with_time_zone_null("lastSyncAt"))
        .col(string_null("lastSyncSource"))
        .col(uuid_null("lastSyncTransactionId"))
        .col(string_null("crmChecksum"))
        .col(string_null("financeChecksum"))
        .col(timestamp_with_time_zone_null("crmUpdatedAt"))
        .col(timestamp_with_time_zone_null("financeUpdatedAt"))
        .col(timestamp_with_time_zone("createdAt").default(now()))
        .col(timestamp_with_time_zone("updatedAt").default(now()))
        // Added by this SiaghSync: what each side last held, what was sent and not yet confirmed.
        .col(json_binary_null("base"))
        .col(json_binary_null("inFlight"))
        .col(big_integer("version").default(0))
        .col(string("state").default("ACTIVE"))
        // The lease: who works on this entity until when; the token fences out whoever lost it.
        .col(string_null("leaseOwner"))
        .col(big_integer("leaseToken").default(0))
        .col(timestamp_with_time_zone_null("leaseUntil"))
        .to_owned()
}

fn log() -> TableCreateStatement {
    Table::create()
        .table(LOG)
        .col(pk_uuid("id"))
        .col(uuid("transactionId"))
        .col(uuid_null("entityMappingId"))
        .col(string("entityType"))
        .col(string("direction"))
        .col(string("status"))
        .col(string("triggerType"))
        .col(json_binary_null("triggerPayload"))
        .col(string("sourceSystem"))
        .col(string("targetSystem"))
        .col(string("sourceEntityId"))
        .col(string_null("targetEntityId"))
        .col(json_binary_null("sourceData"))
        .col(json_binary_null("targetDataBefore"))
        .col(json_binary_null("targetDataAfter"))
        .col(text_null("errorMessage"))
        .col(text_null("errorStack"))
        .col(integer("retryCount").default(0))
        .col(timestamp_with_time_zone("startedAt").default(now()))
        .col(timestamp_with_time_zone_null("completedAt"))
        .col(integer_null("durationMs"))
        // Added by this SiaghSync.
        .col(string_null("eventId"))
        .col(json_binary_null("changes"))
        .col(string_null("errorClass"))
        .col(string_null("traceId"))
        .col(string_null("traceParent"))
        .col(timestamp_with_time_zone_null("rungAt"))
        .col(integer("lapses").default(0))
        .to_owned()
}

fn retry() -> TableCreateStatement {
    Table::create()
        .table(RETRY)
        .col(pk_uuid("id"))
        .col(uuid("syncLogId").unique_key())
        .col(timestamp_with_time_zone("nextRetryAt"))
        .col(integer("retryCount").default(0))
        .col(integer("maxRetries"))
        .col(timestamp_with_time_zone("createdAt").default(now()))
        .to_owned()
}

fn webhook() -> TableCreateStatement {
    Table::create()
        .table(WEBHOOK)
        .col(pk_uuid("id"))
        .col(string("entityType"))
        .col(string("webhookUrl"))
        .col(boolean("isActive").default(true))
        .col(timestamp_with_time_zone_null("lastEventAt"))
        .col(integer("failureCount").default(0))
        .col(timestamp_with_time_zone("createdAt").default(now()))
        .col(timestamp_with_time_zone("updatedAt").default(now()))
        .to_owned()
}

fn index(table: &'static str, name: &str, columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create().name(name).table(table).to_owned();
    for column in columns {
        index.col(*column);
    }
    index
}

/// Each index with the query that needs it.
fn indexes() -> Vec<IndexCreateStatement> {
    let open = || Expr::cust(r#""status" IN ('PENDING', 'IN_PROGRESS')"#);
    vec![
        // One link per record of either side; the lease's upsert conflicts on these.
        index(
            MAPPING,
            "EntityMapping_entityType_crmId_key",
            &["entityType", "crmId"],
        )
        .unique()
        .to_owned(),
        index(
            MAPPING,
            "EntityMapping_entityType_financeId_key",
            &["entityType", "financeId"],
        )
        .unique()
        .to_owned(),
        // The same event heard twice is one row.
        index(
            LOG,
            "SyncLog_sourceSystem_eventId_key",
            &["sourceSystem", "eventId"],
        )
        .unique()
        .to_owned(),
        // The sweeper: open rows, those longest not rung for first.
        index(LOG, "SyncLog_open_rungAt_idx", &["rungAt"])
            .and_where(open())
            .to_owned(),
        // A claim: the open rows of one entity.
        index(
            LOG,
            "SyncLog_open_entity_idx",
            &["sourceEntityId", "entityType", "sourceSystem"],
        )
        .and_where(open())
        .to_owned(),
        // People: the last rows of a status; the history of an entity.
        index(LOG, "SyncLog_status_startedAt_idx", &["status", "startedAt"]),
        index(
            LOG,
            "SyncLog_entityMappingId_startedAt_idx",
            &["entityMappingId", "startedAt"],
        ),
        index(LOG, "SyncLog_sourceEntityId_idx", &["sourceEntityId"]),
        index(RETRY, "SyncRetryQueue_nextRetryAt_idx", &["nextRetryAt"]),
    ]
}
