//! What the client must be told: address, credentials, and what differs by installation.
//!
//! It never reads the environment: the services' settings fill it.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::customer::Field;
use outside::Gate;
use secrecy::SecretString;

/// How long a login stays untried after finance has refused it: its answer will be the same.
pub const REFUSAL_PAUSE: Duration = Duration::from_secs(60);

/// Everything about one installation of Siagh. [`Config::new`] fills the defaults.
#[derive(Debug, Clone)]
pub struct Config {
    /// `FINANCE_API_BASE_URL`, without `/api`, with or without a final slash.
    pub base_url: String,
    /// `FINANCE_USERNAME`.
    pub username: String,
    /// `FINANCE_PASSWORD`: plain, or its MD5 as 32 hex digits.
    pub password: SecretString,
    /// `COMPANY_CODE` (100 to 999): customer numbers that begin with it may carry a finance code. Default 100.
    pub company_code: u16,
    /// `CUSTOMER_NUMBER_OFFSET`: what a customer number has more than the finance code in it. Default 0.
    pub number_offset: u32,
    /// `HTTP_TIMEOUT_SECONDS`: the longest one call may take, or the silence within a full read. Default 30 s.
    pub timeout: Duration,
    /// The longest a connection may take to come about. Default 5 s.
    pub connect_timeout: Duration,
    /// The longest that a read of all contacts may take. Default 10 minutes.
    pub full_read_timeout: Duration,
    /// `TowardType` is the other way round in reads (`true` a person); the form's `taraftype` stays. Default no.
    pub toward_type_inverted: bool,
    /// The length that a column can hold, in UTF-16 units as its database counts them. Default none: the
    /// contract states no lengths.
    pub max_lengths: BTreeMap<Field, usize>,
    /// `postCode` of a form save. Default `1110`.
    pub post_code: String,
    /// What every pre-invoice says that the CRM does not.
    pub pre_invoices: PreInvoices,
    /// `FINANCE_UNSHOWN_PROVINCE`: what a save says of a province that `GetAll` does not show, but of contacts that we have made.
    /// Default: it is refused.
    pub unshown_province: UnshownProvince,
    /// What its calls must pass. Default none.
    pub gate: Option<Gate>,
}

/// What a save says of a contact's province (`codeostan`) where `GetAll` does not show it. Every save writes it: what is
/// left empty is cleared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum UnshownProvince {
    /// The save is refused: nobody knows what it would write over.
    #[default]
    Refuse,
    /// Nothing: the province is cleared.
    Clear,
    /// This code of finance's own table.
    Code(u32),
}

impl UnshownProvince {
    /// `refuse`, `clear`, or a code.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_ascii_lowercase().as_str() {
            "refuse" => Some(Self::Refuse),
            "clear" => Some(Self::Clear),
            code => code.parse().ok().map(Self::Code),
        }
    }
}

/// What every pre-invoice says that the CRM does not: codes of finance's own tables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreInvoices {
    /// `FINANCE_DOCUMENT_STATE` (`hssanadstate`). Default 8.
    pub state: u32,
    /// `FINANCE_DOCUMENT_TYPE` (`codenoeesanad`). Default 2, a sales pre-invoice.
    pub document_type: u32,
    /// `FINANCE_DOCUMENT_TYPE_NAME` (`namenoesanad`). Default `پیش فاکتور فروش`: **unverified**, the contract shows
    /// no value; it is the name of that document type.
    pub type_name: String,
    /// `FINANCE_SALE_MODEL` (`codesalemodel`, `codemarkazforush`): for documents whose type in the CRM names no
    /// number. Default 1.
    pub sale_model: u32,
    /// `FINANCE_PAYMENT_TYPE` (`codenoeepardakht`): 1 cash, 2 cheque. Default 2.
    pub payment_type: u32,
    /// `FINANCE_SALE_TYPE` (`codenoeeforush`). Default 1, unofficial.
    pub sale_type: u32,
    /// `FINANCE_INTERMEDIARY` (`codevaseteh`). Default 31.
    pub intermediary: u32,
}

impl Default for PreInvoices {
    fn default() -> Self {
        Self {
            state: 8,
            document_type: 2,
            type_name: "پیش فاکتور فروش".to_owned(),
            sale_model: 1,
            payment_type: 2,
            sale_type: 1,
            intermediary: 31,
        }
    }
}

impl Config {
    /// A configuration with every default.
    #[must_use]
    pub fn new(base_url: impl Into<String>, username: impl Into<String>, password: SecretString) -> Self {
        Self {
            base_url: base_url.into(),
            username: username.into(),
            password,
            company_code: 100,
            number_offset: 0,
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            full_read_timeout: Duration::from_secs(600),
            toward_type_inverted: false,
            max_lengths: BTreeMap::new(),
            post_code: "1110".to_owned(),
            pre_invoices: PreInvoices::default(),
            unshown_province: UnshownProvince::default(),
            gate: None,
        }
    }
}

/// Why no client could be built.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The address is none (it is not shown: it might hold a password).
    #[error("FINANCE_API_BASE_URL is not an address such as http://finance.example.local: {0}")]
    BaseUrl(String),
    /// The HTTP client can't be built.
    #[error("the HTTP client for finance can't be built: {0}")]
    Client(#[from] reqwest::Error),
}
