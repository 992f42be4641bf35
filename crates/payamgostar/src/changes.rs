//! What changed in the CRM since a point: for the pollers.
//!
//! Read by value of `ModifyDate`, and of `CreatDate` for what has none yet, with an overlap: edits of the same instant, commits that come late, clocks of several
//! servers. Times are the server's own text, never this machine's. It never says what was deleted (the CRM does not
//! tell), and never what of it is worth a sync.

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::customer::{Customer, Kind};
use domain::document::DocumentKind;
use domain::ports::changes::{Changed, Changes, DocumentFeed, End, Part, Parts, ShownDocument, Since};
use domain::ports::{PortError, PortResult, SetAside};
use serde_json::Value;

use crate::cursor::{self, Newest};
use crate::port::Payamgostar;
use crate::reading::{Reading, id, modified};
use crate::walk::{Position, Walk};
use crate::wire::{Find, Order, Query, text};
use crate::{dates, documents, listed, translate};

/// Looked back over at every read.
const OVERLAP: TimeDelta = TimeDelta::seconds(120);
/// Now and then: a clock that was set back, by a daylight rule that we don't know or by hand.
const WIDE_OVERLAP: TimeDelta = TimeDelta::minutes(125);
/// Rows of a page, and of one when all customers are read.
const PAGE: u32 = 200;
const PAGE_OF_ALL: u32 = 500;

impl Changes for Payamgostar {
    fn customer_changes<'a>(&'a self, kind: Kind, since: Since<'a>) -> Box<dyn Parts<Customer> + 'a> {
        let (walk, size) = match since.cursor {
            Some(seen) => (Walk::from(self.position_before(seen, overlap(since))), PAGE),
            None => (Walk::over_all(), PAGE_OF_ALL),
        };
        let type_key = translate::type_key(kind, &self.config);
        Box::new(Customers {
            kind,
            reading: Reading::new(self, kind.into(), type_key, walk, size),
        })
    }

    fn document_changes<'a>(
        &'a self,
        feed: DocumentFeed<'a>,
        since: Since<'a>,
    ) -> Box<dyn Parts<ShownDocument> + 'a> {
        Box::new(Documents {
            crm: self,
            kind: feed.kind,
            overlap: overlap(since),
            cursor: cursor::Documents::resumed(since.cursor, feed.made_since),
            ahead: None,
            aside: Vec::new(),
            types: feed.types.iter(),
            reading: None,
        })
    }

    fn beginning_of(&self, day: NaiveDate) -> DateTime<Utc> {
        dates::beginning_of(day, self.config.timezone)
    }
}

fn overlap(since: Since<'_>) -> TimeDelta {
    if since.wide { WIDE_OVERLAP } else { OVERLAP }
}

impl Payamgostar {
    /// The position from which nothing is missed that changed in the CRM at or after `since`, less an overlap.
    fn position_at(&self, since: DateTime<Utc>, overlap: TimeDelta) -> Position {
        Position::from_value(dates::since(since - overlap, self.config.timezone))
    }

    /// The position from which nothing is missed that changed after the record with this `ModifyDate`, less an
    /// overlap. By instants, so that an hour that the CRM's clock shows twice is read in full; a value that is no
    /// date is taken as it is.
    fn position_before(&self, value: &str, overlap: TimeDelta) -> Position {
        match dates::instant(value, self.config.timezone) {
            Some(at) => self.position_at(at, overlap),
            None => Position::from_value(value),
        }
    }

    /// The newest time of a change that lies after `now`, and so can't be right; `None`: there is none.
    ///
    /// # Errors
    /// As every read.
    pub async fn newest_after(&self, now: DateTime<Utc>) -> PortResult<Option<DateTime<Utc>>> {
        let mut newest = Newest::default();
        for kind in [Kind::Person, Kind::Organization] {
            let find = Find {
                type_key: translate::type_key(kind, &self.config),
                queries: vec![Query::at_least(
                    "ModifyDate",
                    self.position_at(now, TimeDelta::zero()).value,
                )],
                orders: vec![Order {
                    field: "ModifyDate",
                    order: 1,
                }],
                page_number: 1,
                page_size: 1,
            };
            for row in self.client.find(kind.into(), &find).await?.rows {
                let value = modified(&row.object);
                if let Some(at) = dates::instant(&value, self.config.timezone) {
                    newest.note(at, &value);
                }
            }
        }
        Ok(newest.at().filter(|at| *at > now))
    }

    /// Where the next read goes on, and how far that lies behind the newest value: it is never beyond the present.
    fn next_cursor(&self, newest: &Newest) -> (Option<String>, Option<TimeDelta>) {
        let now = self.clock.now();
        match newest.ahead(now, OVERLAP) {
            Some(ahead) => (Some(self.position_at(now, TimeDelta::zero()).value), Some(ahead)),
            None => (newest.text().map(str::to_owned), None),
        }
    }
}

