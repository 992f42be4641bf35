//! The first day: finance's contacts come into the CRM, once each, whatever happens on the way.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};
use simulator::sample::{self, SampleCustomer};
use testkit::Engine;

use crate::deployment::{Deployment, Process};

const LIMIT: Duration = Duration::from_secs(400);
/// A killed import's leases and lost creates are waited for; not for long here.
const QUICK: [(&str, &str); 4] = [
    ("HTTP_TIMEOUT_SECONDS", "8"),
    ("LEASE_SECONDS", "10"),
    ("CREATE_SETTLE_SECONDS", "16"),
    ("RETRY_BASE_SECONDS", "1"),
];

/// What the two systems were loaded with.
struct Loaded {
    /// In finance only.
    new: Vec<SampleCustomer>,
    /// In both, unlinked.
    there: Vec<SampleCustomer>,
    /// Once in finance, twice in the CRM.
    ambiguous: Vec<SampleCustomer>,
    /// Twice in finance, not in the CRM.
    doubled: Vec<SampleCustomer>,
}

/// Loads `n` customers: every seventh is in the CRM, every fiftieth in doubt, every fiftieth doubled.
fn load(d: &Deployment, n: usize) -> Loaded {
    let mut loaded = Loaded {
        new: Vec::new(),
        there: Vec::new(),
        ambiguous: Vec::new(),
        doubled: Vec::new(),
    };
    for (at, customer) in sample::customers(77, n).into_iter().enumerate() {
        let enter = |contact| d.sim.finance().seed(contact).unwrap();
        let known = || d.sim.crm().seed(customer.kind, customer.to_crm()).unwrap();
        enter(customer.to_finance());
        match at {
            _ if at % 50 == 3 => {
                known();
                known();
                loaded.ambiguous.push(customer);
            }
            _ if at % 50 == 4 => {
                // Finance takes no telephone twice, but a national id.
                let mut double = customer.to_finance();
                double["MobileNo"] = Value::Null;
                double["TelNo"] = Value::Null;
                enter(double);
                loaded.doubled.push(customer);
            }
            _ if at % 7 == 0 => {
                known();
                loaded.there.push(customer);
            }
            _ => loaded.new.push(customer),
        }
    }
    loaded
}

/// The identities of the CRM that bear that customer's mobile.
fn identities<'a>(crm: &'a [Value], customer: &SampleCustomer) -> Vec<&'a Value> {
    let bears = |identity: &&Value| {
        let phones = identity["phoneContacts"].as_array();
        phones.is_some_and(|phones| {
            phones
                .iter()
                .any(|phone| phone["phoneNumber"] == customer.mobile.as_str())
        })
    };
    crm.iter().filter(bears).collect()
}

impl Loaded {
    /// Exactly one identity per customer, linked with a contact of that customer; what was in doubt is as it was.
    fn is_in_the_crm_once(&self, d: &Deployment) {
        let crm = d.sim.crm().customers();
        for customer in self.new.iter().chain(&self.there).chain(&self.doubled) {
            let found = identities(&crm, customer);
            assert_eq!(found.len(), 1, "{} identities of {}", found.len(), customer.name);
            let code: i64 = found[0]["refId"].as_str().unwrap().parse().unwrap();
            assert_eq!(
                d.sim.finance().get(code).unwrap()["MobileNo"],
                customer.mobile.as_str()
            );
            assert_eq!(found[0]["nickName"], customer.name.as_str());
        }
        for customer in &self.ambiguous {
            assert_eq!(identities(&crm, customer).len(), 2, "{}", customer.name);
        }
        let known = self.new.len() + self.there.len() + self.doubled.len();
        assert_eq!(crm.len(), known + 2 * self.ambiguous.len(), "and nobody else");
    }

    /// Those that are to be linked or created.
    fn wanted(&self) -> usize {
        self.new.len() + self.there.len() + self.doubled.len()
    }
}

