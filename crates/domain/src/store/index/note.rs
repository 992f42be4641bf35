//! What was seen, into the index. Nothing is written, and no row is locked, of a record that holds what it held; of one
//! that changed, PostgreSQL does it all in one statement.

use std::collections::HashSet;

use sea_orm::{ConnectionTrait, QueryResult};

use super::{CUSTOMER, rows};
use crate::index::{Held, Sighting, gone_elsewhere, last_of_each};
use crate::side::Side;
use crate::store::sql::{SqlStore, side_of, system};
use crate::store::{StoreResult, taken};

/// So many records go into one statement.
const GROUP: usize = 200;

/// A run has seen so many records at most, or goes alone.
const FEW: usize = 16;

/// `n`, a record that was seen, against `i`, how the index knows it: it is new, holds something else, or is back; and
/// nobody has read it later.
macro_rules! news {
    ($checksum:literal, $read_at:literal, $is_another:literal) => {
        concat!(
            r#"(i."id" IS NULL OR (i."checksum" "#,
            $is_another,
            " ",
            $checksum,
            r#" OR i."goneSince" IS NOT NULL) AND (i."readAt" IS NULL OR i."readAt" <= "#,
            $read_at,
            "))"
        )
    };
}

const INTO: &str = r#"INSERT INTO "RecordIndex" ("side", "company", "entityType", "id", "kind", "profile", "checksum", "readAt",
        "firstSeenAt")"#;
const OVER: &str = r#"ON CONFLICT ("side", "company", "entityType", "id") DO UPDATE SET "kind" = excluded."kind",
        "profile" = excluded."profile", "checksum" = excluded."checksum", "readAt" = excluded."readAt", "goneSince" = NULL"#;

const POSTGRES_NEWS: &str = concat!(
    r#"WITH "new" AS MATERIALIZED (SELECT n.* FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS n("side" text, "id" text,
        "kind" text, "profile" text, "checksum" text, "readAt" timestamptz, "values" jsonb)
        LEFT JOIN LATERAL (SELECT * FROM "RecordIndex" r WHERE r."side" = n."side" AND r."company" = $2
            AND r."entityType" = $3 AND r."id" = n."id" OFFSET 0) i ON true
        WHERE "#,
    news!(r#"n."checksum""#, r#"n."readAt""#, "IS DISTINCT FROM"),
    r#"), "held" AS MATERIALIZED (SELECT n."side", n."id", v."key", v."value", v."holder" FROM "new" n,
        jsonb_to_recordset(n."values") AS v("key" text, "value" text, "holder" text)),"#
);
// The values after their records, or two that write the same new record would wait for each other: whoever has the record
// has what it holds. PostgreSQL promises no order of such statements but that of who reads whom, so both count "kept".
// `OFFSET 0`: by the index, record by record. What differs is found by hashing: compared one by one, a look at twenty
// thousand contacts took minutes.
const POSTGRES_REST: &str = r#""old" AS MATERIALIZED (SELECT v.* FROM "new" n, LATERAL (SELECT * FROM "RecordValue" r
            WHERE r."side" = n."side" AND r."company" = $2 AND r."entityType" = $3 AND r."id" = n."id" OFFSET 0) v),
    "gone" AS (DELETE FROM "RecordValue" v USING (
            SELECT "side", "key", "value", "holder", "id" FROM "old"
            EXCEPT SELECT "side", "key", "value", "holder", "id" FROM "held") g
        WHERE v."id" = ANY(ARRAY(SELECT "id" FROM "new")) AND v."side" = g."side" AND v."company" = $2 AND v."entityType" = $3 AND v."key" = g."key"
            AND v."value" = g."value" AND v."holder" = g."holder" AND v."id" = g."id"
            AND (SELECT COUNT(*) FROM "kept") > 0 RETURNING v."side", v."id"),
    "values" AS (INSERT INTO "RecordValue" ("side", "company", "entityType", "key", "value", "holder", "id")
    SELECT "side", $2, $3, "key", "value", "holder", "id" FROM "held"
        WHERE (SELECT COUNT(*) FROM "kept") > 0 ORDER BY 1, 4, 5, 6, 7 ON CONFLICT DO NOTHING)
    SELECT DISTINCT "side", "id" FROM "gone""#;

