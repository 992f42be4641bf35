//! The conflicts of an entity that a later run has settled, by looking at it again or by linking it. There is hardly
//! ever more than one, so that each keeps what it has said.

use sea_orm::ConnectionTrait;
use uuid::Uuid;

use super::said::{SAID, Said};
use crate::message::{Code, Message};
use crate::store::sql::SqlStore;
use crate::store::{EntityRef, StoreResult};

/// What has settled them.
#[derive(Clone, Copy)]
pub(in crate::store) enum By<'a> {
    /// The run of this row.
    Run(Uuid),
    /// The entity's half was taken over when this was linked.
    Link(&'a EntityRef),
}

pub(in crate::store) async fn settle(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: Uuid,
    by: By<'_>,
) -> StoreResult<()> {
    let run = match by {
        By::Run(row) => Some(row),
        By::Link(_) => None,
    };
    let sql = format!(
        r#"SELECT "id", {SAID} FROM "SyncLog"
           WHERE "entityMappingId" = $1 AND "status" = 'CONFLICT' AND ($2 IS NULL OR "id" <> $2)"#
    );
    for row in tx
        .query_all_raw(store.statement(&sql, [link.into(), run.into()]))
        .await?
    {
        let id: Uuid = row.try_get("", "id")?;
        let said = Said::from(Some(&settled(by, Said::read(&row)?.message().as_ref())));
        let sql = r#"UPDATE "SyncLog" SET "status" = 'SKIPPED', "coveredBy" = $1, "errorCode" = $2,
                            "errorArguments" = $3, "errorMessage" = $4 WHERE "id" = $5"#;
        let values = [
            run.into(),
            said.code.into(),
            said.arguments.into(),
            said.text.into(),
            id.into(),
        ];
        tx.execute_raw(store.statement(sql, values)).await?;
    }
    Ok(())
}

fn settled(by: By<'_>, earlier: Option<&Message>) -> Message {
    let message = match by {
        By::Run(row) => Message::new(Code::SettledByRun).with("row", row),
        By::Link(entity) => Message::new(Code::SettledByLink)
            .with("side", entity.side)
            .with("id", &entity.id),
    };
    match earlier {
        Some(earlier) => message.with_message("earlier", earlier),
        None => message.with("earlier", ""),
    }
}
