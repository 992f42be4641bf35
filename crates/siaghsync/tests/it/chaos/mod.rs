//! Real processes, real PostgreSQL and Redis, faults in a tenth of all outside calls, and someone who kills, stops and
//! flushes: nothing that was typed may be lost, doubled, invented or left lying.

mod field;
mod killer;
mod operator;
mod paper_verdict;
mod papers;
mod users;
mod verdict;
mod weather;
mod windows;

use std::time::{Duration, Instant};

use domain::polls::{CRM_INVOICES, CRM_ORGANIZATION, CRM_PERSON, CRM_QUOTES, FINANCE_CONTACTS};
use domain::store::{Stats, Store};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sea_orm::ConnectionTrait;
use serde_json::Value;
use service::doorbell::{RedisDoorbell, RedisOptions};
use simulator::SimulatorConfig;
use testkit::redis::Server;
use testkit::{Engine, TestDb};

use crate::deployment::{Deployment, Process};
use crate::documents::siaghsync;
use crate::polls::looks_of;
use killer::Killer;
use operator::{Operator, Ruling};
use paper_verdict::Figures;
use papers::{Papers, QUOTE_TYPES};
use users::Users;
use verdict::{Verdict, judge};

/// As short as the settings allow with a time-out of two seconds, so that lapses and settling fit a test.
pub const LEASE: Duration = Duration::from_secs(4);
/// `CREATE_SETTLE_SECONDS` below.
pub const CREATE_SETTLE: Duration = Duration::from_secs(8);
const SETTINGS: [(&str, &str); 11] = [
    ("HTTP_TIMEOUT_SECONDS", "2"),
    ("LEASE_SECONDS", "4"),
    ("CREATE_SETTLE_SECONDS", "8"),
    ("SWEEP_INTERVAL_SECONDS", "1"),
    ("POLL_INTERVAL_SECONDS", "2"),
    ("RETRY_BASE_SECONDS", "1"),
    // Other tests want connections of the same server at the same time.
    ("WORKER_CONCURRENCY", "8"),
    ("MAX_CHANGES_PER_RUN", "100000"),
    ("MAX_CHANGED_SHARE", "1"),
    ("CRM_QUOTE_TYPES", "PI_5,PI_3"),
    ("CRM_INVOICE_TYPES", "SI_5"),
];
/// A tenth of all calls fails: with these retries no row does. Three are the default.
const ENOUGH: u64 = 20;
const WORKERS: usize = 3;
const POLLS: [&str; 5] = [
    CRM_PERSON,
    CRM_ORGANIZATION,
    CRM_QUOTES,
    CRM_INVOICES,
    FINANCE_CONTACTS,
];

/// What a run is to do.
struct Plan {
    changes: usize,
    per_second: f64,
    seed: u64,
    /// Fewer kills between a first read and its commit prove nothing.
    kills_that_hit: usize,
    /// Workers that must have lost a lease while they were stopped.
    fenced: usize,
    /// `MAX_RETRY_ATTEMPTS`. With so few that rows fail while a tenth of all calls does, an operator has them tried
    /// again when the storm is over.
    retries: u64,
    /// All must be at an end so long after the last change.
    patience: Duration,
}

/// `make chaos-short SEED=1`; `RETRIES=3` as the product ships.
#[tokio::test(flavor = "multi_thread")]
async fn short() {
    chaos(Plan {
        changes: 160,
        per_second: 8.0,
        seed: number("SEED", 1),
        kills_that_hit: 5,
        fenced: 0,
        retries: number("RETRIES", ENOUGH),
        patience: Duration::from_secs(180),
    })
    .await;
}

/// `make chaos CHANGES=2000 SEED=1`.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes: make chaos"]
async fn long() {
    chaos(Plan {
        changes: usize::try_from(number("CHANGES", 2000)).unwrap(),
        per_second: 10.0,
        seed: number("SEED", 1),
        kills_that_hit: 50,
        fenced: 1,
        retries: number("RETRIES", ENOUGH),
        patience: Duration::from_secs(600),
    })
    .await;
}

