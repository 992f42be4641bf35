//! The domain's ports, answered by the CRM.
//!
//! It never compares two versions of a customer, and never decides what is to be written.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::customer::{Customer, Field, Kind, Values};
use domain::document::{DocumentKind, DocumentSnapshot};
use domain::ports::{Crm, Customers, Listed, MatchKeys, PortError, PortResult, SetAside, Snapshot};
use futures::{StreamExt, stream};
use outside::Http;

use crate::client::{Client, IDENTITY};
use crate::config::{Config, ConfigError, Credentials};
use crate::failure::CRM;
use crate::listed::Row;
use crate::session::Session;
use crate::wire::{Find, Webhook};
use crate::{documents, linked, matching, places, translate, wire};

/// What a search shows.
#[derive(Default)]
struct Hits {
    ids: Vec<(Option<Kind>, String)>,
    aside: Vec<SetAside>,
}

impl Hits {
    /// A row that can't be read is read afresh, like any other, if it shows its id.
    fn take(&mut self, kind: Option<Kind>, row: Row, id_in: &str) {
        match (wire::id(&row.object, id_in), row.wrong) {
            (id, wrong) if id.is_empty() => self.aside.extend(wrong.map(|why| SetAside { id, why })),
            (id, _) => self.ids.push((kind, id)),
        }
    }
}

const KINDS: [Kind; 2] = [Kind::Person, Kind::Organization];

/// Rows of one page when a customer is searched by its keys.
const FIND_PAGE: u32 = 100;

/// How many pages of such a search are read at most: keys that so many customers share identify no one.
const FIND_PAGES: u32 = 5;

/// How many hits of the search by mobile are looked at, and how many at a time.
const SEARCH_HITS: u32 = 20;
const AT_A_TIME: usize = 4;

/// One installation of the CRM.
pub struct Payamgostar {
    pub(crate) client: Client,
    pub(crate) config: Config,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Payamgostar {
    /// A client with its own connection pool and session; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConfigError`] when the address is none.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let base = outside::address(&config.base_url).map_err(ConfigError::BaseUrl)?;
        let http = Http::new(
            CRM,
            &base,
            config.timeout,
            config.connect_timeout,
            Arc::clone(&clock),
            config.gate.clone(),
        )?;
        let http = Arc::new(http);
        let session = Session::new(
            Arc::clone(&http),
            Arc::clone(&clock),
            config.timezone,
            config.credentials.clone(),
        );
        Ok(Self {
            client: Client::new(http, session),
            config,
            clock,
        })
    }

    /// The ids and kinds that a search by the keys shows, and what it shows without an id.
    async fn found_by_keys(&self, kind: Kind, keys: &MatchKeys) -> PortResult<Hits> {
        let queries = matching::queries(keys);
        let mut found = Hits::default();
        if queries.is_empty() {
            return Ok(found);
        }
        for page_number in 1..=FIND_PAGES {
            let type_key = translate::type_key(kind, &self.config);
            let find = Find {
                type_key,
                queries: queries.clone(),
                orders: Vec::new(),
                page_number,
                page_size: FIND_PAGE,
            };
            let page = self.client.find(kind.into(), &find).await?;
            for row in page.rows {
                if matching::may_match(&row.object, keys) {
                    found.take(Some(kind), row, "crmId");
                }
            }
            if !page.full {
                return Ok(found);
            }
        }
        Err(incomplete(FIND_PAGES as usize * FIND_PAGE as usize))
    }

    async fn hits_by_mobile(&self, keys: &MatchKeys) -> PortResult<Hits> {
        let mut found = Hits::default();
        if let Some(term) = matching::mobile_term(keys) {
            let rows = self.client.search(Some(&term), SEARCH_HITS).await?;
            if rows.len() >= SEARCH_HITS as usize {
                return Err(incomplete(rows.len()));
            }
            for row in rows {
                found.take(None, row, IDENTITY);
            }
        }
        Ok(found)
    }

    /// Reads a hit afresh: what a search shows may be less than the whole object, and an update needs the whole.
    async fn hit(
        &self,
        (kind, id): (Option<Kind>, String),
        keys: &MatchKeys,
    ) -> PortResult<Result<Option<Snapshot>, SetAside>> {
        match self.read(&id, kind).await {
            Ok(read) => Ok(Ok(read.filter(|snapshot| {
                kind.is_some() || matching::holds_mobile(&snapshot.whole, keys)
            }))),
            Err(PortError::SetAside(aside)) => Ok(Err(aside)),
            Err(error) => Err(error),
        }
    }

    /// The server's clock, exact to a second; `None` when it states none. Needs no login.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn server_time(&self) -> PortResult<Option<DateTime<Utc>>> {
        self.client.server_time().await
    }
}

