//! Companies are written down. The first time, what the tables hold already is given to the first one.

use sea_orm::ConnectionTrait;

use super::{NotServed, check, known, label};
use crate::company::{Companies, Company};
use crate::store::StoreResult;
use crate::store::sql::SqlStore;

/// Of versions that knew no company; two could not have one code then.
const OLD_KEY: &str = r#"DROP INDEX IF EXISTS "EntityMapping_entityType_financeId_key""#;

pub(super) async fn serve(store: &SqlStore, served: &Companies) -> StoreResult<Result<(), NotServed>> {
    let known = match known(store).await? {
        Some(known) => known,
        None => {
            let first = served.first();
            label::all(store, first).await?;
            Companies::new(first, [])
        }
    };
    if let Err(NotServed::OtherFirst { first, asked }) = check::compare(&known, served) {
        return Ok(Err(NotServed::OtherFirst { first, asked }));
    }
    for company in served.iter() {
        write_down(store, company, company == served.first()).await?;
    }
    if served.are_many() {
        store.db().execute_raw(store.statement(OLD_KEY, [])).await?;
    }
    Ok(Ok(()))
}

async fn write_down(store: &SqlStore, company: Company, is_first: bool) -> StoreResult<()> {
    let sql = r#"INSERT INTO "Company" ("code", "isFirst", "servedSince") VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"#;
    let values = [company.to_string().into(), is_first.into(), store.now().into()];
    store.db().execute_raw(store.statement(sql, values)).await?;
    if !is_first {
        let sql = r#"INSERT INTO "OutsideSystem" ("system") VALUES ($1) ON CONFLICT DO NOTHING"#;
        let system = store.of(company).finance_system();
        store
            .db()
            .execute_raw(store.statement(sql, [system.into()]))
            .await?;
    }
    Ok(())
}
