//! What kind of thing a row is about, and which one.

use sea_orm::DeriveActiveEnum;
use sea_orm::entity::prelude::{EnumIter, StringLen};
use serde::{Deserialize, Serialize};

use crate::side::Side;

/// What kind of thing a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(StringLen::None)",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names say it")]
pub enum EntityType {
    Customer,
    #[sea_orm(string_value = "PREINVOICE")]
    #[serde(rename = "PREINVOICE")]
    PreInvoice,
    Invoice,
}

/// Which record of which system: a CRM guid or a finance code, with its type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityRef {
    /// Its type.
    pub entity_type: EntityType,
    /// The system that knows it by `id`.
    pub side: Side,
    /// Its id there.
    pub id: String,
}

impl EntityRef {
    /// A customer of that side.
    #[must_use]
    pub fn customer(side: Side, id: impl Into<String>) -> Self {
        Self {
            entity_type: EntityType::Customer,
            side,
            id: id.into(),
        }
    }
}
