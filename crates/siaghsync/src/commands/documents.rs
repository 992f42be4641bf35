//! `siaghsync verify --documents`: control totals. Per day, how many quotes and invoices the CRM has and what they come
//! to, beside what was sent to finance; and which documents make the difference, those that nobody has heard of among
//! them.
//!
//! It reads the CRM and our own tables: finance can't be asked for pre-invoices.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use anyhow::Context;
use chrono::{DateTime, NaiveDate, Utc};
use domain::document::{Document, DocumentKind};
use domain::message::Code;
use domain::polls::PollStore;
use domain::ports::Side;
use domain::ports::changes::{Changed, Changes, DocumentFeed, Part, ShownDocument, Since};
use domain::store::entities::{link, log};
use domain::store::sql::SqlStore;
use domain::store::{EntityRef, EntityType, IssuedDocument, Status, message_of};
use rust_decimal::Decimal;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use service::settings::Settings;

use super::{output, row};

/// So many documents, which come to so much.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
struct Sum {
    count: u64,
    total: Decimal,
}

impl Sum {
    fn add(&mut self, document: &Document) {
        self.count += 1;
        self.total = self.total.saturating_add(document.value().unwrap_or_default());
    }
}

/// One day, as `--json` prints it too.
#[derive(Debug, Default)]
struct Day {
    crm: Sum,
    sent: Sum,
    /// What makes the difference.
    documents: Vec<String>,
    /// Those of them that no webhook, poll or operator has told of.
    unheard: Vec<Unheard>,
}

/// A document that stands in the CRM and in no row.
#[derive(Debug, Serialize)]
struct Unheard {
    kind: &'static str,
    id: String,
    number: String,
}

type Days = BTreeMap<Option<NaiveDate>, Day>;
type Issued = BTreeMap<(DocumentKind, String), IssuedDocument>;

impl Day {
    fn is_unheard(&mut self, kind: DocumentKind, id: &str, document: &Document) {
        let (kind, number) = (kind.name(), document.number.clone());
        self.documents.push(format!(
            "{kind} {number} ({id}): never heard of; `siaghsync sync {id} --{kind}` issues it"
        ));
        let id = id.to_owned();
        self.unheard.push(Unheard { kind, id, number });
    }
}

/// Prints the days; says whether all of them agree.
pub(super) fn verify(json: bool) -> anyhow::Result<bool> {
    let settings = Settings::load(super::SYSTEMS)?;
    super::block_on(&settings, async {
        let store = super::open(&settings).await?;
        let crm = service::clients::crm(&settings, store.clock(), None)?;
        let since = match settings.polling.documents_since {
            Some(day) => crm.beginning_of(day),
            None => store.installed_at().await?,
        };
        let issued = issued(&store).await?;
        let mut unseen: BTreeSet<_> = issued.keys().collect();
        let mut days = Days::new();
        for document in issued.values().map(known) {
            days.entry(document.date).or_default().sent.add(document);
        }
        for (kind, types) in [
            (DocumentKind::Quote, &settings.crm()?.quote_types),
            (DocumentKind::Invoice, &settings.crm()?.invoice_types),
        ] {
            for document in of_crm(&crm, kind, types).await? {
                let look = Look {
                    kind,
                    since,
                    states: &settings.polling.document_states,
                    issued: &issued,
                };
                unseen.remove(&(kind, document.id.to_ascii_lowercase()));
                look.count(&store, &mut days, document).await?;
            }
        }
        for key in unseen {
            not_in_the_crm(&mut days, key, &issued[key]);
        }
        let agree = days
            .values()
            .all(|day| day.crm == day.sent && day.documents.is_empty());
        show(&days, json)?;
        Ok(agree)
    })
}

/// Was sent, and the CRM's searches no longer show it.
fn not_in_the_crm(days: &mut Days, (kind, id): &(DocumentKind, String), issued: &IssuedDocument) {
    let document = known(issued);
    let setting = match kind {
        DocumentKind::Quote => "CRM_QUOTE_TYPES",
        DocumentKind::Invoice => "CRM_INVOICE_TYPES",
    };
    days.entry(document.date).or_default().documents.push(format!(
        "{} {} ({id}): issued as pre-invoice {}, but the CRM shows none such: it was deleted there, or its type {} is not \
         in {setting}",
        kind.name(),
        document.number,
        issued.number,
        document.object_type
    ));
}

/// A document as it is known to stand in finance.
fn known(issued: &IssuedDocument) -> &Document {
    issued.accepted.as_ref().unwrap_or(&issued.document)
}

async fn issued(store: &SqlStore) -> anyhow::Result<Issued> {
    let rows = link::Entity::find()
        .filter(link::Column::EntityType.ne(EntityType::Customer))
        .filter(link::Column::Base.is_not_null());
    let mut issued = Issued::new();
    for model in rows.all(store.db()).await? {
        let kind = DocumentKind::of(model.entity_type);
        let link = domain::store::link_of(model)?;
        if let (Some(kind), Some(id), Some(document)) = (kind, link.crm_id, link.issued) {
            issued.insert((kind, id.to_ascii_lowercase()), *document);
        }
    }
    Ok(issued)
}

/// All documents of these types, each once, as the search shows them.
async fn of_crm(
    crm: &dyn Changes,
    kind: DocumentKind,
    types: &[String],
) -> anyhow::Result<Vec<Changed<ShownDocument>>> {
    let bar = output::progress("documents of the CRM read", None);
    let (mut found, mut seen) = (Vec::new(), HashSet::new());
    for type_key in types {
        let feed = DocumentFeed {
            kind,
            types: std::slice::from_ref(type_key),
            made_since: DateTime::UNIX_EPOCH,
        };
        let mut all = crm.document_changes(feed, Since::default());
        while let Part::Records(page) = all
            .next()
            .await
            .with_context(|| format!("the CRM's {}s of type {type_key} can't be read", kind.name()))?
        {
            found.extend(page.into_iter().filter(|shown| seen.insert(shown.id.clone())));
            bar.set_position(found.len() as u64);
        }
    }
    bar.finish_and_clear();
    Ok(found)
}

