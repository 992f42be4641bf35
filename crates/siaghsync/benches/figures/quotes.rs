//! Quotes as somebody types them into the CRM, and whether finance holds each of them once, as it was typed.

use std::collections::HashMap;

use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};

use crate::customers::{AT_ONCE, Typed, create};
use crate::services::Sim;
use crate::table::Verdict;

/// What finance calls a document's description.
const DESCRIPTION: &str = "tozihat";

pub struct Quote {
    pub id: String,
    customer: String,
    description: String,
    prices: Vec<u64>,
}

/// `n` quotes of two rows, of these customers in turn.
pub async fn type_in(sim: &Sim, customers: &[Typed], n: usize) -> anyhow::Result<Vec<Quote>> {
    let typed = stream::iter(0..n).map(|n| async move {
        let mut quote = Quote {
            id: String::new(),
            customer: customers[n % customers.len()].id.clone(),
            description: format!("quote-{n}"),
            prices: vec![1_000_000 + n as u64, 2_000_000 + n as u64],
        };
        quote.id = create(sim, "quote", &quote.to_crm()).await?;
        anyhow::Ok(quote)
    });
    typed.buffered(AT_ONCE).try_collect().await
}

impl Quote {
    fn to_crm(&self) -> Value {
        let row = |(n, price): (usize, &u64)| {
            json!({
                "productCode": format!("50010{n}"), "productName": "کاغذ A4", "isService": false,
                "baseUnitPrice": price, "count": 2, "totalDiscount": 0, "totalVat": 0, "totalToll": 0,
                "productUnitTypeName": "بسته",
            })
        };
        let details: Vec<Value> = self.prices.iter().enumerate().map(row).collect();
        json!({
            "subject": "پیش فاکتور", "description": self.description, "identityId": self.customer,
            "crmObjectTypeCode": "PI_5", "quoteDate": "2025-12-21T10:00:00", "billableObjectState": "Draft",
            "details": details,
        })
    }

    /// Its customer, its rows, and its number back in the CRM.
    fn is_held_by(&self, document: &Value, objects: &HashMap<&str, &Value>) -> bool {
        let noted = |id: &str| objects.get(id).and_then(|object| object["refId"].as_str());
        let prices = document["rows"].as_array().into_iter().flatten();
        let prices: Vec<_> = prices.map(|row| row["price"].as_u64()).collect();
        noted(&self.id) == Some(&document["number"].to_string())
            && noted(&self.customer) == Some(&document["customer"].to_string())
            && prices == self.prices.iter().copied().map(Some).collect::<Vec<_>>()
    }
}

pub async fn verdict(sim: &Sim, quotes: &[Quote]) -> anyhow::Result<Verdict> {
    let (documents, objects) = (sim.list("/finance/documents").await?, sim.list("/crm").await?);
    let objects: HashMap<&str, &Value> = objects
        .iter()
        .filter_map(|object| Some((object["crmId"].as_str()?, object)))
        .collect();
    let mut held: HashMap<&str, Vec<&Value>> = HashMap::new();
    for document in &documents {
        let description = document["header"][DESCRIPTION].as_str().unwrap_or_default();
        held.entry(description).or_default().push(document);
    }
    let mut verdict = Verdict::default();
    for quote in quotes {
        match held.get(quote.description.as_str()).map(Vec::as_slice) {
            None | Some([]) => verdict.missing += 1,
            Some([document, more @ ..]) => {
                verdict.duplicates += more.len();
                verdict.wrong += usize::from(!quote.is_held_by(document, &objects));
            }
        }
    }
    Ok(verdict)
}
