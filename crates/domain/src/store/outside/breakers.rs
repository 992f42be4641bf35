//! The breakers of both systems.

use sea_orm::ConnectionTrait;

use super::rows;
use crate::breaker::Shared;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::SqlStore;

pub(super) async fn breakers(store: &SqlStore) -> StoreResult<Vec<(Side, Shared)>> {
    let sql = format!(
        r#"SELECT {} FROM "OutsideSystem" WHERE "system" IN ($1, $2)"#,
        rows::COLUMNS
    );
    let systems = Side::BOTH.map(|side| store.outside_system(side).into());
    let rows = store.db().query_all_raw(store.statement(&sql, systems)).await?;
    rows.iter().map(rows::shared).collect()
}