/// What the environment says, if anything.
fn number(name: &str, default: u64) -> u64 {
    let given = std::env::var(name).ok().filter(|text| !text.is_empty());
    given.map_or(default, |text| {
        text.parse()
            .unwrap_or_else(|_| panic!("{name}={text} is no number"))
    })
}

async fn chaos(plan: Plan) {
    let mut config = SimulatorConfig {
        keep_requests: 500_000,
        keep_body_bytes: 8 * 1024,
        ..SimulatorConfig::default()
    };
    config.crm.quote_types = QUOTE_TYPES.map(str::to_owned).to_vec();
    config.finance.fiscal_year = papers::FISCAL_YEAR;
    let db = TestDb::new(Engine::Postgres).await.unwrap();
    let retries = plan.retries.to_string();
    let settings = [&SETTINGS[..], &[("MAX_RETRY_ATTEMPTS", &retries)]].concat();
    let d = Deployment::around(config, Engine::Postgres, db, &settings).await;
    let mut run = Run::begin(d, &plan).await;
    let started = Instant::now();
    run.storm(&plan).await;
    let typed_in = started.elapsed();
    run.calm(&plan).await;
    let settled_in = started.elapsed();
    let mut verdict = judge(&run.d, &run.users).await;
    let figures = paper_verdict::judge(&run.d, &run.users, &run.papers, &mut verdict).await;
    let hit = run.killer.counted(&run.d).await;
    verdict.print();
    run.print(&plan, &verdict, hit, (typed_in, settled_in));
    run.print_papers(&figures);
    assert!(verdict.is_fine(), "seed {}", plan.seed);
    assert!(
        run.killer.deserters.is_empty(),
        "ended by themselves: {:#?}",
        run.killer.deserters
    );
    let typed = plan.changes + run.papers.all.len();
    assert!(
        run.saves() < 4 * typed as u64,
        "{} saves for {typed} changes",
        run.saves()
    );
    assert!(
        hit >= plan.kills_that_hit,
        "void: only {hit} of {} kills fell between a first read and its commit",
        run.killer.kills
    );
    assert_eq!(run.struck.len(), BLOWS.len(), "void: only {:?}", run.struck);
    assert!(run.emptied > 0, "void: no flush found a ring in the queue");
    let fenced = run.killer.fenced;
    assert!(fenced >= plan.fenced, "void: {fenced} lost a lease while stopped");
    judge_the_judge(run).await;
}

/// What befalls the systems when all is over and nothing runs any more must be seen as lost.
async fn judge_the_judge(run: Run) {
    let Run {
        d,
        users,
        mut papers,
        killer,
        ingest,
        ..
    } = run;
    drop((killer, ingest));
    let taken_back = verdict::take_back(&d.sim, &users);
    let lost = judge(&d, &users).await.lost.len();
    println!("{:<34} {lost} of {taken_back}", "last words taken back, seen");
    // A few may have their excuse.
    let most = 10 * lost >= 9 * taken_back;
    assert!(
        most && taken_back > 0,
        "the judge sees {lost} of {taken_back} lost edits"
    );
    papers.change_all(&d.sim, &users);
    let mut verdict = Verdict::default();
    let changed = paper_verdict::judge(&d, &users, &papers, &mut verdict)
        .await
        .changed;
    let untold = verdict
        .lost
        .iter()
        .filter(|lost| lost.starts_with("nobody was told"));
    let untold = untold.count();
    println!(
        "{:<34} {untold} of {changed}",
        "untold changes of documents, seen"
    );
    assert!(
        untold == changed && changed > 0,
        "the judge sees {untold} of {changed} untold changes"
    );
    d.db.drop_it().await;
}

struct Run {
    d: Deployment,
    users: Users,
    papers: Papers,
    operator: Operator,
    killer: Killer,
    ingest: Process,
    struck: Vec<Blow>,
    /// Flushes that found rings in the queue.
    emptied: usize,
    /// Rows that failed in the storm and were tried again.
    retried: u64,
    rng: StdRng,
    faults: Vec<(String, u64)>,
    calls: u64,
}

