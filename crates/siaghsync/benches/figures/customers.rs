//! Customers as somebody types them into the CRM, and whether finance holds them: judged by what was typed alone.

use std::collections::HashMap;

use anyhow::Context as _;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde_json::{Value, json};
use simulator::sample::SampleCustomer;

use crate::services::{Deployment, Sim};
use crate::table::Verdict;

/// So many requests of the control API at a time.
pub const AT_ONCE: usize = 16;

/// A customer with its id in the CRM.
pub struct Typed {
    pub id: String,
    pub customer: SampleCustomer,
}

/// Types them into the CRM. Nobody is told.
pub async fn type_in(sim: &Sim, customers: &[SampleCustomer]) -> anyhow::Result<Vec<Typed>> {
    let typed = stream::iter(customers).map(|customer| async move {
        let id = create(sim, customer.kind.name(), &customer.to_crm()).await?;
        anyhow::Ok(Typed {
            id,
            customer: customer.clone(),
        })
    });
    typed.buffered(AT_ONCE).try_collect().await
}

/// Puts one object into the CRM; says its id.
pub async fn create(sim: &Sim, kind: &str, object: &Value) -> anyhow::Result<String> {
    let created = sim.post(&format!("/crm/{kind}?silent=true"), object).await?;
    Ok(created["crmId"]
        .as_str()
        .context("the simulator says no id")?
        .to_owned())
}

/// Gives each another description.
pub async fn describe(sim: &Sim, typed: &mut [Typed], what: &str) -> anyhow::Result<()> {
    for (n, one) in typed.iter_mut().enumerate() {
        one.customer.description = format!("{what}-{n:07}");
    }
    let edited = stream::iter(&*typed).map(|one| async move {
        let patch = json!({"description": one.customer.description});
        sim.patch(&format!("/crm/{}", one.id), &patch).await.map(drop)
    });
    edited.buffer_unordered(AT_ONCE).try_collect().await
}

/// The webhook of each.
pub fn webhooks(d: &Deployment<'_>, typed: &[Typed], event: &str) -> Vec<String> {
    typed
        .iter()
        .map(|one| d.webhook("identity", event, &one.id))
        .collect()
}

/// Finance holds exactly these.
pub async fn verdict(sim: &Sim, typed: &[Typed]) -> anyhow::Result<Verdict> {
    verdict_beside(sim, typed, 0).await
}

/// Finance holds these, and so many others.
pub async fn verdict_beside(sim: &Sim, typed: &[Typed], others: usize) -> anyhow::Result<Verdict> {
    let contacts = sim.list("/finance/contacts").await?;
    let by_email: HashMap<String, &Value> = contacts.iter().map(|one| (text(&one["Email"]), one)).collect();
    let mut verdict = Verdict::default();
    for one in typed {
        match by_email.get(&one.customer.email) {
            None => verdict.missing += 1,
            Some(contact) => verdict.wrong += usize::from(!is_as_typed(contact, &one.customer)),
        }
    }
    let known = typed.len() - verdict.missing + others;
    verdict.duplicates = contacts.len().saturating_sub(known);
    Ok(verdict)
}

fn is_as_typed(contact: &Value, customer: &SampleCustomer) -> bool {
    let expected = customer.to_finance();
    let columns = expected.as_object().into_iter().flatten();
    let mut differing = columns.filter(|(column, value)| text(&contact[column.as_str()]) != text(value));
    differing.next().is_none()
}

/// `""` and `null` are one and the same here, as are `1` and `true`.
fn text(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => u8::from(*yes).to_string(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
