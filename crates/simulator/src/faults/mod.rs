//! Faults on request: which call is hit by what. Choosing is here, doing it is in [`crate::front`].
//!
//! Each rule draws from its own generator, seeded from the plan's seed and the rule's number, so
//! that one system's traffic never changes what happens to the other's.

mod plan;
mod rule;

pub use plan::{FaultStatus, Faults};
pub use rule::{FaultKind, FaultRule, System};

pub(crate) use plan::Hit;

/// Whether an endpoint's name fits a pattern: case does not matter; without `*` the pattern is
/// looked for anywhere in the name, with `*` it describes the whole name. Empty fits everything.
#[must_use]
pub fn matches(pattern: &str, endpoint: &str) -> bool {
    let pattern = pattern.to_lowercase();
    let endpoint = endpoint.to_lowercase();
    if !pattern.contains('*') {
        return endpoint.contains(&pattern);
    }
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = endpoint.strip_prefix(first) else {
        return false;
    };
    let mut parts: Vec<&str> = parts.collect();
    let last = parts.pop().unwrap_or_default();
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = rest.get(at + part.len()..).unwrap_or_default(),
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        let endpoint = "POST /api/v2/crmobject/person/update";
        for pattern in [
            "",
            "*",
            "person/update",
            "PERSON",
            "post *update",
            "*person/*",
            "*crmobject*update",
        ] {
            assert!(matches(pattern, endpoint), "{pattern}");
        }
        for pattern in ["organization", "person/*", "*create", "post *person"] {
            assert!(!matches(pattern, endpoint), "{pattern}");
        }
    }
}
