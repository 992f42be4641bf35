//! The store that may come later: the service listens before its database is up. It never opens one itself.

use std::sync::{Arc, OnceLock};

use async_trait::async_trait;
use domain::store::Store;
use service::http::Check;

/// A place for the store, empty until [`LateStore::set`]. Clones share it.
#[derive(Clone, Default)]
pub struct LateStore(Arc<OnceLock<Arc<dyn Store>>>);

impl LateStore {
    /// One that is there already.
    #[must_use]
    pub fn ready(store: Arc<dyn Store>) -> Self {
        let late = Self::default();
        late.set(store);
        late
    }

    /// The store has come. Only the first one counts.
    pub fn set(&self, store: Arc<dyn Store>) {
        let _ = self.0.set(store);
    }

    /// The store, if it has come.
    #[must_use]
    pub fn get(&self) -> Option<&Arc<dyn Store>> {
        self.0.get()
    }
}

impl std::fmt::Debug for LateStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("LateStore").field(&self.0.get().is_some()).finish()
    }
}

/// The `database` part of readiness.
#[async_trait]
impl Check for LateStore {
    fn name(&self) -> &'static str {
        "database"
    }

    async fn check(&self) -> Result<(), String> {
        match self.get() {
            Some(store) => store.ping().await.map_err(|error| error.to_string()),
            None => Err("it has not been reached since the start".to_owned()),
        }
    }
}
