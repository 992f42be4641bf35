//! One run for a sales document: it becomes a pre-invoice once, and never twice.
//!
//! Finance can't be asked what it holds. So nothing is ever sent again by itself: once the intent to send is
//! committed, only an answer, or a human's word, says what became of it.

use std::time::Duration;

use uuid::Uuid;

use super::Engine;
use crate::document::{Difference, Document, DocumentKind, DocumentSnapshot, differences, problems};
use crate::ports::{PortError, Ring, Side};
use crate::store::{InFlight, Intent, IssuedDocument, Link, SentDocument, StoreError, Work};

mod customer;
mod finish;
mod order;
mod ruling;

/// Which documents are issued, and what is told to the CRM.
#[derive(Debug, Clone)]
pub struct DocumentRules {
    /// `DOCUMENT_STATES`; empty: any.
    pub states: Vec<String>,
    /// `SEND_SERVICE_ROWS`: rows of services are sent too.
    pub services: bool,
    /// `WRITE_BACK_DOCUMENT_NUMBER`: the number goes to an empty `refId`.
    pub write_back: bool,
}

impl Default for DocumentRules {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            services: false,
            write_back: true,
        }
    }
}

impl DocumentRules {
    fn take(&self, state: &str) -> bool {
        let same = |one: &String| one.trim().eq_ignore_ascii_case(state.trim());
        self.states.is_empty() || self.states.iter().any(same)
    }
}

/// Why a run ends before the document stands in finance with its number in the CRM.
#[derive(Debug)]
pub(super) enum Stop {
    /// Nothing is to be done; says why.
    Skip(String),
    /// The CRM no longer has it.
    Gone,
    /// It can't be issued as it is: its author must mend it.
    Invalid(Vec<String>),
    /// Something must be waited for; not counted as a try.
    Wait(String),
    /// It may have been issued, and only a human can tell.
    Unknown(String),
    /// It was changed after it was issued.
    Changed(Vec<Difference>),
    /// An outside call failed, and did nothing.
    Port(Side, PortError),
    /// The store failed, or the lease was lost.
    Store(StoreError),
    /// It could not be sent within what is left of the lease.
    LeaseTooShort,
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a run knows and has done so far.
pub(super) struct DocumentRun<'a> {
    pub(super) engine: &'a Engine,
    pub(super) work: &'a Work,
    kind: DocumentKind,
    started: Duration,
    transaction: Uuid,
    pub(super) link: Link,
    seen: Option<DocumentSnapshot>,
    lease_ends: Duration,
    /// What the store holds as sent.
    pub(super) intended: InFlight,
    /// What finance answered in this run.
    answer: Option<crate::document::Issued>,
    /// The number was written into the CRM's document.
    noted: bool,
    /// What an operator said.
    said: Option<String>,
    look_again: bool,
    /// Rows of other entities that this run has heard, to be rung for.
    pub(super) also: Vec<Ring>,
}

impl<'a> DocumentRun<'a> {
    pub(super) fn new(engine: &'a Engine, work: &'a Work, kind: DocumentKind, started: Duration) -> Self {
        Self {
            engine,
            work,
            kind,
            started,
            transaction: engine.clock.id(),
            link: work.link.clone(),
            seen: None,
            lease_ends: started + engine.config.lease,
            intended: work.link.in_flight.clone(),
            answer: None,
            noted: false,
            said: None,
            look_again: false,
            also: Vec::new(),
        }
    }

    /// What was sent and answered, should the lease have been lost meanwhile: whoever has it must learn of it.
    pub(super) fn sent(&self) -> Option<serde_json::Value> {
        let sent = self.answer.is_some() || self.out().is_some_and(|sent| !sent.again);
        sent.then(|| serde_json::json!({ "fencedOutAfterSending": self.work.lead.id, "answer": self.answer }))
    }

