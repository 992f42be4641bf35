//! Finance's contacts and documents in memory. It knows nothing of HTTP and sessions.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use axum::body::Bytes;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::{columns, config::FinanceConfig};
use crate::json::{Object, scalar};

pub(crate) const PHONE_TAKEN: &str = "شماره تلفن نمی تواند تکراری باشد.";
/// The first two must be unique.
const INDEXED: [&str; 4] = ["MobileNo", "TelNo", "NationalCode", "Email"];

/// A stored pre-invoice.
#[derive(Clone, Debug, Serialize)]
pub struct Document {
    /// `ReturnCode` of the save.
    pub id: i64,
    /// The number that a user sees.
    pub number: i64,
    /// The customer's code.
    pub customer: i64,
    /// All header fields as they were sent, without `sl_sanad.`.
    pub header: BTreeMap<String, String>,
    /// The rows' new values as they were sent.
    pub rows: Vec<Value>,
    /// `_In_Suid`.
    pub suid: String,
    /// When it was stored.
    pub at: DateTime<Utc>,
}

#[derive(Clone)]
pub(crate) struct Store {
    rows: BTreeMap<i64, Object>,
    indexes: [HashMap<String, BTreeSet<i64>>; 4],
    pub(crate) documents: Vec<Document>,
    last_code: i64,
    /// The answer of an unfiltered read, until the next write.
    all: Option<Bytes>,
}

impl Store {
    pub(crate) fn new() -> Self {
        Self {
            rows: BTreeMap::new(),
            indexes: Default::default(),
            documents: Vec::new(),
            last_code: 0,
            all: None,
        }
    }

    pub(crate) fn get(&self, code: i64) -> Option<&Object> {
        self.rows.get(&code)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (i64, &Object)> {
        self.rows.iter().map(|(code, row)| (*code, row))
    }

    pub(crate) fn new_code(&mut self, config: &FinanceConfig) -> i64 {
        self.last_code = (self.last_code + 1).max(config.first_code);
        while self.rows.contains_key(&self.last_code) {
            self.last_code += 1;
        }
        self.last_code
    }

    pub(crate) fn put(&mut self, code: i64, row: Object) {
        self.remove(code);
        for (column, index) in INDEXED.iter().zip(&mut self.indexes) {
            if let Some(value) = value(&row, column) {
                index.entry(value).or_default().insert(code);
            }
        }
        self.rows.insert(code, row);
    }

    pub(crate) fn remove(&mut self, code: i64) -> Option<Object> {
        self.all = None;
        let row = self.rows.remove(&code)?;
        for (column, index) in INDEXED.iter().zip(&mut self.indexes) {
            let Some(value) = value(&row, column) else {
                continue;
            };
            if let Some(codes) = index.get_mut(&value) {
                codes.remove(&code);
                if codes.is_empty() {
                    index.remove(&value);
                }
            }
        }
        Some(row)
    }

    /// Whether another contact than `own` has this row's mobile or landline.
    pub(crate) fn phone_taken(&self, row: &Object, own: Option<i64>) -> bool {
        INDEXED.iter().zip(&self.indexes).take(2).any(|(column, index)| {
            value(row, column)
                .and_then(|value| index.get(&value))
                .is_some_and(|codes| codes.iter().any(|code| Some(*code) != own))
        })
    }

    /// The answer to an unfiltered read.
    pub(crate) fn read_all(&mut self, config: &FinanceConfig) -> Bytes {
        if let Some(all) = &self.all {
            return all.clone();
        }
        let most = match config.shows_at_most {
            0 => usize::MAX,
            most => most,
        };
        let shown = self.iter().take(most);
        let rows = shown.map(|(code, row)| columns::show(code, row, config));
        let all = Bytes::from(Value::Array(rows.collect()).to_string());
        self.all = Some(all.clone());
        all
    }

    pub(crate) fn forget_answer(&mut self) {
        self.all = None;
    }

    /// Rows whose columns equal the filter's. Columns that do not exist are not looked at.
    pub(crate) fn read(&self, filter: &Object, config: &FinanceConfig) -> Vec<Value> {
        let wanted: Vec<(&str, String)> = filter
            .iter()
            .filter_map(|(column, value)| Some((column.as_str(), scalar(value)?)))
            .collect();
        let mut candidates: Option<BTreeSet<i64>> = None;
        for (column, text) in &wanted {
            if *column == "Code" {
                candidates = Some(text.parse().into_iter().collect());
                break;
            }
            if let Some(at) = INDEXED.iter().position(|indexed| indexed == column) {
                let found = self.indexes.get(at).and_then(|index| index.get(text));
                candidates = Some(found.cloned().unwrap_or_default());
                break;
            }
        }
        let show = |(code, row): (i64, &Object)| {
            let shown = columns::show(code, row, config);
            let fits = wanted.iter().all(|(column, text)| match shown.get(*column) {
                Some(value) => scalar(value).as_deref() == Some(text.as_str()),
                None => true,
            });
            fits.then_some(shown)
        };
        match candidates {
            Some(codes) => codes
                .into_iter()
                .filter_map(|code| show((code, self.get(code)?)))
                .collect(),
            None => self.iter().filter_map(show).collect(),
        }
    }
}

fn value(row: &Object, column: &str) -> Option<String> {
    scalar(row.get(column)?).filter(|text| !text.trim().is_empty())
}
