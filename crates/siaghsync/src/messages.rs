//! Every message that the sources make is given the arguments that its text names, and no other: a simple scan of all
//! crates, since a code and its arguments meet only when it is written out.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use domain::message::Code;

mod tokens;

use tokens::Token;

/// What builds arguments.
const WITH: [&str; 3] = ["with", "with_message", "with_messages"];

#[test]
fn every_message_is_given_what_its_text_names() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for of_crate in std::fs::read_dir(crates).unwrap() {
        rust_files(&of_crate.unwrap().path().join("src"), &mut files);
    }
    let mut made = 0;
    let mut problems = Vec::new();
    for file in &files {
        let text = std::fs::read_to_string(file).unwrap();
        let scan = Scan::of(&text);
        made += scan.codes.len();
        problems.extend(
            scan.problems()
                .iter()
                .map(|problem| format!("{}: {problem}", file.display())),
        );
    }
    assert!(
        made > 100,
        "{made} messages in {} files: the scan no longer sees them",
        files.len()
    );
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn the_scan_sees_what_is_missing_and_what_is_too_much() {
    let problems = |text| Scan::of(text).problems();
    let good = "let why = Message::new(Code::Linked); why.with(\"side\", f(\")\")).with(\"id\", 1)";
    assert_eq!(problems(good), [""; 0]);
    let chosen =
        "let about = |code| Message::new(code).with(\"side\", s).with(\"id\", 1); about(Code::Linked)";
    assert_eq!(problems(chosen), [""; 0]);
    let asked = "if message.code == Code::Linked { } match code { Code::Linked | Code::Created => 1 }";
    assert_eq!(problems(asked), [""; 0]);
    let missing = "Message::new(Code::Linked).with(\"side\", s) // .with(\"id\", 1)";
    assert_eq!(problems(missing), ["Linked: nothing gives it {id}"]);
    let surplus = "Message::new(Code::Linked).with(\"side\", s).with(\"id\", 1).with_message(\"wyh\", &m)";
    assert_eq!(problems(surplus), ["Linked: its text has no {wyh}"]);
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return;
    };
    for path in entries.map(|entry| entry.unwrap().path()) {
        let name = path.file_name().unwrap_or_default();
        if path.is_dir() && name != "tests" {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|end| end == "rs")
            && name != "tests.rs"
            && name != "catalogue.rs"
        {
            found.push(path);
        }
    }
}

/// What one file says of messages.
struct Scan {
    /// Codes that it takes, with the arguments that follow at once.
    codes: Vec<(Code, BTreeSet<String>)>,
    /// All arguments that it gives to messages.
    given: BTreeSet<String>,
}

impl Scan {
    fn of(text: &str) -> Self {
        let product = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        let tokens = tokens::of(product);
        let codes = (0..tokens.len()).filter_map(|at| {
            let code = code_at(&tokens, at)?;
            Some((code, chain(&tokens, at + 4)))
        });
        let given = (0..tokens.len()).filter_map(|at| argument_at(&tokens, at));
        Self {
            codes: codes.collect(),
            given: given.collect(),
        }
    }

    fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (code, chained) in &self.codes {
            let named = named(code.english());
            let missing = named
                .difference(chained)
                .filter(|name| !self.given.contains(*name));
            problems.extend(missing.map(|name| format!("{code:?}: nothing gives it {{{name}}}")));
            let surplus = chained.difference(&named);
            problems.extend(surplus.map(|name| format!("{code:?}: its text has no {{{name}}}")));
        }
        problems
    }
}

/// `Code::X`, where it is taken, not asked for.
fn code_at(tokens: &[Token], at: usize) -> Option<Code> {
    let path = tokens.get(at..at + 4)?;
    let (true, [_, Token::Sign(':'), Token::Sign(':'), Token::Name(name)]) = (path[0].is("Code"), path)
    else {
        return None;
    };
    let asked =
        at > 1 && tokens[at - 1] == Token::Sign('=') && matches!(tokens[at - 2], Token::Sign('=' | '!'));
    let next = [tokens.get(at + 4), tokens.get(at + 5)];
    let pattern = next[0] == Some(&Token::Sign('|'))
        || (next[0] == Some(&Token::Sign('=')) && next[1] == Some(&Token::Sign('>')));
    if asked || pattern {
        return None;
    }
    Code::ALL
        .iter()
        .find(|code| format!("{code:?}") == *name)
        .cloned()
}

/// The arguments that follow a code at once: `) .with("name", …) .with(…)`.
fn chain(tokens: &[Token], end: usize) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    if tokens.get(end) != Some(&Token::Sign(')')) {
        return names;
    }
    let mut at = end + 1;
    while let Some(name) = argument_at(tokens, at) {
        names.insert(name);
        at = closing(tokens, at + 2);
    }
    names
}

/// The name in `.with("name"`.
fn argument_at(tokens: &[Token], at: usize) -> Option<String> {
    match tokens.get(at..at + 4)? {
        [
            Token::Sign('.'),
            Token::Name(with),
            Token::Sign('('),
            Token::Text(name),
        ] => WITH.contains(&with.as_str()).then(|| name.clone()),
        _ => None,
    }
}

/// Behind the bracket that closes the one that opens at `at`.
fn closing(tokens: &[Token], at: usize) -> usize {
    let mut open = 0_usize;
    for (n, token) in tokens.iter().enumerate().skip(at) {
        match token {
            Token::Sign('(') => open += 1,
            Token::Sign(')') => open -= 1,
            _ => {}
        }
        if open == 0 {
            return n + 1;
        }
    }
    tokens.len()
}

/// The names in a template.
fn named(template: &str) -> BTreeSet<String> {
    let behind = template.split('{').skip(1);
    behind
        .filter_map(|rest| rest.split_once('}'))
        .map(|(name, _)| name.to_owned())
        .collect()
}
