//! The record index, with the same contract as `SqlStore`'s: looked through from end to end.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::base::Base;
use domain::company::{Companies, Company};
use domain::customer::{Field, Kind};
use domain::index::{
    COUNTED, Column, Held, IndexStore, Indexed, Sighting, Value, gone_elsewhere, last_of_each, stored, values,
};
use domain::matching::{Form, Key, Tally};
use domain::ports::Side;
use domain::store::{EntityType, LinkState, StoreResult};

use super::tables::{Tables, micros};
use super::{MemoryStore, rows};

/// What is known of a record.
#[derive(Debug, Clone)]
struct Entry {
    held: Option<Held>,
    /// Of what it held; asked for again and again.
    values: Vec<Value>,
    read_at: DateTime<Utc>,
    gone_since: Option<DateTime<Utc>>,
}

#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<(Side, Company, String), Entry>,
    /// The CRM's id and finance's code.
    separated: BTreeSet<(String, String)>,
    /// Since when what comes back there is how it is written.
    columns: BTreeMap<(Side, Field), DateTime<Utc>>,
}

impl Index {
    pub(super) fn note(&mut self, sightings: &[Sighting]) {
        let elsewhere = gone_elsewhere(sightings, &Companies::default());
        for one in last_of_each(sightings.iter().chain(&elsewhere)) {
            let read_at = micros(one.read_at);
            let key = (one.side, one.company, one.id.clone());
            match (&one.held, self.entries.get_mut(&key)) {
                (_, Some(known)) if known.read_at > read_at => {}
                (Some(held), Some(known)) => {
                    if known.held.as_ref().map(|held| &held.checksum) == Some(&held.checksum)
                        && known.gone_since.is_none()
                    {
                        continue;
                    }
                    (known.held, known.read_at) = (Some(held.clone()), read_at);
                    known.values = values(&one.id, &held.profile);
                    known.gone_since = None;
                }
                (Some(held), None) => {
                    let entry = Entry {
                        held: Some(held.clone()),
                        values: values(&one.id, &held.profile),
                        read_at,
                        gone_since: None,
                    };
                    self.entries.insert(key, entry);
                }
                (None, Some(known)) => {
                    known.gone_since.get_or_insert(read_at);
                }
                (None, None) => {}
            }
        }
    }

    /// Whether a record is known to hold that value.
    pub(super) fn holds(&self, side: Side, id: &str, key: Key, value: &str) -> bool {
        let entry = self.entries.get(&own(side, id));
        let there = entry.filter(|entry| entry.gone_since.is_none());
        there.is_some_and(|entry| {
            entry
                .values
                .iter()
                .any(|held| held.key == key && held.value == value)
        })
    }

    /// The checksum of what a record is known to hold.
    pub(super) fn checksum(&self, side: Side, id: &str) -> Option<&str> {
        let entry = self.entries.get(&own(side, id))?;
        entry.held.as_ref().map(|held| held.checksum.as_str())
    }

    pub(super) fn is_gone(&self, side: Side, id: &str) -> bool {
        let entry = self.entries.get(&own(side, id));
        entry.is_some_and(|entry| entry.gone_since.is_some())
    }

    fn there(&self, side: Side) -> impl Iterator<Item = (&String, &Entry)> {
        let ours = Company::default();
        let entries = self.entries.iter();
        let of_side = entries.filter(move |((of, company, _), _)| *of == side && *company == ours);
        let there = of_side.filter(|(_, entry)| entry.gone_since.is_none());
        there.map(|((.., id), entry)| (id, entry))
    }

    fn of(&self, side: Side) -> impl Iterator<Item = (&String, &Held)> {
        let there = self.there(side);
        there.filter_map(|(id, entry)| Some((id, entry.held.as_ref()?)))
    }

    fn holders(&self, side: Side, form: &Form) -> usize {
        let wanted = stored(&form.value);
        let held = self.there(side).flat_map(|(_, entry)| &entry.values);
        let holders: BTreeSet<&str> = held
            .filter(|value| value.key == form.key && value.value == wanted)
            .map(|value| value.holder.as_str())
            .collect();
        holders.len().min(usize::try_from(COUNTED).unwrap_or(usize::MAX))
    }

    pub(super) fn forget(&mut self, before: DateTime<Utc>) {
        for entry in self.entries.values_mut() {
            if entry.gone_since.is_some_and(|since| since <= before) {
                entry.held = None;
                entry.values.clear();
            }
        }
    }
}

/// It serves one company.
fn own(side: Side, id: &str) -> (Side, Company, String) {
    (side, Company::default(), id.to_owned())
}

