//! How rows are found where there are many: 1,000,000 links, 100,000 rows that are open and four times as many that have ended.
//!
//! What is carried out is heard from the connection, and its plan asked for: a look at one entity, or the next rows to be
//! rung for, must not grow with what else stands in the tables.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::polls::PollStore as _;
use domain::ports::Side;
use domain::store::sql::{SqlStore, connect};
use domain::store::{Awaited, Claim, EntityType, Retry, Status, Store as _};
use futures::future::join_all;
use sea_orm::{ConnectionTrait as _, DatabaseBackend, DatabaseConnection, Statement};
use testkit::{Engine, TestDb};

use crate::plans::{rows_read, sync};
use crate::world::{LEASE, ending, entity, event};

/// What a statement may cost by PostgreSQL's reckoning: to read a whole table is forbidden to our sessions, at a price of ten
/// thousand millions; to sort all open rows is above a million.
const COST: f64 = 100_000.0;
/// How many rows PostgreSQL may read for all of the runs and looks below, which are some eighty syncs and two sweeps.
const ROWS: i64 = 20_000;

#[tokio::test]
async fn no_look_grows_with_the_tables_on_sqlite() {
    on(Engine::Sqlite).await;
}

#[tokio::test]
async fn no_look_grows_with_the_tables_on_postgres() {
    on(Engine::Postgres).await;
}

