//! SeaORM's view of the tables. Columns are documented in `design.md` and in the migrations.
#![allow(missing_docs, reason = "the columns are those of the tables")]

/// `"EntityMapping"`.
pub mod link {
    use sea_orm::entity::prelude::*;

    use crate::store::{EntityType, LinkState};

    #[derive(Debug, Clone, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "EntityMapping", rename_all = "camelCase")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub entity_type: EntityType,
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
}

/// `"SyncLog"`.
pub mod log {
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
        pub trace_id: Option<String>,
        pub trace_parent: Option<String>,
        pub rung_at: Option<DateTimeUtc>,
        pub lapses: i32,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// `"SyncRetryQueue"`.
pub mod retry {
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
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// `"WebhookSubscription"`.
pub mod webhook {
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
}
