//! A database of version 0.1 becomes this version's, while services of 0.1 run on.

use std::collections::HashSet;

use domain::clock::{Clock, SystemClock};
use domain::store::sql::SqlStore;
use sea_orm::{ConnectionTrait, DatabaseBackend, DatabaseConnection, Statement, Value};
use testkit::{Engine, TestDb};
use uuid::Uuid;

/// The steps of version 0.1.
const OLD: u32 = 5;

async fn run(db: &DatabaseConnection, sql: &str, values: impl IntoIterator<Item = Value>) {
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    db.execute_raw(statement).await.unwrap();
}

async fn insert_row(db: &DatabaseConnection, id: Uuid, status: &str, message: Option<String>) {
    let sql = r#"INSERT INTO "SyncLog" ("id", "transactionId", "entityType", "direction", "status", "triggerType",
                     "sourceSystem", "targetSystem", "sourceEntityId", "errorMessage", "startedAt")
                 VALUES ($1, $1, 'CUSTOMER', 'CRM_TO_FINANCE', $2, 'POLL', 'CRM', 'FINANCE', 'c', $3, $4)"#;
    let now = SystemClock.now();
    run(db, sql, [id.into(), status.into(), message.into(), now.into()]).await;
}

async fn covered_by(db: &DatabaseConnection, id: Uuid) -> Option<Uuid> {
    let sql = r#"SELECT "coveredBy" FROM "SyncLog" WHERE "id" = $1"#;
    let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [id.into()]);
    let row = db.query_one_raw(statement).await.unwrap().unwrap();
    row.try_get("", "coveredBy").unwrap()
}

#[tokio::test]
async fn covered_rows_are_told_by_their_messages_and_locks_without_a_holder_go() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let old = TestDb::bare(engine).await.unwrap();
        let db = old.store.db();
        migrations::migrate_by(db, OLD).await.unwrap();
        let leader = Uuid::now_v7();
        insert_row(db, leader, "SUCCESS", None).await;
        let rows: Vec<_> = [
            ("SKIPPED", format!("covered by {leader}"), Some(leader)),
            (
                "SKIPPED",
                format!("covered by {leader}: both systems changed these fields"),
                Some(leader),
            ),
            (
                "SKIPPED",
                "covered by nobody-knows-whom-nor-why-nor-when--".to_owned(),
                None,
            ),
            ("SKIPPED", "nothing to do".to_owned(), None),
            ("FAILED", format!("covered by {leader}"), None),
        ]
        .into_iter()
        .map(|row| (Uuid::now_v7(), row))
        .collect();
        for (id, (status, message, _)) in &rows {
            insert_row(db, *id, status, Some(message.clone())).await;
        }
        let (link, gone) = (Uuid::now_v7(), Uuid::now_v7());
        let sql = r#"INSERT INTO "EntityMapping" ("id", "entityType", "crmId", "state") VALUES ($1, 'CUSTOMER', 'c', 'NEW')"#;
        run(db, sql, [link.into()]).await;
        let lock = r#"INSERT INTO "MatchLock" ("key", "entityMappingId") VALUES ($1, $2)"#;
        run(db, lock, ["kept".into(), link.into()]).await;
        run(db, lock, ["lost".into(), gone.into()]).await;

        migrations::migrate(db).await.unwrap();
        for (id, (_, message, covered)) in rows {
            assert_eq!(covered_by(db, id).await, covered, "{engine:?}: {message}");
        }
        let keys = async || -> Vec<String> {
            let sql = Statement::from_string(db.get_database_backend(), r#"SELECT "key" FROM "MatchLock""#);
            let rows = db.query_all_raw(sql).await.unwrap();
            rows.iter().map(|row| row.try_get("", "key").unwrap()).collect()
        };
        assert_eq!(keys().await, ["kept"], "{engine:?}");
        // Version 0.1 deletes links and knows nothing of a foreign key.
        let sql = r#"DELETE FROM "EntityMapping" WHERE "id" = $1"#;
        run(db, sql, [link.into()]).await;
        assert!(keys().await.is_empty(), "{engine:?}");
        assert_eq!(migrations::migrate(db).await.unwrap(), 0);
        old.drop_it().await;
    }
}

