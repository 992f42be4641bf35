//! The calls that this system makes, and what their answers mean.
//!
//! It moves rows and form values; what they say is [`crate::translate`]'s matter.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use domain::customer::Field;
use domain::ports::{PortError, PortResult};
use outside::{Answer, Call, Http, Intent, Sink, holds_markup};
use reqwest::StatusCode;
use serde_json::json;

use crate::columns;
use crate::config::Config;
use crate::ctrl::CtrlValues;
use crate::failure::{self, FINANCE};
use crate::keys::{Filter, code_of};
use crate::pre_invoice;
use crate::rows::{Odd, Row, Splitter};
use crate::session::Session;
use crate::wire::{self, Receipt, SaveForm, Saved};

const GET_ALL: &str = "/api/Sgh/GEN/Gn_Web_Users/GetAll";
const SAVE_FORM: &str = "/BpmsApi/SaveFormData";

/// The form of a contact.
const CONTACT_FORM: &str = "2BFDA";

/// A value of these only one contact may have.
const PHONES: [Field; 2] = [Field::Mobile, Field::Phone];

/// The form of a sales pre-invoice.
const PRE_INVOICE_FORM: &str = "43D81";

pub(crate) struct Client {
    http: Arc<Http>,
    pub(crate) session: Session,
    post_code: String,
    full_read_timeout: Duration,
}

impl Client {
    pub(crate) fn new(http: Arc<Http>, session: Session, config: &Config) -> Self {
        Self {
            http,
            session,
            post_code: config.post_code.clone(),
            full_read_timeout: config.full_read_timeout,
        }
    }

    /// Reads the contacts that the filter lets through (all, without one) and hands them over one by one, as they
    /// arrive: only when this returns is it known that they were all. Finance's own users are left out.
    /// Returns how many contacts arrived that the filter should have kept back.
    pub(crate) async fn contacts(&self, filter: Option<&Filter>, rows: &mut impl Rows) -> PortResult<u64> {
        let body = filter.map_or_else(|| json!({}), Filter::body).to_string();
        let call = Call::post(GET_ALL, Some(body.as_bytes()), Intent::Read);
        let mut list = List {
            within: self.full_read_timeout,
            splitter: Splitter::new(),
            filter,
            strangers: 0,
            rows,
        };
        let answer = self.exchange(&call, Some(&mut list)).await?;
        if !answer.status.is_success() {
            return Err(failure::status(&call, &answer));
        }
        let ended = list.splitter.finish();
        ended.map_err(|why| FINANCE.unreadable(&call, why))?;
        Ok(list.strangers)
    }

    /// Saves a contact's form (`code`: the contact to update, none to create one) and says the code that finance
    /// answered.
    pub(crate) async fn save_contact(&self, code: Option<i64>, values: CtrlValues) -> PortResult<i64> {
        let code = code.map_or(String::new(), |code| code.to_string());
        let markup = values.markup();
        let form = SaveForm {
            form_id: CONTACT_FORM,
            ctrl_values: &values.into_string(),
            parameters: &format!("CodeMain={code}"),
            data_rows: "[]",
            attachments: "[]",
            post_code: &self.post_code,
            flow_id: "",
        };
        let answered = self.save(&form, "contact", &markup).await?.code;
        code_of(&answered).ok_or_else(|| no_code(""))
    }

    /// The fiscal year by a login that is not too old; an error when that took so long that a save would be late.
    pub(crate) async fn fiscal_year_for_a_save(&self) -> PortResult<Option<i32>> {
        let asked = self.http.now();
        let year = self.session.fiscal_year().await?;
        let call = Call::post(SAVE_FORM, None, Intent::Write);
        self.http.still_in_time(&call, asked)?;
        Ok(year)
    }

    /// Saves a new pre-invoice's form; the receipt has its id.
    pub(crate) async fn save_pre_invoice(&self, form: pre_invoice::Form) -> PortResult<Receipt> {
        let markup = match holds_markup(&form.data_rows) {
            true => [&*form.ctrl_values.markup(), "the rows"].join(" "),
            false => form.ctrl_values.markup(),
        };
        let form = SaveForm {
            form_id: PRE_INVOICE_FORM,
            ctrl_values: &form.ctrl_values.into_string(),
            parameters: &form.parameters,
            data_rows: &form.data_rows,
            attachments: "[]",
            post_code: &self.post_code,
            flow_id: "",
        };
        let receipt = self.save(&form, "pre-invoice", markup.trim()).await?;
        if matches!(receipt.code.as_str(), "" | "0") {
            return Err(no_code(&receipt.message));
        }
        Ok(receipt)
    }