fn json_of(said: &str) -> Vec<Value> {
    said.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

/// In few calls, and nothing is written.
async fn the_report_tells_what_was_loaded(d: &Deployment, loaded: &Loaded) {
    let before = d.sim.crm().count();
    let report = tempfile::tempdir().unwrap();
    let file = report.path().join("report.csv");
    d.sim.reset_stats();
    let (code, said) = d.siaghsync(&[
        "import",
        "--dry-run",
        "--json",
        "--report",
        file.to_str().unwrap(),
    ]);
    assert_eq!(code, Some(0), "{said}");
    let told = &json_of(&said)[0];
    let expected = json!({
        "link": loaded.there.len(),
        "create": loaded.new.len() + loaded.doubled.len(),
        "ask": loaded.ambiguous.len() + loaded.doubled.len(),
        "linked": 0,
        "skip": 0,
    });
    assert_eq!(told["report"], expected, "{said}");
    let lines = std::fs::read_to_string(&file).unwrap();
    assert_eq!(lines.lines().count(), 1 + 2000 + loaded.doubled.len());
    assert!(lines.starts_with("\u{feff}code,name,what,crm_id,points,why\n"));
    let calls = d.sim.crm().stats().calls("") + d.sim.finance().stats().calls("");
    assert!(calls < 30, "{calls} calls for a report");
    assert_eq!(d.sim.crm().count(), before);
    assert!(
        d.rows().await.is_empty(),
        "nothing is written before the question is answered"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn killed_half_way_and_run_again_ends_with_one_identity_per_contact() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    let loaded = load(&d, 2000);
    let before = d.sim.crm().count();

    the_report_tells_what_was_loaded(&d, &loaded).await;
    let (code, said) = d.siaghsync(&["import"]);
    assert_eq!(code, Some(1), "nobody is there to ask: {said}");
    assert!(said.contains("--yes"), "{said}");

    let import = d.run("siaghsync", &["import", "--yes", "--rate", "5000"]);
    let half = before + (loaded.new.len() + loaded.doubled.len()) / 2;
    d.eventually("half-way", LIMIT, async || d.sim.crm().count() >= half)
        .await;
    import.kill();
    let reached = d.sim.crm().count();
    assert!(reached < before + loaded.new.len(), "killed too late: {reached}");

    // A second import goes on, beside a worker that takes rows as well.
    let worker = d.run("siagh-worker", &[]);
    let (code, said) = d.siaghsync(&["import", "--yes", "--rate", "5000", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(json_of(&said)[1]["left"], 0, "{said}");
    d.settled(LIMIT).await;
    assert_eq!(worker.stop(Duration::from_secs(30)), Some(0));
    loaded.is_in_the_crm_once(&d);

    // A third finds nothing to do.
    let calls = d.sim.crm().stats().calls("/create");
    let (code, said) = d.siaghsync(&["import", "--yes", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(json_of(&said)[0]["report"]["linked"], loaded.wanted(), "{said}");
    assert_eq!(d.sim.crm().stats().calls("/create"), calls);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_ends_it_in_good_order_and_it_goes_on() {
    let d = Deployment::new(Engine::Sqlite, &QUICK).await;
    let loaded = load(&d, 120);
    let before = d.sim.crm().count();
    let import = d.run("siaghsync", &["import", "--yes", "--rate", "20"]);
    d.eventually("some created", LIMIT, async || d.sim.crm().count() > before + 5)
        .await;
    let (code, said) = interrupt(import);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("run it again to go on"), "{said}");
    let in_progress = d
        .rows()
        .await
        .iter()
        .filter(|row| row.status == domain::store::Status::InProgress)
        .count();
    assert_eq!(in_progress, 0, "what was begun was ended");

    let (code, said) = d.siaghsync(&["import", "--yes", "--rate", "500", "--limit", "10", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(json_of(&said)[1]["done"], 10, "{said}");
    let (code, said) = d.siaghsync(&["import", "--yes", "--rate", "500"]);
    assert_eq!(code, Some(0), "{said}");
    // A row that was to be tried again when Ctrl-C came, of a contact that was linked by then, is no import's any more:
    // it waits for a service.
    let _serve = d.run("siaghsync", &["serve"]);
    d.settled(LIMIT).await;
    loaded.is_in_the_crm_once(&d);
    d.db.drop_it().await;
}

/// Ctrl-C, and how it ended.
fn interrupt(import: Process) -> (Option<i32>, String) {
    let log = import.log_path();
    let pid = import.pid().to_string();
    Command::new("kill").args(["-s", "INT", &pid]).status().unwrap();
    let code = import.wait(Duration::from_secs(60));
    (code, std::fs::read_to_string(log).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn doubts_of_one_reason_are_settled_together() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let names = ["کیارش دلاوریان", "پریناز سهرابیان", "آرتین کاوسیان"];
    for (n, name) in names.into_iter().enumerate() {
        // A name, and nothing else that agrees: whether they are the same, only people know.
        let mobile = |last: usize| format!("0912345{:04}", 2000 + 10 * n + last);
        let contact = json!({"Name": name, "MobileNo": mobile(1), "TowardType": false});
        d.sim.finance().seed(contact).unwrap();
        let (first, last) = name.split_once(' ').unwrap();
        let identity = json!({"nickName": name, "firstName": first, "lastName": last,
            "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": mobile(2)}]});
        d.sim.crm().seed(simulator::Kind::Person, identity).unwrap();
    }
    let (code, said) = d.siaghsync(&["import", "--dry-run", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    let asked = json_of(&said)[0]["ask"].as_array().unwrap().clone();
    assert_eq!(asked.len(), 3, "{said}");
    let why = asked[0]["why"].as_str().unwrap();
    let (code, said) = d.siaghsync(&["import", "--link-alike", "it looks fine", "--yes"]);
    assert!(code == Some(1) && said.contains("column `why`"), "{said}");
    let (code, said) = d.siaghsync(&["import", "--link-alike", why]);
    assert!(
        code == Some(1) && d.links().await.is_empty(),
        "nobody has said yes: {said}"
    );
    let (code, said) = d.siaghsync(&["import", "--link-alike", why, "--yes", "--json"]);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(json_of(&said)[0]["linked"], 3, "{said}");
    for link in d.links().await {
        let (crm, code) = (link.crm_id.unwrap(), link.finance_id.unwrap().parse().unwrap());
        let name = d.sim.crm().get(&crm).unwrap()["nickName"].clone();
        assert_eq!(d.sim.finance().get(code).unwrap()["Name"], name);
    }
    assert_eq!(d.sim.crm().count(), 3, "nobody is made twice");
    d.db.drop_it().await;
}
