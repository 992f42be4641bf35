//! `"SyncRetryQueue"`: when a row is tried again.
#![allow(missing_docs, reason = "the columns are those of the table")]

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "SyncRetryQueue", rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    #[sea_orm(unique)]
    pub sync_log_id: Uuid,
    pub next_retry_at: DateTimeUtc,
    pub retry_count: i32,
    pub max_retries: i32,
    pub created_at: DateTimeUtc,
    pub waits_for: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