    /// Issues the document, or finds out what has become of it.
    pub(super) async fn sync(&mut self) -> Result<(), Stop> {
        if self.work.lead.side == Side::Finance {
            return Err(Stop::Skip("finance can't be asked about documents".to_owned()));
        }
        self.take_answer();
        self.carry_out_ruling();
        self.look().await?;
        if self.link.issued.is_some() {
            self.compare()?;
        } else {
            self.issue().await?;
        }
        self.note().await
    }

    /// Reads the document afresh.
    async fn look(&mut self) -> Result<(), Stop> {
        let id = self.link.crm_id.clone().ok_or(Stop::Gone)?;
        let read = self.engine.crm.read_document(self.kind, &id).await;
        let seen = read.map_err(|error| Stop::Port(Side::Crm, error))?;
        let Some(seen) = seen else {
            if let Some(sent) = self.out().filter(|sent| !sent.again) {
                return Err(Stop::Unknown(unknown(sent, Some("the CRM no longer has it"))));
            }
            return Err(Stop::Gone);
        };
        self.link.crm_updated_at = seen.modified_at;
        self.seen = Some(seen);
        Ok(())
    }

    /// What was sent and is not known to stand in finance.
    fn out(&self) -> Option<&SentDocument> {
        let sent = self.link.in_flight.get(&Side::Finance)?.last()?;
        sent.document.as_deref()
    }

    /// An earlier run had the answer, and was killed before its commit.
    fn take_answer(&mut self) {
        let Some(SentDocument {
            document,
            answer: Some(answer),
            ..
        }) = self.out().cloned()
        else {
            return;
        };
        self.stands(document, Some(&answer.id), answer.number.clone());
        self.answer = Some(answer);
    }

    /// From now on it stands in finance.
    fn stands(&mut self, document: Document, id: Option<&str>, number: String) {
        self.link.finance_id = id.map(str::to_owned);
        self.link.in_flight = InFlight::new();
        self.link.issued = Some(Box::new(IssuedDocument {
            number,
            at: self.engine.clock.now(),
            document,
            accepted: None,
            disputed: None,
        }));
    }

    /// It stands in finance: is it still what the CRM says?
    fn compare(&mut self) -> Result<(), Stop> {
        let (Some(issued), Some(seen)) = (&mut self.link.issued, &self.seen) else {
            return Ok(());
        };
        let known = issued.accepted.as_ref().unwrap_or(&issued.document);
        let found = differences(known, &seen.document);
        if found.is_empty() {
            issued.disputed = None;
            return Ok(());
        }
        issued.disputed = Some(seen.document.clone());
        Err(Stop::Changed(found))
    }

    async fn issue(&mut self) -> Result<(), Stop> {
        if let Some(sent) = self.out().filter(|sent| !sent.again) {
            return Err(Stop::Unknown(unknown(sent, None)));
        }
        let again = self.out().is_some();
        let Some(seen) = self.seen.clone() else {
            return Err(Stop::Gone);
        };
        let document = seen.document;
        self.wanted(&document)?;
        let customer_code = self.customer(&document.customer).await?;
        self.reserve(&document).await?;
        let already = seen.ref_id.trim().to_owned();
        let sent = SentDocument {
            document: document.clone(),
            customer_code: customer_code.clone(),
            said_to_be: (!again && !already.is_empty()).then_some(already),
            answer: None,
            again: false,
        };
        if sent.said_to_be.is_some() {
            // Someone else has issued it, it seems: what we know and what we don't is the same as if we had.
            let why = unknown(&sent, None);
            self.intend(sent).await?;
            return Err(Stop::Unknown(why));
        }
        self.intend(sent.clone()).await?;
        if self.lease_ends.saturating_sub(self.engine.clock.monotonic()) <= self.engine.config.http_timeout {
            self.link.in_flight = InFlight::new();
            return Err(Stop::LeaseTooShort);
        }
        match self.engine.finance.issue(&document, &customer_code).await {
            Ok(answer) => {
                self.answer = Some(answer.clone());
                let kept = self
                    .intend(SentDocument {
                        answer: Some(answer.clone()),
                        ..sent
                    })
                    .await;
                if let Err(Stop::Store(error)) = &kept {
                    let (row, number) = (self.work.lead.id, &answer.number);
                    tracing::error!(%row, number, %error, "finance has issued row {row} as pre-invoice {number}, which can't be stored now: {error}");
                }
                // The commit stores it as well: only a lost lease makes this run void.
                if matches!(kept, Err(Stop::Store(StoreError::Fenced))) {
                    return kept;
                }
                self.stands(document, Some(&answer.id), answer.number);
                Ok(())
            }
            Err(PortError::UnknownOutcome { message, .. }) => {
                Err(Stop::Unknown(unknown(&sent, Some(&message))))
            }
            Err(error) => {
                self.link.in_flight = InFlight::new();
                Err(Stop::Port(Side::Finance, error))
            }
        }
    }

