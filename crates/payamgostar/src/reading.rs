//! Reading the objects of one type page by page to their end, each state of an object once.
//!
//! First by the time of the last change. Some installations leave that empty until an object's first edit, so then by the
//! time of creation, which shows those. It never says what an object means, and keeps of what it has handed over only ids
//! and dates.

use std::collections::{HashMap, HashSet};

use domain::ports::{PortResult, SetAside};
use serde_json::Value;

use crate::client::Object;
use crate::cursor::Newest;
use crate::dates;
use crate::listed::Row;
use crate::port::Payamgostar;
use crate::walk::Walk;
use crate::wire::{Find, Order, Query, text};

/// A date of an object: what a search calls it, and its property.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Date(&'static str, &'static str);

const MODIFIED: Date = Date("ModifyDate", "modifyDate");
const CREATED: Date = Date("CreatDate", "creatDate");

/// The changes of one type of objects, to their end.
pub(crate) struct Reading<'a> {
    pub(crate) crm: &'a Payamgostar,
    object: Object,
    pub(crate) type_key: &'a str,
    size: u32,
    /// Where both ways through the pages begin.
    begin: Walk,
    walk: Walk,
    by: Date,
    over: bool,
    /// What this way through the pages has passed.
    passed: HashSet<(String, String)>,
    /// The `ModifyDate` at which each object was seen.
    seen: HashMap<String, String>,
    /// The newest value of all pages so far.
    pub(crate) newest: Newest,
    /// What could not be read as a record so far.
    pub(crate) aside: Vec<SetAside>,
}

impl<'a> Reading<'a> {
    pub(crate) fn new(
        crm: &'a Payamgostar,
        object: Object,
        type_key: &'a str,
        walk: Walk,
        size: u32,
    ) -> Self {
        Self {
            crm,
            object,
            type_key,
            size,
            begin: walk.clone(),
            walk,
            by: MODIFIED,
            over: false,
            passed: HashSet::new(),
            seen: HashMap::new(),
            newest: Newest::default(),
            aside: Vec::new(),
        }
    }

    /// The objects of the next page that were not seen in this state yet; `None` after the last page.
    pub(crate) async fn next(&mut self) -> PortResult<Option<Vec<Value>>> {
        while !self.over {
            let mut rows = self.page().await?;
            let size = rows.len();
            let newest = self.newest_of(&rows);
            let passed = rows.iter().filter(|row| self.passes(&row.object)).count();
            rows.retain(|row| self.is_fresh(row));
            if !self.walk.goes_on(size, passed, newest) {
                self.turn();
            }
            let objects = self.good(rows);
            if !objects.is_empty() {
                return Ok(Some(objects));
            }
        }
        Ok(None)
    }

    /// The end of a way through the pages.
    fn turn(&mut self) {
        self.over = self.by == CREATED;
        self.by = CREATED;
        self.walk = self.begin.clone();
        self.passed.clear();
    }

    /// As the server shows it: at or after the position, in order. An answer without a list is an error, not "nothing
    /// changed".
    async fn page(&self) -> PortResult<Vec<Row>> {
        let position = self.walk.position();
        let find = Find {
            type_key: self.type_key,
            queries: vec![Query::at_least(self.by.0, position.value.clone())],
            orders: vec![Order {
                field: self.by.0,
                order: 0,
            }],
            page_number: position.page,
            page_size: self.size,
        };
        Ok(self.crm.client.find(self.object, &find).await?.rows)
    }

    /// The newest value of a page, which counts for the whole read too.
    fn newest_of(&mut self, rows: &[Row]) -> Option<String> {
        let mut newest = Newest::default();
        for row in rows {
            let value = text(&row.object, self.by.1);
            if let Some(at) = dates::instant(&value, self.crm.config.timezone) {
                newest.note(at, &value);
                self.newest.note(at, &value);
            }
        }
        newest.text().map(str::to_owned)
    }

    /// Whether this way through the pages comes by that state for the first time.
    fn passes(&mut self, object: &Value) -> bool {
        let id = id(object);
        !id.is_empty() && self.passed.insert((id, modified(object)))
    }

    fn is_fresh(&mut self, row: &Row) -> bool {
        let (id, modified) = (id(&row.object), modified(&row.object));
        // Without an id no two of them can be told apart.
        if id.is_empty() {
            return true;
        }
        if self.seen.get(&id) == Some(&modified) {
            return false;
        }
        self.seen.insert(id, modified);
        true
    }

    /// What could be read of these; the rest is set aside.
    fn good(&mut self, rows: Vec<Row>) -> Vec<Value> {
        let mut objects = Vec::with_capacity(rows.len());
        for row in rows {
            match row.good() {
                Ok(object) => objects.push(object),
                Err(aside) => self.set_aside(aside),
            }
        }
        objects
    }

    /// Takes note of what can't be read as a record, once.
    pub(crate) fn set_aside(&mut self, aside: SetAside) {
        if !self.aside.contains(&aside) {
            self.aside.push(aside);
        }
    }
}

/// The guid; empty when the search shows none.
pub(crate) fn id(object: &Value) -> String {
    crate::wire::id(object, "crmId")
}

/// `ModifyDate` in the server's own text; empty when the search shows none.
pub(crate) fn modified(object: &Value) -> String {
    text(object, MODIFIED.1)
}
