//! Realistic Persian sample data: a small fixed set for a demo, and any number of generated
//! customers for tests and benchmarks. The names, numbers and companies are invented.

mod generate;
mod national_id;

use serde::Deserialize;
use serde_json::Value;

pub use generate::{SampleCustomer, customers};
pub use national_id::{company_id, is_company_id, is_person_id, person_id};

use crate::{
    crm::{CrmHandle, Kind},
    error::SimError,
    finance::FinanceHandle,
};

#[derive(Deserialize)]
struct CrmSample {
    kind: Kind,
    object: Value,
}

#[derive(Deserialize)]
struct QuoteSample {
    customer: usize,
    object: Value,
}

/// Twelve persons and organizations of the CRM: Arabic yeh and kaf, joiners, Persian digits, line
/// breaks, several phones and addresses, none at all.
pub fn crm_customers() -> Result<Vec<(Kind, Value)>, SimError> {
    let samples: Vec<CrmSample> = read(include_str!("crm.json"))?;
    Ok(samples
        .into_iter()
        .map(|sample| (sample.kind, sample.object))
        .collect())
}

/// Six contacts of finance, the first two of whom are also among [`crm_customers`].
pub fn finance_contacts() -> Result<Vec<Value>, SimError> {
    read(include_str!("finance.json"))
}

/// Puts the sample data into both systems, silently, with two quotes.
pub fn load(crm: &CrmHandle, finance: &FinanceHandle) -> Result<(), SimError> {
    let mut ids = Vec::new();
    for (kind, object) in crm_customers()? {
        ids.push(crm.seed(kind, object)?);
    }
    let quotes: Vec<QuoteSample> = read(include_str!("quotes.json"))?;
    for mut quote in quotes {
        if let (Some(object), Some(id)) = (quote.object.as_object_mut(), ids.get(quote.customer)) {
            object.insert("identityId".into(), id.as_str().into());
        }
        crm.seed(Kind::Quote, quote.object)?;
    }
    for contact in finance_contacts()? {
        finance.seed(contact)?;
    }
    Ok(())
}

fn read<T: for<'a> Deserialize<'a>>(text: &str) -> Result<T, SimError> {
    serde_json::from_str(text).map_err(|error| SimError::BadInput(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sample_has_valid_ids_and_hard_texts() {
        let customers = crm_customers().unwrap();
        assert_eq!(customers.len(), 12);
        for (kind, customer) in &customers {
            if let Some(id) = customer["nationalCode"].as_str() {
                let valid = match kind {
                    Kind::Person => is_person_id(id),
                    _ => is_company_id(id),
                };
                assert!(valid, "{id}");
            }
        }
        let text = include_str!("crm.json");
        for letter in ['ي', 'ك', '\u{200C}', '۱'] {
            assert!(text.contains(letter), "{letter}");
        }
        assert_eq!(finance_contacts().unwrap().len(), 6);
    }
}
