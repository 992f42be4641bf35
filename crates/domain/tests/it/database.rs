//! What only a database has: sessions, and locks between them.

use std::time::Duration;

use domain::ports::Side;
use domain::store::{Claim, Status, Store as _};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use testkit::{Engine, TestDb};

use crate::world::{LEASE, ending, event};

#[tokio::test]
async fn a_session_that_was_forgotten_in_a_transaction_keeps_no_locks() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let sql = "SELECT current_setting('idle_in_transaction_session_timeout')";
    let tx = db.store.db().begin().await.unwrap();
    let row = tx.query_one_raw(sea_orm::Statement::from_string(
        sea_orm::DatabaseBackend::Postgres,
        sql,
    ));
    let row = row.await.unwrap().unwrap();
    assert_eq!(row.try_get_by_index::<String>(0).unwrap(), "15s");
    drop(tx);
    db.drop_it().await;
}

#[tokio::test]
async fn one_worker_prunes_at_a_time() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let one = event(Side::Crm, "a", None);
    db.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
    let Claim::Taken(work) = db.store.claim(one.row, "w", LEASE).await.unwrap() else {
        panic!()
    };
    db.store
        .commit(&work, &ending(&work, Status::Skipped))
        .await
        .unwrap();
    // Another worker is in the middle of it.
    let other = db.store.db().begin().await.unwrap();
    let lock = format!("SELECT pg_advisory_xact_lock({})", 0x5349_4147_4850_524E_i64);
    other.execute_unprepared(&lock).await.unwrap();
    assert_eq!(db.store.prune(Duration::ZERO, 10).await.unwrap(), 0);
    other.rollback().await.unwrap();
    assert_eq!(db.store.prune(Duration::ZERO, 10).await.unwrap(), 1);
    db.drop_it().await;
}
