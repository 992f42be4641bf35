//! What PostgreSQL reads to answer, in a database that is new: its plans are made before it knows the tables.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::clock::{Clock as _, SystemClock};
use domain::customer::Field;
use domain::index::IndexStore as _;
use domain::matching::{Form, Key};
use domain::ports::Side;
use domain::store::sql::SqlStore;
use domain::store::{Claim, Status, Store as _};
use futures::future::join_all;
use sea_orm::{ConnectionTrait as _, Statement};
use testkit::{Engine, TestDb};

use crate::index::sighting;
use crate::world::{LEASE, ending, event, known};

/// How many syncs, in groups of so many at once, as a worker makes them.
const SYNCS: usize = 1_280;
const AT_ONCE: usize = 16;

/// Rows read of each table so far, by whatever way.
pub async fn rows_read(db: &TestDb) -> BTreeMap<String, i64> {
    let sql = r#"SELECT CAST(relname AS text) AS "table", COALESCE(seq_tup_read, 0) + COALESCE(idx_tup_fetch, 0) AS "n"
        FROM pg_stat_user_tables"#;
    let sql = Statement::from_string(sea_orm::DatabaseBackend::Postgres, sql);
    let rows = db.store.db().query_all_raw(sql).await.unwrap();
    let read = |row: sea_orm::QueryResult| (row.try_get("", "table").unwrap(), row.try_get("", "n").unwrap());
    rows.into_iter().map(read).collect()
}

/// One customer: heard, claimed, looked for, sent and noted.
pub async fn sync(store: &SqlStore, number: usize) {
    let heard = event(Side::Crm, &format!("c{number}"), None);
    store.enqueue(std::slice::from_ref(&heard)).await.unwrap();
    let Claim::Taken(work) = store.claim(heard.row, "w", LEASE).await.unwrap() else {
        panic!("{number}")
    };
    let mobile = format!("0912{number:07}");
    let now = SystemClock.now();
    let seen = |side, id: String| {
        let fields = [
            (Field::Mobile, mobile.as_str()),
            (Field::Address, "تهران، خیابان ولیعصر"),
            (Field::Email, "a@b.ir"),
        ];
        sighting(side, &id, &fields, now)
    };
    store
        .note(&[seen(Side::Crm, format!("c{number}"))])
        .await
        .unwrap();
    let form = Form {
        key: Key::Mobile,
        value: mobile[1..].to_owned(),
    };
    let found = store
        .holding(Side::Finance, std::slice::from_ref(&form), "nobody")
        .await
        .unwrap();
    assert!(found.is_empty(), "{number}");
    store.holders(&[form]).await.unwrap();
    store
        .lock(&work.lease, &[format!("mobile {number}")])
        .await
        .unwrap();
    store
        .intend(&work.lease, known(&work.link.in_flight), LEASE)
        .await
        .unwrap();
    let mut end = ending(&work, Status::Success);
    end.seen = vec![seen(Side::Finance, format!("{number}"))];
    store.commit(&work, &end).await.unwrap();
}

#[tokio::test]
async fn a_new_database_is_read_by_index_from_its_first_row_on() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    // As long as nobody has counted the rows, nothing is known of them.
    for table in [
        "RecordValue",
        "RecordIndex",
        "EntityMapping",
        "SyncLog",
        "SyncRetryQueue",
        "MatchLock",
    ] {
        let sql = format!(r#"ALTER TABLE "{table}" SET (autovacuum_enabled = false)"#);
        db.store.db().execute_unprepared(&sql).await.unwrap();
    }
    for group in 0..SYNCS / AT_ONCE {
        join_all((0..AT_ONCE).map(|one| sync(&db.store, group * AT_ONCE + one))).await;
    }
    // The server's counters come late: sessions tell them when they rest, or with their next statement.
    tokio::time::sleep(Duration::from_millis(1_100)).await;
    join_all((0..AT_ONCE).map(|one| sync(&db.store, SYNCS + one))).await;
    let mut read = rows_read(&db).await;
    for _ in 0..10 {
        tokio::time::sleep(Duration::from_millis(1_100)).await;
        let before = std::mem::replace(&mut read, rows_read(&db).await);
        if read == before {
            break;
        }
    }
    // A look at all of a table would be many hundreds, on the average.
    let syncs = i64::try_from(SYNCS).unwrap();
    assert!(read["SyncLog"] / syncs > 0, "{read:?}");
    let most = read.iter().max_by_key(|(_, n)| **n).unwrap();
    assert!(most.1 / syncs < 60, "{read:?}");
    db.drop_it().await;
}