#[tokio::test]
async fn case_24_ids_in_capitals_get_their_one_spelling_unless_both_are_there() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let old = TestDb::bare(engine).await.unwrap();
        let db = old.store.db();
        migrations::migrate_by(db, OLD).await.unwrap();
        let (alone, twice) = (
            "3F2504E0-4F89-11D3-9A0C-0305E82C3301",
            "3F2504E0-4F89-11D3-9A0C-0305E82C3302",
        );
        let sql = r#"INSERT INTO "EntityMapping" ("id", "entityType", "crmId", "state") VALUES ($1, 'CUSTOMER', $2, 'ACTIVE')"#;
        for id in [alone, twice, &*twice.to_lowercase(), "X-1"] {
            run(db, sql, [Uuid::now_v7().into(), id.into()]).await;
        }
        migrations::migrate(db).await.unwrap();
        let sql = r#"SELECT "crmId" FROM "EntityMapping""#;
        let rows = db
            .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
            .await
            .unwrap();
        let mut ids: Vec<String> = rows.iter().map(|row| row.try_get("", "crmId").unwrap()).collect();
        ids.sort_unstable();
        let mut expected = [
            alone.to_lowercase(),
            twice.to_owned(),
            twice.to_lowercase(),
            "X-1".to_owned(),
        ];
        expected.sort_unstable();
        assert_eq!(ids, expected, "{engine:?}");
        old.drop_it().await;
    }
}

/// More rows than one step takes.
#[tokio::test]
async fn a_long_history_is_gone_through_in_steps() {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let old = TestDb::bare(engine).await.unwrap();
        let db = old.store.db();
        migrations::migrate_by(db, OLD).await.unwrap();
        let leader = Uuid::now_v7();
        let message = format!("covered by {leader}");
        let mut all = Vec::new();
        for _ in 0..24 {
            let ids: Vec<_> = (0..500).map(|_| Uuid::now_v7()).collect();
            let places: Vec<_> = (3..503)
                .map(|n| {
                    format!("(${n}, ${n}, 'CUSTOMER', '', 'SKIPPED', 'POLL', 'CRM', 'FINANCE', 'c', $1, $2)")
                })
                .collect();
            let sql = format!(
                r#"INSERT INTO "SyncLog" ("id", "transactionId", "entityType", "direction", "status", "triggerType",
                       "sourceSystem", "targetSystem", "sourceEntityId", "errorMessage", "startedAt") VALUES {}"#,
                places.join(", ")
            );
            let fixed = [message.clone().into(), SystemClock.now().into()];
            run(
                db,
                &sql,
                fixed.into_iter().chain(ids.iter().map(|id| (*id).into())),
            )
            .await;
            all.extend(ids);
        }
        migrations::migrate(db).await.unwrap();
        let sql = r#"SELECT COUNT(*) AS "n" FROM "SyncLog" WHERE "coveredBy" = $1"#;
        let statement = Statement::from_sql_and_values(db.get_database_backend(), sql, [leader.into()]);
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        assert_eq!(row.try_get::<i64>("", "n").unwrap(), 12_000, "{engine:?}");
        assert_eq!(covered_by(db, all[11_999]).await, Some(leader));
        old.drop_it().await;
    }
}

