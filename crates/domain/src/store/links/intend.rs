//! What is about to be sent, and all that is known by then, in one fenced statement; of all that are about to send at the same
//! time, on PostgreSQL in one statement, on SQLite in one transaction.

use std::collections::HashSet;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DbErr, QueryResult};
use serde_json::{Value, json};

use super::rows;
use crate::store::sql::{Intending, SqlStore, fenced, json as as_json, limit, one_by_one};
use crate::store::{Intended, Lease, StoreError, StoreResult};

pub(in crate::store) async fn intend(
    store: &SqlStore,
    lease: &Lease,
    intended: Intended<'_>,
    duration: Duration,
) -> StoreResult<()> {
    let meant = Intending {
        lease: lease.clone(),
        in_flight: rows::in_flight(intended.in_flight)?,
        base: intended.base.map(as_json).transpose()?,
        until: store.now() + duration,
        company: store.company(),
    };
    let intents = &store.groups().intents;
    let done = match store.is_postgres() {
        true => intents.run(meant.clone(), |all| together(store, all)).await,
        false => {
            let together = |all| one_by_one(store, all, |store, tx, one| Box::pin(alone(store, tx, one)));
            intents.run(meant.clone(), together).await
        }
    };
    match done {
        Some(done) => done,
        None => alone(store, store.db(), &meant).await,
    }
}

async fn alone(store: &SqlStore, db: &impl ConnectionTrait, meant: &Intending) -> StoreResult<()> {
    let sql = r#"UPDATE "EntityMapping" SET "inFlight" = $1, "leaseUntil" = $2, "updatedAt" = $3,
                        "base" = COALESCE($6, "base"), "company" = $7
                 WHERE "id" = $4 AND "leaseToken" = $5 AND "leaseUntil" > $3"#;
    let values = [
        meant.in_flight.clone().into(),
        meant.until.into(),
        store.now().into(),
        meant.lease.link.into(),
        meant.lease.token.into(),
        meant.base.clone().into(),
        meant.company.to_string().into(),
    ];
    fenced(&db.execute_raw(store.statement(sql, values)).await?)
}

async fn together(store: &SqlStore, meant: Vec<Intending>) -> StoreResult<Vec<StoreResult<()>>> {
    let sql = format!(
        r#"WITH n AS MATERIALIZED (SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS n("link" uuid, "token" bigint,
               "inFlight" jsonb, "base" jsonb, "until" timestamptz, "company" text) {})
           UPDATE "EntityMapping" m SET "inFlight" = n."inFlight", "leaseUntil" = n."until", "updatedAt" = $2,
               "base" = COALESCE(n."base", m."base"), "company" = n."company"
           FROM n WHERE m."id" = n."link" AND m."id" = ANY(ARRAY(SELECT "link" FROM n))
               AND m."leaseToken" = n."token" AND m."leaseUntil" > $2
           RETURNING m."id" AS "link", m."leaseToken" AS "token""#,
        limit(meant.len())
    );
    let of_one = |one: &Intending| {
        json!({
            "link": one.lease.link, "token": one.lease.token, "inFlight": one.in_flight, "base": one.base,
            "until": one.until, "company": one.company.to_string(),
        })
    };
    let all = meant.iter().map(of_one).collect();
    let values = [Value::Array(all).to_string().into(), store.now().into()];
    let done = store.db().query_all_raw(store.statement(&sql, values)).await?;
    let lease = |row: &QueryResult| {
        let (link, token) = (row.try_get("", "link")?, row.try_get("", "token")?);
        Ok(Lease { link, token })
    };
    let done: HashSet<Lease> = done.iter().map(lease).collect::<Result<_, DbErr>>()?;
    let answer = |one: Intending| match done.contains(&one.lease) {
        true => Ok(()),
        false => Err(StoreError::Fenced),
    };
    Ok(meant.into_iter().map(answer).collect())
}
