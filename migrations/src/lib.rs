//! The tables, step by step.
//!
//! Migrations expand first and contract later: a service of the version before must be able to run on
//! the tables of the next one, so that services can be replaced one by one. A column or table is only
//! taken away a version after the last code that used it.

use sea_orm_migration::prelude::*;

mod m20261122_000001_tables;

/// All migrations, in order.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![Box::new(m20261122_000001_tables::Migration)]
    }
}

/// Creates or upgrades the tables; says how many steps were taken.
///
/// # Errors
/// The database's own, when it can't be reached or refuses a step.
pub async fn migrate(db: &DatabaseConnection) -> Result<usize, DbErr> {
    let before = pending(db).await?;
    Migrator::up(db, None).await?;
    Ok(before)
}

/// How many steps the tables are behind this program. Writes nothing.
///
/// # Errors
/// The database's own, when it can't be reached.
pub async fn pending(db: &DatabaseConnection) -> Result<usize, DbErr> {
    let manager = SchemaManager::new(db);
    let all = Migrator::migrations().len();
    if !manager
        .has_table(Migrator::migration_table_name().to_string())
        .await?
    {
        return Ok(all);
    }
    Ok(all.saturating_sub(Migrator::get_applied_migrations(db).await?.len()))
}

pub use sea_orm_migration::sea_orm::{DatabaseConnection, DbErr};
