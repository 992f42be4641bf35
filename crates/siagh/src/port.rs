//! The domain's ports, answered by Siagh.
//!
//! It never compares two versions of a customer, and never decides what is to be written.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::clock::Clock;
use domain::customer::{Customer, Field, Kind, Values};
use domain::document::{Document, Issued};
use domain::ports::changes::Everybody;
use domain::ports::{
    Census, Customers, Finance, Listed, MatchKeys, PortError, PortResult, SetAside, Snapshot,
};
use outside::Http;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::client::{Client, Rows};
use crate::config::{Config, ConfigError, UnshownProvince};
use crate::failure::FINANCE;
use crate::keys::{Keys, code_of};
use crate::reads::{Having, Reads};
use crate::rows::{Odd, Row};
use crate::session::Session;
use crate::{pre_invoice, translate};

/// What is remembered of a contact that we have made.
const PROVINCE: &str = "province";

/// One installation of Siagh.
pub struct Siagh {
    client: Arc<Client>,
    reads: Reads,
    config: Config,
    clock: Arc<dyn Clock>,
}

impl Siagh {
    /// A client with its own connection pool and session; nothing is sent yet.
    ///
    /// # Errors
    /// [`ConfigError`] when the address is none.
    pub fn new(config: Config, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let base = outside::address(&config.base_url).map_err(ConfigError::BaseUrl)?;
        let http = Http::new(
            FINANCE,
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
            config.username.clone(),
            &config.password,
        );
        let client = Arc::new(Client::new(http, session, &config));
        Ok(Self {
            reads: Reads::new(Arc::clone(&client)),
            client,
            config,
            clock,
        })
    }

    async fn having(&self, keys: &Keys) -> PortResult<Listed> {
        let Having { rows, aside } = self.reads.having(keys).await?;
        let mut listed = Listed {
            records: Vec::with_capacity(rows.len()),
            aside,
        };
        for row in rows {
            match translate::snapshot(row, &self.config) {
                Ok(snapshot) => listed.records.push(snapshot),
                Err(aside) => listed.aside.push(aside),
            }
        }
        Ok(listed)
    }

    /// Whether finance hides the province of this contact, which every save writes over; and what is sent then.
    #[must_use]
    pub fn hides_province(&self, contact: &Snapshot) -> Option<UnshownProvince> {
        let columns = contact.whole.as_object()?;
        translate::hides_province(&Row(columns.clone())).then_some(self.config.unshown_province)
    }

    /// The server's clock, exact to a second; `None` when it states none. Needs no login.
    ///
    /// # Errors
    /// When no answer comes.
    pub async fn server_time(&self) -> PortResult<Option<DateTime<Utc>>> {
        self.client.server_time().await
    }
}

#[async_trait]
impl Customers for Siagh {
    /// The hint is not needed: all kinds stand in one table. An id that is no number is no contact.
    async fn read(&self, id: &str, _kind: Option<Kind>) -> PortResult<Option<Snapshot>> {
        let Some(code) = code_of(id) else { return Ok(None) };
        let Listed { records, aside } = self.having(&Keys::code(code)).await?;
        match (records.into_iter().next(), aside.into_iter().next()) {
            (None, Some(SetAside { why, .. })) => Err(PortError::SetAside(SetAside {
                id: code.to_string(),
                why,
            })),
            (found, _) => Ok(found),
        }
    }

    async fn find(&self, keys: &MatchKeys) -> PortResult<Listed> {
        self.having(&Keys::new(
            keys,
            self.config.company_code,
            self.config.number_offset,
        ))
        .await
    }

    /// The province that it is made with: nobody sees it where `GetAll` does not show it.
    fn makes(&self) -> Option<Value> {
        Some(json!({ PROVINCE: translate::province_made(&self.config) }))
    }

    /// Where `GetAll` does not show the province, a contact that we have made has the one that we gave it.
    fn placed(&self, record: &mut Snapshot, known: Option<&Value>) -> Option<Value> {
        let made = known?.get(PROVINCE)?.as_str()?;
        if let Value::Object(columns) = &mut record.whole {
            translate::show_province(columns, made);
        }
        None
    }

    async fn create(&self, customer: &Customer) -> PortResult<String> {
        let code = self
            .client
            .save_contact(None, translate::created(customer, &self.config))
            .await?;
        Ok(code.to_string())
    }

