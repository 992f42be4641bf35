//! The settings of several companies.

use domain::company::Company;
use service::settings::ExposeSecret as _;

use crate::settings::{problems, with};

#[test]
fn each_company_has_a_finance_system_of_its_own() {
    let company = |code| Company::of(code).unwrap();
    let s = with(&[
        ("COMPANIES", "100, 200"),
        ("FINANCE_API_BASE_URL_200", "http://second.example.local/"),
        ("FINANCE_PASSWORD_200", "0456"),
    ])
    .unwrap();
    assert_eq!(s.companies.to_string(), "100, 200");
    let [first, second] = [100, 200].map(|code| s.finance(company(code)).unwrap());
    assert_eq!(first.base_url, "http://finance.example.local");
    assert_eq!(second.base_url, "http://second.example.local");
    let passwords = [first, second].map(|one| one.password.expose_secret());
    assert_eq!(passwords, ["0123", "0456"]);
    assert_eq!(second.username, first.username, "as it is for all");
    assert!(s.finance(company(300)).is_err());
    assert_eq!(s.numbering(company(200)).first, company(100));
}

#[test]
fn companies_that_cant_be_served_are_named() {
    let cases: [(&[(&str, &str)], &str); 5] = [
        (&[("COMPANIES", "100,99")], "COMPANIES"),
        (&[("COMPANIES", "100,100")], "COMPANIES"),
        (&[("COMPANY_CODE", "1000")], "COMPANY_CODE"),
        (&[("COMPANY_CODE", "300"), ("COMPANIES", "100")], "COMPANIES"),
        // Both would be one system under two names, and all customers twice.
        (&[("COMPANIES", "100,200")], "FINANCE_API_BASE_URL_200"),
    ];
    for (more, setting) in cases {
        let wrong = problems(with(more));
        assert!(
            wrong.len() == 1 && wrong[0].contains(setting),
            "{more:?}: {wrong:?}"
        );
    }
}
