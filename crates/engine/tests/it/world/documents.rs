//! What the two systems are to documents, and what only one of them is asked.

use async_trait::async_trait;
use domain::document::{Document, DocumentKind, DocumentSnapshot, Issued};
use domain::ports::{Crm, Finance, PortResult};

use super::system::{System, lost};

#[async_trait]
impl Crm for System {
    async fn register_webhook(&self, _: &str, _: &[&str]) -> PortResult<bool> {
        Ok(false)
    }

    async fn webhooks(&self) -> PortResult<Option<Vec<String>>> {
        Ok(None)
    }

    async fn read_document(&self, kind: DocumentKind, id: &str) -> PortResult<Option<DocumentSnapshot>> {
        Ok(self.desk.read(kind, id))
    }

    async fn note_issued(&self, current: &DocumentSnapshot, number: &str) -> PortResult<()> {
        let fault = self.fault()?;
        self.desk.note(current, number);
        lost(fault)
    }
}

#[async_trait]
impl Finance for System {
    async fn fiscal_year(&self) -> PortResult<Option<i32>> {
        Ok(None)
    }

    async fn issue(&self, document: &Document, customer_code: &str) -> PortResult<Issued> {
        let fault = self.fault()?;
        let issued = self.desk.issue(document, customer_code);
        lost(fault).map(|()| issued)
    }
}
