//! The guides are held to the truth: commands, settings, metrics and links that they name exist.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::deployment::binary;

/// What looks like a setting and is none of ours.
const NO_SETTINGS: &[&str] = &[
    "IN_PROGRESS",
    "CRM_TO_FINANCE",
    "FINANCE_TO_CRM",
    "ENV_FILE",
    "NO_COLOR",
    "TEST_DATABASE_URL",
    "TEST_REDIS_URL",
    "REDISCLI_AUTH",
    "CHANGE-ME",
];
/// How names of metrics begin.
const METRICS: &[&str] = &["sync_", "webhook", "poll_", "outside_", "finance_contacts"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
}

/// README.md and everything in deploy/ with one of these endings, each with its text.
fn files(endings: &[&str]) -> Vec<(PathBuf, String)> {
    let mut found = vec![root().join("README.md")];
    let mut folders = vec![root().join("deploy")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.retain(|path| {
        endings
            .iter()
            .any(|ending| path.to_string_lossy().ends_with(ending))
    });
    let text = |path: PathBuf| std::fs::read_to_string(&path).map(|text| (path, text));
    found.into_iter().map(|path| text(path).unwrap()).collect()
}

/// The lines of code blocks, and what stands between back-ticks.
fn code(markdown: &str) -> Vec<&str> {
    let (mut code, mut inside) = (Vec::new(), false);
    for line in markdown.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if inside {
            code.push(line);
        } else {
            code.extend(line.split('`').skip(1).step_by(2));
        }
    }
    code
}

/// Words of `text` that are made of `letters` and hold an underscore.
fn names(text: &str, letters: fn(char) -> bool) -> impl Iterator<Item = &str> {
    let is_name = move |c: char| letters(c) || c == '_';
    let words = text.split(move |c: char| !(is_name(c) || c.is_alphanumeric()));
    words.filter(move |word| word.chars().all(is_name) && word.trim_matches('_').contains('_'))
}

/// The arguments of each `siaghsync` in a line of code, up to the end of that command.
fn commands(line: &str) -> Vec<Vec<String>> {
    let tokens: Vec<&str> = line
        .split_whitespace()
        .take_while(|token| !token.starts_with('#'))
        .collect();
    let mut found = Vec::new();
    for (n, token) in tokens.iter().enumerate() {
        let before = n.checked_sub(1).map_or("", |n| tokens[n]);
        let program = matches!(*token, "siaghsync" | "siaghsync.exe" | r".\siaghsync.exe")
            // A user, a group, a namespace, an image's name.
            && !matches!(before, "-u" | "-g" | "-o" | "-n" | "-t");
        // Compose's service `migrate` is the command line.
        if program || (*token == "migrate" && before == "--rm") {
            let end = |token: &&&str| !matches!(**token, "|" | "||" | "&&" | ";" | ">" | "<" | "2>>");
            let arguments = tokens[n + 1..].iter().take_while(end);
            let words = arguments.flat_map(|token| token.split(['|', ',', ';', ')', '\'']));
            found.push(words.filter(|word| !word.is_empty()).map(str::to_owned).collect());
        }
    }
    found
}

pub fn help(of: &[&str]) -> String {
    let output = Command::new(binary("siaghsync"))
        .args(of)
        .arg("--help")
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}

/// What stands under `Commands:` of a help text.
pub fn subcommands(help: &str) -> BTreeSet<String> {
    let lines = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let lines = lines.take_while(|line| line.starts_with(' '));
    // Long descriptions go on in further lines, further in.
    lines
        .filter(|line| !line.starts_with("   "))
        .filter_map(|line| Some(line.split_whitespace().next()?.to_owned()))
        .collect()
}

/// Says what is wrong with one command line.
fn wrong(arguments: &[String]) -> Option<String> {
    let is_word = |word: &&str| {
        word.starts_with(char::is_lowercase) && word.chars().all(|c| c.is_lowercase() || c == '-')
    };
    let first = arguments.first().map(String::as_str).filter(is_word)?;
    if !subcommands(&help(&[])).contains(first) {
        return Some(format!("there is no `siaghsync {first}`"));
    }
    let mut help_text = help(&[first]);
    let below = subcommands(&help_text);
    let second = arguments.get(1).map(String::as_str).filter(is_word);
    if let Some(second) = second.filter(|_| !below.is_empty()) {
        if !below.contains(second) {
            return Some(format!("there is no `siaghsync {first} {second}`"));
        }
        help_text = help(&[first, second]);
    }
    let mut flags = arguments
        .iter()
        .filter(|argument| argument.starts_with("--") && argument.len() > 2);
    flags.find_map(|flag| {
        let known = help_text
            .split(|c: char| !(c.is_alphanumeric() || c == '-'))
            .any(|word| word == flag);
        (!known).then(|| format!("`siaghsync {first}` knows no {flag}"))
    })
}

