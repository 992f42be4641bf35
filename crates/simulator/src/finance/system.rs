//! The finance system itself: its contacts and documents, and who is logged in.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::config::FinanceConfig;
use super::session::Sessions;
use super::store::Store;
use crate::clock::Clock;
use crate::jalali;
use crate::json::Object;
use crate::stats::Stats;

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

    pub(super) fn today(&self) -> String {
        jalali::format(self.clock.local(chrono_tz::Asia::Tehran).date())
    }
}