/// Nobody knows what is behind the last record that a search shows.
fn incomplete(shown: usize) -> PortError {
    PortError::Incomplete(format!(
        "a search goes on behind the {shown} records that are read"
    ))
}

#[async_trait]
impl Customers for Payamgostar {
    async fn read(&self, id: &str, kind: Option<Kind>) -> PortResult<Option<Snapshot>> {
        let kinds = if kind == Some(Kind::Organization) {
            [Kind::Organization, Kind::Person]
        } else {
            KINDS
        };
        for kind in kinds {
            if let Some(object) = self.client.get(kind.into(), id).await? {
                let snapshot = translate::snapshot(object, kind, &self.config);
                return snapshot.map(Some).map_err(PortError::SetAside);
            }
        }
        Ok(None)
    }

    async fn find(&self, keys: &MatchKeys) -> PortResult<Listed> {
        let (persons, organizations, hits) = tokio::try_join!(
            self.found_by_keys(Kind::Person, keys),
            self.found_by_keys(Kind::Organization, keys),
            self.hits_by_mobile(keys),
        )?;
        let mut listed = Listed::default();
        // Those whose kind is known come first.
        let (mut wanted, mut seen) = (Vec::new(), BTreeSet::new());
        for hits in [persons, organizations, hits] {
            wanted.extend(hits.ids.into_iter().filter(|(_, id)| seen.insert(id.clone())));
            listed.aside.extend(hits.aside);
        }
        let mut reads = stream::iter(wanted)
            .map(|hit| self.hit(hit, keys))
            .buffered(AT_A_TIME);
        while let Some(read) = reads.next().await {
            match read? {
                Ok(snapshot) => listed.records.extend(snapshot),
                Err(aside) => listed.aside.push(aside),
            }
        }
        Ok(listed)
    }

    async fn create(&self, customer: &Customer) -> PortResult<String> {
        self.client
            .create(customer.kind.into(), &translate::created(customer, &self.config))
            .await
    }

    async fn update(&self, current: &Snapshot, changes: &Values) -> PortResult<()> {
        if !current.whole.is_object() {
            return Err(not_whole(&current.id));
        }
        let kind = current.customer.kind;
        let object = translate::changed(current, changes, &self.config);
        self.client.update(kind.into(), &current.id, &object).await
    }

    /// The value itself: nothing is known that the CRM can't hold. It has no place for [`Field::Active`].
    fn project(&self, field: Field, value: &str) -> String {
        places::by_the_table(field).map_or_else(String::new, |_| value.to_owned())
    }

    fn placed(&self, record: &mut Snapshot, known: Option<&serde_json::Value>) -> Option<serde_json::Value> {
        linked::placed(&record.whole, &mut record.customer, known)
    }

    fn clearing(&self, places: &mut serde_json::Value, changes: &Values) {
        linked::clearing(places, changes);
    }

    fn refuses(&self) -> bool {
        self.client.refuses()
    }

    async fn check(&self) -> PortResult<String> {
        let hits = self.client.search(None, 1).await?;
        tracing::info!("✅ CRM token validated successfully");
        let holds = if hits.is_empty() {
            "it shows no customer yet"
        } else {
            "it shows customers"
        };
        let by = match self.config.credentials {
            Credentials::Token(_) => "CRM_API_TOKEN",
            Credentials::Password { .. } => "CRM_USERNAME and CRM_PASSWORD",
        };
        Ok(format!("the CRM accepts {by}; {holds}"))
    }
}

#[async_trait]
impl Crm for Payamgostar {
    async fn register_webhook(&self, url: &str, events: &[&str]) -> PortResult<bool> {
        self.client.register_webhook(&Webhook { url, events }).await
    }

    async fn webhooks(&self) -> PortResult<Option<Vec<String>>> {
        self.client.webhooks().await
    }

    async fn read_document(&self, kind: DocumentKind, id: &str) -> PortResult<Option<DocumentSnapshot>> {
        let Some(object) = self.client.get(kind.into(), id).await? else {
            return Ok(None);
        };
        documents::snapshot(object, kind, self.config.timezone)
            .map(Some)
            .map_err(PortError::Refused)
    }

    async fn note_issued(&self, current: &DocumentSnapshot, number: &str) -> PortResult<()> {
        if !current.whole.is_object() {
            return Err(not_whole(&current.id));
        }
        let mut object = current.whole.clone();
        object["crmId"] = current.id.as_str().into();
        object["refId"] = number.into();
        self.client
            .update(current.document.kind.into(), &current.id, &object)
            .await
    }
}

/// An update clears what it leaves out: only a whole object is ever sent.
fn not_whole(id: &str) -> PortError {
    PortError::Refused(format!(
        "the CRM object {id} was not read in whole: it is not saved"
    ))
}
