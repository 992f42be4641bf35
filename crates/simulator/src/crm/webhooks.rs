//! Webhooks: sent in the background, never repeated, counted.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use hmac::{Hmac, KeyInit, Mac};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde::Serialize;
use serde_json::json;
use sha2::Sha256;
use tokio::sync::Semaphore;
use uuid::Uuid;

use super::{
    config::{CrmConfig, NativeHook, SignatureForm, WebhookConfig},
    shape,
    store::Record,
};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Insert,
    Update,
    Delete,
}

impl Event {
    fn native(self, digits: bool) -> &'static str {
        match (self, digits) {
            (Self::Insert, false) => "Insert",
            (Self::Update, false) => "Update",
            (Self::Delete, false) => "Delete",
            (Self::Insert, true) => "2",
            (Self::Update, true) => "1",
            (Self::Delete, true) => "0",
        }
    }

    fn action(self) -> &'static str {
        match self {
            Self::Insert => "created",
            Self::Update => "updated",
            Self::Delete => "deleted",
        }
    }
}

/// Counters of the webhooks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WebhookStats {
    /// Handed to the sender (without those that were lost on purpose).
    pub sent: u64,
    /// Answered with 2xx.
    pub delivered: u64,
    /// Answered otherwise, or not at all.
    pub failed: u64,
    /// Lost on purpose.
    pub dropped: u64,
    /// Not finished yet.
    pub pending: u64,
}

/// A webhook that was registered through the API.
#[derive(Clone, Debug, Serialize)]
pub struct RegisteredHook {
    /// Its id.
    pub id: String,
    /// The address.
    pub url: String,
    /// Event types; empty means all.
    pub events: Vec<String>,
    /// Always true.
    #[serde(rename = "isActive")]
    pub is_active: bool,
}

pub(crate) struct Webhooks {
    client: reqwest::Client,
    runtime: tokio::runtime::Handle,
    gate: Arc<Semaphore>,
    counters: Arc<Counters>,
    rng: Mutex<StdRng>,
    pub(crate) registered: Mutex<Vec<RegisteredHook>>,
}

#[derive(Default)]
struct Counters {
    sent: AtomicU64,
    delivered: AtomicU64,
    failed: AtomicU64,
    dropped: AtomicU64,
    pending: AtomicU64,
}

enum Call {
    Native(String),
    Signed {
        url: String,
        body: String,
        signature: String,
    },
}

impl Webhooks {
    pub(crate) fn new(seed: u64) -> anyhow::Result<Self> {
        // Refused when the process already has one, which does as well.
        let _ = rustls::crypto::ring::default_provider().install_default();
        Ok(Self {
            client: reqwest::Client::builder().no_proxy().build()?,
            runtime: tokio::runtime::Handle::current(),
            gate: Arc::new(Semaphore::new(64)),
            counters: Arc::default(),
            rng: Mutex::new(StdRng::seed_from_u64(seed ^ 0x686f_6f6b)),
            registered: Mutex::default(),
        })
    }

    pub(crate) fn stats(&self) -> WebhookStats {
        let read = |counter: &AtomicU64| counter.load(Ordering::SeqCst);
        WebhookStats {
            sent: read(&self.counters.sent),
            delivered: read(&self.counters.delivered),
            failed: read(&self.counters.failed),
            dropped: read(&self.counters.dropped),
            pending: read(&self.counters.pending),
        }
    }

    /// Sends what the change calls for.
    pub(crate) fn fire(&self, event: Event, record: &Record, config: &CrmConfig, timestamp: &str) {
        let hooks = &config.webhooks;
        for native in hooks.native.iter().filter(|hook| concerns(hook, record)) {
            let url = native_url(&native.url, event, record, config);
            self.send(Call::Native(url), hooks);
        }
        let event_type = format!("{}.{}", record.kind.event_prefix(), event.action());
        let wanted = |events: &[String]| {
            let fits = |pattern: &String| match pattern.strip_suffix('*') {
                Some(prefix) => event_type.starts_with(prefix),
                None => *pattern == event_type,
            };
            events.is_empty() || events.iter().any(fits)
        };
        let mut urls: Vec<String> = hooks
            .signed
            .iter()
            .filter(|hook| wanted(&hook.events))
            .map(|hook| hook.url.clone())
            .collect();
        if hooks.api_enabled {
            let registered = self.registered.lock().unwrap_or_else(PoisonError::into_inner);
            let active = registered.iter().filter(|hook| wanted(&hook.events));
            urls.extend(active.map(|hook| hook.url.clone()));
        }
        if urls.is_empty() {
            return;
        }
        let body = json!({
            "eventId": self.event_id().to_string(),
            "eventType": event_type,
            "entityType": record.kind.event_prefix().to_uppercase(),
            "entityId": shown_id(record, config),
            "action": event.action(),
            "timestamp": timestamp,
            "data": shape::object(record, config),
        })
        .to_string();
        let signature = sign(&body, &hooks.secret, hooks.signature);
        for url in urls {
            let call = Call::Signed {
                url,
                body: body.clone(),
                signature: signature.clone(),
            };
            self.send(call, hooks);
        }
    }

