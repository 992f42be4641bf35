//! Records as the statements take them: one JSON text, which both databases part into rows.

use serde_json::json;

use crate::side::Side;
use crate::store::sql::{SqlStore, system};

/// `n`: the records of `$1`, by `side` and `id`.
pub(super) fn records(store: &SqlStore) -> &'static str {
    match store.is_postgres() {
        true => r#"(SELECT * FROM jsonb_to_recordset(CAST($1 AS jsonb)) AS j("side" text, "id" text)) n"#,
        false => {
            r#"(SELECT json_extract(j.value, '$.side') AS "side", json_extract(j.value, '$.id') AS "id"
                FROM json_each($1) j) n"#
        }
    }
}

/// Their parameter; `None`: there is none.
pub(super) fn parameter<'a>(records: impl IntoIterator<Item = (Side, &'a str)>) -> Option<String> {
    let one = |(side, id): (Side, &str)| json!({ "side": system(side), "id": id });
    let all: Vec<_> = records.into_iter().map(one).collect();
    (!all.is_empty()).then(|| serde_json::Value::Array(all).to_string())
}
