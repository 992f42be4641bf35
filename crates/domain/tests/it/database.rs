//! What only a database has: sessions, and locks between them.

use std::time::Duration;

use domain::clock::{Clock as _, SystemClock};
use domain::customer::Field;
use domain::index::{IndexStore as _, Sighting};
use domain::matching::{Form, Key};
use domain::ports::Side;
use domain::store::{Claim, Status, Store as _, TAKEN, Withheld};
use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
use testkit::{Engine, TestDb};

use crate::index::sighting;
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

/// Until a session of this database waits for another one's transaction.
async fn one_waits(db: &TestDb) {
    let waits = r#"SELECT 1 FROM pg_locks WHERE NOT granted AND "locktype" = 'transactionid'
        AND "pid" IN (SELECT "pid" FROM pg_stat_activity WHERE "datname" = current_database())"#;
    let waits = || sea_orm::Statement::from_string(sea_orm::DatabaseBackend::Postgres, waits);
    while db.store.db().query_one_raw(waits()).await.unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn mobile(number: &str) -> Form {
    Form {
        key: Key::Mobile,
        value: number.to_owned(),
    }
}

fn seen(side: Side, id: &str, mobile: &str) -> Sighting {
    sighting(side, id, &[(Field::Mobile, mobile)], SystemClock.now())
}

/// A poll sees a contact in the moment in which a run has made it.
#[tokio::test]
async fn two_that_see_a_new_record_at_once_wait_for_each_other_in_one_order() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    db.store
        .note(&[seen(Side::Finance, "21", "09121112345")])
        .await
        .unwrap();
    let poll = db.store.db().begin().await.unwrap();
    let sql = r#"SET LOCAL deadlock_timeout = '20ms';
        INSERT INTO "RecordIndex" ("side", "company", "entityType", "id") VALUES ('FINANCE', '100', 'CUSTOMER', '22')"#;
    poll.execute_unprepared(sql).await.unwrap();
    let store = db.store.clone();
    let run = tokio::spawn(async move { store.note(&[seen(Side::Finance, "22", "09121112345")]).await });
    one_waits(&db).await;
    let sql = r#"INSERT INTO "RecordValue" ("side", "company", "entityType", "key", "value", "holder", "id")
        SELECT "side", "company", "entityType", "key", "value", replace("holder", '21', '22'), '22' FROM "RecordValue"
        WHERE "id" = '21' ON CONFLICT DO NOTHING"#;
    poll.execute_unprepared(sql)
        .await
        .expect("nobody has what the record holds but who has the record");
    poll.commit().await.unwrap();
    run.await.unwrap().unwrap();
    db.drop_it().await;
}

#[tokio::test]
async fn what_the_database_has_undone_for_anothers_sake_is_done_again() {
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let both = || {
        [
            seen(Side::Crm, "a", "09121112345"),
            seen(Side::Finance, "22", "09121112345"),
        ]
    };
    db.store.note(&both()).await.unwrap();
    let other = db.store.db().begin().await.unwrap();
    let touch =
        |side| format!(r#"UPDATE "RecordIndex" SET "profile" = '', "checksum" = '' WHERE "side" = '{side}'"#);
    other
        .execute_unprepared("SET LOCAL deadlock_timeout = '1min'")
        .await
        .unwrap();
    other.execute_unprepared(&touch("FINANCE")).await.unwrap();
    let store = db.store.clone();
    let now = [
        seen(Side::Crm, "a", "09352221346"),
        seen(Side::Finance, "22", "09352221346"),
    ];
    let run = tokio::spawn(async move { store.note(&now).await });
    one_waits(&db).await;
    other.execute_unprepared(&touch("CRM")).await.unwrap();
    other.commit().await.unwrap();
    run.await.unwrap().unwrap();
    for side in Side::BOTH {
        let form = mobile("9352221346");
        assert_eq!(
            db.store.holding(side, &[form], "nobody").await.unwrap().len(),
            1,
            "{side}"
        );
    }
    db.drop_it().await;
}

#[tokio::test]
async fn what_waits_for_a_value_that_is_free_is_found_by_the_sweeper_though_nobody_opened_it() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let db = TestDb::new(engine).await.unwrap();
        db.store
            .note(&[seen(Side::Finance, "22", "09121112345")])
            .await
            .unwrap();
        let one = event(Side::Crm, "a", None);
        db.store.enqueue(std::slice::from_ref(&one)).await.unwrap();
        let Claim::Taken(work) = db.store.claim(one.row, "w", LEASE).await.unwrap() else {
            panic!()
        };
        let mut commit = ending(&work, Status::Failed);
        commit.outcome.error_class = Some(TAKEN);
        commit.outcome.withheld = vec![Withheld {
            side: Side::Finance,
            holder: "22".to_owned(),
            form: mobile("9121112345"),
        }];
        db.store.commit(&work, &commit).await.unwrap();
        let long = Duration::from_secs(3600);
        assert!(
            db.store.sweep(10, long).await.unwrap().is_empty(),
            "22 has it still"
        );
        // As one leaves it who is killed between the two.
        let gone = r#"DELETE FROM "RecordValue" WHERE "id" = '22'"#;
        db.store.db().execute_unprepared(gone).await.unwrap();
        let rung = db.store.sweep(10, long).await.unwrap();
        assert_eq!(rung.iter().map(|ring| ring.row).collect::<Vec<_>>(), [one.row]);
        db.drop_it().await;
    }
}

/// Whoever runs the suite on a server of their own finds it as it was.
#[tokio::test]
async fn a_database_of_a_test_that_fails_is_dropped() {
    let db = TestDb::bare(Engine::Postgres).await.unwrap();
    let name = db.url.rsplit('/').next().unwrap().to_owned();
    let server = domain::store::sql::connect(&testkit::postgres_url(), 1)
        .await
        .unwrap();
    let there = async || {
        let sql = format!("SELECT 1 FROM pg_database WHERE datname = '{name}'");
        let found = server.query_one_raw(sea_orm::Statement::from_string(
            sea_orm::DatabaseBackend::Postgres,
            sql,
        ));
        found.await.unwrap().is_some()
    };
    assert!(there().await, "{name}");
    let failed = tokio::spawn(async move {
        let _db = db;
        panic!("as tests do");
    });
    assert!(failed.await.is_err());
    assert!(!there().await, "{name}");
}
