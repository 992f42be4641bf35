//! What the bench asks of a deployment's database, on a connection of its own.

use anyhow::Context as _;
use sea_orm::{ConnectionTrait as _, QueryResult, Statement, Value};

use super::deployment::{DATABASE, Deployment};
use super::stage::ROLE;

/// What an open transaction is made of, and a session.
const FRAMES: &str = r"^\s*(begin|commit|rollback|start|savepoint|release|set|reset|deallocate|discard)";

/// Statements of the product alone.
pub struct Counted {
    pub statements: f64,
    /// With `BEGIN`, `COMMIT` and the like.
    pub trips: f64,
}

impl Deployment<'_> {
    pub async fn execute<const N: usize>(&self, sql: &str, values: [Value; N]) -> anyhow::Result<()> {
        let statement = Statement::from_sql_and_values(self.db.get_database_backend(), sql, values);
        self.db
            .execute_raw(statement)
            .await
            .with_context(|| sql.to_owned())?;
        Ok(())
    }

    pub async fn rows<const N: usize>(
        &self,
        sql: &str,
        values: [Value; N],
    ) -> anyhow::Result<Vec<QueryResult>> {
        let statement = Statement::from_sql_and_values(self.db.get_database_backend(), sql, values);
        self.db
            .query_all_raw(statement)
            .await
            .with_context(|| sql.to_owned())
    }

    pub async fn count(&self, sql: &str) -> anyhow::Result<usize> {
        let rows = self.rows(sql, []).await?;
        let count: i64 = rows.first().context("a count")?.try_get_by_index(0)?;
        Ok(usize::try_from(count)?)
    }

    /// What the product's statements were so far.
    pub async fn statements(&self) -> anyhow::Result<Counted> {
        let sql = "SELECT coalesce(sum(calls) FILTER (WHERE query !~* $3), 0)::float8 AS statements,
                coalesce(sum(calls), 0)::float8 AS trips
            FROM pg_stat_statements s JOIN pg_database d ON d.oid = s.dbid JOIN pg_roles r ON r.oid = s.userid
            WHERE d.datname = $1 AND r.rolname = $2";
        let admin = &self.stage.admin;
        let statement = Statement::from_sql_and_values(
            admin.get_database_backend(),
            sql,
            [DATABASE.into(), ROLE.into(), FRAMES.into()],
        );
        let row = admin
            .query_one_raw(statement)
            .await?
            .context("pg_stat_statements")?;
        Ok(Counted {
            statements: row.try_get("", "statements")?,
            trips: row.try_get("", "trips")?,
        })
    }
}
