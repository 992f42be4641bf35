//! The finance companies that a deployment serves (`COMPANIES`; design, "Companies").

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// The code of a finance company, 100 to 999: what stands before the dash of a customer's and a document's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Company(u16);

impl Company {
    /// That of `COMPANY_CODE` where nobody sets it.
    pub const DEFAULT: Self = Self(100);

    /// The company of that code; `None`: it is none.
    #[must_use]
    pub const fn of(code: u16) -> Option<Self> {
        match code {
            100..=999 => Some(Self(code)),
            _ => None,
        }
    }

    /// Its code.
    #[must_use]
    pub const fn code(self) -> u16 {
        self.0
    }
}

impl Default for Company {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl fmt::Display for Company {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// What was no company's code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a company's code is a number from 100 to 999")]
pub struct NoCompany;

impl FromStr for Company {
    type Err = NoCompany;

    fn from_str(text: &str) -> Result<Self, NoCompany> {
        text.trim().parse().ok().and_then(Self::of).ok_or(NoCompany)
    }
}

/// With which the key of an order begins: what is issued of it, a quote or its invoices, reserves that.
pub const ORDER_KEY: &str = "order:";

/// All companies that a deployment serves. What names no company belongs to the first, which is the first for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Companies(Arc<[Company]>);

impl Companies {
    /// `first`, and the others in their order.
    #[must_use]
    pub fn new(first: Company, others: impl IntoIterator<Item = Company>) -> Self {
        let mut all = vec![first];
        for other in others {
            if !all.contains(&other) {
                all.push(other);
            }
        }
        Self(all.into())
    }

    /// To which all belongs that names none.
    #[must_use]
    pub fn first(&self) -> Company {
        self.0.first().copied().unwrap_or_default()
    }

    /// Whether that one is served.
    #[must_use]
    pub fn serve(&self, company: Company) -> bool {
        self.0.contains(&company)
    }

    /// Whether there is more than one.
    #[must_use]
    pub fn are_many(&self) -> bool {
        self.0.len() > 1
    }

    /// A key that is the company's own, where one table holds those of all.
    #[must_use]
    pub fn own_key(&self, company: Company, key: &str) -> String {
        match company == self.first() {
            true => key.to_owned(),
            false => format!("{company}:{key}"),
        }
    }

    /// What a company reserves for the sake of a key: its own one. Orders are the CRM's, whoever issues them, so that of an
    /// order's key all reserve the first one's, too.
    #[must_use]
    pub fn reserved(&self, company: Company, key: &str) -> Vec<String> {
        let mut all = vec![self.own_key(company, key)];
        if key.starts_with(ORDER_KEY) && company != self.first() {
            all.push(key.to_owned());
        }
        all
    }

    /// The first one first.
    pub fn iter(&self) -> impl Iterator<Item = Company> {
        self.0.iter().copied()
    }
}

impl Default for Companies {
    fn default() -> Self {
        Self::new(Company::default(), [])
    }
}

/// Their codes, as people name them.
impl fmt::Display for Companies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (n, company) in self.iter().enumerate() {
            write!(f, "{}{company}", if n == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_companys_code_has_three_digits() {
        for (text, code) in [
            ("100", Some(100)),
            (" 999 ", Some(999)),
            ("99", None),
            ("1000", None),
            ("A", None),
        ] {
            assert_eq!(text.parse::<Company>().ok().map(Company::code), code, "{text}");
        }
    }

    #[test]
    fn the_first_is_the_first_and_none_counts_twice() {
        let [a, b] = [200, 100].map(|code| Company::of(code).unwrap());
        let served = Companies::new(a, [b, a, b]);
        assert_eq!(served.iter().collect::<Vec<_>>(), [a, b]);
        assert_eq!((served.first(), served.are_many()), (a, true));
        assert!(served.serve(b) && !served.serve(Company::of(300).unwrap()));
        assert_eq!(served.to_string(), "200, 100");
        assert_eq!([a, b].map(|of| served.own_key(of, "22")), ["22", "100:22"]);
        assert_eq!(served.reserved(b, "code:22"), ["100:code:22"]);
        assert_eq!(served.reserved(a, "order:q"), ["order:q"]);
        assert_eq!(served.reserved(b, "order:q"), ["100:order:q", "order:q"]);
    }
}
