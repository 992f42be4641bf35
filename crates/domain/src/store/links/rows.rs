//! Rows of `"EntityMapping"` ↔ [`Link`].

use sea_orm::{DbErr, QueryResult, SqlErr};
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::Digest;

use crate::base::Known;
use crate::company::Company;
use crate::in_flight::InFlight;
use crate::side::Side;
use crate::store::entities::link;
use crate::store::sql::json;
use crate::store::{EntityType, Link, StoreError, StoreResult};

/// The columns of [`read`], by name: `*` would come to mean more when a newer version adds columns, and PostgreSQL
/// refuses a prepared statement for that.
pub(super) const COLUMNS: &str = r#""id", "entityType", "company", "crmId", "financeId", "state", "base", "inFlight", "crmUpdatedAt",
    "financeUpdatedAt", "version", "leaseToken""#;

/// A link as the engine knows it, from its row.
///
/// # Errors
/// When a JSON column does not hold what this version writes.
pub fn link(model: link::Model) -> StoreResult<Link> {
    let link = Link {
        id: model.id,
        entity_type: model.entity_type,
        company: company(&model.company)?,
        crm_id: model.crm_id,
        finance_id: model.finance_id,
        state: model.state,
        base: None,
        issued: None,
        in_flight: InFlight::none(),
        crm_updated_at: model.crm_updated_at,
        finance_updated_at: model.finance_updated_at,
        version: model.version,
    };
    with_known(link, model.base, model.in_flight)
}

/// [`link()`], from [`COLUMNS`].
pub(in crate::store) fn read(row: &QueryResult) -> StoreResult<Link> {
    let link = Link {
        id: row.try_get("", "id")?,
        entity_type: row.try_get("", "entityType")?,
        company: company(&row.try_get::<String>("", "company")?)?,
        crm_id: row.try_get("", "crmId")?,
        finance_id: row.try_get("", "financeId")?,
        state: row.try_get("", "state")?,
        base: None,
        issued: None,
        in_flight: InFlight::none(),
        crm_updated_at: row.try_get("", "crmUpdatedAt")?,
        finance_updated_at: row.try_get("", "financeUpdatedAt")?,
        version: row.try_get("", "version")?,
    };
    with_known(link, row.try_get("", "base")?, row.try_get("", "inFlight")?)
}

fn company(label: &str) -> Result<Company, DbErr> {
    let read = label.parse();
    read.map_err(|error| DbErr::Type(format!("EntityMapping.company \"{label}\": {error}")))
}

fn with_known(mut link: Link, base: Option<Value>, in_flight: Option<Value>) -> StoreResult<Link> {
    fn parse<T: DeserializeOwned>(column: &str, json: Option<Value>) -> Result<Option<T>, DbErr> {
        json.map(serde_json::from_value)
            .transpose()
            .map_err(|e| DbErr::Json(format!("EntityMapping.{column}: {e}")))
    }
    // What stands in `base` is what that type of entity was last known to be.
    match link.entity_type {
        EntityType::Customer => link.base = parse("base", base)?,
        EntityType::PreInvoice | EntityType::Invoice => link.issued = parse("base", base)?,
    }
    link.in_flight = parse("inFlight", in_flight)?.unwrap_or_default();
    Ok(link)
}

/// The `base` column.
pub(super) fn known(link: &Link) -> StoreResult<Option<Value>> {
    match &link.issued {
        Some(issued) => json(issued).map(Some),
        None => link.base.as_ref().map(json).transpose(),
    }
}

/// The `inFlight` column. Nothing is `NULL`: that is what a half that may be taken over has.
pub(super) fn in_flight(writes: &InFlight) -> StoreResult<Option<Value>> {
    (!writes.is_empty()).then(|| json(writes)).transpose()
}

/// A fingerprint of a side's values: "did anything change?" at a glance.
pub(super) fn checksum(values: &Known) -> String {
    let mut hash = sha2::Sha256::new();
    for part in values
        .iter()
        .flat_map(|(field, value)| [field.name(), "\u{1}", value, "\u{2}"])
    {
        hash.update(part);
    }
    hex::encode(hash.finalize())
}

/// The condition that a row names the record with that id on that side, for the parameters of these numbers.
pub(super) fn names(side: Side, id: u8, company: u8) -> String {
    match side {
        // The CRM is one.
        Side::Crm => format!(r#""crmId" = ${id} AND ${company} <> ''"#),
        Side::Finance => format!(r#""financeId" = ${id} AND "company" = ${company}"#),
    }
}

/// The condition that no other link than that one names the record, for the parameters of these numbers: the link, the
/// type, the id on that side, the company.
pub(super) fn has_no_other(side: Side, link: u8, entity_type: u8, id: u8, company: u8) -> String {
    let names = names(side, id, company);
    format!(
        r#"NOT EXISTS (SELECT 1 FROM "EntityMapping" WHERE "entityType" = ${entity_type} AND {names} AND "id" <> ${link})"#
    )
}

/// The column that holds that side's id.
pub(super) fn id_column(side: Side) -> &'static str {
    match side {
        Side::Crm => "crmId",
        Side::Finance => "financeId",
    }
}

/// A `DbErr` that says "there is one already" names which id.
pub(super) fn elsewhere(error: DbErr, side: Side, id: &str) -> StoreError {
    match error.sql_err() {
        Some(SqlErr::UniqueConstraintViolation(_)) => StoreError::LinkedElsewhere {
            side,
            id: id.to_owned(),
        },
        _ => error.into(),
    }
}
