//! Sightings as the statements take them: one JSON text, which both databases part into rows; and rows as values.

use chrono::SecondsFormat;
use sea_orm::QueryResult;
use serde_json::json;

use crate::index::{Held, Indexed, Sighting, values};
use crate::store::StoreResult;
use crate::store::sql::{json as as_json, micros, system};

/// What records held, as one parameter.
pub(super) fn held<'a>(sightings: impl IntoIterator<Item = (&'a Sighting, &'a Held)>) -> StoreResult<String> {
    let mut all = Vec::new();
    for (one, held) in sightings {
        let values: Vec<_> = values(&one.id, &held.profile)
            .into_iter()
            .map(|value| json!({ "key": value.key.as_str(), "value": value.value, "holder": value.holder }))
            .collect();
        all.push(json!({
            "side": system(one.side),
            "id": one.id,
            "kind": as_json(&held.profile.kind)?,
            "profile": as_json(&held.profile)?.to_string(),
            "checksum": held.checksum,
            // As SQLite's driver writes a time: it is compared as text there.
            "readAt": micros(one.read_at).to_rfc3339_opts(SecondsFormat::AutoSi, false),
            "values": values,
        }));
    }
    Ok(serde_json::Value::Array(all).to_string())
}

/// A row that shows `id`, `profile` and `linked`. A profile that can't be read (a newer version's) is not known.
pub(super) fn indexed(row: &QueryResult) -> StoreResult<Indexed> {
    let profile: Option<String> = row.try_get("", "profile")?;
    Ok(Indexed {
        id: row.try_get("", "id")?,
        profile: profile.and_then(|profile| serde_json::from_str(&profile).ok()),
        linked: row.try_get::<i32>("", "linked")? > 0,
    })
}
