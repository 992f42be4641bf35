//! What the pollers keep: cursors with their leases, finance as it was last seen, and what the guard holds.
//!
//! Only adds tables: a service of the version before runs on beside them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, json_binary_null, pk_uuid, string, string_null, text_null,
    timestamp_with_time_zone, timestamp_with_time_zone_null, uuid_null,
};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const CURSOR: &str = "PollCursor";
const SNAPSHOT: &str = "FinanceSnapshot";
const HELD: &str = "HeldChange";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(cursor()).await?;
        manager.create_table(snapshot()).await?;
        manager.create_table(held()).await?;
        for index in indexes() {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in [HELD, SNAPSHOT, CURSOR] {
            manager.drop_table(Table::drop().table(table).to_owned()).await?;
        }
        Ok(())
    }
}

fn cursor() -> TableCreateStatement {
    Table::create()
        .table(CURSOR)
        // `crm:person`, `crm:organization`, `finance:contacts`.
        .col(string("name").primary_key())
        // The server's own text: where the next read goes on. Finance has none.
        .col(text_null("value"))
        .col(string_null("leaseOwner"))
        .col(big_integer("leaseToken").default(0))
        .col(timestamp_with_time_zone_null("leaseUntil"))
        // The last poll that was begun, and the earliest time of the next one after a failure.
        .col(timestamp_with_time_zone_null("attemptedAt"))
        .col(timestamp_with_time_zone_null("notBefore"))
        // The last complete poll.
        .col(timestamp_with_time_zone_null("startedAt"))
        .col(timestamp_with_time_zone_null("completedAt"))
        // `SyncLog.id` of the guard's row, while the poll waits for an operator.
        .col(uuid_null("heldBy"))
        .col(timestamp_with_time_zone("updatedAt").default(Expr::current_timestamp()))
        .to_owned()
}

fn snapshot() -> TableCreateStatement {
    Table::create()
        .table(SNAPSHOT)
        .col(string("code").primary_key())
        .col(string("checksum"))
        // Grows with each change that is seen: part of the event key, so that A, B, A again are three events.
        .col(big_integer("changes"))
        .col(string("kind"))
        // Keys of a first meeting, in normal form.
        .col(text_null("mobile"))
        .col(text_null("nationalId"))
        .col(text_null("email"))
        .col(text_null("customerNumber"))
        // The look that first saw this state, and the last complete look before it.
        .col(timestamp_with_time_zone("seenAt"))
        .col(timestamp_with_time_zone_null("lookBefore"))
        .col(boolean("gone").default(false))
        .to_owned()
}

fn held() -> TableCreateStatement {
    Table::create()
        .table(HELD)
        // Becomes `SyncLog.id` on release.
        .col(pk_uuid("id"))
        .col(string("poll"))
        .col(string("entityType"))
        .col(string("sourceSystem"))
        .col(string("sourceEntityId"))
        .col(string("eventId"))
        .col(json_binary_null("payload"))
        .col(timestamp_with_time_zone("heldAt").default(Expr::current_timestamp()))
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
    let mut indexes: Vec<_> = ["mobile", "nationalId", "email", "customerNumber"]
        .into_iter()
        // First meeting: the contacts that have one of the keys.
        .map(|column| index(SNAPSHOT, &format!("FinanceSnapshot_{column}_idx"), &[column]))
        .collect();
    // Release and drop go by poll; the same change is held once.
    indexes.push(
        index(HELD, "HeldChange_poll_eventId_key", &["poll", "eventId"])
            .unique()
            .to_owned(),
    );
    indexes
}
