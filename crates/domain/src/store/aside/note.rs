//! What a look could not read, and what reads well again. Nearly always there is neither, and nothing is written.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};
use serde_json::Value;

use crate::polls::{Harvest, entity_type_of, side_of};
use crate::store::StoreResult;
use crate::store::sql::{SqlStore, system};

pub(in crate::store) async fn note(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    poll: &str,
    harvest: &Harvest,
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let company = store.label_on(side_of(poll));
    let (side, entity_type) = (system(side_of(poll)), entity_type_of(poll).to_value());
    let sql = r#"INSERT INTO "SetAside"
            ("side", "company", "entityType", "id", "reasonCode", "reasonArguments", "firstSeenAt", "lastSeenAt")
        VALUES ($1, $7, $2, $3, $4, $5, $6, $6)
        ON CONFLICT ("side", "company", "entityType", "id") DO UPDATE SET "reasonCode" = excluded."reasonCode",
            "reasonArguments" = excluded."reasonArguments", "lastSeenAt" = excluded."lastSeenAt""#;
    for aside in &harvest.aside {
        let values = [
            side.into(),
            entity_type.clone().into(),
            aside.id.clone().into(),
            aside.why.code.as_str().into(),
            Value::Object(aside.why.arguments.clone()).into(),
            now.into(),
            company.clone(),
        ];
        tx.execute_raw(store.statement(sql, values)).await?;
    }
    let sql =
        r#"DELETE FROM "SetAside" WHERE "side" = $1 AND "company" = $4 AND "entityType" = $2 AND "id" = $3"#;
    for id in &harvest.well {
        let values = [
            side.into(),
            entity_type.clone().into(),
            id.clone().into(),
            company.clone(),
        ];
        tx.execute_raw(store.statement(sql, values)).await?;
    }
    Ok(())
}
