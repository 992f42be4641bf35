//! Reads one setting after the other and remembers what is wrong, so that all of it is said at once.

use std::{str::FromStr, time::Duration};

use axum::http::Uri;
use secrecy::SecretString;

use super::{error::Problem, source::Source};

/// A ceiling above this is none.
const MOST_CALLS: u32 = 1000;

/// The reader of one load.
pub(super) struct Reader<'a> {
    source: &'a Source,
    problems: Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source) -> Self {
        Self {
            source,
            problems: source.problems.clone(),
        }
    }

    /// What has been wrong.
    pub(super) fn finish(self) -> Vec<Problem> {
        self.problems
    }

    /// The text of a setting, without blanks around it.
    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.source
            .figment
            .extract_inner::<String>(name)
            .ok()
            .map(|text| text.trim().to_owned())
    }

    /// Whether a setting is there.
    pub(super) fn is_set(&self, name: &str) -> bool {
        self.source.figment.find_value(name).is_ok()
    }

    pub(super) fn problem(&mut self, setting: &str, found: impl Into<String>, expected: impl Into<String>) {
        self.problems.push(Problem {
            setting: setting.to_owned(),
            found: found.into(),
            expected: expected.into(),
        });
    }

    pub(super) fn missing(&mut self, setting: &str, expected: &str) {
        self.problem(setting, "is not set", expected);
    }

    /// A problem that shows the value: never for a secret.
    pub(super) fn wrong(&mut self, setting: &str, value: &str, expected: impl Into<String>) {
        let origin = self
            .source
            .figment
            .find_metadata(setting)
            .map(|m| m.name.as_ref());
        let shown: String = value.chars().take(80).collect();
        let found = match origin {
            Some(origin) => format!("is {shown:?} in {origin}"),
            None => format!("is {shown:?}"),
        };
        self.problem(setting, found, expected);
    }

    /// A setting with a default.
    pub(super) fn or<T>(
        &mut self,
        name: &str,
        default: T,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> T {
        self.optional(name, expected, parse).unwrap_or(default)
    }

    /// A setting without a default.
    pub(super) fn optional<T>(
        &mut self,
        name: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        let value = parse(&text);
        if value.is_none() {
            self.wrong(name, &text, expected);
        }
        value
    }

    /// A number within bounds.
    pub(super) fn number<T>(&mut self, name: &str, default: T, least: T, most: T) -> T
    where
        T: FromStr + PartialOrd + Copy + std::fmt::Display,
    {
        let expected = format!("a number from {least} to {most}");
        self.or(name, default, &expected, |text| {
            text.parse()
                .ok()
                .filter(|number| *number >= least && *number <= most)
        })
    }

    /// A ceiling of calls per second; 0: none.
    pub(super) fn calls_per_second(&mut self, name: &str) -> u32 {
        self.number(name, 0, 0, MOST_CALLS)
    }

    /// What a save says of a province that finance does not show.
    pub(super) fn unshown_province(&mut self) -> siagh::UnshownProvince {
        self.or(
            "FINANCE_UNSHOWN_PROVINCE",
            siagh::UnshownProvince::default(),
            "refuse, clear, or a province's code in finance's own table",
            siagh::UnshownProvince::parse,
        )
    }

    /// Whole seconds within bounds.
    pub(super) fn seconds(&mut self, name: &str, default: u64, least: u64, most: u64) -> Duration {
        let expected = format!("whole seconds from {least} to {most}");
        Duration::from_secs(self.or(name, default, &expected, |text| {
            text.parse()
                .ok()
                .filter(|seconds| (least..=most).contains(seconds))
        }))
    }

    /// `true`, `false`, `1`, `0`.
    pub(super) fn flag(&mut self, name: &str, default: bool) -> bool {
        self.or(name, default, "true or false", |text| {
            match text.to_ascii_lowercase().as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            }
        })
    }

    /// One of a few words.
    pub(super) fn choice<T: Copy>(&mut self, name: &str, default: T, choices: &[(&str, T)]) -> T {
        let words: Vec<&str> = choices.iter().map(|(word, _)| *word).collect();
        self.or(name, default, &format!("one of {}", words.join(", ")), |text| {
            choices
                .iter()
                .find(|(word, _)| text.eq_ignore_ascii_case(word))
                .map(|(_, choice)| *choice)
        })
    }

    /// Comma-separated texts, none of them empty.
    pub(super) fn list(&self, name: &str) -> Vec<String> {
        self.text(name)
            .unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(str::to_owned)
            .collect()
    }

    /// A secret.
    pub(super) fn secret(&self, name: &str) -> Option<SecretString> {
        // Not trimmed: blanks may be part of a password.
        self.source
            .figment
            .extract_inner::<String>(name)
            .ok()
            .map(SecretString::from)
    }

    /// The address of an HTTP service, without credentials in it and without a slash at its end.
    pub(super) fn address(&mut self, name: &str, expected: &str) -> Option<String> {
        let text = self.text(name)?;
        let address = text.trim_end_matches('/');
        let fine = address.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.query().is_none()
                && !address.contains('#')
        });
        if address.contains('@') {
            self.problem(name, "holds credentials", expected);
            return None;
        }
        if !fine {
            self.wrong(name, &text, expected);
            return None;
        }
        Some(address.to_owned())
    }
}
