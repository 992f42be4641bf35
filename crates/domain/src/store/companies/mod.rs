//! `"Company"`: which finance companies the deployment serves. `siaghsync migrate` writes it by `COMPANIES`; services
//! whose settings say otherwise don't start.

use crate::company::{Companies, Company};
use crate::store::sql::{QUICK, SqlStore, in_time};
use crate::store::{StoreError, StoreResult};

mod check;
mod label;
mod serve;

/// Why the companies of the settings can't be served with this database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotServed {
    /// The first is the first for good: what names no company belongs to it.
    #[error(
        "COMPANIES: the first company of this database is {first}, not {asked}: what names no company belongs to it. Name {first} \
         first"
    )]
    OtherFirst {
        /// As it was written down.
        first: Company,
        /// As the settings say.
        asked: Company,
    },
    /// They are not written down yet.
    #[error(
        "COMPANIES: this database does not know company {0} yet: run `siaghsync migrate`, then start again"
    )]
    Unknown(Company),
}

impl SqlStore {
    /// Writes down that these are served from now on. What was kept before companies were told apart belongs to the first.
    ///
    /// # Errors
    /// [`NotServed::OtherFirst`], or the database's own.
    pub async fn serve(&self, served: &Companies) -> StoreResult<Result<(), NotServed>> {
        serve::serve(self, served).await
    }

    /// Whether these can be served.
    ///
    /// # Errors
    /// The database's own.
    pub async fn can_serve(&self, served: &Companies) -> StoreResult<Result<(), NotServed>> {
        in_time(QUICK, || check::check(self, served)).await
    }
}

/// The first company and the others, as they are written down; `None`: none are.
async fn known(store: &SqlStore) -> StoreResult<Option<Companies>> {
    use sea_orm::ConnectionTrait as _;
    let sql = r#"SELECT "code", "isFirst" FROM "Company" ORDER BY "servedSince", "code""#;
    let rows = store.db().query_all_raw(store.statement(sql, [])).await?;
    let (mut first, mut others) = (None, Vec::new());
    for row in rows {
        let code: String = row.try_get("", "code")?;
        let company = code.parse().map_err(|error| {
            StoreError::Database(sea_orm::DbErr::Type(format!("Company.code \"{code}\": {error}")))
        })?;
        match row.try_get("", "isFirst")? {
            true => first = Some(company),
            false => others.push(company),
        }
    }
    Ok(first.map(|first| Companies::new(first, others)))
}
