//! What kind of thing a row is about, and which one.

use sea_orm::DeriveActiveEnum;
use sea_orm::entity::prelude::{EnumIter, StringLen};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::letters::fold;
use crate::side::Side;

/// What kind of thing a row is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EnumIter, DeriveActiveEnum, Serialize, Deserialize)]
#[sea_orm(
    rs_type = "String",
    db_type = "String(StringLen::None)",
    rename_all = "SCREAMING_SNAKE_CASE"
)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[allow(missing_docs, reason = "the names say it")]
pub enum EntityType {
    Customer,
    #[sea_orm(string_value = "PREINVOICE")]
    #[serde(rename = "PREINVOICE")]
    PreInvoice,
    Invoice,
}

/// A record's id in its one spelling: a guid of the CRM in lower case with hyphens, a code of finance in Latin digits
/// without zeros before it. What is neither stays as it was typed, trimmed.
#[must_use]
pub fn normal_id(side: Side, id: &str) -> String {
    let id = id.trim();
    match side {
        Side::Crm => Uuid::try_parse(id).map_or_else(|_| id.to_owned(), |guid| guid.hyphenated().to_string()),
        Side::Finance => match fold(id).parse::<i64>() {
            Ok(code) if code > 0 => code.to_string(),
            _ => id.to_owned(),
        },
    }
}

/// Which record of which system: a CRM guid or a finance code, with its type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct EntityRef {
    /// Its type.
    pub entity_type: EntityType,
    /// The system that knows it by `id`.
    pub side: Side,
    /// Its id there.
    pub id: String,
}

impl EntityRef {
    /// A customer of that side.
    #[must_use]
    pub fn customer(side: Side, id: impl Into<String>) -> Self {
        Self {
            entity_type: EntityType::Customer,
            side,
            id: id.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_24_every_spelling_of_an_id_is_one() {
        let one = "3f2504e0-4f89-11d3-9a0c-0305e82c3301";
        for text in [
            one.to_uppercase(),
            format!("{{{one}}}"),
            one.replace('-', ""),
            format!(" {one} "),
        ] {
            assert_eq!(normal_id(Side::Crm, &text), one, "{text}");
        }
        for text in ["505", "00505", "۵۰۵", " 505 "] {
            assert_eq!(normal_id(Side::Finance, text), "505", "{text}");
        }
        assert_eq!(
            normal_id(Side::Crm, " X-1 "),
            "X-1",
            "some other system's way of naming records"
        );
        assert_eq!(normal_id(Side::Finance, "-5"), "-5");
    }
}
