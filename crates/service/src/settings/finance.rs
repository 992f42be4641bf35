//! The settings of the finance systems, one of each company.

use std::collections::BTreeMap;

use domain::company::{Companies, Company};

use super::reader::Reader;
use super::sections::{FINANCE_URL, FinanceSettings};

const CODES: &str = "codes from 100 to 999, comma-separated, each once, the first one first, as in 100,200";

/// Which companies are served: `COMPANIES`, else the one of `COMPANY_CODE`.
pub(super) fn companies(r: &mut Reader<'_>) -> Companies {
    let one = r.or(
        "COMPANY_CODE",
        Company::default(),
        "a number from 100 to 999",
        |text| text.parse().ok(),
    );
    let all: Option<Vec<Company>> = r.optional("COMPANIES", CODES, |text| {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        let all: Vec<Company> = parts.map(|part| part.parse().ok()).collect::<Option<_>>()?;
        let once = all
            .iter()
            .enumerate()
            .all(|(n, company)| !all[..n].contains(company));
        (!all.is_empty() && once).then_some(all)
    });
    let Some(all) = all else {
        return Companies::new(one, []);
    };
    let first = all.first().copied().unwrap_or(one);
    if r.is_set("COMPANY_CODE") && first != one {
        let found = format!("begins with {first}, but COMPANY_CODE is {one}");
        r.problem("COMPANIES", found, "the same company first, or no COMPANY_CODE");
    }
    Companies::new(first, all)
}

/// The finance system of each, as far as they are set.
pub(super) fn finance(
    r: &mut Reader<'_>,
    companies: &Companies,
    needed: bool,
) -> BTreeMap<Company, FinanceSettings> {
    let shared = Shared {
        pre_invoices: pre_invoices(r),
        unshown_province: r.unshown_province(),
        calls_per_second: r.calls_per_second("FINANCE_CALLS_PER_SECOND"),
    };
    let mut all: BTreeMap<Company, FinanceSettings> = BTreeMap::new();
    for company in companies.iter() {
        let Some(finance) = of_company(r, company, needed, &shared) else {
            continue;
        };
        // Whoever copies a line and forgets to change it would have all customers twice.
        let same = |other: &&FinanceSettings| {
            other.base_url.eq_ignore_ascii_case(&finance.base_url) && other.username == finance.username
        };
        if let Some(other) = all.values().find(same) {
            let found = format!("with its user is that of company {}, too", other.company);
            let setting = format!("FINANCE_API_BASE_URL_{company}");
            r.problem(
                &setting,
                found,
                "each company's own address, or at least its own user",
            );
        }
        all.insert(company, finance);
    }
    all
}

/// What is said of all companies at once.
struct Shared {
    pre_invoices: siagh::PreInvoices,
    unshown_province: siagh::UnshownProvince,
    calls_per_second: u32,
}

fn of_company(
    r: &mut Reader<'_>,
    company: Company,
    needed: bool,
    shared: &Shared,
) -> Option<FinanceSettings> {
    // With its company's code at the end, else as it is for all.
    let named = |r: &Reader<'_>, name: &str| {
        let own = format!("{name}_{company}");
        if r.is_set(&own) { own } else { name.to_owned() }
    };
    let url = named(r, "FINANCE_API_BASE_URL");
    let user = named(r, "FINANCE_USERNAME");
    let secret = named(r, "FINANCE_PASSWORD");
    if !needed && ![&url, &user, &secret].iter().any(|name| r.is_set(name)) {
        return None;
    }
    if !r.is_set(&url) {
        r.missing(&url, FINANCE_URL);
    }
    let mut base_url = r.address(&url, FINANCE_URL);
    if let Some(address) = base_url.take_if(|url| url.to_ascii_lowercase().ends_with("/api")) {
        r.wrong(&url, &address, FINANCE_URL);
    }
    let username = r.text(&user);
    if username.is_none() {
        r.missing(&user, "finance's user name");
    }
    let password = r.secret(&secret);
    if password.is_none() {
        r.missing(&secret, "finance's password");
    }
    Some(FinanceSettings {
        base_url: base_url?,
        username: username?,
        password: password?,
        company,
        pre_invoices: shared.pre_invoices.clone(),
        unshown_province: shared.unshown_province,
        calls_per_second: shared.calls_per_second,
    })
}

fn pre_invoices(r: &mut Reader<'_>) -> siagh::PreInvoices {
    let default = siagh::PreInvoices::default();
    let mut code = |name, default| r.number(name, default, 0, 1_000_000_000);
    siagh::PreInvoices {
        state: code("FINANCE_DOCUMENT_STATE", default.state),
        document_type: code("FINANCE_DOCUMENT_TYPE", default.document_type),
        sale_model: code("FINANCE_SALE_MODEL", default.sale_model),
        payment_type: code("FINANCE_PAYMENT_TYPE", default.payment_type),
        sale_type: code("FINANCE_SALE_TYPE", default.sale_type),
        intermediary: code("FINANCE_INTERMEDIARY", default.intermediary),
        type_name: r.or(
            "FINANCE_DOCUMENT_TYPE_NAME",
            default.type_name,
            "the document type's name as finance shows it",
            |text| Some(text.to_owned()),
        ),
    }
}
