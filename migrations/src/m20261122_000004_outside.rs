//! What all processes share about the outside systems: whether one is down, and when the next call may be sent.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, integer, string, timestamp_with_time_zone_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const OUTSIDE: &str = "OutsideSystem";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(OUTSIDE)
            .col(string("system").primary_key())
            // Since when it is down; null: it answers.
            .col(timestamp_with_time_zone_null("openSince"))
            // Nobody calls before; whoever moves it on has the probe.
            .col(timestamp_with_time_zone_null("probeAt"))
            .col(integer("probes").default(0))
            .col(big_integer("version").default(0))
            // Where there is a ceiling of calls: when the next one may be sent, in microseconds of Unix time.
            .col(big_integer("nextSlot").default(0))
            .to_owned();
        manager.create_table(table).await?;
        let rows = Query::insert()
            .into_table(OUTSIDE)
            .columns(["system"])
            .values_panic(["CRM".into()])
            .values_panic(["FINANCE".into()])
            .to_owned();
        manager.exec_stmt(rows).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.drop_table(Table::drop().table(OUTSIDE).to_owned()).await
    }
}