    async fn save(&self, form: &SaveForm<'_>, what: &str, markup: &str) -> PortResult<Receipt> {
        let body = serde_json::to_vec(form)
            .map_err(|error| PortError::Refused(format!("the form can't be written as JSON: {error}")))?;
        let call = Call::post(SAVE_FORM, Some(&body), Intent::Write).with_markup(markup);
        let answer = self.exchange(&call, None).await?;
        if !answer.status.is_success() {
            return Err(failure::status(&call, &answer));
        }
        match wire::saved(&answer.body).map_err(|why| FINANCE.unreadable(&call, why))? {
            Saved::Refused(words) if form.form_id == CONTACT_FORM && wire::is_taken(&words) => {
                Err(PortError::Taken {
                    fields: PHONES.to_vec(),
                    words,
                })
            }
            Saved::Refused(words) => Err(PortError::Refused(format!("finance refuses the {what}: {words}"))),
            Saved::Done(receipt) => Ok(receipt),
        }
    }

    /// The server's clock.
    pub(crate) async fn server_time(&self) -> PortResult<Option<DateTime<Utc>>> {
        self.http.server_time().await
    }

    /// Whether calls are not sent at the moment.
    pub(crate) fn refuses(&self) -> bool {
        self.http.refuses()
    }

    /// Sends the call with the session; a session that has ended is renewed once and the call repeated once.
    /// (A `401` says that nothing was carried out, so that is safe for a write too.) A write is not sent late for it.
    async fn exchange(&self, call: &Call<'_>, mut sink: Option<&mut dyn Sink>) -> PortResult<Answer> {
        let asked = self.http.now();
        let grant = self.session.grant().await?;
        self.http.still_in_time(call, asked)?;
        let first: Option<&mut dyn Sink> = match &mut sink {
            Some(sink) => Some(&mut **sink),
            None => None,
        };
        let answer = self.http.exchange(call, Some(&grant.header), first).await?;
        if answer.status != StatusCode::UNAUTHORIZED {
            return Ok(answer);
        }
        let grant = self.session.renew(&grant).await?;
        self.http.still_in_time(call, asked)?;
        self.http.exchange(call, Some(&grant.header), sink).await
    }
}

/// Takes contacts as they arrive.
#[async_trait]
pub(crate) trait Rows: Send {
    /// Takes one.
    fn take(&mut self, row: Result<Row, Odd>);

    /// Returns once more can be taken: whoever keeps what it took can do so at once.
    async fn has_room(&mut self) {}
}

impl<F: FnMut(Result<Row, Odd>) + Send> Rows for F {
    fn take(&mut self, row: Result<Row, Odd>) {
        self(row);
    }
}

/// The answer of [`GET_ALL`], on its way to whoever takes its rows.
struct List<'a, R> {
    within: Duration,
    splitter: Splitter,
    filter: Option<&'a Filter>,
    /// How many rows the filter should have kept back.
    strangers: u64,
    rows: &'a mut R,
}

#[async_trait]
impl<R: Rows> Sink for List<'_, R> {
    fn within(&self) -> Duration {
        self.within
    }

    fn feed(&mut self, piece: &[u8]) -> Result<(), String> {
        let Self {
            splitter,
            filter,
            strangers,
            rows,
            ..
        } = self;
        splitter.feed(piece, |row| {
            let shown = row.as_ref().unwrap_or_else(|odd| &odd.shown);
            // Of one that can't be read in whole, the column may be what is missing.
            let told = |filter: &&Filter| row.is_ok() || shown.column(columns::read(filter.field)).is_some();
            *strangers += u64::from(filter.filter(told).is_some_and(|filter| !filter.fits(shown)));
            if !shown.is_admin_user() {
                rows.take(row);
            }
        })
    }

    async fn has_room(&mut self) {
        self.rows.has_room().await;
    }
}

/// A success that does not say of which record: nobody knows what was done.
fn no_code(message: &str) -> PortError {
    let call = Call::post(SAVE_FORM, None, Intent::Write);
    FINANCE.unreadable(&call, format_args!("it says success, but no code ({message})"))
}
