//! What a form save carries: `SaveFormData`'s body, `ctrlValues` and `parameters`.

use serde_json::Value;

/// A body of `SaveFormData`.
pub(crate) struct Form {
    pub(crate) id: String,
    pub(crate) controls: Vec<(String, String)>,
    pub(crate) parameters: Vec<(String, String)>,
    pub(crate) data_rows: String,
}

impl Form {
    /// All parts must be there, as texts.
    pub(crate) fn parse(body: &Value) -> Result<Self, String> {
        let part = |name: &str| {
            let text = body.get(name).and_then(Value::as_str);
            text.map(str::to_owned)
                .ok_or_else(|| format!("RUNTIME ERROR: Parameter '{name}' is missing or not a string."))
        };
        for name in ["attachments", "postCode", "flowId"] {
            part(name)?;
        }
        Ok(Self {
            id: part("formId")?,
            controls: pairs(&part("ctrlValues")?),
            parameters: pairs(&part("parameters")?),
            data_rows: part("dataRows")?,
        })
    }

    pub(crate) fn parameter(&self, name: &str) -> Option<&str> {
        find(&self.parameters, name)
    }
}

/// Splits at `|` and line ends, then each part at its first `=`. There is no escaping, and a part
/// without `=` is nothing.
pub(crate) fn pairs(text: &str) -> Vec<(String, String)> {
    text.split(['|', '\r', '\n'])
        .filter_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            Some((name.trim().to_owned(), value.to_owned()))
        })
        .collect()
}

/// The last pair of that name.
pub(crate) fn find<'a>(pairs: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let mut found = pairs
        .iter()
        .rev()
        .filter(|(key, _)| key.eq_ignore_ascii_case(name));
    found.next().map(|(_, value)| value.as_str())
}

/// `2BFDA/create` and the like, for the endpoint's name.
pub(crate) fn label(body: &[u8]) -> Option<String> {
    let body: Value = serde_json::from_slice(body).ok()?;
    let form = body.get("formId")?.as_str()?;
    let parameters = pairs(body.get("parameters")?.as_str()?);
    Some(match find(&parameters, "CodeMain") {
        Some("") => format!("{form}/create"),
        Some(_) => format!("{form}/update"),
        None => form.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_forge_fields() {
        let pairs = pairs("a=1=2|b=x\ny=z|rest|c=|b=forged");
        let names: Vec<&str> = pairs.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["a", "b", "y", "c", "b"]);
        assert_eq!(find(&pairs, "A"), Some("1=2"));
        assert_eq!(find(&pairs, "b"), Some("forged"));
        assert_eq!(find(&pairs, "rest"), None);
    }

    #[test]
    fn labels_tell_creates_from_updates() {
        let body = |parameters: &str| format!(r#"{{"formId":"2BFDA","parameters":"{parameters}"}}"#);
        assert_eq!(label(body("CodeMain=").as_bytes()).unwrap(), "2BFDA/create");
        assert_eq!(label(body("CodeMain=22").as_bytes()).unwrap(), "2BFDA/update");
        assert_eq!(label(b"x"), None);
    }
}
