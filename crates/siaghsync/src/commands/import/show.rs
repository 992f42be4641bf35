//! The report, on the terminal and as a file.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use super::SHOWN;
use super::report::{Columns, Entry, columns};
use crate::commands::output::{self, say};

/// What becomes of contacts, in the order in which it is told.
const WHAT: [(&str, &str); 5] = [
    ("link", "are in the CRM already, and are linked"),
    ("create", "are new to the CRM, and are created there"),
    ("ask", "are in doubt, and are left to you"),
    ("linked", "are linked already"),
    ("skip", "are left alone"),
];

pub(super) fn write_csv(path: &Path, entries: &[Entry]) -> anyhow::Result<()> {
    use std::io::Write;
    let mut file = std::fs::File::create(path)?;
    // Without this, Excel does not read Persian.
    file.write_all("\u{feff}".as_bytes())?;
    let mut csv = csv::Writer::from_writer(file);
    csv.write_record(["code", "name", "what", "crm_id", "points", "why"])?;
    for entry in entries {
        let line = columns(&entry.fate);
        let (crm_id, points) = (line.crm_id.as_str(), line.points.as_str());
        csv.write_record([&entry.code, &entry.name, line.what, crm_id, points, &line.why])?;
    }
    csv.flush()?;
    Ok(())
}

/// The report on the terminal: the sums, and the first of what needs eyes.
pub(super) fn print(entries: &[Entry], as_json: bool) -> anyhow::Result<()> {
    let lines: Vec<(&Entry, Columns)> = entries
        .iter()
        .map(|entry| (entry, columns(&entry.fate)))
        .collect();
    let mut sums: BTreeMap<&str, usize> = WHAT.map(|(what, _)| (what, 0)).into();
    for (_, line) in &lines {
        *sums.entry(line.what).or_default() += 1;
    }
    if as_json {
        let asked = lines.iter().filter(|(_, line)| line.what == "ask");
        let asked: Vec<Value> = asked
            .map(|(entry, line)| json!({ "code": entry.code, "crmId": line.crm_id, "points": line.points, "why": line.why }))
            .collect();
        return output::json(&json!({ "contacts": entries.len(), "report": sums, "ask": asked }));
    }
    say!(
        "{}",
        output::title(&format!("{} contacts of finance", entries.len()))
    );
    for (what, told) in WHAT {
        say!("{:>8} {told}", sums[what]);
        if !matches!(what, "ask" | "skip") {
            continue;
        }
        let mut shown = lines.iter().filter(|(_, line)| line.what == what);
        for (entry, line) in shown.by_ref().take(SHOWN) {
            let id = match line.crm_id.as_str() {
                "" => String::new(),
                id => format!(" (CRM {id})"),
            };
            say!("           {} «{}»{id}: {}", entry.code, entry.name, line.why);
        }
        match shown.count() {
            0 => {}
            more => say!("           … and {more} more; `--report FILE` writes them all"),
        }
    }
    Ok(())
}
