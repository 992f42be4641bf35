//! One CRM and the finance systems of two companies: each customer and each document reaches its own company's, codes that
//! stand in both are nobody's mix-up, and what belongs to a third company is left alone.

use std::time::Duration;

use domain::store::Status;
use serde_json::{Value, json};
use simulator::{Kind, Simulator, SimulatorConfig, System, sample};
use testkit::Engine;

use crate::deployment::{Deployment, Process};
use crate::polls::QUICK;

const LIMIT: Duration = Duration::from_secs(60);

/// A deployment that serves companies 100 and 200, and the simulator whose finance is 200's.
struct Two {
    d: Deployment,
    second: Simulator,
    _services: Vec<Process>,
}

impl Two {
    async fn new(on: Engine) -> Self {
        let mut d = Deployment::new(on, &QUICK).await;
        let second = Simulator::start(SimulatorConfig::default()).await.unwrap();
        d.set("COMPANIES", "100,200");
        d.set("FINANCE_API_BASE_URL_200", &second.finance_url());
        let services = match on {
            Engine::Postgres => {
                let (code, said) = d.siaghsync(&["check"]);
                assert_eq!(code, Some(1), "{said}");
                assert!(said.contains("does not know company 200 yet"), "{said}");
                assert_eq!(d.siaghsync(&["migrate"]).0, Some(0));
                vec![d.run("siagh-ingest", &[]), d.run("siagh-worker", &[])]
            }
            Engine::Sqlite => {
                assert_eq!(d.siaghsync(&["migrate"]).0, Some(0));
                vec![d.run("siaghsync", &["serve"])]
            }
        };
        d.ready().await;
        Self {
            d,
            second,
            _services: services,
        }
    }

    /// Someone types this customer into the CRM, with that number.
    fn typed(&self, customer: &sample::SampleCustomer, number: &str) -> String {
        let mut object = customer.to_crm();
        object["customerNumber"] = number.into();
        self.d.sim.crm().seed(customer.kind, object).unwrap()
    }

    /// The contact of the one or the other company that has this mobile.
    fn contact(&self, second: bool, mobile: &str) -> Option<Value> {
        let of = if second { &self.second } else { &self.d.sim };
        let mut found = of
            .finance()
            .contacts()
            .into_iter()
            .filter(|c| c["MobileNo"] == mobile);
        let first = found.next();
        assert!(found.next().is_none(), "two contacts of {mobile}");
        first
    }

    async fn reaches(&self, second: bool, mobile: &str) -> i64 {
        self.d
            .eventually(mobile, LIMIT, async || self.contact(second, mobile).is_some())
            .await;
        assert!(
            self.contact(!second, mobile).is_none(),
            "{mobile} is in the other company's, too"
        );
        self.contact(second, mobile).unwrap()["Code"].as_i64().unwrap()
    }
}

fn persons(seed: u64, n: usize) -> Vec<sample::SampleCustomer> {
    let all = sample::customers(seed, 4 * n).into_iter();
    all.filter(|customer| customer.kind == Kind::Person)
        .take(n)
        .collect()
}

fn quote(customer: &str, number: &str) -> Value {
    let details = json!([{ "productCode": "5001", "productName": "کاغذ A4", "isService": false, "baseUnitPrice": 1000,
        "count": 2, "totalDiscount": 0, "totalVat": 0, "totalToll": 0, "productUnitTypeName": "بسته" }]);
    json!({ "subject": "پیش فاکتور", "description": number, "identityId": customer, "crmObjectTypeCode": "PI_5",
        "number": number, "quoteDate": "2025-12-21T10:00:00", "billableObjectState": "Draft", "details": details })
}

async fn each_company_has_its_own(on: Engine) {
    let two = Two::new(on).await;
    let d = &two.d;
    let people = persons(91, 5);
    let [first, second, third, unnamed, of_finance] = &people[..] else {
        panic!("five were asked for")
    };
    let [a, b] = [(first, "100-7001"), (second, "200-7002")].map(|(who, number)| two.typed(who, number));
    let c = two.typed(third, "300-7003");
    let n = two.typed(unnamed, "");
    let code_of_a = two.reaches(false, &first.mobile).await;
    let code_of_b = two.reaches(true, &second.mobile).await;
    let code_of_n = two.reaches(false, &unnamed.mobile).await;
    // Both systems number from the same number on: one of the first company's codes is free in the second.
    let codes = [code_of_a, code_of_n];
    let free = codes.into_iter().find(|code| *code != code_of_b).unwrap();
    assert!(
        codes.contains(&code_of_b),
        "one code stands in both: {codes:?}, {code_of_b}"
    );
    d.settled(LIMIT).await;
    third_is_left_alone(&two, &c, &third.mobile).await;
    let links = d.links().await;
    let company_of = |id: &str| {
        let link = links.iter().find(|link| link.crm_id.as_deref() == Some(id));
        link.unwrap().company.clone()
    };
    assert_eq!([&a, &b, &n].map(|id| company_of(id)), ["100", "200", "100"]);
    edits_stay_in_their_company(&two, (&a, first), (&b, code_of_b), free, of_finance).await;
    documents_go_where_their_customer_is(&two, &a, &b).await;
    crate::polls::at_rest(d).await;
    let (agree, said) = d.siaghsync(&["verify"]);
    assert!(
        agree == Some(0) && said.contains("4 customer(s) looked at"),
        "{said}"
    );
    let (fine, said) = d.siaghsync(&["check"]);
    assert!(
        fine == Some(0) && said.contains("finance 200") && said.contains("finance 100"),
        "{said}"
    );
    let (_, said) = d.siaghsync(&[
        "log",
        "--entity",
        &code_of_b.to_string(),
        "--company",
        "200",
        "--json",
    ]);
    assert!(
        said.contains(&b) || said.contains("\"company\":\"200\""),
        "{said}"
    );

    who_belongs_to_another_now_is_for_a_human(&two, &b, &second.mobile).await;
    two.d.db.drop_it().await;
}