/// What befalls the run, each at its share of the changes.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Blow {
    Flush,
    RedisRestart,
    DatabaseConnections,
    KillIngest,
    Stop,
    Webhooks,
}

const BLOWS: [(f64, Blow); 16] = [
    (0.10, Blow::Stop),
    (0.15, Blow::KillIngest),
    (0.25, Blow::Flush),
    (0.30, Blow::DatabaseConnections),
    (0.35, Blow::Stop),
    (0.40, Blow::KillIngest),
    (0.45, Blow::Webhooks),
    (0.50, Blow::Flush),
    (0.55, Blow::Stop),
    (0.60, Blow::RedisRestart),
    (0.65, Blow::KillIngest),
    (0.70, Blow::DatabaseConnections),
    (0.75, Blow::Flush),
    (0.80, Blow::Stop),
    (0.85, Blow::KillIngest),
    (0.90, Blow::Stop),
];

impl Run {
    async fn begin(d: Deployment, plan: &Plan) -> Self {
        let mut rng = StdRng::seed_from_u64(plan.seed);
        let ingest = d.run("siagh-ingest", &[]);
        let killer = Killer::new(&d, StdRng::from_rng(&mut rng), WORKERS);
        d.ready().await;
        looks_of(&d, &POLLS, 1).await;
        d.native_webhooks();
        d.document_webhooks();
        d.sim.crm().configure(|crm| {
            crm.webhooks.drop_probability = 0.1;
            crm.webhooks.duplicate_probability = 0.1;
        });
        weather::storm(&d.sim, plan.seed);
        Self {
            users: Users::new(plan.seed, plan.changes),
            papers: Papers::new(plan.seed),
            operator: Operator::default(),
            d,
            killer,
            ingest,
            struck: Vec::new(),
            emptied: 0,
            retried: 0,
            rng,
            faults: Vec::new(),
            calls: 0,
        }
    }