async fn on(engine: Engine) {
    let db = TestDb::new(engine).await.unwrap();
    fill(&db).await;
    let heard = Heard::default();
    let store = watched(&db, &heard).await;
    figures(&store).await;
    close(store).await;
    let before = read(&db).await;
    let store = watched(&db, &heard).await;
    runs(&store).await;
    looks(&store).await;
    close(store).await;
    let read = read(&db).await - before;
    assert!(read < ROWS, "{read} rows were read");
    let mut grown = Vec::new();
    for (sql, statement) in heard.all() {
        if let Some(why) = grows(&db, &statement).await {
            grown.push(format!("{why}\n{sql}"));
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n\n"));
    db.drop_it().await;
}

/// The store on connections of its own, of which every statement is heard.
async fn watched(db: &TestDb, heard: &Heard) -> SqlStore {
    let mut watched = connect(&db.url, 4).await.unwrap();
    let heard = heard.clone();
    watched.set_metric_callback(move |info| heard.note(info.statement));
    SqlStore::new(watched).await.unwrap()
}

/// A session tells late what it has read, and at its end at the latest.
async fn close(store: SqlStore) {
    store.db().clone().close().await.unwrap();
}

/// How many rows PostgreSQL has read; SQLite does not say.
async fn read(db: &TestDb) -> i64 {
    match db.store.db().get_database_backend() {
        DatabaseBackend::Postgres => rows_read(db).await.values().sum(),
        _ => 0,
    }
}

/// What counts or compares all that there is: how many rows wait, which contacts a look did not show.
async fn figures(store: &SqlStore) {
    assert_eq!(store.backlog().await.unwrap().pending, 100_000);
    let shown = (1..=50_000).map(|code| code.to_string().into_boxed_str());
    let others = store.contacts_but(&shown.collect()).await.unwrap();
    assert_eq!(others.len(), 50_000);
}

/// Statements that were carried out, each text once.
#[derive(Default, Clone)]
struct Heard(Arc<Mutex<BTreeMap<String, Statement>>>);

impl Heard {
    fn note(&self, statement: &Statement) {
        let verb = statement.sql.trim_start().split(' ').next().unwrap_or_default();
        if ["SELECT", "WITH", "UPDATE", "INSERT", "DELETE"].contains(&verb) {
            self.0
                .lock()
                .unwrap()
                .insert(statement.sql.clone(), statement.clone());
        }
    }

    fn all(&self) -> BTreeMap<String, Statement> {
        self.0.lock().unwrap().clone()
    }
}

/// Syncs as they come: of new customers and of linked ones, alone and together, with all that a run may leave.
async fn runs(store: &SqlStore) {
    join_all((2_000_000..2_000_008).map(|number| sync(store, number))).await;
    for (side, id) in [(Side::Crm, "c500000"), (Side::Finance, "400000")] {
        for end in [Status::Pending, Status::Failed, Status::Conflict, Status::Success] {
            let again = [event(side, id, None), event(side, id, None)];
            store.enqueue(&again).await.unwrap();
            store.retry(Some(again[0].row)).await.unwrap();
            let Claim::Taken(work) = store.claim(again[1].row, "w", LEASE).await.unwrap() else {
                panic!("{id}")
            };
            store.release(&work).await.unwrap();
            let Claim::Taken(work) = store.claim(again[1].row, "w", LEASE).await.unwrap() else {
                panic!("{id}")
            };
            let mut commit = ending(&work, end);
            if end == Status::Pending {
                let at = work.lead.heard_at;
                commit.retry = Some(Retry { at, count: 1, max: 5 });
                commit.awaits = Some(Awaited {
                    customer: "c7".to_owned(),
                    version: None,
                    enqueued: true,
                });
            }
            store.commit(&work, &commit).await.unwrap();
            store.last_run(work.link.id).await.unwrap();
        }
    }
}

/// What is asked beside the runs: by the sweeper, the pruner, the figures and the pollers.
async fn looks(store: &SqlStore) {
    for quiet in [Duration::ZERO, Duration::from_secs(60)] {
        assert_eq!(store.sweep(500, quiet).await.unwrap().len(), 500);
    }
    let hundred_days = Duration::from_secs(100 * 24 * 3600);
    assert_eq!(store.prune(hundred_days, 200).await.unwrap(), 200);
    for side in [Side::Crm, Side::Finance] {
        store.find_link(&entity(side, "7")).await.unwrap();
        store.linked(side, &["7", "c7"]).await.unwrap();
        store.known_events(side, &["poll:7:1"]).await.unwrap();
        let since = domain::clock::Clock::now(&*store.clock());
        let what = (side, EntityType::Customer);
        store.in_hand(what, &["7", "c7"], since).await.unwrap();
    }
    let codes: Vec<String> = (1..=500).map(|code| code.to_string()).collect();
    let codes: Vec<&str> = codes.iter().map(String::as_str).collect();
    assert_eq!(store.contacts(&codes).await.unwrap().len(), codes.len());
    store.contact_times("7").await.unwrap();
}

/// Why a statement costs the more, the more there is; `None`: it does not.
async fn grows(db: &TestDb, statement: &Statement) -> Option<String> {
    let postgres = statement.db_backend == DatabaseBackend::Postgres;
    let explain = if postgres {
        "EXPLAIN (FORMAT JSON) "
    } else {
        "EXPLAIN QUERY PLAN "
    };
    let mut asked = statement.clone();
    asked.sql.insert_str(0, explain);
    let plan = db.store.db().query_all_raw(asked).await.unwrap();
    if postgres {
        let plan: serde_json::Value = plan[0].try_get("", "QUERY PLAN").unwrap();
        let cost = plan[0]["Plan"]["Total Cost"].as_f64().unwrap();
        return (cost > COST).then(|| format!("{cost}: {plan:#}"));
    }
    let steps: Vec<String> = plan
        .iter()
        .map(|step| step.try_get("", "detail").unwrap())
        .collect();
    let all = steps.iter().find(|step| reads_all(step, &statement.sql))?;
    Some(format!("{all}: {steps:#?}"))
}

/// Whether a step of SQLite's reads all of a large table, all records of a side, or all rows of a status; only the figures of
/// the backlog count rows of a status.
fn reads_all(step: &str, sql: &str) -> bool {
    let large = [
        "SyncLog",
        "EntityMapping",
        "RecordIndex",
        "RecordValue",
        "SyncRetryQueue",
        "l",
        "m",
        "i",
        "v",
        "r",
    ];
    let whole = large.iter().any(|table| {
        let rest = step
            .strip_prefix("SCAN ")
            .and_then(|rest| rest.strip_prefix(table));
        rest.is_some_and(|rest| !rest.contains("VIRTUAL") && (rest.is_empty() || rest.starts_with(' ')))
    });
    let of_side = [
        "(entityType=?)",
        "(entityType=? AND company=?)",
        "(side=?)",
        "(side=? AND company=? AND entityType=?)",
    ];
    let of_status = step.contains("(status=?)") && !sql.contains("GROUP BY");
    whole || of_status || of_side.iter().any(|key| step.ends_with(key))
}

async fn fill(db: &TestDb) {
    let links = r#"INSERT INTO "EntityMapping" ("id", "entityType", "crmId", "financeId", "company", "state", "version", "leaseToken",
        "createdAt", "updatedAt", "lastSyncAt")
        SELECT {id}, 'CUSTOMER', 'c' || n, CAST(n AS text), '100', 'ACTIVE', 1, 1, {ago}, {ago}, {ago} FROM g"#;
    let contacts = r#"INSERT INTO "RecordIndex" ("side", "company", "entityType", "id", "kind", "profile", "checksum", "readAt",
        "firstSeenAt", "lookChecksum", "changes", "seenAt", "lookGone")
        SELECT 'FINANCE', '100', 'CUSTOMER', CAST(n AS text), 'person', '{}', 'x', {ago}, {ago}, 'x', 1, {ago}, false FROM g"#;
    let values = r#"INSERT INTO "RecordValue" ("side", "company", "entityType", "key", "value", "holder", "id")
        SELECT 'FINANCE', '100', 'CUSTOMER', 'mobile', '9' || (120000000 + n), '#' || n, CAST(n AS text) FROM g"#;
    let rows = r#"INSERT INTO "SyncLog" ("id", "transactionId", "entityType", "company", "direction", "status", "triggerType",
        "triggerPayload", "sourceSystem", "targetSystem", "sourceEntityId", "startedAt", "completedAt", "rungAt", "entityMappingId")
        SELECT {id}, {id}, 'CUSTOMER', '100', 'CRM_TO_FINANCE', {status}, 'WEBHOOK', '{}', 'CRM', 'FINANCE', 'c' || n, {ago},
            {completed}, {rung}, {link} FROM g"#;
    let linked = r#"(SELECT m."id" FROM "EntityMapping" m WHERE m."entityType" = 'CUSTOMER' AND m."crmId" = 'c' || n)"#;
    let open = rows
        .replace("{status}", "'PENDING'")
        .replace("{completed}", "NULL")
        .replace("{link}", "NULL")
        .replace("{rung}", "CASE WHEN n % 2 = 0 THEN {ago} END");
    // Some end so, and most well.
    let ended = rows
        .replace(
            "{status}",
            "CASE n % 40 WHEN 0 THEN 'FAILED' WHEN 1 THEN 'CONFLICT' ELSE 'SUCCESS' END",
        )
        .replace("{completed}", "{ago}")
        .replace("{link}", linked)
        .replace("{rung}", "NULL");
    let retries = r#"INSERT INTO "SyncRetryQueue" ("id", "syncLogId", "nextRetryAt", "maxRetries", "createdAt")
        SELECT {id}, l."id", {soon}, 5, {soon} FROM "SyncLog" l WHERE l."status" = 'PENDING' AND l."rungAt" IS NULL LIMIT 500"#;
    let filling = connect(&db.url, 1).await.unwrap();
    for (many, sql) in [
        (1_000_000, links),
        (100_000, contacts),
        (300_000, values),
        (100_000, &open),
        (400_000, &ended),
        (1, retries),
    ] {
        run(&filling, many, sql).await;
    }
    run(&filling, 1, "ANALYZE").await;
    filling.close().await.unwrap();
}

/// Carries out one statement over the numbers up to `many`, in that database's words. `{ago}` is as many minutes ago as the
/// number says.
async fn run(pool: &DatabaseConnection, many: u32, sql: &str) {
    let postgres = pool.get_database_backend() == DatabaseBackend::Postgres;
    let [id, ago, soon] = match postgres {
        true => [
            "gen_random_uuid()",
            "now() - n * interval '1 minute'",
            "now() + interval '1 hour'",
        ],
        false => [
            "randomblob(16)",
            "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-' || n || ' minutes')",
            "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '+1 hour')",
        ],
    };
    let sql = sql
        .replace("{id}", id)
        .replace("{ago}", ago)
        .replace("{soon}", soon);
    let numbers =
        format!("WITH RECURSIVE g(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM g WHERE n < {many}) ");
    let sql = match sql.strip_prefix("INSERT") {
        Some(_) => numbers + &sql,
        None => sql,
    };
    pool.execute_unprepared(&sql).await.unwrap();
}
