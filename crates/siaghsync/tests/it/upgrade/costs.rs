//! What a sync costs, in statements and outside calls, by the counts of the servers.

use std::collections::BTreeMap;
use std::time::Duration;

use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use simulator::sample;
use testkit::{Engine, TestDb};

use super::{old_migrate, old_service, until_still};
use crate::deployment::Deployment;

/// Statements by their text, and outside calls, so far.
async fn costs(d: &Deployment) -> (BTreeMap<String, i64>, u64) {
    let db = d.db.store.db();
    let sql = r#"SELECT CAST(SUM("calls") AS bigint) AS "n", s.query FROM pg_stat_statements s
        JOIN pg_database b ON b.oid = s.dbid WHERE b.datname = current_database()
          AND s.query NOT LIKE '%pg_stat_statements%' AND s.query NOT IN ('BEGIN', 'COMMIT', 'ROLLBACK', 'SELECT $1')
          AND s.query NOT LIKE 'SELECT COUNT(*) AS "n" FROM "SyncLog"%' -- Our own question whether all is done.
        GROUP BY s.query"#;
    let rows = db
        .query_all_raw(Statement::from_string(db.get_database_backend(), sql))
        .await
        .unwrap();
    let of = |row: sea_orm::QueryResult| (row.try_get("", "query").unwrap(), row.try_get("", "n").unwrap());
    let calls = d.sim.crm().stats().calls("") + d.sim.finance().stats().calls("");
    (rows.into_iter().map(of).collect(), calls)
}

/// What was added to each, the least frequent first.
fn added(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>) -> Vec<(i64, String)> {
    let more = |(sql, n): (&String, &i64)| {
        let words: Vec<&str> = sql.split_whitespace().collect();
        (n - before.get(sql).copied().unwrap_or(0), words.join(" "))
    };
    let mut all: Vec<_> = after.iter().map(more).filter(|(n, _)| *n > 0).collect();
    all.sort();
    all
}

/// What `n` syncs cost, by the counts of the servers; the polls, the sweeper and the breakers beside them are taken off.
async fn costs_of(d: &Deployment, what: &str, n: u32, deed: impl AsyncFnOnce()) {
    let of_all = |all: &[(i64, String)]| all.iter().map(|(n, _)| *n).sum::<i64>();
    let (idle, seconds) = (costs(d).await, 5);
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let ((before, calls), started) = (costs(d).await, std::time::Instant::now());
    let a_second = of_all(&added(&idle.0, &before)) / seconds.cast_signed();
    deed().await;
    until_still(d).await;
    let ((after, calls_after), took) = (costs(d).await, started.elapsed().as_secs_f64());
    let statements = added(&before, &after);
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    let a_sync = |all: i64| all as f64 / f64::from(n);
    #[expect(clippy::cast_precision_loss, reason = "counts")]
    let of_syncs = a_sync(of_all(&statements)) - took * a_second as f64 / f64::from(n);
    let calls = a_sync((calls_after - calls).cast_signed());
    println!("{what:<30} {of_syncs:>6.1} statements, {calls:>5.1} outside calls a sync");
    for (n, sql) in statements.iter().rev().filter(|(n, _)| a_sync(*n) >= 0.05) {
        println!(
            "{:>8.2}  {}",
            a_sync(*n),
            sql.chars().take(150).collect::<String>()
        );
    }
}

/// What each kind of sync costs.
async fn of_each_kind(d: &Deployment) {
    let heard = Duration::from_secs(2);
    let mut typed = Vec::new();
    costs_of(d, "a new customer of the CRM", 100, async || {
        typed = d.create_customers(sample::customers(61, 100));
        tokio::time::sleep(heard).await;
    })
    .await;
    costs_of(d, "an edit in the CRM", 100, async || {
        for (n, (id, _)) in typed.iter().enumerate() {
            d.edit_crm(id, json!({"website": format!("{n}.example.com")}));
        }
        tokio::time::sleep(heard).await;
    })
    .await;
    costs_of(d, "an edit that changes nothing", 100, async || {
        for (id, _) in &typed {
            d.edit_crm(id, json!({"subject": "nothing of ours"}));
        }
        tokio::time::sleep(heard).await;
    })
    .await;
}

/// On a server with `shared_preload_libraries=pg_stat_statements`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs pg_stat_statements, and compares with an older version's programs where OLD names them"]
async fn what_a_sync_costs_before_and_now() {
    let before = std::env::var_os("OLD").map(|_| true);
    for is_old in before.into_iter().chain([false]) {
        let db = TestDb::bare(Engine::Postgres).await.unwrap();
        let d = Deployment::with(Engine::Postgres, db, &[("POLL_INTERVAL_SECONDS", "86400")]).await;
        let extension = "CREATE EXTENSION IF NOT EXISTS pg_stat_statements";
        d.db.store.db().execute_unprepared(extension).await.unwrap();
        let programs = ["siagh-ingest", "siagh-worker"];
        let _services: Vec<Box<dyn std::any::Any>> = if is_old {
            old_migrate(&d);
            programs
                .map(|name| Box::new(old_service(&d, name)) as Box<dyn std::any::Any>)
                .into()
        } else {
            assert_eq!(d.siaghsync(&["migrate"]).0, Some(0));
            programs
                .map(|name| Box::new(d.run(name, &[])) as Box<dyn std::any::Any>)
                .into()
        };
        d.ready().await;
        // The first looks of the polls.
        tokio::time::sleep(Duration::from_secs(8)).await;
        d.native_webhooks();
        d.document_webhooks();
        println!("── {}", if is_old { "before" } else { "now" });
        of_each_kind(&d).await;
        d.db.drop_it().await;
    }
}
