//! Webhooks over HTTP: who may call, what they may say, and what they are answered.
//!
//! A request passes [`observe`] (span, metrics, time-out), shows its right to be heard ([`secrets`],
//! [`limits`]), is understood ([`signed`] or [`native`]), and is stored and rung for by the [`recorder`]. No
//! secret, body or personal data is ever logged, traced or answered, and no input is a reason to fail.

mod answer;
mod body;
mod client;
mod ids;
mod kind;
mod last_events;
mod limits;
mod native;
mod observe;
mod recorder;
mod secrets;
mod signed;

use std::{net::IpAddr, sync::Arc};

use axum::{
    Router,
    extract::{DefaultBodyLimit, Request},
    middleware,
    routing::{MethodFilter, on, post},
};
use domain::{
    ports::{Doorbell, Side},
    store::{Event, sql::SqlStore},
};
use service::settings::{Network, WebhookSettings};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tracing::{info, warn};

use crate::{registration, store::LateStore};
use answer::{Accepted, Refusal};
use body::Bodies;
use kind::{Action, Kind};
use last_events::LastEvents;
use limits::Limits;
use recorder::Recorder;
use secrets::Secrets;

/// The webhooks of one process.
#[derive(Debug)]
pub struct App {
    shared: Arc<Shared>,
    writer: JoinHandle<()>,
}

/// What every request needs.
#[derive(Debug)]
struct Shared {
    secrets: Secrets,
    limits: Limits,
    bodies: Bodies,
    recorder: Recorder,
    last_events: LastEvents,
    /// `WEBHOOK_BASE_URL`.
    base_url: Option<String>,
    trusted_proxies: Vec<Network>,
}

impl App {
    /// Starts the writer, on the current tokio runtime. Until `store` is there, webhooks are answered `503`.
    #[must_use]
    pub fn new(settings: &WebhookSettings, store: LateStore, doorbell: Arc<dyn Doorbell>) -> Self {
        let secrets = Secrets::new(&settings.secrets);
        if secrets.is_empty() {
            warn!(
                "every webhook is answered 401, because no WEBHOOK_SECRET is set: \
                 set it here and in the CRM, then start again"
            );
        }
        let (recorder, writer) = recorder::start(store, doorbell);
        let shared = Arc::new(Shared {
            secrets,
            limits: Limits::default(),
            bodies: Bodies::default(),
            recorder,
            last_events: LastEvents::default(),
            base_url: settings.base_url.clone(),
            trusted_proxies: settings.trusted_proxies.clone(),
        });
        Self { shared, writer }
    }

    /// The routes, with JSON answers for what is not there: merge it only with routers that have no fallback of
    /// their own. Serve it with `ConnectInfo<SocketAddr>`, or all clients share one rate limit.
    pub fn router(&self) -> Router {
        let native = |kind| {
            let handler = move |state, trace, uri, path, request| {
                native::enqueue(kind, state, trace, uri, path, request)
            };
            // A HEAD is nobody's event, though axum would take it for a GET.
            on(MethodFilter::GET.or(MethodFilter::POST), handler).head(answer::method_not_allowed)
        };
        let signed = |side| post(move |state, trace, request| signed::enqueue(side, state, trace, request));
        Router::new()
            .route("/webhook/crm", signed(Side::Crm))
            .route("/webhook/finance", signed(Side::Finance))
            .route("/webhook/crm/identity", native(Kind::Customer))
            .route("/webhook/crm/quote", native(Kind::Quote))
            .route("/webhook/crm/invoice", native(Kind::Invoice))
            .route("/webhook/crm/{token}/identity", native(Kind::Customer))
            .route("/webhook/crm/{token}/quote", native(Kind::Quote))
            .route("/webhook/crm/{token}/invoice", native(Kind::Invoice))
            // The addresses of the vendor's own module.
            .route("/api/sync/customer", native(Kind::Customer))
            .route("/api/sync/salequote", native(Kind::Quote))
            .route("/api/sync/{token}/customer", native(Kind::Customer))
            .route("/api/sync/{token}/salequote", native(Kind::Quote))
            .with_state(self.shared.clone())
            .fallback(answer::not_found)
            .method_not_allowed_fallback(answer::method_not_allowed)
            .layer(DefaultBodyLimit::max(body::MAX))
            .layer(CatchPanicLayer::custom(answer::panicked))
            .layer(middleware::from_fn(observe::observe))
    }

    /// Notes in `store` when the CRM last called, until `shutdown`. For whoever knows its own address only
    /// (`WEBHOOK_BASE_URL`): that is what the CRM was told to call.
    pub fn note_last_events(
        &self,
        store: SqlStore,
        shutdown: CancellationToken,
    ) -> impl Future<Output = ()> + Send + use<> {
        let last_events = self.shared.last_events.clone();
        let url = self.shared.base_url.as_deref().map(registration::address);
        async move {
            if let Some(url) = url {
                last_events.note(store, url, shutdown).await;
            }
        }
    }

    /// Waits until what was handed to the writer is stored. After all routers of this app are gone.
    pub async fn drain(self) {
        drop(self.shared);
        if self.writer.await.is_err() {
            warn!("the writer of webhooks did not end by itself");
        }
    }
}

impl Shared {
    /// Whose request it is.
    fn client(&self, request: &Request) -> IpAddr {
        client::address(request, &self.trusted_proxies)
    }

    /// An unproven request counts against its address; what is beyond the limit is told to wait.
    fn refuse(&self, address: IpAddr, why: &'static str) -> Refusal {
        match self.limits.stranger(address) {
            Ok(()) => {
                warn!(client.address = %address, "webhook refused: {why}");
                Refusal::Unauthorized(why)
            }
            Err(wait) => Refusal::TooMany(wait),
        }
    }

    /// Stores, rings, and says so in the log.
    async fn record(&self, event: Event, kind: Kind, action: Action) -> Result<Accepted, Refusal> {
        let source = match event.entity.side {
            Side::Crm => "CRM",
            Side::Finance => "Finance",
        };
        let (row, event_id, of_crm) = (event.row, event.event_id.clone(), event.entity.side == Side::Crm);
        info!(
            row = %row,
            "📨 Received {source} webhook: {}.{} - {}", kind.prefix(), action.past(), kind.wire()
        );
        let new = self
            .recorder
            .record(event)
            .await
            .map_err(|recorder::NotStored| Refusal::NotStored)?;
        if of_crm {
            self.last_events.seen(kind.entity_type());
        }
        if new {
            info!(row = %row, "✅ Webhook queued for processing");
        } else {
            info!(row = %row, "webhook was heard before: nothing to do");
        }
        Ok(Accepted {
            event_id: event_id.unwrap_or_else(|| row.to_string()),
            duplicate: !new,
        })
    }
}
