//! Where settings come from: layers of names and texts in figment, which remembers the layer of each value.
//! Values stay text: figment's own environment provider would read a password `0123` as the number 123.

use std::{io, path::Path};

use figment::{
    Figment, Metadata, Profile, Provider,
    value::{Dict, Map, Value},
};

use super::error::Problem;

/// What Windows' Notepad may put before a text in UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The layers, and what could not be read of them.
pub(super) struct Source {
    pub(super) figment: Figment,
    pub(super) problems: Vec<Problem>,
}

/// One layer.
struct Layer {
    name: &'static str,
    values: Dict,
}

impl Layer {
    /// Empty values are left out: they count as not set, and must not hide the layer below.
    fn new(name: &'static str, pairs: impl IntoIterator<Item = (String, String)>) -> Self {
        let values = pairs
            .into_iter()
            .filter(|(_, value)| !value.trim().is_empty())
            .map(|(name, value)| (name, Value::from(value)))
            .collect();
        Self { name, values }
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.name)
    }

    fn data(&self) -> Result<Map<Profile, Dict>, figment::Error> {
        Ok(Profile::Default.collect(self.values.clone()))
    }
}

/// The process's environment over `.env` of the current directory.
pub(super) fn environment() -> Source {
    let mut problems = Vec::new();
    let file = env_file(Path::new(".env"), &mut problems);
    // Names and values that are not Unicode can't be ours.
    let environment = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
    let figment = Figment::from(Layer::new(".env", file)).merge(Layer::new("the environment", environment));
    Source { figment, problems }
}

/// Given pairs only.
pub(super) fn pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Source {
    Source {
        figment: Figment::from(Layer::new("the given pairs", pairs)),
        problems: Vec::new(),
    }
}

/// The pairs of a `.env` file, which need not exist. A line that can't be read is a problem that is named
/// without quoting the line: it may be a password.
fn env_file(path: &Path, problems: &mut Vec<Problem>) -> Vec<(String, String)> {
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Vec::new(),
        Err(_) => {
            problems.push(unreadable("can't be opened", "a file that this user may read"));
            return Vec::new();
        }
    };
    let text = bytes.strip_prefix(BYTE_ORDER_MARK).unwrap_or(&bytes);
    let mut pairs: Vec<(String, String)> = Vec::new();
    for line in dotenvy::from_read_iter(text) {
        match line {
            Ok(pair) => pairs.push(pair),
            Err(dotenvy::Error::LineParse(_, _)) => {
                let after = match pairs.last() {
                    Some((name, _)) => format!("has a line that can't be read, after {name}"),
                    None => "has a line that can't be read, at its beginning".to_owned(),
                };
                problems.push(unreadable(
                    &after,
                    "NAME=value, with values that hold $, #, quotes or spaces in single quotes",
                ));
                // dotenvy goes on with the next line.
            }
            Err(_) => {
                problems.push(unreadable("can't be read", "a text file in UTF-8"));
                break;
            }
        }
    }
    pairs
}

fn unreadable(found: &str, expected: &str) -> Problem {
    Problem {
        setting: ".env".to_owned(),
        found: found.to_owned(),
        expected: expected.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broken_line_is_named_but_not_quoted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, "PORT=3000\nFINANCE_PASSWORD='geheim\nWORKER_PORT=1\n").unwrap();
        let mut problems = Vec::new();
        let _ = env_file(&path, &mut problems);
        assert_eq!(problems.len(), 1, "{problems:?}");
        assert!(problems[0].found.contains("after PORT"), "{problems:?}");
        assert!(!format!("{problems:?}").contains("geheim"));
    }

    #[test]
    fn a_file_from_notepad_is_read() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        std::fs::write(&path, "\u{feff}PORT=3000\r\nFINANCE_USERNAME='مدیر سیستم'\r\n").unwrap();
        let mut problems = Vec::new();
        let pairs = env_file(&path, &mut problems);
        assert!(problems.is_empty(), "{problems:?}");
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        assert_eq!(
            pairs,
            [pair("PORT", "3000"), pair("FINANCE_USERNAME", "مدیر سیستم")]
        );
        let utf16: Vec<u8> = "PORT=1".encode_utf16().flat_map(u16::to_le_bytes).collect();
        std::fs::write(&path, [&[0xff, 0xfe], &utf16[..]].concat()).unwrap();
        assert!(env_file(&path, &mut problems).is_empty());
        assert!(problems[0].expected.contains("UTF-8"), "{problems:?}");
    }

    #[test]
    fn no_file_is_no_problem_and_values_stay_text() {
        let dir = tempfile::tempdir().unwrap();
        let mut problems = Vec::new();
        assert!(env_file(&dir.path().join(".env"), &mut problems).is_empty());
        assert!(problems.is_empty());
        let source = pairs([
            ("A".to_owned(), "0123".to_owned()),
            ("B".to_owned(), " ".to_owned()),
        ]);
        assert_eq!(source.figment.extract_inner::<String>("A").unwrap(), "0123");
        assert!(source.figment.find_value("B").is_err());
    }
}
