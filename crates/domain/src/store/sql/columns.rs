//! What is written into a row, as one statement takes it by itself, and as it takes the rows of many, which are parted from
//! one text of JSON.

use chrono::SecondsFormat;
use sea_orm::Value as Sql;
use serde_json::Value;

/// A column, and what is written into it.
pub(in crate::store) struct Column {
    name: &'static str,
    /// PostgreSQL's.
    of_type: &'static str,
    value: Sql,
    keeps: bool,
}

impl Column {
    pub(in crate::store) fn new(name: &'static str, of_type: &'static str, value: impl Into<Sql>) -> Self {
        let value = value.into();
        Self {
            name,
            of_type,
            value,
            keeps: false,
        }
    }

    /// It keeps what it holds where there is nothing to write.
    pub(in crate::store) fn keeping(self) -> Self {
        Self { keeps: true, ..self }
    }

    fn set(&self, value: &str, table: &str) -> String {
        let name = self.name;
        match self.keeps {
            true => format!(r#""{name}" = COALESCE({value}, {table}"{name}")"#),
            false => format!(r#""{name}" = {value}"#),
        }
    }
}

/// `SET`, of the parameters from `$1` on, and these.
pub(in crate::store) fn set(columns: Vec<Column>) -> (String, Vec<Sql>) {
    let all = columns.iter().zip(1..);
    let all: Vec<_> = all
        .map(|(column, place)| column.set(&format!("${place}"), ""))
        .collect();
    (
        all.join(", "),
        columns.into_iter().map(|column| column.value).collect(),
    )
}

/// `SET` of `table`, of what stands in `from`.
pub(in crate::store) fn set_from(columns: &[Column], from: &str, table: &str) -> String {
    let all: Vec<_> = columns
        .iter()
        .map(|column| column.set(&format!(r#"{from}."{}""#, column.name), &format!("{table}.")))
        .collect();
    all.join(", ")
}

/// Names and types, as PostgreSQL parts a text of JSON.
pub(in crate::store) fn typed(columns: &[Column]) -> String {
    let all: Vec<_> = columns
        .iter()
        .map(|column| format!(r#""{}" {}"#, column.name, column.of_type))
        .collect();
    all.join(", ")
}

/// One row of that text: these columns, and what says which row it is.
pub(in crate::store) fn record(columns: Vec<Column>, mut of: Value) -> Value {
    if let Value::Object(row) = &mut of {
        row.extend(
            columns
                .into_iter()
                .map(|column| (column.name.to_owned(), plain(column.value))),
        );
    }
    of
}

/// A value, as a text of JSON has it.
pub(in crate::store) fn plain(value: Sql) -> Value {
    match value {
        Sql::String(text) => text.map_or(Value::Null, Value::String),
        Sql::Json(json) => json.map_or(Value::Null, |json| *json),
        Sql::Uuid(id) => id.map_or(Value::Null, |id| id.to_string().into()),
        Sql::ChronoDateTimeUtc(at) => at.map_or(Value::Null, |at| {
            at.to_rfc3339_opts(SecondsFormat::Micros, true).into()
        }),
        Sql::Int(number) => number.into(),
        Sql::BigInt(number) => number.into(),
        Sql::Bool(is) => is.into(),
        // No column of ours is of another type; the statement refuses what it then lacks.
        _ => Value::Null,
    }
}