const SQLITE_NEWS: &str = concat!(
    r#"SELECT json_extract(n.value, '$.side') AS "side", json_extract(n.value, '$.id') AS "id" FROM json_each($1) n
    LEFT JOIN "RecordIndex" i ON i."side" = json_extract(n.value, '$.side') AND i."company" = $2 AND i."entityType" = $3
        AND i."id" = json_extract(n.value, '$.id')
    WHERE "#,
    news!(
        "json_extract(n.value, '$.checksum')",
        "json_extract(n.value, '$.readAt')",
        "IS NOT"
    )
);
const SQLITE_RECORDS: &str = r#"SELECT json_extract(n.value, '$.side'), $2, $3, json_extract(n.value, '$.id'),
        json_extract(n.value, '$.kind'), json_extract(n.value, '$.profile'), json_extract(n.value, '$.checksum'),
        json_extract(n.value, '$.readAt'), json_extract(n.value, '$.readAt') FROM json_each($1) n WHERE true"#;
const SQLITE_GONE: &str = r#"DELETE FROM "RecordValue" WHERE ("side", "company", "entityType", "id") IN
    (SELECT json_extract(n.value, '$.side'), $2, $3, json_extract(n.value, '$.id') FROM json_each($1) n)"#;
const SQLITE_HELD: &str = r#"INSERT INTO "RecordValue" ("side", "company", "entityType", "key", "value", "holder", "id")
    SELECT json_extract(n.value, '$.side'), $2, $3, json_extract(v.value, '$.key'), json_extract(v.value, '$.value'),
        json_extract(v.value, '$.holder'), json_extract(n.value, '$.id')
    FROM json_each($1) n, json_each(json_extract(n.value, '$.values')) v WHERE true ON CONFLICT DO NOTHING"#;

/// [`note`] by itself.
pub(super) async fn all(store: &SqlStore, sightings: &[Sighting]) -> StoreResult<()> {
    if store.is_postgres() {
        // Each of its statements is whole by itself: no round trips for a transaction.
        let together = |all: Vec<Vec<Sighting>>| async move {
            note(store, store.db(), &all.concat()).await?;
            Ok(all.iter().map(|_| Ok(())).collect())
        };
        // Nobody waits for a poll's many.
        let done = match sightings.len() {
            0..=FEW => store.groups().notes.run(sightings.to_vec(), together).await,
            _ => None,
        };
        return match done {
            Some(done) => done,
            None => note(store, store.db(), sightings).await,
        };
    }
    let tx = store.begin_to_write().await?;
    note(store, &tx, sightings).await?;
    tx.commit().await?;
    Ok(())
}

/// One statement for what was there, and, only where something was not, two for that. One more opens the rows that have
/// waited for it, where a record may hold something no more.
pub(in crate::store) async fn note(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    sightings: &[Sighting],
) -> StoreResult<()> {
    let elsewhere = gone_elsewhere(sightings, store.served());
    let all = last_of_each(sightings.iter().chain(&elsewhere));
    for of_one in all.chunk_by(|a, b| a.company == b.company) {
        if let Some(first) = of_one.first() {
            of_company(&store.of(first.company), tx, of_one).await?;
        }
    }
    Ok(())
}

async fn of_company(store: &SqlStore, tx: &impl ConnectionTrait, all: &[&Sighting]) -> StoreResult<()> {
    let mut lost: HashSet<(Side, String)> = HashSet::new();
    for group in all.chunks(GROUP) {
        let held: Vec<_> = group
            .iter()
            .filter_map(|one| Some((*one, one.held.as_ref()?)))
            .collect();
        if !held.is_empty() {
            lost.extend(there(store, tx, &held).await?);
        }
        for side in Side::BOTH {
            let gone = group.iter().filter(|one| one.side == side && one.held.is_none());
            let gone: Vec<&Sighting> = gone.copied().collect();
            if !gone.is_empty() && not_there(store, tx, side, &gone).await? {
                lost.extend(gone.iter().map(|one| (side, one.id.clone())));
            }
        }
    }
    let has_lost = |one: &&&Sighting| lost.contains(&(one.side, one.id.clone()));
    let free: Vec<_> = all
        .iter()
        .filter(has_lost)
        .map(|one| (one.side, one.id.as_str()))
        .collect();
    for group in free.chunks(GROUP) {
        taken::wake(store, tx, group.iter().copied()).await?;
    }
    Ok(())
}

