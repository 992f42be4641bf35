//! Registering our address with the CRM, so that it calls us: signed webhooks where the CRM has them, else words on
//! what to type into its pages.
//!
//! Asked before it is told: registering twice would make every event come twice. No secret's value is ever said.

use domain::ports::{Crm, PortError};
use domain::store::StoreError;
use domain::store::sql::SqlStore;
use domain::store::subscriptions;

/// What the CRM is asked to tell.
pub const EVENTS: [&str; 9] = [
    "customer.created",
    "customer.updated",
    "customer.deleted",
    "quote.created",
    "quote.updated",
    "quote.deleted",
    "invoice.created",
    "invoice.updated",
    "invoice.deleted",
];

/// What became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Registered {
    /// The CRM was told.
    Now,
    /// It knew already.
    Before,
    /// It has no such thing: native webhooks, by hand.
    ByHand,
}

/// Why it is not known what became of it.
#[derive(Debug, thiserror::Error)]
pub enum RegistrationError {
    /// The CRM's words.
    #[error("{0}")]
    Crm(#[from] PortError),
    /// The database's.
    #[error("{0}")]
    Store(#[from] StoreError),
}

/// The address of signed webhooks under `WEBHOOK_BASE_URL`.
#[must_use]
pub fn address(base_url: &str) -> String {
    format!("{}/webhook/crm", base_url.trim_end_matches('/'))
}

/// The addresses to type into the CRM's pages where it has only native webhooks: item type and address. The token
/// is one of `WEBHOOK_SECRET`, and is not shown.
#[must_use]
pub fn native_addresses(base_url: &str) -> [(&'static str, String); 3] {
    let at = |kind: &str| format!("{}/{kind}?token=<WEBHOOK_SECRET>", address(base_url));
    [
        ("persons and organizations", at("identity")),
        ("sales quotes", at("quote")),
        ("sales invoices", at("invoice")),
    ]
}

/// Makes sure that the CRM calls our address, and notes it in `"WebhookSubscription"`.
///
/// # Errors
/// When the CRM or the database can't be asked; trying again is safe.
pub async fn register(
    crm: &dyn Crm,
    store: &SqlStore,
    base_url: &str,
) -> Result<Registered, RegistrationError> {
    let url = address(base_url);
    let result = call_at(crm, &url).await;
    subscriptions::note(
        store,
        &url,
        matches!(result, Ok(Registered::Now | Registered::Before)),
    )
    .await?;
    Ok(result?)
}

async fn call_at(crm: &dyn Crm, url: &str) -> Result<Registered, PortError> {
    let Some(listed) = crm.webhooks().await? else {
        return Ok(Registered::ByHand);
    };
    if listed.iter().any(|listed| listed.trim_end_matches('/') == url) {
        return Ok(Registered::Before);
    }
    Ok(if crm.register_webhook(url, &EVENTS).await? {
        Registered::Now
    } else {
        Registered::ByHand
    })
}
