//! Rows of `"SetAside"` → values.

use sea_orm::{ActiveEnum, DbErr, QueryResult};
use serde_json::Value;

use super::Aside;
use crate::entity::EntityType;
use crate::message::{Code, Message};
use crate::store::StoreResult;
use crate::store::sql::side_of;

pub(super) const COLUMNS: &str =
    r#""side", "company", "entityType", "id", "reasonCode", "reasonArguments", "firstSeenAt", "lastSeenAt""#;

pub(super) fn aside(row: &QueryResult) -> StoreResult<Aside> {
    let entity_type: String = row.try_get("", "entityType")?;
    let code: String = row.try_get("", "reasonCode")?;
    let arguments = match row.try_get("", "reasonArguments")? {
        Some(Value::Object(arguments)) => arguments,
        _ => serde_json::Map::new(),
    };
    Ok(Aside {
        side: side_of(&row.try_get::<String>("", "side")?),
        company: row.try_get("", "company")?,
        entity_type: EntityType::try_from_value(&entity_type)
            .map_err(|error| DbErr::Type(error.to_string()))?,
        id: row.try_get("", "id")?,
        why: Message {
            code: Code::named(&code),
            arguments,
        },
        first_seen: row.try_get("", "firstSeenAt")?,
        last_seen: row.try_get("", "lastSeenAt")?,
    })
}
