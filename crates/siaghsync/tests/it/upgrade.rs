//! An older version's deployment becomes this version's while its services run: `make upgrade OLD=<folder of its programs>`.
//!
//! Two thousand links, conflicts that wait for a human, writes in flight and a held poll are there; `migrate` runs beside the
//! old services; the new ones go on without one write too many.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::Duration;

use domain::store::entities::link;
use sea_orm::{ConnectionTrait, EntityTrait, PaginatorTrait, Statement};
use serde_json::json;
use simulator::{FaultKind, FaultRule, System, sample};
use testkit::{Engine, TestDb};

use crate::deployment::{Deployment, Process};

mod costs;

const LIMIT: Duration = Duration::from_secs(300);
const SETTINGS: [(&str, &str); 9] = [
    ("POLL_INTERVAL_SECONDS", "2"),
    ("SWEEP_INTERVAL_SECONDS", "1"),
    ("LEASE_SECONDS", "10"),
    ("HTTP_TIMEOUT_SECONDS", "4"),
    ("CREATE_SETTLE_SECONDS", "10"),
    ("CONFLICT_STRATEGY", "manual"),
    // The first look, and the import, are not what is tried here.
    ("MAX_CHANGES_PER_RUN", "100000"),
    ("MAX_CHANGED_SHARE", "0.2"),
    ("RUST_LOG", "warn"),
];

/// Programs of the older version.
fn old() -> PathBuf {
    PathBuf::from(std::env::var_os("OLD").expect("OLD: the folder of the older version's programs"))
}

fn old_command(d: &Deployment, name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(old().join(name));
    command.args(arguments).env_clear().envs(d.settings());
    command.stdin(Stdio::null());
    command
}

fn old_migrate(d: &Deployment) {
    let migrated = old_command(d, "siaghsync", &["migrate"]).status().unwrap();
    assert!(migrated.success());
}

struct Service(std::process::Child);

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn old_service(d: &Deployment, name: &str) -> Service {
    let quiet = || Stdio::null();
    Service(
        old_command(d, name, &[])
            .stdout(quiet())
            .stderr(quiet())
            .spawn()
            .unwrap(),
    )
}

