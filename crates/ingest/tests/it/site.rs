//! An ingest of a test's own: a fresh database, a bell that remembers, real HTTP.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use domain::{
    ports::{BellError, Doorbell, Ring},
    store::entities::log,
};
use hmac::{Hmac, KeyInit as _, Mac as _};
use ingest::{store::LateStore, webhooks::App};
use reqwest::{Client, Response};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use service::settings::{Network, SecretString, WebhookSettings};
use sha2::Sha256;
use testkit::{Engine, TestDb};
use tokio::{net::TcpListener, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::store::Watched;

pub const SECRET: &str = "sesame/öffne+dich=";
pub const OLD_SECRET: &str = "older";
pub const ENGINES: [Engine; 2] = [Engine::Sqlite, Engine::Postgres];
pub const GUID: &str = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";

/// How a bell behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    Full,
    Unreachable,
}

/// Remembers what it was rung for.
#[derive(Debug)]
pub struct Bell {
    pub rings: Mutex<Vec<Ring>>,
    pub mood: Mutex<Mood>,
}

#[async_trait]
impl Doorbell for Bell {
    async fn ring(&self, rings: &[Ring]) -> Result<(), BellError> {
        match *self.mood.lock().unwrap() {
            Mood::Well => self.rings.lock().unwrap().extend_from_slice(rings),
            Mood::Full => return Err(BellError::Full),
            Mood::Unreachable => return Err(BellError::Unreachable("cut".to_owned())),
        }
        Ok(())
    }

    async fn depth(&self) -> Result<usize, BellError> {
        Ok(self.rings.lock().unwrap().len())
    }

    fn capacity(&self) -> usize {
        2000
    }

    fn is_full(&self) -> bool {
        *self.mood.lock().unwrap() == Mood::Full
    }
}

pub struct Site {
    pub address: SocketAddr,
    pub client: Client,
    pub db: TestDb,
    pub store: Watched,
    pub bell: Arc<Bell>,
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

/// Without idle connections: `service::http::serve` takes 900 at once.
pub fn client() -> Client {
    service::crypto::install();
    Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .timeout(Duration::from_secs(30))
        .build()
        .unwrap()
}

pub fn webhook_settings(secrets: &[&str]) -> WebhookSettings {
    WebhookSettings {
        secrets: secrets.iter().map(|s| SecretString::from(*s)).collect(),
        base_url: None,
        enabled: false,
        trusted_proxies: Vec::new(),
    }
}

pub fn sign(secret: &str, body: &[u8]) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(body);
    format!("sha256={}", hex::encode(mac.finalize().into_bytes()))
}

/// A good event.
pub fn event(event_id: &str, entity_id: &Value) -> Value {
    json!({
        "eventId": event_id, "eventType": "customer.updated", "entityType": "CUSTOMER", "entityId": entity_id,
        "action": "updated", "timestamp": "2026-01-15T12:00:00Z", "data": {"nickName": "مریم", "price": 1.50},
    })
}

impl Site {
    pub async fn on(engine: Engine) -> Self {
        Self::with(engine, &[OLD_SECRET, SECRET]).await
    }

    pub async fn with(engine: Engine, secrets: &[&str]) -> Self {
        Self::set(engine, webhook_settings(secrets)).await
    }

    /// The tests' own connections are a trusted proxy's.
    pub async fn behind_a_proxy() -> Self {
        let mut settings = webhook_settings(&[OLD_SECRET, SECRET]);
        settings.trusted_proxies = vec![Network::parse("127.0.0.0/8").unwrap()];
        Self::set(Engine::Sqlite, settings).await
    }

    async fn set(engine: Engine, settings: WebhookSettings) -> Self {
        let db = TestDb::new(engine).await.unwrap();
        let store = Watched::new(db.store.clone());
        let bell = Arc::new(Bell {
            rings: Mutex::default(),
            mood: Mutex::new(Mood::Well),
        });
        let late = LateStore::ready(Arc::new(store.clone()));
        let app = App::new(&settings, late, bell.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = CancellationToken::new();
        let stop = shutdown.clone();
        let task = tokio::spawn(async move {
            service::http::serve(listener, app.router(), stop).await.unwrap();
            app.drain().await;
        });
        Self {
            address,
            client: client(),
            db,
            store,
            bell,
            shutdown,
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// A body, well signed.
    pub async fn send(&self, path: &str, body: impl Into<Vec<u8>>) -> Response {
        let body = body.into();
        let signature = sign(SECRET, &body);
        let request = self
            .client
            .post(self.url(path))
            .header("x-webhook-signature", signature);
        request.body(body).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Response {
        self.client.get(self.url(path)).send().await.unwrap()
    }

    /// All rows, oldest first.
    pub async fn rows(&self) -> Vec<log::Model> {
        log::Entity::find()
            .order_by_asc(log::Column::Id)
            .all(self.db.store.db())
            .await
            .unwrap()
    }

    pub fn rings(&self) -> Vec<Ring> {
        self.bell.rings.lock().unwrap().clone()
    }

    pub fn mood(&self, mood: Mood) {
        *self.bell.mood.lock().unwrap() = mood;
    }

    /// Ends in good order and drops the database.
    pub async fn end(self) {
        self.shutdown.cancel();
        drop(self.client);
        self.task.await.unwrap();
        self.db.drop_it().await;
    }
}

/// The code and the JSON of an answer; every answer is JSON.
pub async fn read(response: Response) -> (u16, Value) {
    let code = response.status().as_u16();
    let text = response.text().await.unwrap();
    (
        code,
        serde_json::from_str(&text).unwrap_or_else(|_| panic!("{code}: {text}")),
    )
}
