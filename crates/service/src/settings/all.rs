//! All sections together, and which of them a process needs.

use std::collections::BTreeMap;

use domain::company::{Companies, Company};
use domain::matching::Numbering;

use super::error::SettingsError;
use super::sections::{
    self, CrmSettings, DatabaseSettings, FinanceSettings, HttpSettings, PollingSettings, RedisSettings,
    SyncSettings, TelemetrySettings, WebhookSettings, WorkerSettings,
};

/// Which sections must be there. `DATABASE_URL` always must; what is present is checked in any case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Needs {
    /// `REDIS_URL`, or `REDIS_HOST`: the distributed services. Embedded runs without.
    pub redis: bool,
    /// The CRM's address and credentials.
    pub crm: bool,
    /// The finance system's address and credentials.
    pub finance: bool,
}

impl Needs {
    /// The database only (`siaghsync migrate`, `log`).
    pub const DATABASE: Self = Self {
        redis: false,
        crm: false,
        finance: false,
    };
    /// Both systems, no Redis (`siaghsync serve`).
    pub const EMBEDDED: Self = Self {
        redis: false,
        crm: true,
        finance: true,
    };
    /// Everything (`siagh-ingest`, `siagh-worker`).
    pub const DISTRIBUTED: Self = Self {
        redis: true,
        crm: true,
        finance: true,
    };
}

/// All settings, one struct per section.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The database.
    pub database: DatabaseSettings,
    /// Redis, if it is set.
    pub redis: Option<RedisSettings>,
    /// The CRM, if it is set.
    pub crm: Option<CrmSettings>,
    /// `COMPANIES`, or `COMPANY_CODE` (100): the finance companies that are served.
    pub companies: Companies,
    /// The finance systems of those companies, as far as they are set.
    pub finance: BTreeMap<Company, FinanceSettings>,
    /// Webhooks.
    pub webhooks: WebhookSettings,
    /// Polls and their guard.
    pub polling: PollingSettings,
    /// How syncs are carried out.
    pub sync: SyncSettings,
    /// The worker.
    pub worker: WorkerSettings,
    /// Ports, and the time-out of outside calls.
    pub http: HttpSettings,
    /// Logs and traces.
    pub telemetry: TelemetrySettings,
}

impl Settings {
    /// The CRM's settings.
    ///
    /// # Errors
    /// When they are not set, as the message of the missing setting.
    pub fn crm(&self) -> Result<&CrmSettings, SettingsError> {
        self.crm
            .as_ref()
            .ok_or_else(|| SettingsError::missing("CRM_API_BASE_URL", sections::CRM_URL))
    }

    /// The settings of that company's finance system.
    ///
    /// # Errors
    /// When they are not set, as the message of the missing setting.
    pub fn finance(&self, company: Company) -> Result<&FinanceSettings, SettingsError> {
        self.finance
            .get(&company)
            .ok_or_else(|| SettingsError::missing("FINANCE_API_BASE_URL", sections::FINANCE_URL))
    }

    /// How codes of that company's finance system are read as customer numbers.
    #[must_use]
    pub fn numbering(&self, company: Company) -> Numbering {
        Numbering {
            company,
            first: self.companies.first(),
            offset: self.sync.number_offset,
        }
    }

    /// Redis' settings.
    ///
    /// # Errors
    /// When they are not set, as the message of the missing setting.
    pub fn redis(&self) -> Result<&RedisSettings, SettingsError> {
        self.redis
            .as_ref()
            .ok_or_else(|| SettingsError::missing("REDIS_URL", sections::REDIS_URL))
    }
}
