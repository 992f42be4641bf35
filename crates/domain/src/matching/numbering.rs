//! Customer numbers of the CRM (`100-505`: company, number) read as finance codes.

use super::plain::plain;
use crate::company::Company;

/// The company that a customer's or a document's number names by what stands before its dash (`100-505`, `100-1404/7`);
/// `None` where it names none.
#[must_use]
pub fn company_of(number: &str) -> Option<Company> {
    let plain = plain(number);
    let (company, _) = plain.split_once('-')?;
    company.parse().ok()
}

/// How a customer number is read as a finance code: the company's code before the dash, and behind it the finance
/// code with an offset that some installations add. Both systems number by themselves, so that the reading is one
/// witness among others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Numbering {
    /// The company of whose finance system it is about.
    pub company: Company,
    /// To which a customer of the CRM belongs whose number names none: the first of `COMPANIES`.
    pub first: Company,
    /// `CUSTOMER_NUMBER_OFFSET`.
    pub offset: u32,
}

impl Numbering {
    /// Of a deployment that serves one company.
    #[must_use]
    pub const fn of_one(company: Company, offset: u32) -> Self {
        Self {
            company,
            first: company,
            offset,
        }
    }

    /// The company to which a customer of the CRM with that number belongs.
    #[must_use]
    pub fn company_of(&self, number: &str) -> Company {
        company_of(number).unwrap_or(self.first)
    }

    /// The finance code that a customer number names, in whatever digits it is written; without a dash it is taken for
    /// this company's. `None` for another company's number and for what is no number.
    #[must_use]
    pub fn code(&self, number: &str) -> Option<String> {
        let plain = plain(number);
        let number = match plain.split_once('-') {
            Some((company, number)) if company.trim().parse() == Ok(self.company) => number,
            Some(_) => return None,
            None => &plain,
        };
        let number: u64 = number.trim().parse().ok()?;
        Some(number.checked_sub(u64::from(self.offset))?.to_string())
    }

    /// The customer number of a finance code; `None` when the code is no number.
    #[must_use]
    pub fn number(&self, code: &str) -> Option<String> {
        let code: u64 = plain(code).trim().parse().ok()?;
        Some(format!("{}-{}", self.company, code + u64::from(self.offset)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_8_a_number_names_its_company() {
        for (number, company) in [
            ("100-505", Some(100)),
            ("200-77", Some(200)),
            ("۲۰۰-۱۴۰۴/۵", Some(200)),
            (" 300 - 7", Some(300)),
            ("505", None),
            ("1404-77", None),
            ("12-77", None),
            ("", None),
            ("A-7", None),
        ] {
            assert_eq!(company_of(number).map(Company::code), company, "{number}");
        }
    }

    #[test]
    fn what_names_no_company_belongs_to_the_first() {
        let [first, second, third] = [100, 200, 300].map(|code| Company::of(code).unwrap());
        let numbering = Numbering {
            company: second,
            first,
            offset: 0,
        };
        for (number, company) in [("505", first), ("", first), ("200-7", second), ("300-7", third)] {
            assert_eq!(numbering.company_of(number), company, "{number}");
        }
    }
}
