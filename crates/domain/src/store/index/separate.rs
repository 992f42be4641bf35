//! What an operator said to be two.

use sea_orm::ConnectionTrait;

use super::CUSTOMER;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::SqlStore;

pub(super) async fn separate(store: &SqlStore, side: Side, id: &str, others: &[String]) -> StoreResult<()> {
    for other in others {
        let (crm, finance) = match side {
            Side::Crm => (id, other.as_str()),
            Side::Finance => (other.as_str(), id),
        };
        let sql = r#"INSERT INTO "Separated" ("company", "entityType", "crmId", "financeId", "ruledAt")
                     VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING"#;
        let values = [
            store.label(),
            CUSTOMER.into(),
            crm.into(),
            finance.into(),
            store.now().into(),
        ];
        store.db().execute_raw(store.statement(sql, values)).await?;
    }
    Ok(())
}
