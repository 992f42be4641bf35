//! `"PollCursor"`: where each poll goes on, and who polls.
#![allow(missing_docs, reason = "the columns are those of the table")]

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "PollCursor", rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub name: String,
    pub value: Option<String>,
    pub lease_owner: Option<String>,
    pub lease_token: i64,
    pub lease_until: Option<DateTimeUtc>,
    pub attempted_at: Option<DateTimeUtc>,
    pub not_before: Option<DateTimeUtc>,
    pub started_at: Option<DateTimeUtc>,
    pub completed_at: Option<DateTimeUtc>,
    pub held_by: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
