//! Taking over a half link.

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait};
use uuid::Uuid;

use super::rows::{id_column, names};
use crate::store::sql::SqlStore;
use crate::store::{EntityRef, LinkState, StoreResult, inbox};

/// A half link that the other side's event made of the same record becomes ours, with its rows; one that is being
/// worked on, or waits for something that it sent, stays, and the unique index will say so. Its locks go with it.
pub(super) async fn absorb(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    ours: Uuid,
    entity: &EntityRef,
    states: &[LinkState],
    now: DateTime<Utc>,
) -> StoreResult<()> {
    let states: Vec<_> = states
        .iter()
        .map(|state| format!("'{}'", state.to_value()))
        .collect();
    let sql = format!(
        r#"DELETE FROM "EntityMapping" WHERE "entityType" = $1 AND {} AND "id" <> $3
           AND "state" IN ({}) AND "{}" IS NULL
           AND "inFlight" IS NULL AND ("leaseUntil" IS NULL OR "leaseUntil" <= $4) RETURNING "id""#,
        names(entity.side, 2, 5),
        states.join(", "),
        id_column(entity.side.other()),
    );
    let values = [
        entity.entity_type.to_value().into(),
        entity.id.clone().into(),
        ours.into(),
        now.into(),
        store.label(),
    ];
    if let Some(row) = tx.query_one_raw(store.statement(&sql, values)).await? {
        inbox::adopt(store, tx, ours, row.try_get("", "id")?, entity).await?;
    }
    Ok(())
}
