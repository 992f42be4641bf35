//! The little of Rust's lexing that a scan needs: names, texts and signs, without comments.

/// A piece of source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token {
    /// An identifier, a keyword or a number.
    Name(String),
    /// The inside of a string.
    Text(String),
    /// Anything else, sign by sign.
    Sign(char),
}

impl Token {
    /// Whether it is that name.
    pub(super) fn is(&self, name: &str) -> bool {
        matches!(self, Self::Name(one) if one == name)
    }
}

pub(super) fn of(source: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = source;
    while let Some(first) = rest.chars().next() {
        let (token, length) = if rest.starts_with("//") {
            (None, rest.find('\n').unwrap_or(rest.len()))
        } else if rest.starts_with("/*") {
            (None, rest.find("*/").map_or(rest.len(), |end| end + 2))
        } else if first.is_alphanumeric() || first == '_' {
            name(rest)
        } else {
            match first {
                '"' => text(rest),
                '\'' => (None, letter(rest)),
                sign if sign.is_whitespace() => (None, sign.len_utf8()),
                sign => (Some(Token::Sign(sign)), sign.len_utf8()),
            }
        };
        tokens.extend(token);
        rest = &rest[length..];
    }
    tokens
}

fn name(rest: &str) -> (Option<Token>, usize) {
    let end = rest
        .find(|c: char| !c.is_alphanumeric() && c != '_')
        .unwrap_or(rest.len());
    let hashes = rest[end..].chars().take_while(|c| *c == '#').count();
    if matches!(&rest[..end], "r" | "br") && rest[end + hashes..].starts_with('"') {
        let close = format!("\"{}", "#".repeat(hashes));
        let inside = end + hashes + 1;
        let length = rest[inside..]
            .find(&close)
            .map_or(rest.len(), |at| inside + at + close.len());
        return (Some(Token::Text(String::new())), length);
    }
    (Some(Token::Name(rest[..end].to_owned())), end)
}

fn text(rest: &str) -> (Option<Token>, usize) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return (Some(Token::Text(rest[1..at].to_owned())), at + 1),
            _ => {}
        }
    }
    (None, rest.len())
}

/// A character, or only the tick of a lifetime.
fn letter(rest: &str) -> usize {
    let mut all = rest.char_indices().skip(1);
    match (all.next(), all.next()) {
        (Some((_, '\\')), Some(_)) => all.find(|(_, c)| *c == '\'').map_or(rest.len(), |(at, _)| at + 1),
        (Some(_), Some((at, '\''))) => at + 1,
        _ => 1,
    }
}
