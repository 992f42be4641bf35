//! The guard: a bulk edit is held whole, by name of the setting, until an operator says what becomes of it.

use std::time::Duration;

use domain::polls::PollStore;
use domain::store::{Status, Store};
use serde_json::{Value, json};
use simulator::sample::SampleCustomer;
use simulator::{FaultKind, FaultRule, System};
use testkit::Engine;
use uuid::Uuid;

use super::{QUICK, at_rest, converged, count, looks, services};
use crate::deployment::{Deployment, Process};

async fn held(d: &Deployment) -> u64 {
    d.eventually("held", Duration::from_secs(30), async || {
        !d.db.store.held(None).await.unwrap().is_empty()
    })
    .await;
    d.db.store
        .held(None)
        .await
        .unwrap()
        .iter()
        .map(|held| held.changes)
        .sum()
}

/// A deployment in step, and sixty of its contacts.
struct Bulk {
    d: Deployment,
    services: Vec<Process>,
    typed: Vec<(String, SampleCustomer)>,
    codes: Vec<i64>,
}

impl Bulk {
    async fn on(engine: Engine) -> Self {
        let d = Deployment::new(engine, &QUICK).await;
        let services = services(&d, engine);
        d.ready().await;
        let typed = converged(&d, 100).await;
        let contacts = d.sim.finance().contacts();
        let codes = contacts.iter().map(|contact| contact["Code"].as_i64().unwrap());
        let mut codes: Vec<i64> = codes.collect();
        codes.sort_unstable();
        codes.truncate(60);
        Self {
            d,
            services,
            typed,
            codes,
        }
    }

    /// Edits all sixty, so that no look sees only some of them.
    fn edit(&self, website: &str) {
        let sim = &self.d.sim;
        let unreadable = FaultRule::always(System::Finance, "GetAll", FaultKind::Error500Before);
        sim.faults().add(unreadable);
        for code in &self.codes {
            let edit = json!({ "WebSiteAddress": website });
            sim.finance().edit(*code, edit).unwrap();
        }
        sim.faults().clear();
    }

    /// So many customers of the CRM have the first edit.
    fn arrived(&self) -> usize {
        let customers = self.d.sim.crm().customers();
        let edited = |c: &&Value| c["website"] == "bulk.example.com";
        customers.iter().filter(edited).count()
    }

    /// The guard's own row, which names the setting and the commands.
    async fn row(&self) -> Uuid {
        let rows = self.d.rows().await;
        let guard = rows.iter().find(|row| row.status == Status::Conflict).unwrap();
        assert_eq!(guard.source_entity_id, "finance:contacts");
        let said = guard.error_message.as_ref().unwrap();
        for word in [
            "MAX_CHANGED_SHARE=0.2",
            "siaghsync resume",
            "siaghsync guard drop",
        ] {
            assert!(said.contains(word), "{word} in {said}");
        }
        guard.id
    }

    async fn is_held_and_other_polls_go_on(&self) -> Uuid {
        let d = &self.d;
        let crm_saves = d.sim.crm().stats().all_saves();
        self.edit("bulk.example.com");
        assert_eq!(held(d).await, 60);
        let guard = self.row().await;
        assert!(self.services[0].log().contains("guard"));
        assert_eq!(d.sim.crm().stats().all_saves(), crm_saves, "nothing of it spread");
        let edit = json!({"website": "one.example.com"});
        d.edit_crm(&self.typed[99].0, edit);
        d.eventually("the CRM's edit in finance", Duration::from_secs(20), async || {
            let contacts = d.sim.finance().contacts();
            contacts.iter().any(|c| c["WebSiteAddress"] == "one.example.com")
        })
        .await;
        let (code, said) = d.siaghsync(&["guard", "list"]);
        assert!(
            code == Some(0) && said.contains("finance:contacts: 60 change(s) held"),
            "{said}"
        );
        guard
    }

    async fn is_released(&self, guard: Uuid) {
        let d = &self.d;
        let (code, said) = d.siaghsync(&["resume"]);
        assert!(
            code == Some(0) && said.contains("60 change(s) released"),
            "{said}"
        );
        d.eventually("all released", Duration::from_secs(60), async || {
            self.arrived() == 60
        })
        .await;
        at_rest(d).await;
        let rows = d.rows().await;
        let settled = rows.iter().find(|row| row.id == guard).unwrap();
        assert_eq!(settled.status, Status::Success);
    }

    async fn is_dropped(&self) {
        let d = &self.d;
        self.edit("dropped.example.com");
        assert_eq!(held(d).await, 60);
        let (code, said) = d.siaghsync(&["guard", "drop"]);
        assert!(code == Some(1) && said.contains("--yes"), "{said}");
        let (skipped, before) = (count(d, Status::Skipped).await, self.arrived());
        let (code, said) = d.siaghsync(&["guard", "drop", "--yes"]);
        assert!(code == Some(0) && said.contains("60 change(s) dropped"), "{said}");
        looks(d, 3).await;
        d.settled(Duration::from_secs(30)).await;
        assert_eq!(self.arrived(), before, "dropped is dropped");
        assert_eq!(count(d, Status::Skipped).await, skipped + 60);
        assert!(d.db.store.held(None).await.unwrap().is_empty());
    }
}

async fn a_bulk_edit_is_held_then_released_then_dropped(on: Engine) {
    let bulk = Bulk::on(on).await;
    let guard = bulk.is_held_and_other_polls_go_on().await;
    bulk.is_released(guard).await;
    bulk.is_dropped().await;
    let Bulk { d, services, .. } = bulk;
    let (code, said) = d.siaghsync(&["resume"]);
    assert!(code == Some(0) && said.contains("holds nothing"), "{said}");
    let (code, said) = d.siaghsync(&["resume", "crm:nobody"]);
    assert!(code == Some(1) && said.contains("crm:nobody"), "{said}");
    drop(services);
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_edit_is_held_then_released_then_dropped_embedded() {
    a_bulk_edit_is_held_then_released_then_dropped(Engine::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bulk_edit_is_held_then_released_then_dropped_distributed() {
    a_bulk_edit_is_held_then_released_then_dropped(Engine::Postgres).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_look_at_the_crm_goes_by_the_guard_and_what_was_dropped_is_not_found_again() {
    let d = Deployment::new(
        Engine::Sqlite,
        &[&QUICK[..], &[("MAX_CHANGES_PER_RUN", "10")]].concat(),
    )
    .await;
    for n in 0..11 {
        let person = json!({"nickName": format!("مشتری {n}"), "nationalCode": format!("00{n:08}")});
        d.sim.crm().seed(simulator::Kind::Person, person).unwrap();
    }
    let _services = services(&d, Engine::Sqlite);
    d.ready().await;
    assert_eq!(held(&d).await, 11);
    let why = &d.db.store.held(None).await.unwrap()[0].why;
    assert!(why.english().contains("MAX_CHANGES_PER_RUN=10"), "{why}");
    assert_eq!(d.siaghsync(&["guard", "drop", "--yes"]).0, Some(0));
    // The overlap shows them again and again.
    looks(&d, 3).await;
    assert!(d.db.store.held(None).await.unwrap().is_empty());
    assert_eq!(
        d.db.store.stats().await.unwrap().skipped,
        12,
        "the changes, and the guard's own row"
    );
    assert!(d.sim.finance().contacts().is_empty());
    d.db.drop_it().await;
}
