//! Reading the objects of one type page by page to their end, each state of an object once.
//!
//! It never says what an object means, and keeps of what it has handed over only ids and dates.

use std::collections::HashMap;

use domain::ports::PortResult;
use serde_json::Value;

use crate::client::Object;
use crate::cursor::Newest;
use crate::dates;
use crate::port::Payamgostar;
use crate::walk::Walk;
use crate::wire::{Find, Order, Query, text};

const MODIFIED: &str = "ModifyDate";

/// The changes of one type of objects, to their end.
pub(crate) struct Reading<'a> {
    pub(crate) crm: &'a Payamgostar,
    object: Object,
    pub(crate) type_key: &'a str,
    size: u32,
    walk: Walk,
    over: bool,
    /// The `ModifyDate` at which each object was seen.
    seen: HashMap<String, String>,
    /// The newest value of all pages so far.
    pub(crate) newest: Newest,
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
            walk,
            over: false,
            seen: HashMap::new(),
            newest: Newest::default(),
        }
    }

    /// The objects of the next page that were not seen in this state yet; `None` after the last page.
    pub(crate) async fn next(&mut self) -> PortResult<Option<Vec<Value>>> {
        while !self.over {
            let mut objects = self.page().await?;
            let rows = objects.len();
            let newest = self.newest_of(&objects);
            objects.retain(|object| self.is_fresh(object));
            self.over = !self.walk.goes_on(rows, objects.len(), newest);
            if !objects.is_empty() {
                return Ok(Some(objects));
            }
        }
        Ok(None)
    }

    /// As the server shows it: at or after the position, in order. An answer without a list is an error, not "nothing
    /// changed".
    async fn page(&self) -> PortResult<Vec<Value>> {
        let position = self.walk.position();
        let find = Find {
            type_key: self.type_key,
            queries: vec![Query::at_least(MODIFIED, position.value.clone())],
            orders: vec![Order {
                field: MODIFIED,
                order: 0,
            }],
            page_number: position.page,
            page_size: self.size,
        };
        Ok(self.crm.client.find(self.object, &find).await?.objects)
    }

    /// The newest value of a page, which counts for the whole read too.
    fn newest_of(&mut self, objects: &[Value]) -> Option<String> {
        let mut newest = Newest::default();
        for object in objects {
            let modified = modified(object);
            if let Some(at) = dates::instant(&modified, self.crm.config.timezone) {
                newest.note(at, &modified);
                self.newest.note(at, &modified);
            }
        }
        newest.text().map(str::to_owned)
    }

    fn is_fresh(&mut self, object: &Value) -> bool {
        let (id, modified) = (id(object), modified(object));
        if id.is_empty() || self.seen.get(&id) == Some(&modified) {
            return false;
        }
        self.seen.insert(id, modified);
        true
    }
}

/// The guid; empty when the search shows none.
pub(crate) fn id(object: &Value) -> String {
    text(object, "crmId")
}

/// `ModifyDate` in the server's own text; empty when the search shows none.
pub(crate) fn modified(object: &Value) -> String {
    text(object, "modifyDate")
}
