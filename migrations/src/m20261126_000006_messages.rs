//! What a row says, as a code with arguments, and which row's run covered it. Version 0.1 leaves the columns empty, and
//! knows nothing of them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_binary_null, text_null, uuid_null};

#[derive(DeriveMigrationName)]
pub(crate) struct Migration;

const LOG: &str = "SyncLog";
const COLUMNS: [&str; 3] = ["coveredBy", "errorCode", "errorArguments"];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }

    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // `SyncLog.id` of the lead row. Nobody looks rows up by it, so it has no index.
        let covered_by = uuid_null(COLUMNS[0]);
        // The English text stays in `errorMessage`.
        let code = text_null(COLUMNS[1]);
        let arguments = json_binary_null(COLUMNS[2]);
        for column in [covered_by, code, arguments] {
            let mut table = Table::alter().table(LOG).to_owned();
            // SQLite takes one at a time.
            manager.alter_table(table.add_column(column).to_owned()).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in COLUMNS {
            let mut table = Table::alter().table(LOG).to_owned();
            manager.alter_table(table.drop_column(column).to_owned()).await?;
        }
        Ok(())
    }
}
