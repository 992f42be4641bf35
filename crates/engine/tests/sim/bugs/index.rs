//! Deliberate bugs of the index: what is told of who holds what.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::company::Company;
use domain::customer::Field;
use domain::index::{Column, IndexStore, Indexed, Sighting};
use domain::matching::{Form, Profile, Tally};
use domain::ports::Side;
use domain::store::StoreResult;
use testkit::memory::MemoryStore;

use super::Bug;
use crate::client::Client;
use crate::companies::key_on;

/// A worker's index, broken as asked for.
pub fn index(client: &Arc<Client>, good: MemoryStore, company: Company) -> Arc<dyn IndexStore> {
    match client.world.bug {
        Some(Bug::SharedMobile) => Arc::new(Blind {
            client: client.clone(),
            good,
            company,
        }),
        _ => Arc::new(good),
    }
}

/// Whoever has a mobile in common is called alike.
struct Blind {
    client: Arc<Client>,
    good: MemoryStore,
    company: Company,
}

impl Blind {
    fn profile(&self, side: Side, id: &str) -> Option<Profile> {
        let world = &self.client.world;
        let key = key_on(side, self.company, id);
        let shown = world.lock().systems[side as usize].shown(&key)?;
        let numbering = world.numbering(self.company);
        Some(Profile::of_record(id, &shown, side, numbering))
    }
}

#[async_trait]
impl IndexStore for Blind {
    async fn note(&self, sightings: &[Sighting]) -> StoreResult<()> {
        self.good.note(sightings).await
    }

    async fn holders(&self, forms: &[Form]) -> StoreResult<Tally> {
        self.good.holders(forms).await
    }

    async fn holding(&self, side: Side, forms: &[Form], than: &str) -> StoreResult<Vec<Indexed>> {
        let mut found = self.good.holding(side, forms, than).await?;
        let Some(asks) = self.profile(side.other(), than) else {
            return Ok(found);
        };
        for profile in found.iter_mut().filter_map(|one| one.profile.as_mut()) {
            if !profile.mobiles.is_disjoint(&asks.mobiles) {
                profile.name.clone_from(&asks.name);
                profile.kind = asks.kind;
                profile.national_id = None;
            }
        }
        Ok(found)
    }

    async fn separate(&self, side: Side, id: &str, others: &[String]) -> StoreResult<()> {
        self.good.separate(side, id, others).await
    }

    async fn accept_columns(&self, columns: &[(Side, Field)]) -> StoreResult<Vec<String>> {
        self.good.accept_columns(columns).await
    }

    async fn columns(&self) -> StoreResult<Vec<Column>> {
        self.good.columns().await
    }

    async fn hold_column(&self, side: Side, field: Field) -> StoreResult<bool> {
        self.good.hold_column(side, field).await
    }

    async fn unlinked(&self, side: Side, after: &str, limit: u64) -> StoreResult<Vec<Indexed>> {
        self.good.unlinked(side, after, limit).await
    }

    async fn gone_since(&self, side: Side, id: &str) -> StoreResult<Option<DateTime<Utc>>> {
        self.good.gone_since(side, id).await
    }
}
