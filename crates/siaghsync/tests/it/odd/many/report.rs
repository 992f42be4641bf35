//! What the import says, read back from its file.

use std::collections::HashMap;
use std::path::Path;

/// A line about a contact.
#[derive(Clone, Debug)]
pub struct Line {
    pub what: String,
    pub crm_ids: Vec<String>,
    pub why: String,
}

/// The lines by finance's code.
pub fn read(path: &Path) -> HashMap<String, Line> {
    let text = std::fs::read_to_string(path).unwrap();
    let mut csv = csv::Reader::from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let lines = csv.records().map(|record| {
        let record = record.unwrap();
        let line = Line {
            what: record[2].to_owned(),
            crm_ids: record[3].split_whitespace().map(str::to_owned).collect(),
            why: record[5].to_owned(),
        };
        (record[0].to_owned(), line)
    });
    lines.collect()
}
