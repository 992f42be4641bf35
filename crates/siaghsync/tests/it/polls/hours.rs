//! Hours: a restart in the middle of one, one that the CRM's clock shows twice, one record from the future.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use domain::polls::CRM_PERSON;
use domain::store::Store;
use domain::store::entities::cursor;
use sea_orm::EntityTrait;
use serde_json::{Value, json};
use simulator::sample::SampleCustomer;
use simulator::{Kind, Saves};
use testkit::Engine;

use super::{QUICK, converged, looks};
use crate::deployment::Deployment;

/// An hour of edits, and by what they are known.
struct Hour {
    d: Deployment,
    typed: Vec<(String, SampleCustomer)>,
}

impl Hour {
    /// The `n`th edits: of one customer in the CRM and of another in finance, five minutes before the next.
    fn edit(&self, n: usize) {
        let sim = &self.d.sim;
        let (id, _) = &self.typed[n];
        let edit = json!({"website": format!("w{n}.example.com")});
        sim.crm().edit(id, edit).unwrap();
        let (_, customer) = &self.typed[n + 40];
        let contacts = sim.finance().contacts();
        let is_that = |contact: &&Value| contact["MobileNo"] == customer.mobile.as_str();
        let code = contacts.iter().find(is_that).unwrap()["Code"].as_i64().unwrap();
        let edit = json!({"WebSiteAddress": format!("w{n}.example.ir")});
        sim.finance().edit(code, edit).unwrap();
        sim.clock().advance(TimeDelta::minutes(5));
    }

    fn has_arrived(&self, n: usize) {
        let (contacts, customers) = (self.d.sim.finance().contacts(), self.d.sim.crm().customers());
        let wanted = format!("w{n}.example.com");
        let there = contacts.iter().any(|c| c["WebSiteAddress"] == wanted.as_str());
        assert!(there, "{wanted}");
        let wanted = format!("w{n}.example.ir");
        let there = customers.iter().any(|c| c["website"] == wanted.as_str());
        assert!(there, "{wanted}");
    }

    /// The saves of each record, in either system.
    fn saves(&self) -> [BTreeMap<String, Saves>; 2] {
        let sim = &self.d.sim;
        [sim.crm().stats().all_saves(), sim.finance().stats().all_saves()]
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_changes_with_ingest_down_and_killed_loses_none_and_touches_nothing_else() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    d.sim.crm().configure(|crm| crm.token_seconds = 86_400);
    d.sim.clock().advance(TimeDelta::minutes(-70));
    let ingest = d.run("siagh-ingest", &[]);
    let _worker = d.run("siagh-worker", &[]);
    d.ready().await;
    let typed = converged(&d, 80).await;
    ingest.kill();
    let hour = Hour { d, typed };
    let d = &hour.d;
    (0..6).for_each(|n| hour.edit(n));
    // Comes up in the middle, is killed somewhere in its first looks, and comes up again.
    let ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    tokio::time::sleep(Duration::from_millis(900)).await;
    ingest.kill();
    (6..12).for_each(|n| hour.edit(n));
    let (rows, before) = (d.rows().await.len(), hour.saves());
    let _ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    looks(d, 2).await;
    d.settled(Duration::from_secs(60)).await;
    (0..12).for_each(|n| hour.has_arrived(n));
    for (before, after) in before.iter().zip(&hour.saves()) {
        let saved = |(id, saves): &(&String, &Saves)| before.get(*id) != Some(*saves);
        assert!(after.iter().filter(saved).count() <= 12, "only what was edited");
    }
    assert!(
        d.rows().await.len() <= rows + 2 * 24,
        "a row, and an audit row, for each edit at most"
    );
    let stats = d.db.store.stats().await.unwrap();
    assert_eq!((stats.failed, stats.conflict), (0, 0));
    hour.d.db.drop_it().await;
}

/// The CRM's records that made a row.
async fn sources(d: &Deployment) -> BTreeSet<String> {
    d.rows()
        .await
        .into_iter()
        .map(|row| row.source_entity_id)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_that_the_crm_shows_twice_is_read_in_full() {
    let settings = [&QUICK[..], &[("CRM_TIMEZONE", "Europe/Berlin")]].concat();
    let d = Deployment::new(Engine::Postgres, &settings).await;
    d.sim.crm().configure(|crm| {
        crm.timezone = chrono_tz::Europe::Berlin;
        crm.token_seconds = 100_000_000;
    });
    // 02:59:40 summer time; twenty seconds later it is 02:00:00 winter time.
    let at: DateTime<Utc> = "2025-10-26T00:59:40Z".parse().unwrap();
    d.sim.clock().freeze(at);
    d.sim.crm().configure(|crm| crm.date_digits = 0);
    let _ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    looks(&d, 1).await;
    let mut created = BTreeSet::new();
    for minutes in [0, 1, 25, 50, 70] {
        d.sim.clock().freeze(at + TimeDelta::minutes(minutes));
        created.insert(
            d.sim
                .crm()
                .seed(Kind::Person, json!({"nickName": format!("پس از {minutes}")}))
                .unwrap(),
        );
        looks(&d, 1).await;
        assert_eq!(sources(&d).await, created, "after {minutes} minutes");
    }
    d.db.drop_it().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn short_pages_equal_times_and_a_record_from_the_future_hide_nothing() {
    let d = Deployment::new(Engine::Postgres, &QUICK).await;
    d.sim.crm().configure(|crm| {
        crm.max_page_size = 12;
        crm.date_digits = 0;
    });
    let mut created = BTreeSet::new();
    let local = |d: &Deployment| d.sim.clock().local(d.sim.crm().config().timezone);
    let moment = local(&d) - TimeDelta::hours(3);
    for n in 0..40 {
        let id = d
            .sim
            .crm()
            .seed(Kind::Person, json!({"nickName": format!("مشتری {n}")}))
            .unwrap();
        d.sim.crm().set_dates(&id, None, Some(moment)).unwrap();
        created.insert(id);
    }
    let future = d
        .sim
        .crm()
        .seed(Kind::Person, json!({"nickName": "از آینده"}))
        .unwrap();
    d.sim
        .crm()
        .set_dates(&future, None, Some(local(&d) + TimeDelta::days(400)))
        .unwrap();
    created.insert(future);
    let ingest = d.run("siagh-ingest", &[]);
    d.ready().await;
    looks(&d, 1).await;
    assert_eq!(sources(&d).await, created);
    created.insert(
        d.sim
            .crm()
            .seed(Kind::Person, json!({"nickName": "پس از آن"}))
            .unwrap(),
    );
    looks(&d, 1).await;
    assert_eq!(sources(&d).await, created);
    let row = cursor::Entity::find_by_id(CRM_PERSON)
        .one(d.db.store.db())
        .await
        .unwrap()
        .unwrap();
    assert!(row.value.unwrap() < (local(&d) + TimeDelta::days(1)).to_string().replace(' ', "T"));
    assert!(ingest.log().contains("CRM_TIMEZONE"), "it is said");
    d.db.drop_it().await;
}
