//! Everything that is wrong with the settings, in words for the person who edits them. Never holds the value
//! of a secret.

use std::fmt;

/// One setting that is missing or malformed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Its name, as it is typed.
    pub setting: String,
    /// What is wrong with it.
    pub found: String,
    /// What to write instead.
    pub expected: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: write {}", self.setting, self.found, self.expected)
    }
}

/// All problems of one load, in the order of the documentation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SettingsError {
    /// At least one.
    pub problems: Vec<Problem>,
}

impl SettingsError {
    /// The error of one setting that is not set.
    pub(super) fn missing(setting: &str, expected: &str) -> Self {
        let setting = setting.to_owned();
        Self {
            problems: vec![Problem {
                setting,
                found: "is not set".to_owned(),
                expected: expected.to_owned(),
            }],
        }
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.len() {
            1 => writeln!(f, "1 setting needs attention (environment or .env):")?,
            n => writeln!(f, "{n} settings need attention (environment or .env):")?,
        }
        for (i, problem) in self.problems.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "  {problem}")?;
        }
        Ok(())
    }
}
