//! One order, one pre-invoice: a quote and the invoices that were made from it are not both issued.
//!
//! Whichever is issued first keeps the order's key for good. Several invoices of one quote are parts of it.

use super::{DocumentRun, Stop};
use crate::document::{Document, DocumentKind};
use crate::store::{EntityType, Holder};

impl DocumentRun<'_> {
    /// Reserves the order for this document.
    pub(super) async fn reserve(&mut self, document: &Document) -> Result<(), Stop> {
        let own = self.link.crm_id.clone().unwrap_or_default();
        let quote = match self.kind {
            DocumentKind::Quote => Some(own),
            DocumentKind::Invoice => document.related_quote.clone(),
        };
        let Some(quote) = quote.filter(|quote| !quote.trim().is_empty()) else {
            return Ok(());
        };
        let key = format!("order:{}", quote.trim().to_ascii_lowercase());
        let holder = self.engine.store.lock(&self.work.lease, &[key]).await?;
        match holder {
            None => Ok(()),
            Some(holder) => judge(self.kind, &quote, &holder),
        }
    }
}

fn judge(kind: DocumentKind, quote: &str, holder: &Holder) -> Result<(), Stop> {
    if !holder.known {
        return Err(Stop::Wait(format!(
            "another document of the same order (quote {quote}) is being issued, or waits to be"
        )));
    }
    match (kind, holder.entity_type) {
        (DocumentKind::Invoice, EntityType::Invoice) => Ok(()),
        (DocumentKind::Invoice, _) => Err(Stop::Skip(format!("its quote {quote} is issued already"))),
        (DocumentKind::Quote, _) => Err(Stop::Skip("an invoice of it is issued already".to_owned())),
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
        let skipped = |result| matches!(result, Err(Stop::Skip(_)));
        assert!(skipped(judge(
            invoice,
            "q",
            &holder(EntityType::PreInvoice, true)
        )));
        assert!(skipped(judge(quote, "q", &holder(EntityType::Invoice, true))));
        assert!(judge(invoice, "q", &holder(EntityType::Invoice, true)).is_ok());
        for kind in [quote, invoice] {
            for other in [EntityType::PreInvoice, EntityType::Invoice] {
                assert!(matches!(
                    judge(kind, "q", &holder(other, false)),
                    Err(Stop::Wait(_))
                ));
            }
        }
    }
}