/// Its prepared statements say `RETURNING *`, which means more columns now: PostgreSQL would refuse them for good.
#[tokio::test]
async fn a_service_of_version_0_1_runs_on() {
    const CONNECTIONS: u32 = 4;
    let old = TestDb::bare(Engine::Postgres).await.unwrap();
    migrations::migrate_by(old.store.db(), OLD).await.unwrap();
    // It asks each connection before it uses it.
    let mut options = sea_orm::ConnectOptions::new(old.url.clone());
    options.max_connections(CONNECTIONS);
    let service = sea_orm::Database::connect(options).await.unwrap();
    let row = Uuid::now_v7();
    insert_row(&service, row, "PENDING", None).await;
    let all_claim = async || {
        let sql = r#"UPDATE "SyncLog" SET "status" = 'IN_PROGRESS' WHERE "id" = $1 RETURNING *"#;
        let claims = (0..CONNECTIONS).map(|_| {
            let claim = Statement::from_sql_and_values(DatabaseBackend::Postgres, sql, [row.into()]);
            service.query_one_raw(claim)
        });
        for claim in futures::future::join_all(claims).await {
            let row = claim.unwrap().unwrap();
            assert_eq!(row.try_get::<String>("", "sourceEntityId").unwrap(), "c");
        }
    };
    all_claim().await;
    migrations::migrate(old.store.db()).await.unwrap();
    all_claim().await;
    service.close().await.unwrap();
    old.drop_it().await;
}

/// What finance was last seen to hold moves into the index; what a service of the version before polls afterwards, too, so
/// that both count on with one counter.
#[tokio::test]
async fn the_snapshot_of_finance_becomes_its_half_of_the_index() {
    use domain::polls::PollStore as _;

    const BEFORE: u32 = 9;
    let contact = r#"INSERT INTO "FinanceSnapshot" ("code", "checksum", "changes", "kind", "mobile", "nationalId", "email",
            "seenAt", "gone") VALUES ($1, $2, $3, 'person', $4, $5, $6, $7, $8)
        ON CONFLICT ("code") DO UPDATE SET "checksum" = excluded."checksum", "changes" = excluded."changes""#;
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let old = TestDb::bare(engine).await.unwrap();
        let (store, db) = (&old.store, old.store.db());
        migrations::migrate_by(db, BEFORE).await.unwrap();
        let now = SystemClock.now();
        let put = async |code: &str, sum: &str, changes: i64, keys: [Option<&str>; 3], gone: bool| {
            let [mobile, id, email] = keys.map(|key| key.map(str::to_owned).into());
            let values = [
                code.into(),
                sum.into(),
                changes.into(),
                mobile,
                id,
                email,
                now.into(),
                gone.into(),
            ];
            run(db, contact, values).await;
        };
        let keys = [Some("9121112345"), Some("12345679"), Some("a@b.ir")];
        put("22", "old", 3, keys, false).await;
        put(
            "23",
            "old",
            1,
            [Some("88451236"), Some("001-234"), Some("none")],
            false,
        )
        .await;
        put("24", "old", 2, keys, true).await;
        migrations::migrate(db).await.unwrap();
        let seen = store.contacts_but(&HashSet::new()).await.unwrap();
        assert_eq!(seen.len(), 3);
        assert_eq!((seen["22"].checksum.as_str(), seen["22"].changes), ("old", 3));
        assert!(!seen["22"].indexed && seen["24"].gone, "{engine:?}");
        assert!(store.contact_times("22").await.unwrap().is_some());
        is_found_by_its_keys(store, "22").await;
        if engine == Engine::Postgres {
            put("22", "new", 4, keys, false).await;
            put("25", "new", 1, keys, false).await;
            let seen = store.contacts_but(&HashSet::new()).await.unwrap();
            assert_eq!((seen["22"].checksum.as_str(), seen["22"].changes), ("new", 4));
            assert_eq!(seen["25"].changes, 1);
        }
        old.drop_it().await;
    }
}

/// Nothing else is known of it.
async fn is_found_by_its_keys(store: &SqlStore, code: &str) {
    use domain::index::IndexStore as _;
    use domain::matching::{Form, Key};

    for (key, value) in [
        (Key::Mobile, "9121112345"),
        (Key::NationalId, "0012345679"),
        (Key::Email, "a@b.ir"),
    ] {
        let form = Form {
            key,
            value: value.to_owned(),
        };
        let found = store
            .holding(domain::ports::Side::Finance, &[form], "")
            .await
            .unwrap();
        let found: Vec<_> = found.iter().map(|one| (one.id.as_str(), &one.profile)).collect();
        assert_eq!(found, [(code, &None)], "{value}");
    }
}
