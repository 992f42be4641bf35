//! Which endpoints a rule is about.

/// Whether an endpoint's name fits a pattern: case does not matter, the pattern may stand anywhere in
/// the name, and `*` stands for anything. Empty fits everything.
#[must_use]
pub fn matches(pattern: &str, endpoint: &str) -> bool {
    let endpoint = endpoint.to_lowercase();
    let mut rest = endpoint.as_str();
    pattern.to_lowercase().split('*').all(|part| {
        let found = rest.split_once(part);
        rest = found.map_or("", |(_, after)| after);
        found.is_some()
    })
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
            "person/*",
            "*crmobject*update",
        ] {
            assert!(matches(pattern, endpoint), "{pattern}");
        }
        for pattern in ["organization", "update*person", "*create", "person/update/"] {
            assert!(!matches(pattern, endpoint), "{pattern}");
        }
    }
}
