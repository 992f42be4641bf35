//! `find`: conditions, order, pages. Equality on an indexed field and a range of `ModifyDate` do
//! not look at every object.

use std::{cmp::Ordering, ops::Bound};

use axum::http::StatusCode;
use chrono::NaiveDateTime;
use serde_json::Value;
use uuid::Uuid;

use super::{
    config::CrmConfig,
    kind::Kind,
    query::{Key, Op, Query, field_name, key_of},
    shape::ApiError,
    store::{Record, Store},
};

type Edge = Bound<(NaiveDateTime, u64, Uuid)>;

/// A parsed `find`.
pub(crate) struct Find {
    type_key: String,
    queries: Vec<Query>,
    orders: Vec<Order>,
    offset: usize,
    size: usize,
}

struct Order {
    field: String,
    descending: bool,
}

impl Find {
    pub(crate) fn parse(body: &Value, config: &CrmConfig) -> Result<Self, ApiError> {
        let type_key = body.get("typeKey").and_then(Value::as_str).unwrap_or_default();
        if type_key.is_empty() {
            return Err(ApiError::field("typeKey", "The typeKey field is required."));
        }
        let page = positive(body, "pageNumber")?;
        let size = positive(body, "pageSize")?.min(config.max_page_size);
        Ok(Self {
            type_key: type_key.to_owned(),
            queries: list(body, "queries")?
                .iter()
                .map(Query::parse)
                .collect::<Result<_, _>>()?,
            orders: list(body, "orders")?
                .iter()
                .map(order)
                .collect::<Result<_, _>>()?,
            offset: usize::try_from((page - 1).saturating_mul(size)).unwrap_or(usize::MAX),
            size: usize::try_from(size).unwrap_or(usize::MAX),
        })
    }

    /// The page and the number of all hits.
    pub(crate) fn run(
        &self,
        store: &Store,
        kind: Kind,
        config: &CrmConfig,
    ) -> Result<(Vec<Record>, usize), ApiError> {
        let Some(all) = store.modified_order(kind, &self.type_key) else {
            if kind.has_type(config, &self.type_key) {
                return Ok((Vec::new(), 0));
            }
            let message = format!("The type '{}' was not found.", self.type_key);
            return Err(ApiError {
                status: StatusCode::BAD_REQUEST,
                message,
                field: Some("typeKey".to_owned()),
            });
        };
        let mut hits: Vec<&Record> = match self.by_index(store) {
            Some(records) => {
                let mut records: Vec<&Record> = records
                    .into_iter()
                    .filter(|record| {
                        record.kind == kind && record.type_key.eq_ignore_ascii_case(&self.type_key)
                    })
                    .collect();
                records.sort_unstable_by_key(|record| (record.modified, record.seq));
                records
            }
            None => all
                .range(self.modified_range())
                .filter_map(|(_, _, id)| store.get(*id))
                .collect(),
        };
        hits.retain(|record| self.matches(record));
        self.sort(&mut hits);
        let total = hits.len();
        let page = hits.into_iter().skip(self.offset).take(self.size);
        Ok((page.cloned().collect(), total))
    }

    fn all_and(&self) -> bool {
        self.queries.iter().skip(1).all(|query| !query.or)
    }

    /// Of conditions that must all hold, those that one of them finds; of alternatives, those that any of them finds.
    fn by_index<'a>(&self, store: &'a Store) -> Option<Vec<&'a Record>> {
        let found = |query: &Query| match (query.op, &query.operands[..]) {
            (Op::Equal, [Key::Text(value)]) => store.equal_to(&query.field, value),
            _ => None,
        };
        if self.all_and() {
            return self.queries.iter().find_map(found);
        }
        if !self.queries.iter().skip(1).all(|query| query.or) {
            return None;
        }
        let all: Vec<Vec<&Record>> = self.queries.iter().map(found).collect::<Option<_>>()?;
        let mut records: Vec<&Record> = all.into_iter().flatten().collect();
        records.sort_unstable_by_key(|record| record.seq);
        records.dedup_by_key(|record| record.seq);
        Some(records)
    }

    fn modified_range(&self) -> (Edge, Edge) {
        let mut from = Bound::Unbounded;
        if self.all_and() {
            for query in &self.queries {
                if query.field != "modifyDate" {
                    continue;
                }
                if let (Op::Greater | Op::GreaterOrEqual | Op::Equal, [Key::Date(date)]) =
                    (query.op, &query.operands[..])
                {
                    from = Bound::Included((*date, 0, Uuid::nil()));
                }
            }
        }
        (from, Bound::Unbounded)
    }

    fn matches(&self, record: &Record) -> bool {
        let mut queries = self.queries.iter();
        let Some(first) = queries.next() else {
            return true;
        };
        queries.fold(first.matches(record), |so_far, query| {
            if query.or {
                so_far || query.matches(record)
            } else {
                so_far && query.matches(record)
            }
        })
    }

    /// The hits arrive in the order of `ModifyDate`.
    fn sort(&self, hits: &mut Vec<&Record>) {
        match &self.orders[..] {
            [] => hits.sort_unstable_by_key(|record| record.seq),
            [only] if only.field == "modifyDate" && !only.descending => {}
            orders => {
                let mut keyed: Vec<(Vec<Key>, &Record)> = hits
                    .drain(..)
                    .map(|record| {
                        let keys = orders.iter().map(|order| key_of(record, &order.field));
                        (keys.collect(), record)
                    })
                    .collect();
                keyed.sort_by(|(one, first), (two, second)| {
                    let mut ordering = Ordering::Equal;
                    for ((a, b), order) in one.iter().zip(two).zip(orders) {
                        let compared = a.order(b);
                        ordering = ordering.then(if order.descending {
                            compared.reverse()
                        } else {
                            compared
                        });
                    }
                    ordering.then(first.seq.cmp(&second.seq))
                });
                hits.extend(keyed.into_iter().map(|(_, record)| record));
            }
        }
    }
}

fn positive(body: &Value, name: &str) -> Result<u64, ApiError> {
    body.get(name)
        .and_then(Value::as_u64)
        .filter(|number| *number >= 1)
        .ok_or_else(|| ApiError::field(name, format!("The field {name} must be 1 or more.")))
}

fn list<'a>(body: &'a Value, name: &str) -> Result<&'a [Value], ApiError> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(&[]),
        Some(Value::Array(items)) => Ok(items),
        Some(_) => Err(ApiError::field(name, "a list is expected")),
    }
}

fn order(value: &Value) -> Result<Order, ApiError> {
    let descending = match value.get("order").and_then(Value::as_i64) {
        Some(0) => false,
        Some(1) => true,
        _ => return Err(ApiError::field("order", "0 or 1 is expected")),
    };
    Ok(Order {
        field: field_name(value.get("field"))?,
        descending,
    })
}
