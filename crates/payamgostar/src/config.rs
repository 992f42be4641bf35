//! What the client must be told: address, credentials, and the words that differ by installation.
//!
//! It never reads the environment: the services' settings fill it.

use std::time::Duration;

use chrono_tz::Tz;
use outside::Gate;
use secrecy::SecretString;

use crate::places::Extended;

/// How long a login stays untried after the CRM has answered `403` (contract: 15 to 30 minutes).
pub const LOCK_OUT: Duration = Duration::from_secs(15 * 60);

/// How long a login stays untried after `401` or `402`: trying on with the same words only brings the lock-out nearer.
pub const REFUSAL_PAUSE: Duration = Duration::from_secs(60);

/// The two ways to be let in.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// A ready bearer token (`CRM_API_TOKEN`); it can't be renewed.
    Token(SecretString),
    /// A user of the CRM (`CRM_USERNAME`, `CRM_PASSWORD`).
    Password {
        /// The user's name.
        username: String,
        /// The user's password.
        password: SecretString,
    },
}

/// Everything about one installation of the CRM. [`Config::new`] fills the defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// `CRM_API_BASE_URL`, `http` or `https`, with or without a final slash.
    pub base_url: String,
    /// Token or user.
    pub credentials: Credentials,
    /// `CRM_TIMEZONE`: the zone of the CRM's dates. Default `Asia/Tehran`.
    pub timezone: Tz,
    /// `HTTP_TIMEOUT_SECONDS`: the longest one call may take. Default 30 s.
    pub timeout: Duration,
    /// The longest a connection may take to come about. Default 5 s.
    pub connect_timeout: Duration,
    /// `crmObjectTypeCode` of persons, also the `typeKey` of searches. Default `person`.
    pub person_type: String,
    /// `crmObjectTypeCode` of organizations. Default `organization`.
    pub organization_type: String,
    /// Key of the category that identities created from finance go into (the vendor's convention is
    /// `syaghcontact`). Default none: a key that an installation lacks may be refused.
    pub category: Option<String>,
    /// `phoneType` of a mobile that is added to an object which shows no word of its own. Default `Mobile`.
    pub mobile_word: String,
    /// `phoneType` of a landline, likewise. Default `Office`.
    pub landline_word: String,
    /// `addressType` of an address that is added. Default none: left out.
    pub address_word: Option<String>,
    /// `CRM_FIELD_…`: fields that stand in extended properties. Default none.
    pub extended: Extended,
    /// What its calls must pass. Default none.
    pub gate: Option<Gate>,
}

impl Config {
    /// A configuration with every default.
    #[must_use]
    pub fn new(base_url: impl Into<String>, credentials: Credentials) -> Self {
        Self {
            base_url: base_url.into(),
            credentials,
            timezone: Tz::Asia__Tehran,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            person_type: "person".to_owned(),
            organization_type: "organization".to_owned(),
            category: None,
            mobile_word: "Mobile".to_owned(),
            landline_word: "Office".to_owned(),
            address_word: None,
            extended: Extended::new(),
            gate: None,
        }
    }
}

/// Why no client could be built.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address is none (it is not shown: it might hold a password).
    #[error("CRM_API_BASE_URL is not an address such as https://crm.example.com: {0}")]
    BaseUrl(String),
    /// The HTTP client can't be built.
    #[error("the HTTP client for the CRM can't be built: {0}")]
    Client(#[from] reqwest::Error),
}