#[test]
fn every_command_exists() {
    let mut problems = BTreeSet::new();
    let mut seen = BTreeSet::new();
    for (path, text) in files(&[".md"]) {
        for arguments in code(&text).into_iter().flat_map(commands) {
            if let Some(problem) = wrong(&arguments) {
                problems.insert(format!("{}: {problem}", path.display()));
            }
            seen.extend(arguments.first().cloned());
        }
    }
    assert!(problems.is_empty(), "{problems:#?}");
    assert!(seen.len() > 10, "the guides name hardly any command: {seen:?}");
}

#[test]
fn every_setting_exists() {
    let example = read(".env.example");
    let known: BTreeSet<&str> = example
        .lines()
        .filter_map(|line| Some(line.trim_start_matches("# ").split_once('=')?.0))
        .collect();
    let capital = |c: char| c.is_ascii_uppercase();
    let mut problems = BTreeSet::new();
    for (path, text) in files(&[".md", ".example", "kustomization.yaml"]) {
        let markdown = path.extension().is_some_and(|ending| ending == "md");
        let lines = if markdown {
            code(&text)
        } else {
            text.lines().collect()
        };
        for name in lines.into_iter().flat_map(|line| names(line, capital)) {
            if !known.contains(name) && !NO_SETTINGS.contains(&name) {
                problems.insert(format!("{}: {name}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "not in .env.example: {problems:#?}");
}

#[test]
fn every_metric_exists() {
    let table = read("deploy/METRICS.md");
    let known: BTreeSet<&str> = code(&table).into_iter().collect();
    let small = |c: char| c.is_ascii_lowercase();
    let alerts = read("deploy/alerts.yml");
    let rules = alerts.lines().filter(|line| !line.trim_start().starts_with('#'));
    let guides = files(&[".md"]);
    let guides = guides.iter().flat_map(|(_, text)| code(text));
    let mut named = BTreeSet::new();
    for name in rules.chain(guides).flat_map(|line| names(line, small)) {
        if METRICS.iter().any(|start| name.starts_with(start)) {
            named.insert(name.to_owned());
        }
    }
    let problems: Vec<_> = named
        .iter()
        .filter(|name| !known.contains(name.as_str()))
        .collect();
    assert!(problems.is_empty(), "not in deploy/METRICS.md: {problems:?}");
    assert!(named.len() > 10, "{named:?}");
}

/// A heading as it stands in a link.
fn anchor(heading: &str) -> String {
    let kept = |c: char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let text: String = heading
        .trim_start_matches('#')
        .trim()
        .chars()
        .filter(|c| kept(*c))
        .collect();
    text.to_lowercase().replace(' ', "-")
}

#[test]
fn every_link_leads_somewhere() {
    let mut problems = Vec::new();
    let mut check = |from: &Path, link: &str| {
        let (file, section) = link.split_once('#').unwrap_or((link, ""));
        let target = if file.is_empty() {
            from.to_owned()
        } else {
            from.parent().unwrap().join(file)
        };
        let text = match std::fs::read_to_string(&target) {
            Ok(text) => text,
            Err(_) if target.exists() && section.is_empty() => return,
            Err(error) => return problems.push(format!("{}: {link}: {error}", from.display())),
        };
        let mut headings = text.lines().filter(|line| line.starts_with('#'));
        if !section.is_empty() && !headings.any(|heading| anchor(heading) == section) {
            problems.push(format!("{}: {link}: no such section", from.display()));
        }
    };
    for (path, text) in files(&[".md"]) {
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.starts_with("http") {
                check(&path, link);
            }
        }
    }
    // Every alert has its section, and it has every alert's.
    let alerts = read("deploy/alerts.yml");
    for link in alerts
        .lines()
        .filter_map(|line| line.trim().strip_prefix("runbook: deploy/"))
    {
        check(&root().join("deploy/alerts.yml"), link);
    }
    assert!(problems.is_empty(), "{problems:#?}");
}
