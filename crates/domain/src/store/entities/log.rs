//! `"SyncLog"`: every row: what waits, and what became of it.
#![allow(missing_docs, reason = "the columns are those of the table")]

use sea_orm::entity::prelude::*;

use crate::store::{EntityType, Status, Trigger};

#[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "SyncLog", rename_all = "camelCase")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub transaction_id: Uuid,
    pub entity_mapping_id: Option<Uuid>,
    pub entity_type: EntityType,
    pub company: String,
    pub direction: String,
    pub status: Status,
    pub trigger_type: Trigger,
    pub trigger_payload: Option<Json>,
    pub source_system: String,
    pub target_system: String,
    pub source_entity_id: String,
    pub target_entity_id: Option<String>,
    pub source_data: Option<Json>,
    pub target_data_before: Option<Json>,
    pub target_data_after: Option<Json>,
    pub error_message: Option<String>,
    pub error_stack: Option<String>,
    pub retry_count: i32,
    pub started_at: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
    pub duration_ms: Option<i32>,
    pub event_id: Option<String>,
    pub changes: Option<Json>,
    pub error_class: Option<String>,
    pub error_code: Option<String>,
    pub error_arguments: Option<Json>,
    pub covered_by: Option<Uuid>,
    pub trace_id: Option<String>,
    pub trace_parent: Option<String>,
    pub rung_at: Option<DateTimeUtc>,
    pub lapses: i32,
}

#[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
