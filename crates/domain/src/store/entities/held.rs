//! `"HeldChange"`: what the guard holds back.
#![allow(missing_docs, reason = "the columns are those of the table")]

use sea_orm::entity::prelude::*;

use crate::store::EntityType;

#[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "HeldChange", rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub poll: String,
    pub entity_type: EntityType,
    pub source_system: String,
    pub source_entity_id: String,
    pub event_id: String,
    pub payload: Option<Json>,
    pub held_at: DateTimeUtc,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
