//! Whether the parts that a process stands on are up. Looks at all of them at once, at each for two seconds.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::future::join_all;
use serde::Serialize;

/// How long one part may take.
const LIMIT: Duration = Duration::from_secs(2);
/// How long an error may be.
const LENGTH: usize = 200;

/// A part that a process stands on.
#[async_trait]
pub trait Check: Send + Sync {
    /// Its name in the answer: `database`, `redis`.
    fn name(&self) -> &'static str;

    /// Looks, and says in a few words what is wrong. Credentials in addresses are masked by the caller.
    async fn check(&self) -> Result<(), String>;
}

/// The answer about all parts.
#[derive(Serialize)]
#[serde(transparent)]
pub(super) struct Readiness {
    parts: BTreeMap<&'static str, Part>,
}

#[derive(Serialize)]
struct Part {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl Readiness {
    pub(super) async fn look(checks: &[Arc<dyn Check>]) -> Self {
        let looks = checks.iter().map(|check| async move {
            match tokio::time::timeout(LIMIT, check.check()).await {
                Ok(result) => result,
                Err(_) => Err(format!("no answer within {} s", LIMIT.as_secs())),
            }
        });
        let mut readiness = Self {
            parts: BTreeMap::new(),
        };
        for (check, result) in checks.iter().zip(join_all(looks).await) {
            let part = match result {
                Ok(()) => Part {
                    status: "up",
                    error: None,
                },
                Err(error) => Part {
                    status: "down",
                    error: Some(harmless(&error)),
                },
            };
            readiness.parts.insert(check.name(), part);
        }
        readiness
    }

    pub(super) fn all_up(&self) -> bool {
        self.parts.values().all(|part| part.error.is_none())
    }
}

/// One short line without credentials: whatever stands between `://` and `@` of an address is masked.
fn harmless(error: &str) -> String {
    let words = error
        .split_whitespace()
        .map(|word| match (word.find("://"), word.rfind('@')) {
            (Some(start), Some(end)) if end > start => format!("{}://***{}", &word[..start], &word[end..]),
            _ => word.to_owned(),
        });
    let line: Vec<String> = words.collect();
    line.join(" ").chars().take(LENGTH).collect()
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn credentials_and_long_errors_are_cut() {
        assert_eq!(
            harmless("can't reach\npostgres://user:p@ss@db:5432/siagh: refused"),
            "can't reach postgres://***@db:5432/siagh: refused"
        );
        assert_eq!(harmless(&"آ".repeat(500)).chars().count(), 200);
    }
}
