//! What is looked for among the contacts, and whether a row has it.
//!
//! Rows are compared by the domain's normal forms whatever the server did, so that a filter which is ignored, or
//! read in another way, does no harm.

use std::cell::OnceCell;

use domain::customer::Field;
use domain::letters::fold;
use domain::matching::{mobile_spellings, national_id_spellings};
use domain::ports::MatchKeys;
use domain::text::{normal, same};
use serde_json::{Value, json};

use crate::columns;
use crate::rows::Row;

/// How many calls one search may take.
const MOST_FILTERS: usize = 8;

/// The keys in normal form; an empty one is no key.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    codes: Vec<i64>,
    texts: Vec<(Field, String)>,
    typed: MatchKeys,
}

/// An equality filter of `GetAll`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Filter {
    pub(crate) field: Field,
    pub(crate) value: Value,
}

impl Filter {
    /// The body of the request.
    pub(crate) fn body(&self) -> Value {
        json!({ columns::read(self.field): self.value })
    }

    /// Whether a row is one that this filter lets through.
    pub(crate) fn fits(&self, row: &Row) -> bool {
        match self.value.as_i64() {
            Some(code) => row.code() == Some(code),
            None => same(
                self.field,
                &row.text(columns::read(self.field)),
                self.value.as_str().unwrap_or_default(),
            ),
        }
    }
}

/// A contact's code, from any way of writing the number.
pub(crate) fn code_of(id: &str) -> Option<i64> {
    fold(id).parse().ok().filter(|code| *code > 0)
}

impl Keys {
    /// One contact by its code.
    pub(crate) fn code(code: i64) -> Self {
        Self {
            codes: vec![code],
            ..Self::default()
        }
    }

    /// All that these keys may mean: a customer number of our company may carry a finance code, plus `offset`.
    pub(crate) fn new(typed: &MatchKeys, company_code: u16, offset: u32) -> Self {
        let mut codes: Vec<i64> = typed.id.as_deref().and_then(code_of).into_iter().collect();
        let number = typed.customer_number.as_deref().map(fold).unwrap_or_default();
        let of_company = number
            .split_once('-')
            .filter(|(company, _)| company.trim().parse() == Ok(company_code));
        codes.extend(
            of_company
                .and_then(|(_, number)| code_of(number))
                .map(|number| number - i64::from(offset))
                .filter(|code| *code > 0)
                .filter(|code| !codes.contains(code)),
        );
        let keys = [
            (Field::CustomerNumber, &typed.customer_number),
            (Field::NationalId, &typed.national_id),
            (Field::Mobile, &typed.mobile),
            (Field::Email, &typed.email),
        ];
        let texts = keys
            .into_iter()
            .filter_map(|(field, key)| Some((field, normal(field, key.as_deref()?))));
        Self {
            codes,
            texts: texts.filter(|(_, text)| !text.is_empty()).collect(),
            typed: typed.clone(),
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.codes.is_empty() && self.texts.is_empty()
    }

    /// Whether only codes are asked for.
    pub(crate) fn are_of_codes(&self) -> bool {
        self.texts.is_empty()
    }

    /// The filters to ask with, the most telling first, at most eight: codes, and national id, mobile and e-mail as they are
    /// usually written, then in the other spellings that people use. (`tmpid` is not asked for: reads don't show it, so that
    /// no row could be checked.)
    pub(crate) fn filters(&self) -> Vec<Filter> {
        let codes = self.codes.iter().map(|code| Filter {
            field: Field::FinanceCode,
            value: json!(code),
        });
        let mut filters: Vec<Filter> = codes.collect();
        let typed = |key: &Option<String>| key.as_deref().map(str::trim).unwrap_or_default().to_owned();
        let ids = national_id_spellings(&typed(&self.typed.national_id));
        let mobiles = mobile_spellings(&typed(&self.typed.mobile));
        let of = |field, all: &[String]| all.iter().map(|value| (field, value.clone())).collect::<Vec<_>>();
        let (id, more_ids) = ids.split_at(ids.len().min(1));
        let (mobile, more_mobiles) = mobiles.split_at(mobiles.len().min(1));
        let asked = [
            of(Field::NationalId, id),
            of(Field::Mobile, mobile),
            of(Field::Email, &[typed(&self.typed.email)]),
            of(Field::NationalId, &more_ids[..more_ids.len().min(1)]),
            of(Field::Mobile, more_mobiles),
        ];
        for (field, value) in asked.into_iter().flatten() {
            let filter = Filter {
                field,
                value: Value::from(value),
            };
            if filter.value != "" && !filters.contains(&filter) {
                filters.push(filter);
            }
        }
        filters.truncate(MOST_FILTERS);
        filters
    }
}

/// A row whose normal forms are worked out once, when first asked for, however many look at it.
pub(crate) struct Looked<'a> {
    row: &'a Row,
    code: Option<i64>,
    texts: [OnceCell<String>; 4],
}

