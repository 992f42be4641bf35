//! Normal forms of names: without titles and legal forms, and what in them tells bearers of one name apart.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::legal;
use super::plain::{plain, words};
use crate::customer::Kind;

/// Titles of a person, in plain form.
const TITLES: [&str; 16] = [
    "اقا",
    "اقای",
    "جناب",
    "سرکار",
    "خانم",
    "خانوم",
    "مهندس",
    "دکتر",
    "حاج",
    "حاجی",
    "حاجیه",
    "مرحوم",
    "مرحومه",
    "سرهنگ",
    "سید",
    "سیده",
];
/// Behind one of these stands what tells apart customers of one name: a branch's number, heirs, a father's name.
const TELLING: [&str; 11] = [
    "شعبه",
    "نمایندگی",
    "دفتر",
    "واحد",
    "مرکز",
    "پروژه",
    "کارگاه",
    "انبار",
    "ورثه",
    "وراث",
    "فرزند",
];
/// Names made of nothing but these are nobody's: «مشتری متفرقه», «نقدی», «مصرف‌کننده نهایی».
const NOBODY: [&str; 13] = [
    "مشتری",
    "متفرقه",
    "نقدی",
    "گذری",
    "حضوری",
    "مصرف",
    "کننده",
    "نهایی",
    "بدون",
    "نام",
    "نامشخص",
    "ناشناس",
    "تست",
];

/// What a name says its bearer is. A shop and a company of one name are two customers until somebody says otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Form {
    /// «شرکت», «موسسه», «تعاونی», «تضامنی», or a legal form.
    Firm,
    /// «فروشگاه».
    Shop,
}

impl Form {
    fn of(word: &str) -> Option<Self> {
        match word {
            "شرکت" | "موسسه" | "تعاونی" | "تضامنی" => Some(Self::Firm),
            "فروشگاه" => Some(Self::Shop),
            _ => None,
        }
    }
}

/// A name's normal form. The default is no name at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Name {
    /// The words that are compared; none for a name that is nobody's.
    pub words: Vec<String>,
    /// What tells its bearer from others of that name: a branch, heirs, a remark in brackets or behind a dash.
    pub apart: BTreeSet<String>,
    /// Whether one that has `apart` is another customer than one that has none (a branch is; a remark need not be).
    pub must: bool,
    /// Firm or shop, where the name says so.
    pub form: Option<Form>,
    /// Whether the name is nobody's: such a record is never synced.
    pub nobody: bool,
}

impl Name {
    /// The normal form of a name as typed.
    #[must_use]
    pub fn of(text: &str, kind: Kind) -> Self {
        let plain = plain(text);
        let stripped = legal::without(&plain);
        let mut form = stripped.as_ref().map(|_| Form::Firm);
        let bare = stripped.unwrap_or(plain);
        let every: Vec<&str> = words(&bare).collect();
        let heart = heart(&bare);
        let mut found: Vec<&str> = words(&heart).collect();
        let telling = every.iter().position(|word| TELLING.contains(word));
        let tells = |word: &&&str| match telling {
            None => !found.contains(*word),
            Some(_) => !TELLING.contains(*word) && **word != "مرکزی",
        };
        let behind = &every[telling.unwrap_or(0)..];
        let apart = behind
            .iter()
            .filter(tells)
            .map(|word| (*word).to_owned())
            .collect();
        while let [first, _, ..] = found[..] {
            let title = kind == Kind::Person && TITLES.contains(&first);
            if Form::of(first).is_none() && !title {
                break;
            }
            form = form.or_else(|| Form::of(first));
            found.remove(0);
        }
        let nobodys = |words: &[&str]| !words.is_empty() && words.iter().all(|word| is_nobodys(word));
        let nobody = nobodys(&found) || nobodys(&every);
        if nobody {
            found.clear();
        }
        Self {
            words: found.into_iter().map(str::to_owned).collect(),
            apart,
            must: telling.is_some(),
            form,
            nobody,
        }
    }

    /// All letters in order, and the numbers: one key for all orders and joinings of a name. The digits of a number stay
    /// together, or the twelfth and the twenty-first branch would have one key.
    #[must_use]
    pub fn letters(&self) -> String {
        let (mut letters, mut numbers) = (Vec::new(), Vec::new());
        for word in &self.words {
            letters.extend(word.chars().filter(|c| !c.is_ascii_digit()));
            let runs = word.split(|c: char| !c.is_ascii_digit());
            numbers.extend(runs.filter(|run| !run.is_empty()));
        }
        letters.sort_unstable();
        numbers.sort_unstable();
        let mut key: String = letters.into_iter().collect();
        for number in numbers {
            key.push(' ');
            key.push_str(number);
        }
        key
    }

    /// Whether nothing in the two names says two bearers: branches, a shop and a company, heirs, two remarks.
    #[must_use]
    pub fn may_be_one_with(&self, other: &Self) -> bool {
        let (a, b) = (&self.apart, &other.apart);
        let forms_differ = self.form.zip(other.form).is_some_and(|(x, y)| x != y);
        let one_has_none = a.is_empty() || b.is_empty();
        let must = !a.is_empty() && self.must || !b.is_empty() && other.must;
        if forms_differ || one_has_none && must {
            return false;
        }
        a.is_subset(b) || b.is_subset(a)
    }
}

fn is_nobodys(word: &str) -> bool {
    NOBODY.contains(&word) || word == "test"
}

/// A name without remarks: what stands in brackets, behind a dash that has a space before it, or asterisks.
fn heart(bare: &str) -> String {
    let mut out = String::with_capacity(bare.len());
    let mut rest = bare.chars();
    while let Some(c) = rest.next() {
        let behind = rest.as_str();
        match c {
            '(' => match behind.split_once(')') {
                Some((_, after)) => {
                    out.push(' ');
                    rest = after.chars();
                }
                None => out.push(c),
            },
            '*' => out.push(' '),
            c if c.is_whitespace() && behind.starts_with('-') => break,
            c => out.push(c),
        }
    }
    out
}
