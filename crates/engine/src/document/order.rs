//! One order, one pre-invoice: a quote and the invoices that were made from it are not both issued. Pure.
//!
//! Whichever is issued first keeps the order's key for good. Several invoices of one quote are parts of it.

use domain::company::ORDER_KEY;
use domain::document::{Document, DocumentKind};
use domain::entity::EntityType;
use domain::message::{Code, Message};
use domain::store::Holder;

use crate::seen::{Known, Seen};
use crate::step::{Ending, Step};

/// Reserves the order for this document; `None`: it is reserved, or there is none.
pub(super) fn reserve(known: &Known, seen: &Seen, kind: DocumentKind, document: &Document) -> Option<Step> {
    let quote = match kind {
        DocumentKind::Quote => known.link.crm_id.clone(),
        DocumentKind::Invoice => document.related_quote.clone(),
    };
    let quote = quote.filter(|quote| !quote.trim().is_empty())?;
    match &seen.reserved {
        None => Some(Step::Reserve(vec![format!(
            "{ORDER_KEY}{}",
            quote.trim().to_ascii_lowercase()
        )])),
        Some(None) => None,
        Some(Some(holder)) => judge(kind, &quote, holder).map(Step::End),
    }
}

fn judge(kind: DocumentKind, quote: &str, holder: &Holder) -> Option<Ending> {
    let about = |code| Message::new(code).with("quote", quote);
    if !holder.known {
        return Some(Ending::Dependency(about(Code::OrderIsBeingIssued)));
    }
    match (kind, holder.entity_type) {
        (DocumentKind::Invoice, EntityType::Invoice) => None,
        (DocumentKind::Invoice, _) => Some(Ending::Skip(about(Code::QuoteIsIssued))),
        (DocumentKind::Quote, _) => Some(Ending::Skip(about(Code::InvoiceIsIssued))),
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn an_order_is_issued_as_quote_or_as_invoices() {
        let holder = |entity_type, known| Holder {
            link: Uuid::nil(),
            waits: false,
            entity_type,
            known,
        };
        let (quote, invoice) = (DocumentKind::Quote, DocumentKind::Invoice);
        let skipped = |ending| matches!(ending, Some(Ending::Skip(_)));
        assert!(skipped(judge(
            invoice,
            "q",
            &holder(EntityType::PreInvoice, true)
        )));
        assert!(skipped(judge(quote, "q", &holder(EntityType::Invoice, true))));
        assert!(judge(invoice, "q", &holder(EntityType::Invoice, true)).is_none());
        for kind in [quote, invoice] {
            for other in [EntityType::PreInvoice, EntityType::Invoice] {
                let ending = judge(kind, "q", &holder(other, false));
                assert!(matches!(ending, Some(Ending::Dependency(_))));
            }
        }
    }
}
