//! The tables, step by step.
//!
//! Migrations expand first and contract later: a service of the version before must be able to run on
//! the tables of the next one, so that services can be replaced one by one. A column or table is only
//! taken away a version after the last code that used it.

use sea_orm_migration::prelude::*;

mod m20261122_000001_tables;
mod m20261122_000002_match_lock;
mod m20261122_000003_polls;
mod m20261122_000004_outside;
mod m20261122_000005_audit_retention;
mod m20261126_000006_messages;
mod m20261126_000007_lock_holder;
mod m20261126_000008_covered_rows;
mod m20261126_000009_retention;
mod m20261127_000010_record_index;
mod m20261127_000011_odd_data;
mod m20261127_000012_set_back;
mod m20261127_000013_taken_values;
mod m20261127_000014_waits_and_columns;
mod m20261127_000015_companies;
mod m20261128_000016_index_order;
mod sessions;

/// All migrations, in order.
#[derive(Debug, Clone, Copy)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261122_000001_tables::Migration),
            Box::new(m20261122_000002_match_lock::Migration),
            Box::new(m20261122_000003_polls::Migration),
            Box::new(m20261122_000004_outside::Migration),
            Box::new(m20261122_000005_audit_retention::Migration),
            Box::new(m20261126_000006_messages::Migration),
            Box::new(m20261126_000007_lock_holder::Migration),
            Box::new(m20261126_000008_covered_rows::Migration),
            Box::new(m20261126_000009_retention::Migration),
            Box::new(m20261127_000010_record_index::Migration),
            Box::new(m20261127_000011_odd_data::Migration),
            Box::new(m20261127_000012_set_back::Migration),
            Box::new(m20261127_000013_taken_values::Migration),
            Box::new(m20261127_000014_waits_and_columns::Migration),
            Box::new(m20261127_000015_companies::Migration),
            Box::new(m20261128_000016_index_order::Migration),
        ]
    }
}

/// Creates or upgrades the tables; says how many steps were taken.
///
/// # Errors
/// The database's own, when it can't be reached or refuses a step.
pub async fn migrate(db: &DatabaseConnection) -> Result<usize, DbErr> {
    let before = pending(db).await?;
    if before > 0 {
        Migrator::up(db, None).await?;
    }
    if (1..count()).contains(&before) {
        sessions::renew(db).await;
    }
    Ok(before)
}

/// Takes so many steps: for tests of an upgrade.
///
/// # Errors
/// The database's own.
pub async fn migrate_by(db: &DatabaseConnection, steps: u32) -> Result<(), DbErr> {
    Migrator::up(db, Some(steps)).await
}

/// How many steps this program knows.
#[must_use]
pub fn count() -> usize {
    Migrator::migrations().len()
}

/// How many steps the tables are behind this program. Writes nothing.
///
/// # Errors
/// The database's own, when it can't be reached.
pub async fn pending(db: &DatabaseConnection) -> Result<usize, DbErr> {
    let manager = SchemaManager::new(db);
    if !manager
        .has_table(Migrator::migration_table_name().to_string())
        .await?
    {
        return Ok(Migrator::migrations().len());
    }
    // Asked by name: a newer program may have taken steps that this one does not know.
    let table = Migrator::migration_table_name();
    let applied = Query::select().column("version").from(table).to_owned();
    let rows = db.query_all(&applied).await?;
    let applied = rows
        .iter()
        .map(|row| row.try_get("", "version"))
        .collect::<Result<Vec<String>, _>>()?;
    Ok(Migrator::migrations()
        .iter()
        .filter(|step| !applied.iter().any(|name| name == step.name()))
        .count())
}

pub use sea_orm_migration::sea_orm::{DatabaseConnection, DbErr};
