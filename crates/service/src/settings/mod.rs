//! What a process is told: every setting of SiaghSync, from the environment and `.env`, checked as a whole
//! before anything starts. Secrets are [`SecretString`]s and never appear in an error or a `Debug` output.
//! It never changes the process's environment and never opens a connection.

mod all;
mod error;
mod fields;
mod finance;
mod load;
mod network;
mod reader;
mod sections;
mod source;

pub use all::{Needs, Settings};
pub use error::{Problem, SettingsError};
pub use network::Network;
#[doc(no_inline)]
pub use secrecy::{ExposeSecret, SecretString};
pub use sections::{
    CrmCredentials, CrmSettings, DatabaseKind, DatabaseSettings, DeletePolicy, FinanceSettings, HttpSettings,
    LogFormat, PollingSettings, RedisSettings, Sampling, SyncSettings, TelemetrySettings, WebhookSettings,
    WorkerSettings,
};

impl Settings {
    /// Reads the environment and `.env` in the current directory, where the environment wins; a variable
    /// that is set but empty counts as not set.
    ///
    /// # Errors
    /// Everything that is missing or malformed, at once.
    pub fn load(needs: Needs) -> Result<Self, SettingsError> {
        load::settings(&source::environment(), needs)
    }

    /// Reads `NAME`, `value` pairs instead, for tests and the demo.
    ///
    /// # Errors
    /// As [`Self::load`].
    pub fn from_pairs<I, K, V>(pairs: I, needs: Needs) -> Result<Self, SettingsError>
    where
        I: IntoIterator<Item = (K, V)>,
        K: Into<String>,
        V: Into<String>,
    {
        let pairs = pairs.into_iter().map(|(name, value)| (name.into(), value.into()));
        load::settings(&source::pairs(pairs), needs)
    }
}
