//! National ids as people type them: the same person is found, whoever was typed first, and each side keeps its own form.

use serde_json::{Value, json};
use simulator::Kind as Made;
use testkit::Engine;

use super::{LIMIT, code_of, held, polled};
use crate::deployment::Deployment;
use crate::polls::{QUICK, at_rest, services};

const PERSON: &str = "0062437518";
const COMPANY: &str = "10380284790";

/// One customer in its two spellings: the CRM's, and finance's.
struct Spelt {
    kind: Made,
    name: &'static str,
    crm: &'static str,
    finance: &'static str,
}

/// Each of them shares nothing else with its twin.
const SPELT: [Spelt; 6] = [
    spelt(Made::Person, "پرستو دادمهر", "006-243751-8", PERSON),
    spelt(Made::Person, "سیاوش فرخ‌زاد", "۰۴۹۹۳۷۰۸۹۹", "049-937089-9"),
    spelt(Made::Person, "گلناز بهرامیان", "079-041990-4", "0790419904"),
    spelt(Made::Person, "ارسلان کیهانی", "۰۰۸-۴۵۷۵۹۴-۸", "0084575948"),
    spelt(Made::Organization, "شرکت زرین‌دشت کاوه", COMPANY, "۱۰۳-۸۰۲۸۴۷۹-۰"),
    spelt(
        Made::Organization,
        "شرکت آبسال نیلگون",
        " 14003778965",
        "14003778965 ",
    ),
];

const fn spelt(kind: Made, name: &'static str, crm: &'static str, finance: &'static str) -> Spelt {
    Spelt {
        kind,
        name,
        crm,
        finance,
    }
}

impl Spelt {
    fn object(&self) -> Value {
        let mut object = json!({"nickName": self.name, "nationalCode": self.crm});
        if self.kind == Made::Organization {
            // Branches share a national id; what they share besides says that it is one.
            let address =
                json!([{"default": true, "address": "تهران، خیابان بهشتی، پلاک ۱۲", "zipCode": self.zip()}]);
            object["addressContacts"] = address;
        }
        object
    }

    fn contact(&self) -> Value {
        let organization = self.kind == Made::Organization;
        let zip = if organization { Some(self.zip()) } else { None };
        json!({"Name": self.name, "NationalCode": self.finance, "TowardType": organization, "PostalCode": zip})
    }

    fn zip(&self) -> String {
        let tail: String = self
            .finance
            .chars()
            .rev()
            .filter(char::is_ascii_digit)
            .take(4)
            .collect();
        format!("14376{:0>5}", tail)
    }

    /// One record on each side, linked, each with the id as it was typed there.
    fn is_one(&self, d: &Deployment) {
        let found = d.sim.crm().find(self.kind, "nickName", &self.name.into());
        let [object] = &found[..] else {
            panic!("{} of {}", found.len(), self.name)
        };
        let contacts = d.sim.finance().find("Name", &self.name.into());
        assert_eq!(contacts.len(), 1, "{}", self.name);
        let code = code_of(d, object["crmId"].as_str().unwrap());
        assert_eq!(contacts[0]["Code"], code, "{}", self.name);
        assert_eq!(object["nationalCode"], self.crm, "{}", self.name);
        assert_eq!(held(d, code, "NationalCode"), self.finance, "{}", self.name);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn case_21_one_national_id_in_two_spellings_is_linked_by_the_import() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    for one in &SPELT {
        d.sim.crm().seed(one.kind, one.object()).unwrap();
        d.sim.finance().seed(one.contact()).unwrap();
    }
    let (exit, said) = d.siaghsync(&["import", "--yes", "--json"]);
    assert_eq!(exit, Some(0), "{said}");
    let report: Value = serde_json::from_str(said.lines().next().unwrap()).unwrap();
    assert_eq!(report["report"]["link"], SPELT.len(), "{said}");
    let _services = services(&d, Engine::Postgres);
    d.ready().await;
    polled(&d).await;
    at_rest(&d).await;
    SPELT.iter().for_each(|one| one.is_one(&d));
    d.db.drop_it().await;
}

/// Nobody has looked since they were typed: the other system's own search finds them, by what people make of an id there.
#[tokio::test(flavor = "multi_thread")]
async fn case_21_and_by_a_search_when_one_was_typed_a_minute_ago() {
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let _serve = d.run("siaghsync", &["serve"]);
    d.ready().await;
    d.native_webhooks();
    let persons = &SPELT[..4];
    assert!(persons.iter().all(|one| one.kind == Made::Person));
    for one in persons {
        d.sim.finance().seed(one.contact()).unwrap();
        d.sim.crm().create(one.kind, one.object()).unwrap();
    }
    d.settled(LIMIT).await;
    persons.iter().for_each(|one| one.is_one(&d));
    d.db.drop_it().await;
    // From finance's end.
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let lost_zero = spelt(Made::Person, "شهرزاد پولادوند", "0062437518", "62437518");
    for one in [&SPELT[0], &SPELT[2]] {
        d.sim.crm().seed(one.kind, one.object()).unwrap();
        let code = d.sim.finance().seed(one.contact()).unwrap();
        let (exit, said) = d.siaghsync(&["sync", &code.to_string()]);
        assert_eq!(exit, Some(0), "{said}");
        one.is_one(&d);
    }
    d.db.drop_it().await;
    // And one that was taken for a number in finance; it is put right there.
    let d = Deployment::new(Engine::Sqlite, &[]).await;
    let id = d.sim.crm().seed(lost_zero.kind, lost_zero.object()).unwrap();
    let code = d.sim.finance().seed(lost_zero.contact()).unwrap();
    let (exit, said) = d.siaghsync(&["sync", &code.to_string()]);
    assert_eq!(exit, Some(0), "{said}");
    assert_eq!(code_of(&d, &id), code);
    assert_eq!(held(&d, code, "NationalCode"), lost_zero.crm);
    d.db.drop_it().await;
}
