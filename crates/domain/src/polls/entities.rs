//! SeaORM's view of the pollers' tables. Columns are documented in the migration.
#![allow(missing_docs, reason = "the columns are those of the tables")]

/// `"PollCursor"`.
pub mod cursor {
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
}

/// `"FinanceSnapshot"`.
pub mod snapshot {
    use sea_orm::entity::prelude::*;

    #[derive(Debug, Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "FinanceSnapshot", rename_all = "camelCase")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub code: String,
        pub checksum: String,
        pub changes: i64,
        pub kind: String,
        pub mobile: Option<String>,
        pub national_id: Option<String>,
        pub email: Option<String>,
        pub customer_number: Option<String>,
        pub seen_at: DateTimeUtc,
        pub look_before: Option<DateTimeUtc>,
        pub gone: bool,
    }

    #[derive(Debug, Clone, Copy, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}

/// `"HeldChange"`.
pub mod held {
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
}
