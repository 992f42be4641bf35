//! One condition of a `find` and how it is applied to an object.

use std::cmp::Ordering;

use chrono::NaiveDateTime;
use serde_json::Value;

use super::{dates, shape::ApiError, store::Record};
use crate::json::{camel, scalar};

/// Comparison of a condition, by the vendor's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Op {
    Equal,
    Greater,
    GreaterOrEqual,
    In,
    Less,
    LessOrEqual,
    NotEqual,
    NotIn,
    StartsWith,
    Contains,
    EndsWith,
}

impl Op {
    fn from_number(number: i64) -> Option<Self> {
        Some(match number {
            0 => Self::Equal,
            1 => Self::Greater,
            2 => Self::GreaterOrEqual,
            3 => Self::In,
            4 => Self::Less,
            5 => Self::LessOrEqual,
            6 => Self::NotEqual,
            7 => Self::NotIn,
            11 => Self::StartsWith,
            12 => Self::Contains,
            13 => Self::EndsWith,
            _ => return None,
        })
    }
}

/// A value in a form that can be compared.
#[derive(Clone, Debug)]
pub(crate) enum Key {
    Null,
    Date(NaiveDateTime),
    Number(f64),
    Text(String),
}

impl Key {
    pub(crate) fn order(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Date(one), Self::Date(two)) => one.cmp(two),
            (Self::Number(one), Self::Number(two)) => one.total_cmp(two),
            (Self::Text(one), Self::Text(two)) => one.cmp(two),
            _ => self.rank().cmp(&other.rank()),
        }
    }

    fn rank(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Date(_) => 1,
            Self::Number(_) => 2,
            Self::Text(_) => 3,
        }
    }
}

/// A condition.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) or: bool,
    pub(crate) field: String,
    pub(crate) op: Op,
    pub(crate) operands: Vec<Key>,
}

impl Query {
    pub(crate) fn parse(value: &Value) -> Result<Self, ApiError> {
        let field = field_name(value.get("field"))?;
        let or = match value.get("logicalOperator").and_then(Value::as_i64) {
            Some(0) => false,
            Some(1) => true,
            _ => return Err(ApiError::field("logicalOperator", "0 or 1 is expected")),
        };
        let op = value
            .get("operator")
            .and_then(Value::as_i64)
            .and_then(Op::from_number)
            .ok_or_else(|| ApiError::field("operator", "unknown operator"))?;
        let operand = value.get("value").unwrap_or(&Value::Null);
        let operands = match (op, operand) {
            (Op::In | Op::NotIn, Value::Array(items)) => {
                items.iter().map(|item| operand_key(&field, item)).collect()
            }
            (Op::In | Op::NotIn, Value::String(list)) => list
                .split(',')
                .map(|item| operand_key(&field, &Value::from(item.trim())))
                .collect(),
            (_, single) => vec![operand_key(&field, single)],
        };
        let operands = operands
            .into_iter()
            .collect::<Option<Vec<Key>>>()
            .ok_or_else(|| ApiError::field(&field, "The value is not valid for this field."))?;
        Ok(Self {
            or,
            field,
            op,
            operands,
        })
    }

    pub(crate) fn matches(&self, record: &Record) -> bool {
        let key = key_of(record, &self.field);
        let compare = |operand: &Key| match (&key, operand) {
            // A number may be asked for as text.
            (Key::Number(number), Key::Text(text)) => {
                text.parse::<f64>().ok().map(|operand| number.total_cmp(&operand))
            }
            (Key::Null, Key::Null) => Some(Ordering::Equal),
            (Key::Null, _) | (_, Key::Null) => None,
            (one, two) => Some(one.order(two)),
        };
        let any_equal = || {
            self.operands
                .iter()
                .any(|operand| compare(operand) == Some(Ordering::Equal))
        };
        let ordering = || self.operands.first().and_then(compare);
        match self.op {
            Op::Equal | Op::In => any_equal(),
            Op::NotEqual | Op::NotIn => !any_equal(),
            Op::Greater => ordering() == Some(Ordering::Greater),
            Op::GreaterOrEqual => matches!(ordering(), Some(Ordering::Greater | Ordering::Equal)),
            Op::Less => ordering() == Some(Ordering::Less),
            Op::LessOrEqual => matches!(ordering(), Some(Ordering::Less | Ordering::Equal)),
            Op::StartsWith => self.text_test(&key, |text, part| text.starts_with(part)),
            Op::Contains => self.text_test(&key, |text, part| text.contains(part)),
            Op::EndsWith => self.text_test(&key, |text, part| text.ends_with(part)),
        }
    }

    fn text_test(&self, key: &Key, test: fn(&str, &str) -> bool) -> bool {
        match (key, self.operands.first()) {
            (Key::Text(text), Some(Key::Text(part))) => test(text, part),
            _ => false,
        }
    }
}

/// `ModifyDate` → `modifyDate`; other spellings are not known to the CRM.
pub(crate) fn field_name(value: Option<&Value>) -> Result<String, ApiError> {
    let name = value.and_then(Value::as_str).unwrap_or_default();
    if !name.starts_with(|letter: char| letter.is_ascii_uppercase()) {
        return Err(ApiError::field(
            name,
            format!("The field '{name}' was not found."),
        ));
    }
    Ok(match name {
        "CreateDate" => "creatDate".to_owned(),
        "Id" => "crmId".to_owned(),
        other => camel(other),
    })
}

/// What an object has in that field.
pub(crate) fn key_of(record: &Record, field: &str) -> Key {
    match field {
        "modifyDate" if !record.dated => return Key::Null,
        "modifyDate" => return Key::Date(record.modified),
        "creatDate" => return Key::Date(record.created),
        _ => {}
    }
    match record.object.get(field) {
        Some(Value::Number(number)) => {
            let number = number.to_string().parse::<f64>();
            number.map_or(Key::Null, Key::Number)
        }
        Some(Value::String(text)) if is_date(field) => dates::parse(text).map_or(Key::Null, Key::Date),
        Some(value) => scalar(value)
            .filter(|text| !text.is_empty())
            .map_or(Key::Null, |text| Key::Text(text.to_lowercase())),
        None => Key::Null,
    }
}

fn is_date(field: &str) -> bool {
    field.ends_with("Date")
}

fn operand_key(field: &str, value: &Value) -> Option<Key> {
    Some(match value {
        Value::Null => Key::Null,
        Value::String(text) if text.is_empty() => Key::Null,
        Value::String(text) if is_date(field) => Key::Date(dates::parse(text)?),
        Value::Number(number) => Key::Number(number.to_string().parse().ok()?),
        other => Key::Text(scalar(other)?.to_lowercase()),
    })
}
