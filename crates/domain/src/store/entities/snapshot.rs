//! `"FinanceSnapshot"`: finance as it was last seen.
#![allow(missing_docs, reason = "the columns are those of the table")]

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