struct Customers<'a> {
    kind: Kind,
    reading: Reading<'a>,
}

#[async_trait]
impl Parts<Customer> for Customers<'_> {
    async fn next(&mut self) -> PortResult<Part<Customer>> {
        let crm = self.reading.crm;
        while let Some(objects) = self.reading.next().await? {
            let records = self.shown(objects);
            if !records.is_empty() {
                return Ok(Part::Records(records));
            }
        }
        let (cursor, ahead) = crm.next_cursor(&self.reading.newest);
        Ok(Part::End(End {
            cursor,
            ahead,
            aside: self.reading.aside.clone(),
        }))
    }
}

impl Customers<'_> {
    fn shown(&mut self, objects: Vec<Value>) -> Vec<Changed<Customer>> {
        let (config, kind) = (&self.reading.crm.config, self.kind);
        let mut records = Vec::with_capacity(objects.len());
        for object in objects {
            let modified = modified(&object);
            match translate::snapshot(object, kind, config) {
                Ok(snapshot) => records.push(Changed {
                    id: snapshot.id,
                    modified,
                    record: snapshot.customer,
                }),
                Err(aside) => self.reading.set_aside(aside),
            }
        }
        records
    }
}

/// One type after the other.
struct Documents<'a> {
    crm: &'a Payamgostar,
    kind: DocumentKind,
    overlap: TimeDelta,
    cursor: cursor::Documents,
    ahead: Option<TimeDelta>,
    aside: Vec<SetAside>,
    /// Those that were not begun yet.
    types: std::slice::Iter<'a, String>,
    reading: Option<Reading<'a>>,
}

#[async_trait]
impl Parts<ShownDocument> for Documents<'_> {
    async fn next(&mut self) -> PortResult<Part<ShownDocument>> {
        loop {
            let Some(reading) = &mut self.reading else {
                let Some(type_key) = self.types.next() else {
                    return Ok(Part::End(End {
                        cursor: self.cursor.text(),
                        ahead: self.ahead,
                        aside: self.aside.clone(),
                    }));
                };
                self.reading = Some(self.begun(type_key));
                continue;
            };
            let type_key = reading.type_key;
            let page = reading.next().await;
            match page.map_err(|error| self.explained(error, type_key))? {
                Some(objects) => {
                    let records = self.all_shown(objects, type_key);
                    if !records.is_empty() {
                        return Ok(Part::Records(records));
                    }
                }
                None => self.ended(type_key),
            }
        }
    }
}

impl<'a> Documents<'a> {
    fn begun(&self, type_key: &'a str) -> Reading<'a> {
        let position = match self.cursor.seen(type_key) {
            Some(seen) => self.crm.position_before(seen, self.overlap),
            // Whatever was made since was changed since.
            None => self.crm.position_at(self.cursor.since(), OVERLAP),
        };
        let walk = Walk::from(position);
        Reading::new(self.crm, self.kind.into(), type_key, walk, PAGE)
    }

    fn ended(&mut self, type_key: &str) {
        let Some(reading) = self.reading.take() else {
            return;
        };
        let (cursor, ahead) = self.crm.next_cursor(&reading.newest);
        self.ahead = self.ahead.max(ahead);
        self.aside.extend(reading.aside);
        if let Some(newest) = cursor {
            self.cursor.note(type_key, newest);
        }
    }

    /// Whatever is wrong with an amount, the document's own run says; here only what is no document at all is set aside.
    fn all_shown(&mut self, objects: Vec<Value>, type_key: &str) -> Vec<Changed<ShownDocument>> {
        let mut records = Vec::with_capacity(objects.len());
        for object in objects {
            match listed::mistimed(&object) {
                None => records.push(self.shown(&object, type_key)),
                Some(why) => self.aside.push(listed::aside(&object, why)),
            }
        }
        records
    }

    fn shown(&self, object: &Value, type_key: &str) -> Changed<ShownDocument> {
        let zone = self.crm.config.timezone;
        Changed {
            id: id(object),
            modified: modified(object),
            record: ShownDocument {
                object_type: type_key.to_owned(),
                created_at: dates::instant(&text(object, "creatDate"), zone),
                document: documents::document(object, self.kind, zone),
            },
        }
    }

    /// The type is all that a search can be refused for.
    fn explained(&self, error: PortError, type_key: &str) -> PortError {
        let setting = match self.kind {
            DocumentKind::Quote => "CRM_QUOTE_TYPES",
            DocumentKind::Invoice => "CRM_INVOICE_TYPES",
        };
        match error {
            PortError::Refused(words) => PortError::Refused(format!(
                "{words}; check that the CRM has the type '{type_key}' of {setting}"
            )),
            other => other,
        }
    }
}