/// What a document of the CRM is held against.
struct Look<'a> {
    kind: DocumentKind,
    since: DateTime<Utc>,
    states: &'a [String],
    issued: &'a Issued,
}

impl Look<'_> {
    async fn count(
        &self,
        store: &SqlStore,
        days: &mut Days,
        seen: Changed<ShownDocument>,
    ) -> anyhow::Result<()> {
        let sent = self.issued.get(&(self.kind, seen.id.to_ascii_lowercase()));
        let recent = seen.record.created_at.is_some_and(|at| at >= self.since);
        if sent.is_none() && !recent {
            return Ok(());
        }
        let document = match &seen.record.document {
            Ok(document) => document,
            Err(why) => {
                let day = days.entry(None).or_default();
                day.crm.count += 1;
                day.documents
                    .push(format!("{} {}: can't be read: {why}", self.kind.name(), seen.id));
                return Ok(());
            }
        };
        if sent.is_none() && (!self.takes(&document.state) || self.is_covered(&seen.id, document)) {
            return Ok(());
        }
        let latest = match sent {
            None => self.latest(store, &seen.id).await?,
            Some(_) => None,
        };
        if latest.as_ref().is_some_and(left_out) {
            return Ok(());
        }
        let day = days.entry(document.date).or_default();
        day.crm.add(document);
        let name = || format!("{} {} ({})", self.kind.name(), document.number, seen.id);
        match sent {
            None => match &latest {
                Some(row) => day.documents.push(format!(
                    "{}: not issued: {}, row {}: {}",
                    name(),
                    output::sign(row.status),
                    row.id,
                    row::what(row)
                )),
                None => day.is_unheard(self.kind, &seen.id, document),
            },
            Some(sent) if known(sent).value() != document.value() || known(sent).date != document.date => {
                day.documents.push(format!(
                    "{}: changed since it was issued as pre-invoice {}: it came to {}, now to {}",
                    name(),
                    sent.number,
                    money(known(sent).value()),
                    money(document.value())
                ));
            }
            Some(_) => {}
        }
        Ok(())
    }

    fn takes(&self, state: &str) -> bool {
        self.states.is_empty()
            || self
                .states
                .iter()
                .any(|one| one.trim().eq_ignore_ascii_case(state.trim()))
    }

    /// Its order is issued by another document: the quote of an invoice, or an invoice of a quote.
    fn is_covered(&self, id: &str, document: &Document) -> bool {
        match self.kind {
            DocumentKind::Invoice => document.related_quote.as_ref().is_some_and(|quote| {
                self.issued
                    .contains_key(&(DocumentKind::Quote, quote.to_ascii_lowercase()))
            }),
            DocumentKind::Quote => self.issued.iter().any(|((kind, _), issued)| {
                let quote = issued.document.related_quote.as_deref();
                *kind == DocumentKind::Invoice && quote.is_some_and(|quote| quote.eq_ignore_ascii_case(id))
            }),
        }
    }

    async fn latest(&self, store: &SqlStore, id: &str) -> anyhow::Result<Option<log::Model>> {
        let entity = EntityRef {
            entity_type: self.kind.entity_type(),
            side: Side::Crm,
            id: id.to_owned(),
        };
        row::latest(store, &entity).await
    }
}

/// It is not to be issued, and its row says so. Another reason may have passed since, as a state or an absence does.
fn left_out(row: &log::Model) -> bool {
    let why = message_of(row).map(|why| why.code);
    row.status == Status::Skipped && matches!(why, Some(Code::OtherCompany | Code::DocumentsAreOff))
}

fn money(value: Option<Decimal>) -> String {
    value.map_or("more than can be reckoned with".to_owned(), |value| {
        value.normalize().to_string()
    })
}

fn show(days: &Days, json: bool) -> anyhow::Result<()> {
    let name = |day: &Option<NaiveDate>| day.map_or("no date".to_owned(), |day| day.to_string());
    if json {
        for (date, day) in days {
            output::json(
                &serde_json::json!({ "day": date, "crm": day.crm, "sent": day.sent, "documents": day.documents,
                    "unheard": day.unheard }),
            )?;
        }
        return Ok(());
    }
    let mut table = comfy_table::Table::new();
    table.load_style(comfy_table::presets::UTF8_FULL_CONDENSED);
    table.set_header(["day", "in the CRM", "come to", "sent", "come to", ""]);
    let mut all = (Sum::default(), Sum::default());
    let mut line = |name: String, crm: &Sum, sent: &Sum| {
        let differ = if crm == sent { "" } else { "≠" };
        table.add_row([
            name,
            crm.count.to_string(),
            money(Some(crm.total)),
            sent.count.to_string(),
            money(Some(sent.total)),
            differ.to_owned(),
        ]);
    };
    for (date, day) in days {
        line(name(date), &day.crm, &day.sent);
        for (sum, part) in [(&mut all.0, &day.crm), (&mut all.1, &day.sent)] {
            sum.count += part.count;
            sum.total = sum.total.saturating_add(part.total);
        }
    }
    line("all".to_owned(), &all.0, &all.1);
    println!("{table}");
    for document in days.values().flat_map(|day| &day.documents) {
        println!("{document}");
    }
    Ok(())
}
