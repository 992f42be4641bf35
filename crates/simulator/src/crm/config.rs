//! The CRM's settings.

use std::collections::BTreeMap;

use chrono_tz::Tz;
use serde::{Deserialize, Serialize};

/// How an installation answers for an id that it does not know.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum UnknownId {
    /// Status 404 with the error body.
    #[default]
    NotFound,
    /// Status 400 with a message.
    BadRequest,
    /// Status 200 with an empty body.
    EmptyOk,
}

/// How the signature of a signed webhook is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SignatureForm {
    /// `sha256=<hex>`.
    #[default]
    Prefixed,
    /// `<hex>`.
    Bare,
    /// `<HEX>` in capitals.
    BareUpper,
}

/// An address that the CRM calls with `GET` when an object of a type changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeHook {
    /// `crmObjectTypeCode` of the objects (`person`, `PI_5`), a kind (`person`, `quote`, …), or `*`.
    pub item_type: String,
    /// The address. `{event}`, `{id}`, `{type}` and `{subtype}` are replaced; without any of them
    /// the four are appended as a query.
    pub url: String,
}

/// An address that gets signed events by `POST` without having been registered through the API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SignedHook {
    /// The address.
    pub url: String,
    /// Event types, such as `customer.updated`, `customer.*` or `*`; empty means all.
    #[serde(default)]
    pub events: Vec<String>,
}

/// Webhooks that the CRM sends.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct WebhookConfig {
    /// `/api/webhooks` answers; without it, 404.
    pub api_enabled: bool,
    /// Secret of the signatures.
    pub secret: String,
    /// How the signature is written.
    pub signature: SignatureForm,
    /// Native webhooks.
    pub native: Vec<NativeHook>,
    /// `event=1` instead of `event=Update`.
    pub native_event_digits: bool,
    /// Signed webhooks set by hand.
    pub signed: Vec<SignedHook>,
    /// Waits this long before sending.
    pub delay_ms: u64,
    /// Gives up on a receiver after this long.
    pub timeout_ms: u64,
    /// Share of webhooks that are never sent.
    pub drop_probability: f64,
    /// Share of webhooks that are sent twice (the same event id).
    pub duplicate_probability: f64,
}

impl Default for WebhookConfig {
    fn default() -> Self {
        Self {
            api_enabled: true,
            secret: "simulator-secret".to_owned(),
            signature: SignatureForm::Prefixed,
            native: Vec::new(),
            native_event_digits: false,
            signed: Vec::new(),
            delay_ms: 0,
            timeout_ms: 5_000,
            drop_probability: 0.0,
            duplicate_probability: 0.0,
        }
    }
}