/// Whether a record is or was linked.
fn linked(tables: &Tables, side: Side, id: &str) -> bool {
    tables.links().any(|row| {
        let (own, other) = match side {
            Side::Crm => (&row.crm_id, &row.finance_id),
            Side::Finance => (&row.finance_id, &row.crm_id),
        };
        row.entity_type == EntityType::Customer && own.as_deref() == Some(id) && other.is_some()
    })
}

fn indexed(tables: &Tables, side: Side, id: &str, held: &Held) -> Indexed {
    Indexed {
        id: id.to_owned(),
        profile: Some(held.profile.clone()),
        linked: linked(tables, side, id),
    }
}

fn pair(side: Side, id: &str, other: &str) -> (String, String) {
    match side {
        Side::Crm => (id.to_owned(), other.to_owned()),
        Side::Finance => (other.to_owned(), id.to_owned()),
    }
}

#[async_trait]
impl IndexStore for MemoryStore {
    async fn note(&self, sightings: &[Sighting]) -> StoreResult<()> {
        self.carry_out("index: note", |tables| {
            tables.note(sightings);
            Ok(())
        })
        .await
    }

    async fn holders(&self, forms: &[Form]) -> StoreResult<Tally> {
        self.carry_out("index: holders", |tables| {
            let mut tally = Tally::default();
            for side in Side::BOTH {
                for form in forms {
                    tally.set(side, form.clone(), tables.index.holders(side, form));
                }
            }
            Ok(tally)
        })
        .await
    }

    async fn holding(&self, side: Side, forms: &[Form], than: &str) -> StoreResult<Vec<Indexed>> {
        self.carry_out("index: holding", |tables| {
            let wanted: Vec<_> = forms.iter().map(|form| (form.key, stored(&form.value))).collect();
            let is_wanted = |value: &Value| {
                wanted
                    .iter()
                    .any(|(key, of)| *key == value.key && *of == value.value)
            };
            let there = tables.index.there(side);
            let others = there.filter(|(_, entry)| entry.values.iter().any(is_wanted));
            let others = others.filter_map(|(id, entry)| Some((id, entry.held.as_ref()?)));
            let others = others.filter(|(id, _)| !tables.index.separated.contains(&pair(side, id, than)));
            Ok(others.map(|(id, held)| indexed(tables, side, id, held)).collect())
        })
        .await
    }

    async fn separate(&self, side: Side, id: &str, others: &[String]) -> StoreResult<()> {
        self.carry_out("index: separate", |tables| {
            let pairs = others.iter().map(|other| pair(side, id, other));
            tables.index.separated.extend(pairs);
            Ok(())
        })
        .await
    }

    async fn accept_columns(&self, columns: &[(Side, Field)]) -> StoreResult<Vec<String>> {
        let now = self.now();
        self.carry_out("index: accept columns", |tables| {
            tables
                .index
                .columns
                .extend(columns.iter().map(|column| (*column, now)));
            let mut held = Vec::new();
            for row in tables.links().filter(|row| row.state == LinkState::Conflict) {
                let base = rows::link(row)?.base.unwrap_or_else(|| Base::new(Kind::Person));
                if columns
                    .iter()
                    .any(|(side, field)| base.altered.get(field) == Some(side))
                {
                    held.extend(row.crm_id.clone());
                }
            }
            Ok(held)
        })
        .await
    }

    async fn columns(&self) -> StoreResult<Vec<Column>> {
        self.carry_out("index: columns", |tables| {
            let all = tables.index.columns.iter();
            let column = |((side, field), ruled_at): (&(Side, Field), &DateTime<Utc>)| Column {
                side: *side,
                field: *field,
                ruled_at: *ruled_at,
            };
            Ok(all.map(column).collect())
        })
        .await
    }

    async fn hold_column(&self, side: Side, field: Field) -> StoreResult<bool> {
        self.carry_out("index: hold a column", |tables| {
            Ok(tables.index.columns.remove(&(side, field)).is_some())
        })
        .await
    }

    async fn unlinked(&self, side: Side, after: &str, limit: u64) -> StoreResult<Vec<Indexed>> {
        self.carry_out("index: unlinked", |tables| {
            let behind = tables.index.of(side).filter(|(id, _)| id.as_str() > after);
            let alone = behind.filter(|(id, _)| !linked(tables, side, id));
            let alone = alone.take(usize::try_from(limit).unwrap_or(usize::MAX));
            Ok(alone.map(|(id, held)| indexed(tables, side, id, held)).collect())
        })
        .await
    }

    async fn gone_since(&self, side: Side, id: &str) -> StoreResult<Option<DateTime<Utc>>> {
        self.carry_out("index: gone since", |tables| {
            let entry = tables.index.entries.get(&own(side, id));
            Ok(entry.and_then(|entry| entry.gone_since))
        })
        .await
    }
}