    fn event_id(&self) -> Uuid {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        uuid::Builder::from_random_bytes(rng.random()).into_uuid()
    }

    fn send(&self, call: Call, config: &WebhookConfig) {
        let (lost, twice) = {
            let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
            let lost = rng.random_bool(config.drop_probability.clamp(0.0, 1.0));
            (
                lost,
                rng.random_bool(config.duplicate_probability.clamp(0.0, 1.0)),
            )
        };
        if lost {
            self.counters.dropped.fetch_add(1, Ordering::SeqCst);
            return;
        }
        let times = if twice { 2 } else { 1 };
        let call = Arc::new(call);
        for _ in 0..times {
            // In this order: whoever sees it as sent sees it as pending, too, until it has ended.
            self.counters.pending.fetch_add(1, Ordering::SeqCst);
            self.counters.sent.fetch_add(1, Ordering::SeqCst);
            let (client, gate, counters) = (
                self.client.clone(),
                Arc::clone(&self.gate),
                Arc::clone(&self.counters),
            );
            let call = Arc::clone(&call);
            let delay = Duration::from_millis(config.delay_ms);
            let timeout = Duration::from_millis(config.timeout_ms);
            self.runtime.spawn(async move {
                tokio::time::sleep(delay).await;
                let _permit = gate.acquire().await;
                let counter = match deliver(&client, &call, timeout).await {
                    Ok(()) => &counters.delivered,
                    Err(error) => {
                        tracing::info!(%error, "webhook failed; it is not repeated");
                        &counters.failed
                    }
                };
                counter.fetch_add(1, Ordering::SeqCst);
                counters.pending.fetch_sub(1, Ordering::SeqCst);
            });
        }
    }
}

async fn deliver(client: &reqwest::Client, call: &Call, timeout: Duration) -> reqwest::Result<()> {
    let request = match call {
        Call::Native(url) => client.get(url),
        Call::Signed { url, body, signature } => client
            .post(url)
            .header("content-type", "application/json")
            .header("x-webhook-signature", signature)
            .body(body.clone()),
    };
    let response = request.timeout(timeout).send().await?;
    response
        .error_for_status()
        .map(drop)
        .map_err(reqwest::Error::without_url)
}

/// The id as webhooks write it.
fn shown_id(record: &Record, config: &CrmConfig) -> String {
    let id = record.id.to_string();
    match config.capital_ids_in.iter().any(|named| named == "webhooks") {
        true => id.to_uppercase(),
        false => id,
    }
}

fn concerns(hook: &NativeHook, record: &Record) -> bool {
    hook.item_type == "*"
        || hook.item_type.eq_ignore_ascii_case(&record.type_key)
        || hook.item_type.eq_ignore_ascii_case(record.kind.name())
}

fn native_url(template: &str, event: Event, record: &Record, config: &CrmConfig) -> String {
    let id = shown_id(record, config);
    let subtype = percent(shape::label(record.kind, config));
    let values = [
        ("event", event.native(config.webhooks.native_event_digits)),
        ("id", id.as_str()),
        ("type", record.kind.native_type()),
        ("subtype", subtype.as_str()),
    ];
    let mut url = template.to_owned();
    for (name, value) in values {
        url = url.replace(&format!("{{{name}}}"), value);
    }
    if url != template {
        return url;
    }
    for (at, (name, value)) in values.iter().enumerate() {
        let separator = if at == 0 && !template.contains('?') {
            '?'
        } else {
            '&'
        };
        url.push(separator);
        url.push_str(name);
        url.push('=');
        url.push_str(value);
    }
    url
}

fn percent(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}

fn sign(body: &str, secret: &str, form: SignatureForm) -> String {
    // An HMAC takes a key of any length, so there is no error to meet.
    let digest = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
        .map(|mut mac| {
            mac.update(body.as_bytes());
            hex::encode(mac.finalize().into_bytes())
        })
        .unwrap_or_default();
    match form {
        SignatureForm::Prefixed => format!("sha256={digest}"),
        SignatureForm::Bare => digest,
        SignatureForm::BareUpper => digest.to_uppercase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures() {
        let body = "The quick brown fox jumps over the lazy dog";
        let digest = "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8";
        assert_eq!(
            sign(body, "key", SignatureForm::Prefixed),
            format!("sha256={digest}")
        );
        assert_eq!(sign(body, "key", SignatureForm::Bare), digest);
        assert_eq!(sign(body, "key", SignatureForm::BareUpper), digest.to_uppercase());
    }

    #[test]
    fn persian_goes_into_a_query_percent_encoded() {
        assert_eq!(percent("حق a"), "%D8%AD%D9%82%20a");
    }
}