/// The CRM's settings. All can be changed while running.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct CrmConfig {
    /// User of the API.
    pub username: String,
    /// Their password.
    pub password: String,
    /// A ready bearer token that never ends; empty: there is none.
    pub api_token: String,
    /// Without it every call, login included, ends in 402.
    pub api_licensed: bool,
    /// Failed logins until the lock-out.
    pub max_failed_logins: u32,
    /// Logins, good or bad, within a minute until the lock-out; 0: any number.
    pub max_logins_per_minute: u32,
    /// How long the lock-out lasts.
    pub lockout_seconds: u64,
    /// Life of an access token.
    pub token_seconds: u64,
    /// Requests that an access token is good for; 0: any number.
    pub token_max_requests: u64,
    /// `expiresAt` carries a zone.
    pub expires_at_with_zone: bool,
    /// `token/refresh` works; without it, 404.
    pub refresh_enabled: bool,
    /// `modifyDate` is empty until an object's first edit; for objects made from then on.
    pub modify_date_at_first_edit: bool,
    /// Ids stand in capitals in the answers of these verbs: `get`, `find`, `search`, `create`, `update`; and in `webhooks`.
    pub capital_ids_in: Vec<String>,
    /// What is put into an answer, once it is written as JSON, in the place of these texts: for what no text of a user
    /// can hold (`\\ud83d`, half an emoji), or what breaks a record.
    pub raw_texts: BTreeMap<String, String>,
    /// A save that holds a tag (`<b>`) is answered by the web server, with a page of its own and this status; nothing is
    /// done. 0: it goes through.
    pub refuses_markup_with: u16,
    /// The server's time zone.
    pub timezone: Tz,
    /// Fraction digits of dates, 0 to 7. Below 3 two quick saves may have the same `modifyDate`.
    pub date_digits: u8,
    /// Answer for an unknown id.
    pub unknown_id: UnknownId,
    /// Answers have PascalCase names.
    pub pascal_case: bool,
    /// PascalCase names in requests are understood; without it they are refused with 400.
    pub accept_pascal_requests: bool,
    /// Answers hold properties that no documentation mentions.
    pub extra_properties: bool,
    /// An object's known but empty properties are left out instead of being null.
    pub omit_nulls: bool,
    /// Empty lists of contacts, categories and so on are null instead of `[]`.
    pub null_lists: bool,
    /// Larger pages are cut to this without a word.
    pub max_page_size: u64,
    /// What `searchTerm` is looked for in; `phoneContacts` means the numbers (unverified).
    pub search_fields: Vec<String>,
    /// Company code: automatic customer numbers are `<code>-<n>`.
    pub company_code: String,
    /// The first automatic customer number.
    pub first_customer_number: u64,
    /// The first automatic document number.
    pub first_document_number: u64,
    /// `crmObjectTypeCode` of persons.
    pub person_type: String,
    /// `crmObjectTypeCode` of organizations.
    pub organization_type: String,
    /// `crmObjectTypeCode`s of quotes; new ones get the first.
    pub quote_types: Vec<String>,
    /// `crmObjectTypeCode`s of invoices; new ones get the first.
    pub invoice_types: Vec<String>,
    /// `subtype` of a person in native webhooks.
    pub person_label: String,
    /// `subtype` of an organization in native webhooks.
    pub organization_label: String,
    /// `subtype` of a quote in native webhooks.
    pub quote_label: String,
    /// `subtype` of an invoice in native webhooks.
    pub invoice_label: String,
    /// Webhooks.
    pub webhooks: WebhookConfig,
}

impl Default for CrmConfig {
    fn default() -> Self {
        Self {
            username: "siaghsync".to_owned(),
            password: "crm-password".to_owned(),
            api_token: "simulator-api-token".to_owned(),
            api_licensed: true,
            max_failed_logins: 5,
            max_logins_per_minute: 0,
            lockout_seconds: 900,
            token_seconds: 3600,
            token_max_requests: 0,
            expires_at_with_zone: false,
            refresh_enabled: true,
            modify_date_at_first_edit: false,
            capital_ids_in: Vec::new(),
            raw_texts: BTreeMap::new(),
            refuses_markup_with: 0,
            timezone: chrono_tz::Asia::Tehran,
            date_digits: 3,
            unknown_id: UnknownId::NotFound,
            pascal_case: false,
            accept_pascal_requests: false,
            extra_properties: true,
            omit_nulls: false,
            null_lists: false,
            max_page_size: 500,
            search_fields: ["nickName", "customerNumber", "phoneContacts"]
                .map(str::to_owned)
                .to_vec(),
            company_code: "100".to_owned(),
            first_customer_number: 10_001,
            first_document_number: 1,
            person_type: "person".to_owned(),
            organization_type: "organization".to_owned(),
            quote_types: vec!["PI_5".to_owned()],
            invoice_types: vec!["SI_5".to_owned()],
            person_label: "حقیقی".to_owned(),
            organization_label: "حقوقی".to_owned(),
            quote_label: "پیش فاکتور فروش".to_owned(),
            invoice_label: "فاکتور فروش".to_owned(),
            webhooks: WebhookConfig::default(),
        }
    }
}
