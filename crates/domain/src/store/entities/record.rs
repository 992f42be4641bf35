//! `"RecordIndex"`: what both systems were last known to hold.
#![allow(missing_docs, reason = "the columns are those of the table")]

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "RecordIndex", rename_all = "camelCase")]
pub struct Model {
    /// `CRM`, `FINANCE`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub side: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub company: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub entity_type: String,
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: String,
    pub kind: Option<String>,
    #[sea_orm(column_type = "Text", nullable)]
    pub profile: Option<String>,
    pub checksum: Option<String>,
    pub read_at: Option<DateTimeUtc>,
    pub first_seen_at: Option<DateTimeUtc>,
    pub gone_since: Option<DateTimeUtc>,
    pub look_checksum: Option<String>,
    pub changes: i64,
    pub seen_at: Option<DateTimeUtc>,
    pub look_before: Option<DateTimeUtc>,
    pub look_gone: bool,
    #[sea_orm(column_type = "Text", nullable)]
    pub overwritten: Option<String>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
