//! What is to be done next about a sales document: it becomes a pre-invoice once, and never twice. Pure.
//!
//! Finance can't be asked what it holds. So nothing is ever sent again by itself: once the intent to send is committed,
//! only an answer, or a human's word, says what became of it.

use domain::document::{Decimal, Document, DocumentKind, DocumentSnapshot, differences, problems, rounded};
use domain::entity::EntityRef;
use domain::in_flight::{InFlight, Issue, Write};
use domain::link::IssuedDocument;
use domain::matching::company_of;
use domain::message::{Code, Message};
use domain::side::Side;

use crate::Rules;
use crate::customer::company::of_another;
use crate::seen::{Known, Seen, Sight};
use crate::step::{Ending, Sending, Step};

mod customer;
mod order;
mod ruling;

/// Which documents are issued, and what is told to the CRM.
#[derive(Debug, Clone)]
pub struct DocumentRules {
    /// `DOCUMENT_STATES`; empty: any.
    pub states: Vec<String>,
    /// `SEND_SERVICE_ROWS`: rows of services are sent too.
    pub services: bool,
    /// `DOCUMENT_ROUNDING`: what is to be paid may differ by less than that from what the rows add up to, in rial.
    pub rounding: Decimal,
    /// `WRITE_BACK_DOCUMENT_NUMBER`: the number goes to an empty `refId`.
    pub write_back: bool,
}

