//! The Siagh finance system.
//!
//! `api` speaks HTTP, `handle` is a user of the system; both work on [`Finance`]. It sends nothing
//! by itself, and nothing here knows faults.

mod answer;
mod api;
mod columns;
pub(crate) mod config;
mod contact_form;
mod document_form;
mod form;
mod handle;
mod lossy;
mod session;
mod store;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub(crate) use api::{internal_error, label, router};
pub use columns::LEAK_MARKER;
pub use handle::FinanceHandle;
pub use store::Document;

use crate::{clock::Clock, jalali, json::Object, stats::Stats};
use config::FinanceConfig;
use session::Sessions;
use store::Store;

/// The whole finance system.
pub(crate) struct Finance {
    pub(crate) clock: Clock,
    pub(crate) stats: Arc<Stats>,
    config: RwLock<Arc<FinanceConfig>>,
    store: Mutex<Store>,
    sessions: Mutex<Sessions>,
}

impl Finance {
    pub(crate) fn new(config: FinanceConfig, seed: u64, clock: Clock, stats: Arc<Stats>) -> Self {
        let finance = Self {
            clock,
            stats,
            config: RwLock::new(Arc::new(config)),
            store: Mutex::new(Store::new()),
            sessions: Mutex::new(Sessions::new(seed)),
        };
        finance.add_own_users();
        finance
    }

    /// The system's own users stand among the contacts.
    fn add_own_users(&self) {
        let mut store = self.store();
        for (code, name) in [(1, "مدیر سیستم"), (2, "کاربر حسابداری")] {
            let mut row = Object::new();
            row.insert("Name".into(), name.into());
            row.insert("IsAdminUser".into(), true.into());
            row.insert("IsActive".into(), true.into());
            row.insert("TowardType".into(), false.into());
            row.insert("RegDate".into(), "1400/01/01".into());
            store.put(code, row);
        }
    }

    pub(crate) fn config(&self) -> Arc<FinanceConfig> {
        Arc::clone(&self.config.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set_config(&self, config: FinanceConfig) {
        *self.config.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        self.store().forget_answer();
    }

    pub(crate) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn sessions(&self) -> MutexGuard<'_, Sessions> {
        self.sessions.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn today(&self) -> String {
        jalali::format(self.clock.local(chrono_tz::Asia::Tehran).date())
    }
}