    async fn update(&self, current: &Snapshot, changes: &Values) -> PortResult<()> {
        let not_whole = || {
            PortError::Refused(format!(
                "the finance contact {} was not read in whole: it is not saved",
                current.id
            ))
        };
        let Value::Object(columns) = &current.whole else {
            return Err(not_whole());
        };
        let whole = Row(columns.clone());
        let code = code_of(&current.id)
            .filter(|code| whole.code() == Some(*code))
            .ok_or_else(not_whole)?;
        if self.config.unshown_province == UnshownProvince::Refuse && translate::hides_province(&whole) {
            return Err(PortError::Refused(format!(
                "the finance contact {code} is not saved: it was not made by us, and GetAll does not show its province, which \
                 every save writes over (codeostan); FINANCE_UNSHOWN_PROVINCE says what to send"
            )));
        }
        let values = translate::changed(code, current.customer.kind, &whole, changes, &self.config);
        let answered = self.client.save_contact(Some(code), values).await?;
        if answered == code {
            return Ok(());
        }
        Err(PortError::Integrity {
            sent: current.id.clone(),
            answered: answered.to_string(),
        })
    }

    /// `/` for each `|`, a space for each run of line breaks and control characters, no space at the ends, cut to
    /// the column's length where the settings state one.
    fn project(&self, field: Field, value: &str) -> String {
        translate::projected(field, value, &self.config)
            .as_str()
            .to_owned()
    }

    fn refuses(&self) -> bool {
        self.client.refuses()
    }

    async fn check(&self) -> PortResult<String> {
        let year = self.client.session.grant().await?.kept.fiscal_year;
        // No contact has this code, so that an answer with rows shows a filter that is ignored.
        self.reads.having(&Keys::code(NO_ONE)).await?;
        let year = year.map_or("not stated".to_owned(), |year| year.to_string());
        let filters = if self.reads.filters_ignored() {
            "ignores filters: every look reads all contacts"
        } else {
            "answers filters"
        };
        Ok(format!(
            "finance accepts the login; fiscal year {year}; it {filters}"
        ))
    }
}

#[async_trait]
impl Everybody for Siagh {
    /// In one call, of which a piece at a time is in memory.
    async fn send_all(&self, to: mpsc::Sender<Snapshot>) -> PortResult<Census> {
        let mut sending = Sending {
            config: &self.config,
            census: Census::default(),
            read: Vec::new(),
            to,
        };
        self.client.contacts(None, &mut sending).await?;
        Ok(sending.census)
    }
}

/// Contacts on their way to whoever asked for all.
struct Sending<'a> {
    config: &'a Config,
    census: Census,
    /// Those of the last piece.
    read: Vec<Snapshot>,
    to: mpsc::Sender<Snapshot>,
}

#[async_trait]
impl Rows for Sending<'_> {
    fn take(&mut self, row: Result<Row, Odd>) {
        let read = row.map_err(SetAside::from);
        match read.and_then(|row| translate::snapshot(row, self.config)) {
            Ok(snapshot) => {
                self.census.seen += 1;
                self.read.push(snapshot);
            }
            Err(aside) => self.census.aside.push(aside),
        }
    }

    async fn has_room(&mut self) {
        for contact in self.read.drain(..) {
            // Whoever takes them no more does not hear of the end either.
            let _ = self.to.send(contact).await;
        }
    }
}

/// A code that no contact has.
const NO_ONE: i64 = 0;

#[async_trait]
impl Finance for Siagh {
    async fn fiscal_year(&self) -> PortResult<Option<i32>> {
        self.client.session.fiscal_year().await
    }

    async fn issue(&self, document: &Document, customer_code: &str) -> PortResult<Issued> {
        let customer = code_of(customer_code).ok_or_else(|| {
            PortError::Refused(format!(
                "'{customer_code}' is no code of a finance contact: the {} can't be issued",
                document.kind.name()
            ))
        })?;
        let login_year = self.client.fiscal_year_for_a_save().await?;
        let form = pre_invoice::form(document, customer, login_year, &self.config.pre_invoices, || {
            self.clock.id()
        })?;
        let sent = form.sent.clone();
        let receipt = self.client.save_pre_invoice(form).await?;
        let number = pre_invoice::number(&receipt.message).unwrap_or_else(|| {
            tracing::warn!(
                id = receipt.code,
                "finance's answer names no number of the pre-invoice {}: its id stands for it",
                receipt.code
            );
            receipt.code.clone()
        });
        Ok(Issued {
            id: receipt.code,
            number,
            sent,
        })
    }
}
