//! `"EntityMapping"`: who is who, what each side was known to hold, and the lease.
#![allow(missing_docs, reason = "the columns are those of the table")]

use sea_orm::entity::prelude::*;

use crate::store::{EntityType, LinkState};

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "EntityMapping", rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub entity_type: EntityType,
    pub company: String,
    pub crm_id: Option<String>,
    pub finance_id: Option<String>,
    pub last_sync_at: Option<DateTimeUtc>,
    pub last_sync_source: Option<String>,
    pub last_sync_transaction_id: Option<Uuid>,
    pub crm_checksum: Option<String>,
    pub finance_checksum: Option<String>,
    pub crm_updated_at: Option<DateTimeUtc>,
    pub finance_updated_at: Option<DateTimeUtc>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub base: Option<Json>,
    pub in_flight: Option<Json>,
    pub version: i64,
    pub state: LinkState,
    pub lease_owner: Option<String>,
    pub lease_token: i64,
    pub lease_until: Option<DateTimeUtc>,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
