//! What changed in the CRM since a point: for the pollers.
//!
//! Read by value, not by page number: a row that is edited while pages are read moves to the end, and shifts
//! nothing that has not been read. It never says what was deleted (the CRM does not tell).

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Kind;
use domain::document::{Document, DocumentKind};
use domain::ports::{PortResult, Snapshot};
use serde_json::Value;

use crate::client::Object;
use crate::port::Payamgostar;
use crate::wire::{Find, Order, Query, text};
use crate::{dates, documents, translate};

const MODIFIED: &str = "ModifyDate";

/// Where to go on reading: from this value of `ModifyDate` on, by the server's own clock and in its own text,
/// so that it may be stored as it is and no zone can shift it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Local date and time of the CRM.
    pub value: String,
    /// The page (from 1) among the rows from that value on; above 1 only where more rows than a page holds bear
    /// the very same value.
    pub page: u32,
}

impl Position {
    /// The beginning of the rows that bear this value of `ModifyDate`.
    #[must_use]
    pub fn from_value(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            page: 1,
        }
    }
}

/// A page with fewer rows is the last one, whatever the server does.
const SMALLEST_PAGE: usize = 10;
/// So many pages in a row that bring nothing new end a walk.
const STALE_PAGES: u32 = 3;

/// A walk over all pages from a position on, also where the server shows less on a page than it was asked for.
#[derive(Debug, Clone)]
pub struct Walk {
    position: Position,
    /// The most rows that a page has held.
    size: usize,
    stale: u32,
}

impl Walk {
    /// A walk that begins there.
    #[must_use]
    pub fn from(position: Position) -> Self {
        Self {
            position,
            size: SMALLEST_PAGE,
            stale: 0,
        }
    }

    /// A walk over everything.
    #[must_use]
    pub fn over_all() -> Self {
        Self::from(Position::from_value("2000-01-01T00:00:00.000"))
    }

    /// The page that comes next.
    #[must_use]
    pub fn position(&self) -> &Position {
        &self.position
    }

    /// Goes on after a page of so many rows, of which so many were not seen before; `false` when it was the last.
    pub fn goes_on(&mut self, rows: usize, fresh: usize, newest: Option<String>) -> bool {
        self.stale = if fresh == 0 { self.stale + 1 } else { 0 };
        match newest {
            Some(newest) if newest != self.position.value && self.stale == 0 => {
                self.position = Position::from_value(newest);
            }
            _ => self.position.page += 1,
        }
        self.size = self.size.max(rows);
        rows >= self.size && self.stale < STALE_PAGES
    }
}

/// One page of changes, oldest first. Rows at a seam come twice.
#[derive(Debug, Clone)]
pub struct ChangedPage<T> {
    /// The records as the search showed them. The search may show less than a read does, so they are for
    /// comparing, and not to be given to an update.
    pub rows: Vec<T>,
    /// The newest `ModifyDate` seen, in the server's own text: what a cursor stores once the rows are durable.
    pub newest: Option<String>,
    /// Where to go on; `None` when this was the last page.
    pub next: Option<Position>,
}

/// A sales document as a search showed it.
#[derive(Debug, Clone)]
pub struct ChangedDocument {
    /// The CRM's guid.
    pub id: String,
    /// `ModifyDate` in the server's own text; empty when the search showed none.
    pub modify_date: String,
    /// The same as an instant.
    pub modified_at: Option<DateTime<Utc>>,
    /// When it was made.
    pub created_at: Option<DateTime<Utc>>,
    /// What it says, or why that can't be held exactly.
    pub document: Result<Document, String>,
}

/// `ModifyDate` of a customer in the server's own text; empty when the search showed none.
#[must_use]
pub fn modify_date(customer: &Snapshot) -> String {
    text(&customer.whole, "modifyDate")
}

impl Payamgostar {
    /// The position from which nothing is missed that changed in the CRM at or after `since`, less an overlap.
    #[must_use]
    pub fn position_at(&self, since: DateTime<Utc>, overlap: Duration) -> Position {
        Position::from_value(dates::since(since - overlap, self.config.timezone))
    }

    /// The position from which nothing is missed that changed after the record with this `ModifyDate`, less an
    /// overlap. By instants, so that an hour that the CRM's clock shows twice is read in full; a value that is no
    /// date is taken as it is.
    #[must_use]
    pub fn position_before(&self, value: &str, overlap: Duration) -> Position {
        match dates::instant(value, self.config.timezone) {
            Some(at) => self.position_at(at, overlap),
            None => Position::from_value(value),
        }
    }

    /// The first instant of a day in the CRM's zone.
    #[must_use]
    pub fn beginning_of(&self, day: NaiveDate) -> DateTime<Utc> {
        dates::beginning_of(day, self.config.timezone)
    }

    /// One page of the customers of a kind whose `ModifyDate` is at or after the position, in that order.
    ///
    /// # Errors
    /// As every read; an answer without rows where rows must be is an error, not "nothing changed".
    pub async fn changed_since(
        &self,
        kind: Kind,
        position: &Position,
        size: u32,
    ) -> PortResult<ChangedPage<Snapshot>> {
        let type_key = translate::type_key(kind, &self.config);
        let page = self.page(kind.into(), type_key, position, size).await?;
        Ok(page.map(|object| translate::snapshot(object, kind, self.config.timezone)))
    }

    /// The same of the sales documents of one `crmObjectTypeCode`.
    ///
    /// # Errors
    /// As [`Self::changed_since`].
    pub async fn documents_changed_since(
        &self,
        kind: DocumentKind,
        type_key: &str,
        position: &Position,
        size: u32,
    ) -> PortResult<ChangedPage<ChangedDocument>> {
        let page = self.page(kind.into(), type_key, position, size).await?;
        let zone = self.config.timezone;
        Ok(page.map(|object| ChangedDocument {
            id: text(&object, "crmId"),
            modify_date: text(&object, "modifyDate"),
            modified_at: dates::instant(&text(&object, "modifyDate"), zone),
            created_at: dates::instant(&text(&object, "creatDate"), zone),
            document: documents::document(&object, kind, zone),
        }))
    }

    async fn page(
        &self,
        object: Object,
        type_key: &str,
        position: &Position,
        size: u32,
    ) -> PortResult<ChangedPage<Value>> {
        let find = Find {
            type_key,
            queries: vec![Query::at_least(MODIFIED, position.value.clone())],
            orders: vec![Order {
                field: MODIFIED,
                order: 0,
            }],
            page_number: position.page,
            page_size: size,
        };
        let page = self.client.find(object, &find).await?;
        let zone = self.config.timezone;
        // The greatest by instant: texts of different lengths don't sort by themselves.
        let dates = page.objects.iter().map(|object| text(object, "modifyDate"));
        let newest = dates
            .filter_map(|date| Some((dates::instant(&date, zone)?, date)))
            .max_by_key(|(at, _)| *at);
        let next = page.full.then(|| match &newest {
            Some((at, date)) if dates::instant(&position.value, zone).is_none_or(|from| *at > from) => {
                Position::from_value(date)
            }
            _ => Position {
                page: position.page + 1,
                ..position.clone()
            },
        });
        let mut rows = page.objects;
        rows.retain(|object| !text(object, "crmId").is_empty());
        Ok(ChangedPage {
            rows,
            newest: newest.map(|(_, date)| date),
            next,
        })
    }
}

impl<T> ChangedPage<T> {
    fn map<U>(self, each: impl FnMut(T) -> U) -> ChangedPage<U> {
        ChangedPage {
            rows: self.rows.into_iter().map(each).collect(),
            newest: self.newest,
            next: self.next,
        }
    }
}
