//! The earlier SiaghSync's documented SQL runs unchanged on PostgreSQL.

use std::time::Duration;

use sea_orm::ConnectionTrait;
use simulator::sample;
use testkit::Engine;

use crate::deployment::Deployment;

/// As people have it in their notes.
const DOCUMENTED: [&str; 12] = [
    r#"SELECT * FROM "SyncLog" WHERE status = 'FAILED' ORDER BY "startedAt" DESC LIMIT 10;"#,
    r#"SELECT * FROM "SyncLog" ORDER BY "startedAt" DESC LIMIT 20;"#,
    r#"SELECT status, COUNT(*) FROM "SyncLog" GROUP BY status;"#,
    r#"SELECT status, COUNT(*) FROM "SyncLog" WHERE "startedAt" > NOW() - INTERVAL '24 hours' GROUP BY status;"#,
    r#"SELECT "entityType", direction, AVG("durationMs") FROM "SyncLog" WHERE status = 'SUCCESS' GROUP BY "entityType", direction;"#,
    r#"SELECT * FROM "EntityMapping" WHERE "entityType" = 'CUSTOMER' ORDER BY "lastSyncAt" DESC LIMIT 10;"#,
    r#"SELECT "crmId", "financeId", "lastSyncSource", "lastSyncTransactionId" FROM "EntityMapping" WHERE "crmId" = 'x';"#,
    r#"SELECT COUNT(*) FROM "EntityMapping" GROUP BY "entityType";"#,
    r#"SELECT * FROM "SyncRetryQueue" WHERE "nextRetryAt" <= NOW() ORDER BY "nextRetryAt";"#,
    r#"SELECT l.*, r."nextRetryAt" FROM "SyncLog" l JOIN "SyncRetryQueue" r ON r."syncLogId" = l.id;"#,
    r#"SELECT * FROM "WebhookSubscription" WHERE "isActive" = true;"#,
    r#"SELECT l."errorMessage", l."retryCount", m."crmId" FROM "SyncLog" l LEFT JOIN "EntityMapping" m ON m.id = l."entityMappingId" WHERE l.status IN ('FAILED', 'CONFLICT');"#,
];

#[tokio::test(flavor = "multi_thread")]
async fn the_documented_sql_runs_unchanged() {
    let d = Deployment::new(Engine::Postgres, &[]).await;
    let _ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run("siagh-worker", &[]);
    d.ready().await;
    d.native_webhooks();
    let customer = &sample::customers(1, 1)[0];
    d.sim.crm().create(customer.kind, customer.to_crm()).unwrap();
    d.settled(Duration::from_secs(30)).await;
    for sql in DOCUMENTED {
        d.db.store
            .db()
            .execute_unprepared(sql)
            .await
            .unwrap_or_else(|error| panic!("{sql}: {error}"));
    }
    d.db.drop_it().await;
}
