//! The record index, with the same contract as `SqlStore`'s: looked through from end to end.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::base::Base;
use domain::company::Company;
use domain::customer::{Field, Kind};
use domain::index::{COUNTED, Column, Held, IndexStore, Indexed, Sighting, Value, stored, values};
use domain::matching::{Form, Key, Tally};
use domain::ports::Side;
use domain::store::{EntityType, LinkState, StoreResult};

use super::own::Own;
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

/// Two records that are two.
type Pair = (Company, String, String);

#[derive(Debug, Default)]
pub(super) struct Index {
    entries: BTreeMap<(Side, Company, String), Entry>,
    /// The CRM's id and that company's code.
    separated: BTreeSet<Pair>,
    /// Since when what comes back there is how it is written.
    columns: BTreeMap<(Side, Option<Company>, Field), DateTime<Utc>>,
}

impl Index {
    /// Each record's last sighting.
    pub(super) fn note(&mut self, sightings: &[&Sighting]) {
        for one in sightings {
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
    pub(super) fn holds(&self, record: (Side, Company, &str), key: Key, value: &str) -> bool {
        let entry = self.entry(record);
        let there = entry.filter(|entry| entry.gone_since.is_none());
        there.is_some_and(|entry| {
            entry
                .values
                .iter()
                .any(|held| held.key == key && held.value == value)
        })
    }

    /// The checksum of what a record is known to hold.
    pub(super) fn checksum(&self, record: (Side, Company, &str)) -> Option<&str> {
        let entry = self.entry(record)?;
        entry.held.as_ref().map(|held| held.checksum.as_str())
    }

    pub(super) fn gone_since(&self, record: (Side, Company, &str)) -> Option<DateTime<Utc>> {
        self.entry(record)?.gone_since
    }

    fn entry(&self, (side, company, id): (Side, Company, &str)) -> Option<&Entry> {
        self.entries.get(&(side, company, id.to_owned()))
    }

    fn there(&self, own: &Own, side: Side) -> impl Iterator<Item = (&String, &Entry)> {
        let ours = own.company;
        let entries = self.entries.iter();
        let of_side = entries.filter(move |((of, company, _), _)| *of == side && *company == ours);
        let there = of_side.filter(|(_, entry)| entry.gone_since.is_none());
        there.map(|((.., id), entry)| (id, entry))
    }

    fn of(&self, own: &Own, side: Side) -> impl Iterator<Item = (&String, &Held)> {
        let there = self.there(own, side);
        there.filter_map(|(id, entry)| Some((id, entry.held.as_ref()?)))
    }

    fn holders(&self, own: &Own, side: Side, form: &Form) -> usize {
        let wanted = stored(&form.value);
        let held = self.there(own, side).flat_map(|(_, entry)| &entry.values);
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

/// Whether a record is or was linked.
fn linked(own: &Own, tables: &Tables, side: Side, id: &str) -> bool {
    tables.links().any(|row| {
        let (here, there) = match side {
            Side::Crm => (&row.crm_id, &row.finance_id),
            Side::Finance => (&row.finance_id, &row.crm_id),
        };
        let ours = row.entity_type == EntityType::Customer && own.is_ours(side, &row.company);
        ours && here.as_deref() == Some(id) && there.is_some()
    })
}

fn indexed(own: &Own, tables: &Tables, side: Side, id: &str, held: &Held) -> Indexed {
    Indexed {
        id: id.to_owned(),
        profile: Some(held.profile.clone()),
        linked: linked(own, tables, side, id),
    }
}

fn pair(own: &Own, side: Side, id: &str, other: &str) -> Pair {
    let (crm, finance) = match side {
        Side::Crm => (id, other),
        Side::Finance => (other, id),
    };
    (own.company, crm.to_owned(), finance.to_owned())
}

#[async_trait]
impl IndexStore for MemoryStore {
    async fn note(&self, sightings: &[Sighting]) -> StoreResult<()> {
        self.carry_out("index: note", |tables| {
            tables.note(&self.own, sightings);
            Ok(())
        })
        .await
    }

    async fn holders(&self, forms: &[Form]) -> StoreResult<Tally> {
        self.carry_out("index: holders", |tables| {
            let mut tally = Tally::default();
            for side in Side::BOTH {
                for form in forms {
                    tally.set(side, form.clone(), tables.index.holders(&self.own, side, form));
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
            let there = tables.index.there(&self.own, side);
            let others = there.filter(|(_, entry)| entry.values.iter().any(is_wanted));
            let others = others.filter_map(|(id, entry)| Some((id, entry.held.as_ref()?)));
            let separated = &tables.index.separated;
            let others = others.filter(|(id, _)| !separated.contains(&pair(&self.own, side, id, than)));
            let others = others.map(|(id, held)| indexed(&self.own, tables, side, id, held));
            Ok(others.collect())
        })
        .await
    }

    async fn separate(&self, side: Side, id: &str, others: &[String]) -> StoreResult<()> {
        self.carry_out("index: separate", |tables| {
            let pairs = others.iter().map(|other| pair(&self.own, side, id, other));
            tables.index.separated.extend(pairs);
            Ok(())
        })
        .await
    }

    async fn accept_columns(&self, columns: &[(Side, Field)]) -> StoreResult<Vec<String>> {
        let now = self.now();
        self.carry_out("index: accept columns", |tables| {
            let ruled = columns.iter();
            let ruled = ruled.map(|(side, field)| ((*side, self.own.on(*side), *field), now));
            tables.index.columns.extend(ruled);
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
            let ours = all.filter(|((side, of, _), _)| *of == self.own.on(*side));
            let column = ours.map(|((side, _, field), ruled_at)| Column {
                side: *side,
                field: *field,
                ruled_at: *ruled_at,
            });
            Ok(column.collect())
        })
        .await
    }

    async fn hold_column(&self, side: Side, field: Field) -> StoreResult<bool> {
        self.carry_out("index: hold a column", |tables| {
            Ok(tables
                .index
                .columns
                .remove(&(side, self.own.on(side), field))
                .is_some())
        })
        .await
    }

    async fn unlinked(&self, side: Side, after: &str, limit: u64) -> StoreResult<Vec<Indexed>> {
        self.carry_out("index: unlinked", |tables| {
            let behind = tables.index.of(&self.own, side);
            let behind = behind.filter(|(id, _)| id.as_str() > after);
            let alone = behind.filter(|(id, _)| !linked(&self.own, tables, side, id));
            let alone = alone.take(usize::try_from(limit).unwrap_or(usize::MAX));
            let alone = alone.map(|(id, held)| indexed(&self.own, tables, side, id, held));
            Ok(alone.collect())
        })
        .await
    }

    async fn gone_since(&self, side: Side, id: &str) -> StoreResult<Option<DateTime<Utc>>> {
        self.carry_out("index: gone since", |tables| {
            let entry = tables.index.entry((side, self.own.company, id));
            Ok(entry.and_then(|entry| entry.gone_since))
        })
        .await
    }
}