impl<'a> Looked<'a> {
    pub(crate) fn new(row: &'a Row) -> Self {
        Self {
            row,
            code: row.code(),
            texts: Default::default(),
        }
    }

    /// Whether the row has at least one of the keys.
    pub(crate) fn has_one_of(&self, keys: &Keys) -> bool {
        let by_code = self.code.is_some_and(|code| keys.codes.contains(&code));
        by_code || keys.texts.iter().any(|(field, text)| self.text(*field) == text)
    }

    fn text(&self, field: Field) -> &str {
        let cell = match field {
            Field::CustomerNumber => &self.texts[0],
            Field::NationalId => &self.texts[1],
            Field::Mobile => &self.texts[2],
            _ => &self.texts[3],
        };
        cell.get_or_init(|| normal(field, &self.row.text(columns::read(field))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(key: &str) -> Option<String> {
        Some(key.to_owned())
    }

    #[test]
    fn at_most_eight_filters_the_most_telling_first() {
        let keys = MatchKeys {
            id: None,
            customer_number: typed("۱۰۰-505"),
            national_id: typed("۰۴۹۹۳۷۰۸۹۹"),
            mobile: typed("+98 912 345 1237"),
            email: typed("a@b.ir"),
        };
        let bodies: Vec<_> = Keys::new(&keys, 100, 0)
            .filters()
            .iter()
            .map(Filter::body)
            .collect();
        assert_eq!(
            bodies,
            [
                json!({"Code": 505}),
                json!({"NationalCode": "0499370899"}),
                json!({"MobileNo": "09123451237"}),
                json!({"Email": "a@b.ir"}),
                json!({"NationalCode": "049-937089-9"}),
                json!({"MobileNo": "+989123451237"}),
                json!({"MobileNo": "989123451237"}),
                json!({"MobileNo": "9123451237"}),
            ]
        );
        let alone = MatchKeys {
            mobile: typed("0912-345-1237"),
            ..MatchKeys::default()
        };
        let spellings: Vec<_> = Keys::new(&alone, 100, 0)
            .filters()
            .into_iter()
            .map(|filter| filter.value)
            .collect();
        let all = [
            "09123451237",
            "+989123451237",
            "989123451237",
            "9123451237",
            "00989123451237",
            "0912-345-1237",
        ];
        assert_eq!(spellings, all);
    }

    #[test]
    fn ids_that_are_no_codes_find_nothing() {
        let strange = MatchKeys {
            id: typed("abc"),
            customer_number: typed("7-1"),
            mobile: typed(" "),
            ..MatchKeys::default()
        };
        assert!(Keys::new(&strange, 100, 0).filters().is_empty());
        assert!(Keys::new(&MatchKeys::default(), 100, 0).is_empty());
        let numbered = MatchKeys {
            customer_number: Some("100-10022".to_owned()),
            ..MatchKeys::default()
        };
        assert_eq!(Keys::new(&numbered, 100, 10_000).codes, [22]);
        assert!(Keys::new(&numbered, 100, 20_000).codes.is_empty());
    }
}