/// Says which may hold something no more that they held; on SQLite, any that hold something else.
async fn there(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    seen: &[(&Sighting, &Held)],
) -> StoreResult<HashSet<(Side, String)>> {
    let values = |rows: String| [rows.into(), store.label(), CUSTOMER.into()];
    let rows = rows::held(seen.iter().copied())?;
    if store.is_postgres() {
        let sql = format!(
            r#"{POSTGRES_NEWS} "kept" AS ({INTO} SELECT "side", $2, $3, "id", "kind", "profile", "checksum", "readAt", "readAt"
                FROM "new" ORDER BY "side", "id" COLLATE "C" {OVER} RETURNING "id"), {POSTGRES_REST}"#
        );
        let news = tx.query_all_raw(store.statement(&sql, values(rows))).await?;
        return ids_of(&news);
    }
    let news = tx
        .query_all_raw(store.statement(SQLITE_NEWS, values(rows)))
        .await?;
    let ids = ids_of(&news)?;
    if ids.is_empty() {
        return Ok(ids);
    }
    let new = seen
        .iter()
        .copied()
        .filter(|(one, _)| ids.contains(&(one.side, one.id.clone())));
    let rows = rows::held(new)?;
    let records = format!("{INTO} {SQLITE_RECORDS} {OVER}");
    for sql in [records.as_str(), SQLITE_GONE, SQLITE_HELD] {
        tx.execute_raw(store.statement(sql, values(rows.clone()))).await?;
    }
    Ok(ids)
}

fn ids_of(rows: &[QueryResult]) -> StoreResult<HashSet<(Side, String)>> {
    let id = |row: &QueryResult| {
        let side: String = row.try_get("", "side")?;
        Ok((side_of(&side), row.try_get("", "id")?))
    };
    rows.iter().map(id).collect()
}

/// What is gone is no candidate, and holds nothing. Says whether that is news.
async fn not_there(
    store: &SqlStore,
    tx: &impl ConnectionTrait,
    side: Side,
    gone: &[&Sighting],
) -> StoreResult<bool> {
    let places: Vec<_> = (5..gone.len() + 5).map(|n| format!("${n}")).collect();
    let since = gone.iter().map(|one| one.read_at).max();
    let of = |since: sea_orm::Value| {
        let fixed = [since, system(side).into(), store.label(), CUSTOMER.into()];
        fixed
            .into_iter()
            .chain(gone.iter().map(|one| one.id.clone().into()))
    };
    let sql = format!(
        r#"UPDATE "RecordIndex" SET "goneSince" = $1 WHERE "side" = $2 AND "company" = $3 AND "entityType" = $4
           AND "id" IN ({}) AND "goneSince" IS NULL AND ("readAt" IS NULL OR "readAt" <= $1)"#,
        places.join(", ")
    );
    let since = crate::store::sql::micros(since.unwrap_or_else(|| store.now()));
    let done = tx.execute_raw(store.statement(&sql, of(since.into()))).await?;
    if done.rows_affected() == 0 {
        return Ok(false);
    }
    let sql = format!(
        r#"DELETE FROM "RecordValue" WHERE "side" = $2 AND "company" = $3 AND "entityType" = $4 AND "id" IN ({})
           AND $1 IN (SELECT i."goneSince" FROM "RecordIndex" i WHERE i."side" = $2 AND i."company" = $3
               AND i."entityType" = $4 AND i."id" = "RecordValue"."id")"#,
        places.join(", ")
    );
    tx.execute_raw(store.statement(&sql, of(since.into()))).await?;
    Ok(true)
}