/// By hand: the tables are the older version's until they are migrated.
async fn count(d: &Deployment, which: &str) -> i64 {
    let sql = format!(r#"SELECT COUNT(*) AS "n" FROM {which}"#);
    let db = d.db.store.db();
    let row = db
        .query_one_raw(Statement::from_string(db.get_database_backend(), sql))
        .await;
    row.unwrap().unwrap().try_get("", "n").unwrap()
}

async fn rows(d: &Deployment, status: &str) -> i64 {
    count(d, &format!(r#""SyncLog" WHERE "status" = '{status}'"#)).await
}

async fn until_still(d: &Deployment) {
    d.eventually("still", LIMIT, async || {
        rows(d, "PENDING").await + rows(d, "IN_PROGRESS").await == 0
    })
    .await;
}

/// Every save of both systems so far, by record.
fn saves(d: &Deployment) -> BTreeMap<String, u64> {
    let of = |name: &str, all: BTreeMap<String, simulator::Saves>| {
        let all = all
            .into_iter()
            .map(|(id, saves)| (format!("{name} {id}"), saves.api));
        all.collect::<Vec<_>>()
    };
    let crm = of("crm", d.sim.crm().stats().all_saves());
    crm.into_iter()
        .chain(of("finance", d.sim.finance().stats().all_saves()))
        .collect()
}

/// An older version's deployment, and pairs of it: finance's code, the CRM's id.
struct Older {
    d: Deployment,
    codes: Vec<i64>,
    pairs: Vec<(i64, String)>,
    services: Vec<Service>,
}

/// Those of the pairs that are edited on both sides.
const MET: Range<usize> = 0..30;
/// Those whose saves are on their way.
const SENT: Range<usize> = 40..80;
/// Those that are edited while the old services go on on the new tables.
const MEANWHILE: Range<usize> = 90..100;
/// Those of the codes that the guard holds.
const BULK: Range<usize> = 200..700;

impl Older {
    async fn start() -> Self {
        let db = TestDb::bare(Engine::Postgres).await.unwrap();
        // A poll of its own, so that nothing is asked of tables that are not there yet.
        let d = Deployment::with(Engine::Postgres, db, &SETTINGS).await;
        old_migrate(&d);
        for customer in sample::customers(31, 2000) {
            d.sim.finance().seed(customer.to_finance()).unwrap();
        }
        let import = old_command(&d, "siaghsync", &["import", "--yes", "--rate", "5000"])
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&import.stderr);
        assert!(import.status.success(), "{said}");
        let services = ["siagh-ingest", "siagh-worker"]
            .map(|name| old_service(&d, name))
            .into();
        until_still(&d).await;
        let contacts = d.sim.finance().contacts();
        let codes: Vec<i64> = contacts.iter().map(|c| c["Code"].as_i64().unwrap()).collect();
        let named: BTreeMap<String, String> = d
            .sim
            .crm()
            .customers()
            .into_iter()
            .filter_map(|one| {
                Some((
                    one["refId"].as_str()?.to_owned(),
                    one["crmId"].as_str()?.to_owned(),
                ))
            })
            .collect();
        let pair = |code: &i64| (*code, named[&code.to_string()].clone());
        let pairs = codes.iter().take(120).map(pair).collect();
        Self {
            d,
            codes,
            pairs,
            services,
        }
    }

    fn some(&self, which: Range<usize>) -> impl Iterator<Item = (usize, &(i64, String))> {
        which.clone().zip(&self.pairs[which])
    }

    fn edit_emails(&self, which: Range<usize>, email: &str) {
        for (n, (_, crm)) in self.some(which) {
            self.d
                .edit_crm(crm, json!({"email": format!("{email}{n}@example.com")}));
        }
    }

    fn have(&self, which: Range<usize>, email: &str) -> bool {
        self.some(which).all(|(n, (code, _))| {
            self.d.sim.finance().get(*code).unwrap()["Email"] == format!("{email}{n}@example.com")
        })
    }

    /// Both sides of some are edited between two looks: they wait for a human.
    async fn has_conflicts(&self) {
        let d = &self.d;
        let quiet = d
            .sim
            .faults()
            .add(FaultRule::always(System::Crm, "get", FaultKind::Unavailable));
        self.edit_emails(MET, "crm");
        for (n, (code, _)) in self.some(MET) {
            d.edit_finance(*code, json!({"Email": format!("finance{n}@example.com")}));
        }
        d.sim.faults().remove(quiet);
        d.eventually("conflicts", LIMIT, async || rows(d, "CONFLICT").await >= 25)
            .await;
    }

    /// Saves whose answers are lost, done or not, and a worker that is killed while they are on their way.
    async fn has_writes_in_flight(&self) {
        let d = &self.d;
        for kind in [FaultKind::CommitThenHang, FaultKind::Hang] {
            d.sim
                .faults()
                .add(FaultRule::random(System::Finance, "SaveFormData", kind, 0.5));
        }
        self.edit_emails(SENT, "on.its.way");
        d.eventually("writes in flight", LIMIT, async || {
            count(d, r#""EntityMapping" WHERE "inFlight" IS NOT NULL"#).await >= 8
        })
        .await;
    }

    /// A bulk edit in finance, which the guard of the old version holds.
    async fn has_a_held_poll(&self) {
        let d = &self.d;
        for code in &self.codes[BULK] {
            d.edit_finance(*code, json!({"WebSiteAddress": "bulk.example.com"}));
        }
        d.eventually("held", LIMIT, async || {
            count(d, r#""PollCursor" WHERE "heldBy" IS NOT NULL"#).await == 1
        })
        .await;
    }

    /// The new version's tables, beneath the old services: they go on, until their time is over.
    async fn is_migrated(&mut self) {
        let (code, said) = self.d.siaghsync(&["migrate"]);
        assert_eq!(code, Some(0), "{said}");
        self.d.sim.faults().clear();
        self.edit_emails(MEANWHILE, "meanwhile");
        self.d
            .eventually("the old services on the new tables", LIMIT, async || {
                self.have(MEANWHILE, "meanwhile")
            })
            .await;
        self.services.clear();
    }
}

/// What was written since `before`: only what had been on its way, and each of that once.
fn written_since(older: &Older, before: &BTreeMap<String, u64>) -> usize {
    let of_way: Vec<String> = older
        .some(SENT)
        .map(|(_, (code, _))| format!("finance {code}"))
        .collect();
    let mut more = 0;
    for (id, n) in saves(&older.d) {
        let known = before.get(&id).copied().unwrap_or(0);
        if n > known {
            more += 1;
            assert!(
                of_way.contains(&id),
                "{id} was written though nothing was to be done"
            );
            assert_eq!(n, known + 1, "{id}: one write for what had not arrived");
        }
    }
    more
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs an older version's programs: make upgrade OLD=…"]
async fn an_older_deployment_goes_on_without_a_write_too_many() {
    let mut older = Older::start().await;
    older.has_conflicts().await;
    older.has_writes_in_flight().await;
    older.has_a_held_poll().await;
    older.is_migrated().await;

    let d = &older.d;
    let before = saves(d);
    let _services: [Process; 2] = [d.run("siagh-ingest", &[]), d.run("siagh-worker", &[])];
    d.ready().await;
    until_still(d).await;
    let of_crm = [domain::polls::CRM_PERSON, domain::polls::CRM_ORGANIZATION];
    crate::polls::looks_of(d, &of_crm, 3).await;
    until_still(d).await;
    assert!(older.have(SENT, "on.its.way"));
    let more = written_since(&older, &before);
    // What waited waits: conflicts, and the held look.
    assert!(rows(d, "CONFLICT").await >= 26);
    let links = link::Entity::find().count(d.db.store.db()).await.unwrap();
    assert!(links >= 2000, "{links}");
    let (code, said) = d.siaghsync(&["resume"]);
    assert_eq!(code, Some(0), "{said}");
    d.eventually("the held edits", LIMIT, async || {
        let all = d.sim.crm().customers();
        let edited = all.iter().filter(|one| one["website"] == "bulk.example.com");
        edited.count() >= BULK.len()
    })
    .await;
    println!("{links} links, {more} records written once more");
    older.d.db.drop_it().await;
}
