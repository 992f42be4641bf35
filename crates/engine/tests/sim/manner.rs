//! How a system writes what it was sent. The CRM keeps it; finance has letters of its own, no `|`, short columns, and in
//! some worlds an older web form before it. Each manner is deterministic, and leaves alone what it has written itself.

use domain::customer::Field;
use domain::ports::Side;
use domain::text::same;

use crate::sched::Sim;

/// What finance's own software makes of a text, besides cutting it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    #[default]
    Plain,
    /// `?` for each unit of what its code page lacks.
    QuestionMarks,
    /// `&amp;` for `&`, and so on.
    Escaped,
    /// Whatever stands behind the first emoji is lost, with it.
    CutAtEmoji,
    /// A national id is kept as a number.
    NoZeros,
}

/// How many units a column of finance takes.
fn most(field: Field) -> usize {
    if field == Field::Name { 18 } else { 40 }
}

impl Manner {
    pub fn draw(sim: &Sim) -> Self {
        let all = [
            Self::QuestionMarks,
            Self::Escaped,
            Self::CutAtEmoji,
            Self::NoZeros,
        ];
        *sim.pick(&all).unwrap()
    }

    /// The value as `side` holds it.
    pub fn held(self, side: Side, field: Field, value: &str) -> String {
        if side == Side::Crm {
            return value.trim().to_owned();
        }
        let value = match self {
            // What was escaped before is not escaped again.
            Self::Escaped => unescaped(value),
            _ => value.to_owned(),
        };
        let own = |c| match c {
            '|' => '/',
            '\n' => ' ',
            'ی' => 'ي',
            'ک' => 'ك',
            c => c,
        };
        let text: String = value.chars().map(own).collect();
        let text = cut(text.trim(), most(field)).trim();
        let lacks = |c: char| c.len_utf16() == 2 || matches!(c, '\u{2600}'..='\u{27bf}');
        match self {
            Self::QuestionMarks => text
                .chars()
                .flat_map(|c| {
                    let times = if lacks(c) { c.len_utf16() } else { 1 };
                    std::iter::repeat_n(if lacks(c) { '?' } else { c }, times)
                })
                .collect(),
            Self::Escaped => escaped(text),
            Self::CutAtEmoji => text
                .split(|c: char| c.len_utf16() == 2)
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned(),
            Self::NoZeros if field == Field::NationalId => number(text),
            _ => text.to_owned(),
        }
    }

    /// Whether both hold the same, as far as finance can.
    pub fn agree(self, field: Field, crm: &str, finance: &str) -> bool {
        same(field, crm, finance) || same(field, &self.held(Side::Finance, field, crm), finance)
    }
}

/// As the connector projects: what can't be held; letter forms are left to the comparison, and it knows of no more.
pub fn project(side: Side, field: Field, value: &str) -> String {
    if side == Side::Crm {
        return value.to_owned();
    }
    let text = value.replace('|', "/").replace('\n', " ");
    text.trim()
        .chars()
        .take(most(field))
        .collect::<String>()
        .trim()
        .to_owned()
}

/// The head of a text that takes so many units of UTF-16 at most.
fn cut(text: &str, most: usize) -> &str {
    let mut units = 0;
    let end = text.char_indices().find(|(_, c)| {
        units += c.len_utf16();
        units > most
    });
    end.map_or(text, |(at, _)| &text[..at])
}

const ESCAPES: [(&str, &str); 4] = [("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ("\"", "&quot;")];

fn escaped(text: &str) -> String {
    ESCAPES
        .iter()
        .fold(text.to_owned(), |text, (plain, name)| text.replace(plain, name))
}

fn unescaped(text: &str) -> String {
    ESCAPES
        .iter()
        .rev()
        .fold(text.to_owned(), |text, (plain, name)| text.replace(name, plain))
}

fn number(text: &str) -> String {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return text.to_owned();
    }
    match text.trim_start_matches('0') {
        "" => "0".to_owned(),
        number => number.to_owned(),
    }
}

#[test]
fn what_finance_has_written_it_leaves_alone() {
    let texts = [
        "R&D <b>",
        "R&amp;D",
        "آریا 😀 تک",
        "0012",
        "پ1 ب1 بازرگانی و 😀",
        "a|b\nc",
    ];
    for manner in [
        Manner::Plain,
        Manner::QuestionMarks,
        Manner::Escaped,
        Manner::CutAtEmoji,
        Manner::NoZeros,
    ] {
        for field in [Field::Name, Field::NationalId] {
            for text in texts {
                let once = manner.held(Side::Finance, field, text);
                assert_eq!(
                    manner.held(Side::Finance, field, &once),
                    once,
                    "{manner:?} {text}"
                );
            }
        }
    }
}
