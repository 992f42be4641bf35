//! One read of each system, record by record.

use std::collections::{HashMap, HashSet};

use anyhow::Context;
use chrono::{DateTime, Utc};
use domain::customer::{Customer, Field, Kind};
use domain::index::{Reading, Sighting};
use domain::ports::Side;
use domain::ports::changes::{Changes, Everybody, Part, Since, for_each};
use domain::store::sql::SqlStore;
use engine::Engine;
use service::settings::Settings;

use super::directory::{Directory, Record};
use super::report::Known;
use crate::commands::output;

/// Both systems as they were read.
#[derive(Default)]
pub(super) struct Both {
    pub(super) crm: Directory,
    pub(super) finance: Directory,
    /// Code and name of each contact.
    pub(super) contacts: Vec<(String, String)>,
    /// For the index.
    pub(super) seen: Vec<Sighting>,
}

/// How records are taken in.
struct Taking<'a> {
    engine: &'a Engine,
    /// CRM ids that are linked with the company's contacts.
    linked: HashSet<&'a str>,
    at: DateTime<Utc>,
}

impl Taking<'_> {
    fn take(&self, side: Side, id: &str, customer: &Customer) -> (Record, Sighting) {
        let engine = self.engine;
        let reading = Reading {
            numbering: engine.config.numbering,
            project: &|side: Side, field, value: &str| engine.port(side).project(field, value),
        };
        let held = reading.held(id, customer, side);
        let record = Record {
            id: id.to_owned(),
            profile: held.profile.clone(),
            linked: side == Side::Crm && self.linked.contains(id),
        };
        let sighting = Sighting {
            side,
            company: reading.company(customer, side),
            id: id.to_owned(),
            read_at: self.at,
            held: Some(held),
        };
        (record, sighting)
    }
}

/// Reads both systems once.
pub(super) async fn read(
    settings: &Settings,
    store: &SqlStore,
    engine: &Engine,
    known: &HashMap<String, Known>,
) -> anyhow::Result<Both> {
    let linked = known.values().filter_map(|known| known.crm_id.as_deref());
    let mut taking = Taking {
        engine,
        linked: linked.collect(),
        at: store.clock().now(),
    };
    let mut both = Both::default();
    let crm = service::clients::crm(settings, store.clock(), None)?;
    identities(&crm, &mut |id, customer| {
        let (record, sighting) = taking.take(Side::Crm, id, customer);
        // Customers of other companies are no candidates.
        if sighting.company == store.company() {
            both.crm.add(record);
        }
        both.seen.push(sighting);
        both.crm.len()
    })
    .await?;
    taking.at = store.clock().now();
    let finance = service::clients::finance(settings, store.company(), store.clock(), None)?;
    contacts(&finance, &taking, &mut both).await?;
    Ok(both)
}

async fn contacts(finance: &dyn Everybody, taking: &Taking<'_>, both: &mut Both) -> anyhow::Result<()> {
    let bar = output::progress("contacts of finance read", None);
    let all = for_each(finance, |contact| {
        bar.inc(1);
        let (record, sighting) = taking.take(Side::Finance, &contact.id, &contact.customer);
        both.finance.add(record);
        both.seen.push(sighting);
        let name = contact.customer.get(Field::Name).to_owned();
        both.contacts.push((contact.id, name));
    });
    let census = all.await.context("finance can't be read: nothing was written")?;
    bar.finish_and_clear();
    output::set_aside(Side::Finance, &census.aside);
    Ok(())
}

async fn identities(
    crm: &dyn Changes,
    each: &mut (dyn FnMut(&str, &Customer) -> usize + Send),
) -> anyhow::Result<()> {
    let bar = output::progress("identities of the CRM read", None);
    let mut seen = HashSet::new();
    for kind in [Kind::Person, Kind::Organization] {
        let mut all = crm.customer_changes(kind, Since::default());
        loop {
            let part = all.next().await;
            let identities = match part.context("the CRM can't be read: nothing was written")? {
                Part::Records(identities) => identities,
                Part::End(end) => {
                    output::set_aside(Side::Crm, &end.aside);
                    break;
                }
            };
            for identity in identities {
                if seen.insert(identity.id.clone()) {
                    let read = each(&identity.id, &identity.record);
                    bar.set_position(read as u64);
                }
            }
        }
    }
    bar.finish_and_clear();
    Ok(())
}
