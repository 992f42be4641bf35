//! Who is to be rung for after a run: what came in during it found the lease taken, and left it to the holder to look.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{ActiveEnum, ConnectionTrait, QueryResult};
use serde_json::{Value, json};
use uuid::Uuid;

use super::rows;
use crate::ports::Ring;
use crate::store::sql::SqlStore;
use crate::store::{Link, StoreResult};

/// A row of the entity that waits and is due; and whether anything waits for that customer. Asked once the link is saved and
/// its rows have ended: whoever wants the lease from then on waits for this transaction.
pub(in crate::store) async fn waiting(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    link: &Link,
    customer: Option<&str>,
    now: DateTime<Utc>,
) -> StoreResult<(Option<Ring>, bool)> {
    let sql = looking(["$1", "$2", "$3", "$4", "$5", "$6"]);
    let values = [
        link.entity_type.to_value().into(),
        link.crm_id.clone().into(),
        link.finance_id.clone().into(),
        now.into(),
        link.company.to_string().into(),
        customer.map(str::to_owned).into(),
    ];
    let mut found = (None, false);
    for row in tx.query_all_raw(store.statement(&sql, values)).await? {
        note(&mut found, &row)?;
    }
    Ok(found)
}

/// [`waiting`] of many links, each with its customer, on PostgreSQL: by link, where anything waits.
pub(in crate::store) async fn all_waiting(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    links: &[(&Link, Option<&str>)],
    now: DateTime<Utc>,
) -> StoreResult<HashMap<Uuid, (Option<Ring>, bool)>> {
    let of = |(link, customer): &(&Link, Option<&str>)| {
        json!({
            "link": link.id, "type": link.entity_type.to_value(), "crm": link.crm_id, "finance": link.finance_id,
            "company": link.company.to_string(), "customer": customer,
        })
    };
    let links: Vec<_> = links.iter().map(of).collect();
    let each = [
        r#"n."type""#,
        r#"n."crm""#,
        r#"n."finance""#,
        "$2",
        r#"n."company""#,
        r#"n."customer""#,
    ];
    let sql = format!(
        r#"SELECT n."link", w.* FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS n("link" uuid, "type" text, "crm" text,
               "finance" text, "company" text, "customer" text), LATERAL ({}) w"#,
        looking(each)
    );
    let values = [Value::Array(links).to_string().into(), now.into()];
    let mut all: HashMap<_, (Option<Ring>, bool)> = HashMap::new();
    for row in tx.query_all_raw(store.statement(&sql, values)).await? {
        note(all.entry(row.try_get("", "link")?).or_default(), &row)?;
    }
    Ok(all)
}

/// A link's type, its ids, now, its company and the customer. Each side by itself: of both in one condition no database goes by
/// index until it knows the table.
fn looking([entity_type, crm, finance, now, company, customer]: [&str; 6]) -> String {
    let of_side = |of_side: &str| {
        format!(
            r#"SELECT * FROM (SELECT l."id", l."traceParent", 0 AS "others" FROM "SyncLog" l
                   LEFT JOIN "SyncRetryQueue" r ON r."syncLogId" = l."id"
                   WHERE l."status" IN ('PENDING', 'IN_PROGRESS') AND l."status" = 'PENDING' AND l."entityType" = {entity_type}
                     AND {of_side} AND (r."nextRetryAt" IS NULL OR r."nextRetryAt" <= {now})
                   LIMIT 1) n"#
        )
    };
    let crm = format!(r#"l."sourceSystem" = 'CRM' AND l."sourceEntityId" = {crm}"#);
    let finance = format!(
        r#"l."sourceSystem" = 'FINANCE' AND l."sourceEntityId" = {finance} AND l."company" = {company}"#
    );
    format!(
        r#"{} UNION ALL {}
           UNION ALL SELECT * FROM (SELECT "syncLogId", NULL, 1 FROM "SyncRetryQueue" WHERE "waitsFor" = {customer} LIMIT 1) o"#,
        of_side(&crm),
        of_side(&finance)
    )
}

fn note((next, others): &mut (Option<Ring>, bool), row: &QueryResult) -> StoreResult<()> {
    match row.try_get::<i32>("", "others")? {
        0 => *next = Some(rows::ring(row)?),
        _ => *others = true,
    }
    Ok(())
}