impl Default for DocumentRules {
    fn default() -> Self {
        Self {
            states: Vec::new(),
            services: false,
            rounding: Decimal::ONE_THOUSAND,
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

/// The next step, and what is known by now.
#[must_use]
pub fn decide(mut known: Known, seen: &Seen, kind: DocumentKind, rules: &Rules<'_>) -> (Known, Step) {
    let step = next(&mut known, seen, kind, rules);
    (known, step)
}

fn next(known: &mut Known, seen: &Seen, kind: DocumentKind, rules: &Rules<'_>) -> Step {
    if seen.source == Side::Finance {
        return Step::End(Ending::Skip(Message::new(Code::FinanceTellsNoDocuments)));
    }
    take_answer(known, seen, rules);
    ruling::carry_out(known, seen);
    let now = match &seen.document {
        Sight::Unread => return Step::ReadDocument,
        Sight::Absent => return Step::End(gone(known)),
        Sight::Here { record, .. } => record,
    };
    known.link.crm_updated_at = now.modified_at;
    if known.link.issued.is_some() {
        if let Some(changed) = compare(known, &now.document) {
            return Step::End(changed);
        }
        return note(known, seen, now, rules);
    }
    issue(known, seen, now, kind, rules)
}

fn gone(known: &Known) -> Ending {
    match known.link.in_flight.issue().filter(|sent| sent.is_unknown()) {
        Some(sent) => Ending::Unknown(unknown(sent, Some(&Message::new(Code::DocumentIsGone)))),
        None => Ending::Gone(Side::Crm),
    }
}

/// An earlier run had the answer, and was killed before its commit; or this one has it.
fn take_answer(known: &mut Known, seen: &Seen, rules: &Rules<'_>) {
    let Some(sent) = known.link.in_flight.issue() else {
        return;
    };
    if let Some(answer) = sent.answer.clone() {
        let document = sent.document.clone();
        known.has_done(
            Message::new(Code::IssuedAs)
                .with("number", &answer.number)
                .with("id", &answer.id),
        );
        if let Some(told) = rounded(&document, rules.documents.rounding) {
            known.has_done(told);
        }
        stands(known, seen, document, Some(answer.id), answer.number);
    }
}

/// From now on it stands in finance.
fn stands(known: &mut Known, seen: &Seen, document: Document, id: Option<String>, number: String) {
    known.link.finance_id = id;
    known.link.in_flight = InFlight::none();
    known.link.issued = Some(Box::new(IssuedDocument {
        number,
        at: seen.now,
        document,
        accepted: None,
        disputed: None,
    }));
}

/// It stands in finance: is it still what the CRM says?
fn compare(known: &mut Known, now: &Document) -> Option<Ending> {
    let issued = known.link.issued.as_mut()?;
    let found = differences(issued.accepted.as_ref().unwrap_or(&issued.document), now);
    if found.is_empty() {
        issued.disputed = None;
        return None;
    }
    issued.disputed = Some(now.clone());
    Some(Ending::Changed(found))
}

fn issue(
    known: &mut Known,
    seen: &Seen,
    now: &DocumentSnapshot,
    kind: DocumentKind,
    rules: &Rules<'_>,
) -> Step {
    let sent = known.link.in_flight.issue();
    if let Some(sent) = sent.filter(|sent| sent.is_unknown()) {
        return Step::End(Ending::Unknown(unknown(sent, None)));
    }
    let again = sent.is_some();
    let document = &now.document;
    let own = rules.config.numbering.company;
    // What was sent before, and is to be sent again, was sent to this company.
    let named = company_of(&document.number).filter(|_| !again);
    if let Some(company) = named.filter(|company| *company != own) {
        return of_another(&document.number, company, rules);
    }
    if let Some(ending) = unwanted(document, rules) {
        return Step::End(ending);
    }
    let customer_code = match customer::code(seen, &document.customer, own) {
        Ok(code) => code,
        Err(customer::Not::Yet(step)) => return *step,
        // A document without a company's number belongs to its customer's.
        Err(customer::Not::Ours(company)) if named.is_none() && !again => {
            return of_another(&document.number, company, rules);
        }
        Err(customer::Not::Ours(company)) => {
            let why = Message::new(Code::CustomerOfOtherCompany)
                .with("number", &document.number)
                .with("company", own)
                .with("customer", &document.customer)
                .with("other", company);
            return Step::End(Ending::Invalid(vec![why]));
        }
    };
    if let Some(step) = order::reserve(known, seen, kind, document) {
        return step;
    }
    let already = now.ref_id.trim().to_owned();
    let sent = Issue {
        at: seen.now,
        document: document.clone(),
        customer_code,
        said_to_be: (!again && !already.is_empty()).then_some(already),
        answer: None,
        again: false,
    };
    if sent.said_to_be.is_some() {
        // Someone else has issued it, it seems: what we know and what we don't is the same as if we had.
        let why = unknown(&sent, None);
        known.link.in_flight = InFlight(vec![Write::Issue(Box::new(sent))]);
        return Step::End(Ending::Unknown(why));
    }
    Step::Write(Box::new(Sending::Issue(Box::new(sent))))
}

/// Why it is not to be issued, or can't be; `None`: it is.
fn unwanted(document: &Document, rules: &Rules<'_>) -> Option<Ending> {
    if !rules.config.policy.to_finance {
        return Some(Ending::Skip(Message::new(Code::DocumentsAreOff)));
    }
    if !rules.documents.take(&document.state) {
        let why = Message::new(Code::StateIsNotTaken)
            .with("state", &document.state)
            .with("states", rules.documents.states.join(", "));
        return Some(Ending::Skip(why));
    }
    let problems = problems(document, rules.documents.services, rules.documents.rounding);
    (!problems.is_empty()).then_some(Ending::Invalid(problems))
}

/// Writes the number into the CRM's document, if its `refId` is empty; read again immediately before.
fn note(known: &mut Known, seen: &Seen, now: &DocumentSnapshot, rules: &Rules<'_>) -> Step {
    let end = Step::End(Ending::Issued);
    let wanted = rules.documents.write_back && rules.config.policy.to_crm;
    let Some(number) = known
        .link
        .issued
        .as_ref()
        .filter(|_| wanted)
        .map(|issued| issued.number.clone())
    else {
        return end;
    };
    if let Some(before) = &seen.noted {
        // Someone has edited it meanwhile: that is for the next run.
        let same =
            now.ref_id.trim() == number.trim() && differences(&before.document, &now.document).is_empty();
        known.look_again = !same;
        known.has_done(Message::new(Code::NumberIsNoted));
        return end;
    }
    if !now.ref_id.trim().is_empty() {
        return end;
    }
    if seen.fresh != Some(Side::Crm) {
        return Step::ReadDocument;
    }
    Step::Write(Box::new(Sending::Note(number)))
}

/// What a human is to find out.
pub(crate) fn unknown(sent: &Issue, why: Option<&Message>) -> Message {
    let why = match (&sent.said_to_be, why) {
        (Some(number), _) => Message::new(Code::RefIdNamesANumber).with("number", number),
        (None, Some(why)) => Message::new(Code::NoAnswerTellsBecause).with_message("why", why),
        (None, None) => Message::new(Code::NoAnswerTells),
    };
    Message::new(Code::DocumentOutcomeUnknown)
        .with_message("why", &why)
        .with("customer", &sent.customer_code)
}

/// How a document's customer is named to the store.
fn customer_of(id: &str) -> EntityRef {
    EntityRef::customer(Side::Crm, id)
}