/// … and said so.
async fn third_is_left_alone(two: &Two, id: &str, mobile: &str) {
    assert!(two.contact(false, mobile).is_none() && two.contact(true, mobile).is_none());
    let rows = two.d.rows().await;
    let left = rows.iter().find(|row| row.source_entity_id == id).unwrap();
    let said = left.error_message.as_deref().unwrap_or_default();
    assert!(
        left.status == Status::Skipped && said.contains("belongs to company 300"),
        "{said}"
    );
}

async fn edits_stay_in_their_company(
    two: &Two,
    (a, first): (&str, &sample::SampleCustomer),
    (b, code_of_b): (&str, i64),
    free: i64,
    of_finance: &sample::SampleCustomer,
) {
    let d = &two.d;
    // One code in both: an edit of the one company's contact is no edit of the other's.
    let same = two.second.finance().seed(
        json!({"Code": free, "Name": of_finance.name, "MobileNo": of_finance.mobile, "TowardType": false}),
    );
    let code = same.unwrap();
    let edited = two
        .second
        .finance()
        .edit(code_of_b, json!({"Email": "second@example.com"}));
    edited.unwrap();
    d.eventually("the edit of company 200", LIMIT, async || {
        d.sim.crm().get(b).unwrap()["email"] == "second@example.com"
    })
    .await;
    assert_ne!(d.sim.crm().get(a).unwrap()["email"], "second@example.com");
    // What is typed in the second finance system comes into the CRM under its company's number.
    d.eventually("the new contact of company 200", LIMIT, async || {
        let number = format!("200-{code}").into();
        !d.sim
            .crm()
            .find(Kind::Person, "customerNumber", &number)
            .is_empty()
    })
    .await;
    d.edit_crm(a, json!({"email": "first@example.com"}));
    d.eventually("the edit of company 100", LIMIT, async || {
        two.contact(false, &first.mobile).unwrap()["Email"] == "first@example.com"
    })
    .await;
}

async fn who_belongs_to_another_now_is_for_a_human(two: &Two, b: &str, mobile: &str) {
    let d = &two.d;
    d.edit_crm(b, json!({"customerNumber": "100-7002"}));
    d.eventually("the conflict", LIMIT, async || {
        let rows = d.rows().await;
        let held = |row: &domain::store::entities::log::Model| {
            row.status == Status::Conflict && row.company == "200"
        };
        rows.iter()
            .any(|row| held(row) && row.error_code.as_deref() == Some("company_changed"))
    })
    .await;
    assert!(two.contact(false, mobile).is_none());
}

async fn documents_go_where_their_customer_is(two: &Two, a: &str, b: &str) {
    let d = &two.d;
    for (customer, number) in [
        (a, "100-1404/1"),
        (b, "200-1404/2"),
        // It names no company: it is its customer's.
        (b, "77"),
        (b, "300-1404/4"),
        (b, "100-1404/5"),
    ] {
        d.sim.crm().seed(Kind::Quote, quote(customer, number)).unwrap();
    }
    let of = |sim: &Simulator| {
        let mut numbers: Vec<String> = sim
            .finance()
            .documents()
            .iter()
            .flat_map(|document| document.header.iter())
            .filter(|(name, _)| name.as_str() == "tozihat")
            .map(|(_, value)| value.clone())
            .collect();
        numbers.sort_unstable();
        numbers
    };
    d.eventually("the documents", LIMIT, async || {
        of(&d.sim) == ["100-1404/1"] && of(&two.second) == ["200-1404/2", "77"]
    })
    .await;
    d.eventually("the document of two companies", LIMIT, async || {
        let rows = d.rows().await;
        let said = |code: &str| rows.iter().any(|row| row.error_code.as_deref() == Some(code));
        said("customer_of_other_company") && said("other_company")
    })
    .await;
    assert_eq!(of(&two.second).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn each_company_has_its_own_finance_system_distributed() {
    each_company_has_its_own(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_company_has_its_own_finance_system_embedded() {
    each_company_has_its_own(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_of_one_companys_finance_stops_no_other() {
    let two = Two::new(Engine::Postgres).await;
    let people = persons(92, 2);
    two.second.faults().outage(System::Finance, None);
    let waiting = two.typed(&people[0], "200-1");
    two.typed(&people[1], "100-2");
    two.reaches(false, &people[1].mobile).await;
    assert!(two.contact(true, &people[0].mobile).is_none());
    two.second.faults().lift_outage(System::Finance);
    two.reaches(true, &people[0].mobile).await;
    two.d.settled(LIMIT).await;
    let rows = two.d.rows().await;
    let failed = rows
        .iter()
        .any(|row| row.source_entity_id == waiting && row.status == Status::Failed);
    assert!(!failed, "an outage uses no try up");
    two.d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_company_is_imported_by_itself() {
    let two = Two::new(Engine::Sqlite).await;
    let d = &two.d;
    let (code, said) = d.siaghsync(&["import", "--yes"]);
    assert!(code == Some(1) && said.contains("--company"), "{said}");
    let (code, said) = d.siaghsync(&["import", "--yes", "--company", "300"]);
    assert!(code == Some(1) && said.contains("only 100, 200"), "{said}");
    two.d.db.drop_it().await;
}