    /// Whether it is to be issued at all, and can be.
    fn wanted(&self, document: &Document) -> Result<(), Stop> {
        let rules = &self.engine.documents;
        if !self.engine.config.policy.to_finance {
            return Err(Stop::Skip(
                "it is not issued: SYNC_CRM_TO_FINANCE is off".to_owned(),
            ));
        }
        if !rules.take(&document.state) {
            return Err(Stop::Skip(format!(
                "its state is {:?}; DOCUMENT_STATES takes {}",
                document.state,
                rules.states.join(", ")
            )));
        }
        match problems(document, rules.services) {
            none if none.is_empty() => Ok(()),
            problems => Err(Stop::Invalid(problems)),
        }
    }

    /// Writes the number into the CRM's document, if its `refId` is empty; read again immediately before.
    async fn note(&mut self) -> Result<(), Stop> {
        let wanted = self.engine.documents.write_back && self.engine.config.policy.to_crm;
        let Some(issued) = self.link.issued.clone().filter(|_| wanted) else {
            return Ok(());
        };
        if self.answer.is_some() {
            self.look().await?;
        }
        let Some(seen) = self.seen.clone().filter(|seen| seen.ref_id.trim().is_empty()) else {
            return Ok(());
        };
        // What the store holds as sent stays there: until the commit, nothing else says that it was issued (simulated
        // history 504).
        self.renew(self.intended.clone()).await?;
        let noted = self.engine.crm.note_issued(&seen, &issued.number).await;
        noted.map_err(|error| Stop::Port(Side::Crm, error))?;
        self.noted = true;
        self.look().await?;
        // Someone has edited it meanwhile: that is for the next run.
        let same = |now: &DocumentSnapshot| {
            now.ref_id.trim() == issued.number.trim() && differences(&seen.document, &now.document).is_empty()
        };
        self.look_again = !self.seen.as_ref().is_some_and(same);
        Ok(())
    }

    /// Commits what is about to be sent, or what came back, and renews the lease, in one fenced statement.
    async fn intend(&mut self, sent: SentDocument) -> Result<(), Stop> {
        let intent = Intent::of_document(sent, self.engine.clock.now());
        self.link.in_flight = InFlight::from([(Side::Finance, vec![intent])]);
        self.renew(self.link.in_flight.clone()).await
    }

    async fn renew(&mut self, sent: InFlight) -> Result<(), Stop> {
        let (now, lease) = (self.engine.clock.monotonic(), self.engine.config.lease);
        self.engine.store.intend(&self.work.lease, &sent, lease).await?;
        self.intended = sent;
        self.lease_ends = now + lease;
        Ok(())
    }
}

/// What a human is to find out.
fn unknown(sent: &SentDocument, why: Option<&str>) -> String {
    let why = match (&sent.said_to_be, why) {
        (Some(number), _) => format!("its refId in the CRM says {number:?}, but it was not issued from here"),
        (None, Some(why)) => format!("it was sent, and no answer tells what became of it ({why})"),
        (None, None) => "it was sent, and no answer tells what became of it".to_owned(),
    };
    format!(
        "outcome unknown: {why}. Look in finance for a pre-invoice of customer {}: `siaghsync resolve <id> --exists \
         <number>` if it is there, `--send-again` if it is not",
        sent.customer_code
    )
}
