//! The documents of the two systems in memory: what the CRM's users type, and what finance has issued.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use chrono::{DateTime, NaiveDate, Utc};
use domain::document::{Document, DocumentKind, DocumentSnapshot, Issued, Row, Totals};

#[derive(Debug, Default)]
struct Papers {
    crm: BTreeMap<String, DocumentSnapshot>,
    /// Document and customer's code, in the order of their issue.
    issued: Vec<(Document, String)>,
    notes: u32,
}

/// One system's documents. The CRM's are typed, finance's are issued.
#[derive(Debug, Clone, Default)]
pub struct Desk(Arc<Mutex<Papers>>);

impl Desk {
    pub fn add(&self, id: &str, document: Document) {
        let snapshot = DocumentSnapshot {
            id: id.to_owned(),
            document,
            ref_id: String::new(),
            created_at: Some(DateTime::<Utc>::UNIX_EPOCH),
            modified_at: Some(DateTime::<Utc>::UNIX_EPOCH),
            whole: serde_json::Value::Null,
        };
        self.0.lock().unwrap().crm.insert(id.to_owned(), snapshot);
    }

    pub fn edit(&self, id: &str, edit: impl FnOnce(&mut DocumentSnapshot)) {
        edit(self.0.lock().unwrap().crm.get_mut(id).unwrap());
    }

    pub fn delete(&self, id: &str) {
        self.0.lock().unwrap().crm.remove(id);
    }

    pub fn read(&self, kind: DocumentKind, id: &str) -> Option<DocumentSnapshot> {
        let papers = self.0.lock().unwrap();
        papers.crm.get(id).filter(|d| d.document.kind == kind).cloned()
    }

    pub fn note(&self, current: &DocumentSnapshot, number: &str) {
        let mut papers = self.0.lock().unwrap();
        papers.notes += 1;
        papers.crm.get_mut(&current.id).unwrap().ref_id = number.to_owned();
    }

    pub fn notes(&self) -> u32 {
        self.0.lock().unwrap().notes
    }

    pub fn issue(&self, document: &Document, customer_code: &str) -> Issued {
        let mut papers = self.0.lock().unwrap();
        papers.issued.push((document.clone(), customer_code.to_owned()));
        Issued {
            id: (5000 + papers.issued.len()).to_string(),
            number: (2000 + papers.issued.len()).to_string(),
            sent: serde_json::json!({ "codemoshtari": customer_code }),
        }
    }

    pub fn issued(&self) -> Vec<(Document, String)> {
        self.0.lock().unwrap().issued.clone()
    }
}

/// A quote or invoice with one good row.
pub fn document(kind: DocumentKind, customer: &str) -> Document {
    Document {
        kind,
        number: "100-1404/7".to_owned(),
        object_type: "PI_5".to_owned(),
        customer: customer.to_owned(),
        subject: "کاغذ".to_owned(),
        description: String::new(),
        date: NaiveDate::from_ymd_opt(2025, 12, 21),
        state: "Approved".to_owned(),
        related_quote: None,
        totals: Totals::default(),
        rows: vec![Row {
            product_code: "500102014".to_owned(),
            product_name: "کاغذ A4".to_owned(),
            count: "10.0000".parse().unwrap(),
            unit_price: "1234567890123.45".parse().unwrap(),
            ..Row::default()
        }],
    }
}