    /// Users type while everything breaks.
    async fn storm(&mut self, plan: &Plan) {
        let started = Instant::now();
        let mut blows = BLOWS.iter().peekable();
        let mut owed: Vec<Blow> = Vec::new();
        let mut kill_at = started + self.killer.about(Duration::from_secs(1));
        let limit = Duration::from_secs_f64(plan.changes as f64 / plan.per_second) + plan.patience;
        while self.users.changes < plan.changes || self.struck.len() < BLOWS.len() {
            let now = Instant::now();
            if started + limit < now {
                return;
            }
            let due = (now - started).as_secs_f64() * plan.per_second >= self.users.changes as f64;
            if due && self.users.changes < plan.changes {
                self.late_webhooks();
                self.users.act(&self.d.sim);
                self.papers.act(&self.d.sim, &self.users);
            }
            let done = self.users.changes as f64 / plan.changes as f64;
            owed.extend(blows.next_if(|(at, _)| *at <= done).map(|(_, blow)| *blow));
            if let Some(blow) = owed.pop() {
                if self.strike(blow).await {
                    self.struck.push(blow);
                } else {
                    owed.push(blow);
                }
            }
            // Looks until someone is in the middle of something; after a second anyone will do.
            let long_due = kill_at + Duration::from_secs(1) <= now;
            if kill_at <= now && self.killer.kill(&self.d, long_due).await {
                kill_at = (kill_at + self.killer.about(Duration::from_secs(1))).max(now);
            }
            self.killer.look_after(&self.d).await;
            self.operator.look_after(&self.d, &self.papers).await;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Some webhooks come late.
    fn late_webhooks(&mut self) {
        let delay_ms = if self.rng.random_bool(0.2) { 1_500 } else { 0 };
        self.d.sim.crm().configure(|crm| crm.webhooks.delay_ms = delay_ms);
    }

    /// `false`: it is to be tried again.
    async fn strike(&mut self, blow: Blow) -> bool {
        match blow {
            Blow::Flush => self.flush().await,
            Blow::RedisRestart => {
                let redis: &mut Server = self.d.redis.as_mut().unwrap();
                redis.down();
                tokio::time::sleep(Duration::from_millis(1500)).await;
                redis.up().await;
            }
            Blow::DatabaseConnections => {
                let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                           WHERE datname = current_database() AND pid <> pg_backend_pid()";
                return self.d.db.store.db().execute_unprepared(end).await.is_ok();
            }
            Blow::KillIngest => {
                // The port is free only when the old one is dead.
                self.ingest.signal("KILL");
                while !self.ingest.has_ended() {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                self.ingest = self.d.run("siagh-ingest", &[]);
            }
            Blow::Stop => return self.killer.stop(&self.d).await,
            Blow::Webhooks => self.d.signed_webhooks(),
        }
        true
    }

    /// Empties Redis while rings wait there: nobody takes them for a moment.
    async fn flush(&mut self) {
        let redis = self.d.redis.as_ref().unwrap();
        let queue = RedisDoorbell::connect(&redis.url(), &RedisOptions::default()).unwrap();
        let paused = self.killer.pause();
        for customer in self.d.sim.crm().customers().iter().take(20) {
            let id = customer["crmId"].as_str().unwrap();
            self.d.sim.crm().announce(id).unwrap();
        }
        let started = Instant::now();
        let mut waiting = 0;
        while waiting == 0 && started.elapsed() < Duration::from_secs(1) {
            tokio::time::sleep(Duration::from_millis(10)).await;
            waiting = queue.depths().await.map_or(0, |depths| depths.waiting);
        }
        redis.command(&["FLUSHALL"]).await.unwrap();
        self.emptied += usize::from(waiting > 0);
        self.killer.go_on(&paused);
    }

    /// Rows that have used up their few tries are tried again by hand.
    async fn retry_what_failed(&mut self, plan: &Plan) {
        if plan.retries >= ENOUGH {
            return;
        }
        let (code, said) = siaghsync(&self.d, &["retry", "--all-failed", "--json"]);
        assert_eq!(code, Some(0), "{said}");
        let line = said
            .lines()
            .find_map(|line| serde_json::from_str::<Value>(line).ok());
        self.retried += line.unwrap()["rows"].as_u64().unwrap();
        self.operator.settle(&self.d, &self.papers, plan).await;
    }

    /// The storm is over; every row must come to an end, and then nothing may move any more.
    async fn calm(&mut self, plan: &Plan) {
        self.calls = self.all_calls();
        self.faults = weather::clear_up(&self.d.sim);
        while self.killer.any_stopped() {
            self.killer.look_after(&self.d).await;
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        tokio::time::sleep(Duration::from_millis(300)).await;
        self.killer.look_after(&self.d).await;
        assert!(!self.ingest.has_ended(), "ingest ended by itself");
        self.papers.finish(&self.d.sim, &self.users);
        // What no webhook told, the polls see; what they see may lead to more.
        for _ in 0..2 {
            looks_of(&self.d, &POLLS, 1).await;
            self.operator.settle(&self.d, &self.papers, plan).await;
            self.retry_what_failed(plan).await;
        }
        let before = (self.saves(), self.rows_written().await);
        looks_of(&self.d, &POLLS, 2).await;
        self.operator.settle(&self.d, &self.papers, plan).await;
        let after = (self.saves(), self.rows_written().await);
        assert_eq!(before, after, "saves and rows move although nobody types");
        self.killer.look_after(&self.d).await;
    }

    fn saves(&self) -> u64 {
        let (crm, finance) = (self.d.sim.crm().stats(), self.d.sim.finance().stats());
        crm.snapshot().api_saves + finance.snapshot().api_saves
    }

    fn all_calls(&self) -> u64 {
        let (crm, finance) = (self.d.sim.crm().stats(), self.d.sim.finance().stats());
        crm.snapshot().requests + finance.snapshot().requests
    }

    async fn rows_written(&self) -> u64 {
        let Stats {
            success,
            skipped,
            failed,
            conflict,
            ..
        } = self.d.db.store.stats().await.unwrap();
        success + skipped + failed + conflict
    }

    fn print(&self, plan: &Plan, verdict: &Verdict, hit: usize, took: (Duration, Duration)) {
        let faults: u64 = self.faults.iter().map(|(_, hits)| hits).sum();
        let by_kind: Vec<_> = self
            .faults
            .iter()
            .map(|(kind, hits)| format!("{kind} {hits}"))
            .collect();
        let webhooks = self.d.sim.crm().webhook_stats();
        let share = 100.0 * faults as f64 / self.calls as f64;
        let count = |blow: fn(&Blow) -> bool| self.struck.iter().filter(|b| blow(b)).count().to_string();
        let figures = [
            ("seed", plan.seed.to_string()),
            ("changes typed", self.users.changes.to_string()),
            ("customers", self.users.people.len().to_string()),
            ("outside calls", self.calls.to_string()),
            (
                "faults",
                format!("{faults} ({share:.1} %): {}", by_kind.join(", ")),
            ),
            (
                "webhooks",
                format!(
                    "{} sent, {} never sent, {} not taken",
                    webhooks.sent, webhooks.dropped, webhooks.failed
                ),
            ),
            (
                "kill -9 of workers",
                format!(
                    "{}, {hit} of them between a first read and its commit (cut {} runs)",
                    self.killer.kills,
                    self.killer.cuts.len()
                ),
            ),
            ("kill -9 of ingest", count(|b| *b == Blow::KillIngest)),
            (
                "SIGSTOP past the lease",
                format!("{}, {} lost a lease by it", self.killer.stops, self.killer.fenced),
            ),
            (
                "FLUSHALL, Redis restarts",
                format!(
                    "{} ({} found rings), {}",
                    count(|b| *b == Blow::Flush),
                    self.emptied,
                    count(|b| *b == Blow::RedisRestart)
                ),
            ),
            (
                "database connections cut",
                count(|b| *b == Blow::DatabaseConnections),
            ),
            (
                "typed in, at rest after",
                format!("{:.0} s, {:.0} s", took.0.as_secs_f64(), took.1.as_secs_f64()),
            ),
            (
                "retries, failed and tried again",
                format!("{}, {}", plan.retries, self.retried),
            ),
            ("saves by the product", self.saves().to_string()),
            (
                "losers recorded, not as such, ties",
                format!("{}, {}, {}", verdict.recorded, verdict.unsaid, verdict.ties),
            ),
            (
                "exempt: in a save's window, filled",
                format!("{}, {}", verdict.exempt, verdict.filled),
            ),
            ("saves from an older look", verdict.from_an_older_look.to_string()),
            (
                "lost, duplicated, stuck, invented",
                format!(
                    "{}, {}, {}, {}",
                    verdict.lost.len(),
                    verdict.duplicated.len(),
                    verdict.stuck.len(),
                    verdict.invented.len()
                ),
            ),
        ];
        for (name, figure) in figures {
            println!("{name:<34} {figure}");
        }
    }

    fn print_papers(&self, figures: &Figures) {
        let (papers, operator) = (&self.papers, &self.operator);
        let figures = [
            (
                "documents typed, edits, idle edits",
                vec![papers.all.len(), papers.changes, papers.idle_edits],
            ),
            (
                "issued, order issued otherwise, gone",
                vec![figures.issued, figures.skipped, figures.gone],
            ),
            (
                "unknown: it exists, sent again",
                vec![operator.times(Ruling::Exists), operator.times(Ruling::SendAgain)],
            ),
            ("changes accepted", vec![operator.times(Ruling::Accept)]),
            (
                "rulings not carried out at once, refused",
                vec![operator.later, operator.refused.len()],
            ),
            (
                "said otherwise than issued, exempt",
                vec![figures.changed, figures.exempt],
            ),
            ("documents doubled", vec![figures.doubled]),
        ];
        for (name, figures) in figures {
            let figures: Vec<_> = figures.iter().map(ToString::to_string).collect();
            println!("{name:<40} {}", figures.join(", "));
        }
        for refused in &operator.refused {
            println!("refused: {refused}");
        }
    }
}
