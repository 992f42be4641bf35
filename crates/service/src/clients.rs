//! From settings to the clients of the two outside systems: the one place that knows both.

use std::sync::Arc;

use domain::clock::Clock;
use domain::company::Company;
use outside::Gate;
use payamgostar::Payamgostar;
use siagh::Siagh;

use crate::settings::{CrmCredentials, Settings};

/// The CRM's client. Without a gate it calls whatever is known of the CRM: for an operator's own look.
///
/// # Errors
/// When its settings are missing, or its address is none.
pub fn crm(settings: &Settings, clock: Arc<dyn Clock>, gate: Option<Gate>) -> anyhow::Result<Payamgostar> {
    let crm = settings.crm()?;
    let credentials = match &crm.credentials {
        CrmCredentials::Token(token) => payamgostar::Credentials::Token(token.clone()),
        CrmCredentials::Password { username, password } => payamgostar::Credentials::Password {
            username: username.clone(),
            password: password.clone(),
        },
    };
    let config = payamgostar::Config {
        timezone: crm.timezone,
        person_type: crm.person_type.clone(),
        organization_type: crm.organization_type.clone(),
        category: Some(crm.category.clone()),
        extended: crm.extended.clone(),
        timeout: settings.http.timeout,
        gate,
        ..payamgostar::Config::new(crm.base_url.clone(), credentials)
    };
    Ok(Payamgostar::new(config, clock)?)
}

/// The client of that company's finance system. Without a gate it calls whatever is known of finance: for an operator's own look.
///
/// # Errors
/// When its settings are missing, or its address is none.
pub fn finance(
    settings: &Settings,
    company: Company,
    clock: Arc<dyn Clock>,
    gate: Option<Gate>,
) -> anyhow::Result<Siagh> {
    let finance = settings.finance(company)?;
    let config = siagh::Config {
        company_code: finance.company.code(),
        number_offset: settings.sync.number_offset,
        timeout: settings.http.timeout,
        pre_invoices: finance.pre_invoices.clone(),
        unshown_province: finance.unshown_province,
        gate,
        ..siagh::Config::new(
            finance.base_url.clone(),
            finance.username.clone(),
            finance.password.clone(),
        )
    };
    Ok(Siagh::new(config, clock)?)
}
