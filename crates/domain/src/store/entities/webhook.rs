//! `"WebhookSubscription"`: which address the CRM was told to call.
#![allow(missing_docs, reason = "the columns are those of the table")]

use sea_orm::entity::prelude::*;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "WebhookSubscription", rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub entity_type: String,
    pub webhook_url: String,
    pub is_active: bool,
    pub last_event_at: Option<DateTimeUtc>,
    pub failure_count: i32,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
