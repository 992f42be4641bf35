//! Foreign forms: in what other form a system may hold what was sent to it. A closed list of named functions; whatever
//! is none of these is somebody's edit, or a form that nobody knows yet.

use crate::customer::Field;
use crate::fields::Form;
use crate::letters::fold;
use crate::phone;
use crate::text::{normal, same};

/// A way in which a system holds another text than it was sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Foreign {
    /// Other letters, digits, spaces, or letter case of an e-mail.
    Spelling,
    /// What the system is known to make of it (its projection).
    Projected,
    /// `&amp;` for `&`, tags around it or taken out of it.
    Html,
    /// `?`, or nothing, for what its code page lacks.
    CodePage,
    /// Cut at the first character that takes two units of UTF-16.
    CutAtSurrogate,
    /// Zeros at the beginning of a number are lost.
    LeadingZeros,
}

type Known = fn(Field, &str, &str) -> bool;

/// The list, the most likely first.
const LIST: [(Foreign, Known); 5] = [
    (Foreign::Spelling, same),
    (Foreign::Html, html),
    (Foreign::CodePage, code_page),
    (Foreign::CutAtSurrogate, cut_at_surrogate),
    (Foreign::LeadingZeros, leading_zeros),
];

/// In which form `came` is what was `sent`; `None`: in none that is known. `projected`: what the system is known to make
/// of it.
#[must_use]
pub fn form_of(field: Field, sent: &str, projected: &str, came: &str) -> Option<Foreign> {
    if same(field, projected, came) {
        return Some(if same(field, sent, came) {
            Foreign::Spelling
        } else {
            Foreign::Projected
        });
    }
    if came.trim().is_empty() {
        return None;
    }
    let known = |came: &str| {
        let mut list = LIST.iter();
        list.find(|(_, is)| is(field, sent, came) || is(field, projected, came))
            .map(|(form, _)| *form)
    };
    // Two at once: what the code page lacks, beside a sign that is escaped.
    known(came).or_else(|| known(&escaped(came)?))
}

/// Whether `came` is what was `sent`, in whatever form, with its signs escaped. A system that has made that of it makes it
/// of that again: `&amp;amp;`.
#[must_use]
pub fn is_escaped(field: Field, sent: &str, projected: &str, came: &str) -> bool {
    let plain = escaped(came).filter(|_| !same(field, sent, came));
    plain.is_some_and(|plain| form_of(field, sent, projected, &plain).is_some())
}

/// A text that has escaped signs, without them.
fn escaped(text: &str) -> Option<String> {
    let plain = unescaped(&unescaped(text));
    (plain != text).then_some(plain)
}

/// Escaped (once or twice), or with its tags taken out, or in one paragraph's tags.
fn html(field: Field, sent: &str, came: &str) -> bool {
    let plain = |text: &str| without_tags(&unescaped(&unescaped(text)));
    let (sent_plain, came_plain) = (plain(sent), plain(came));
    (sent.contains(['&', '<', '>', '"', '\'']) || came.contains(['&', '<']))
        && !came_plain.trim().is_empty()
        && same(field, &sent_plain, &came_plain)
}

/// A text as it was before a web form escaped it or put tags in; where that leaves nothing, its signs alone are put right.
pub(crate) fn without_html(text: &str) -> String {
    let plain = unescaped(&unescaped(text));
    let bare = without_tags(&plain);
    if bare.trim().is_empty() { plain } else { bare }
}

fn unescaped(text: &str) -> String {
    let names = [
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ];
    names
        .iter()
        .fold(text.to_owned(), |text, (name, is)| text.replace(name, is))
}

fn without_tags(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('<') {
        let tag = &rest[open..];
        let named = tag[1..].starts_with(|c: char| c.is_ascii_alphabetic() || c == '/');
        let Some(end) = tag.find('>').filter(|_| named) else {
            out.push_str(&rest[..=open]);
            rest = &rest[open + 1..];
            continue;
        };
        out.push_str(&rest[..open]);
        out.push(' ');
        rest = &tag[end + 1..];
    }
    out.push_str(rest);
    out
}

/// Whether Windows-1256, the code page of Persian and Arabic installations, has no place for it.
fn is_lacking(c: char) -> bool {
    let ours = matches!(c, '\u{20}'..='\u{7e}' | '\u{a0}'..='\u{ff}' | '\u{600}'..='\u{6ff}' | '\u{2013}'..='\u{2026}');
    !ours
}

/// Each character that the code page lacks as `?` (one for each of its units) or missing; the others as they were.
fn code_page(field: Field, sent: &str, came: &str) -> bool {
    if field.spec().form == Form::Phone || !sent.chars().any(is_lacking) {
        return false;
    }
    let came: Vec<char> = came.chars().collect();
    let folded = |text: &str| fold(text);
    let (mut marked, mut missing) = (String::new(), String::new());
    for c in sent.chars() {
        if is_lacking(c) {
            marked.extend(std::iter::repeat_n('?', c.len_utf16()));
        } else {
            marked.push(c);
            missing.push(c);
        }
    }
    let came: String = came.into_iter().collect();
    let once = sent
        .chars()
        .map(|c| if is_lacking(c) { '?' } else { c })
        .collect::<String>();
    [marked, once, missing]
        .iter()
        .any(|form| folded(form) == folded(&came))
}

fn cut_at_surrogate(field: Field, sent: &str, came: &str) -> bool {
    let cut = sent.find(|c: char| c.len_utf16() == 2);
    cut.is_some_and(|cut| !sent[..cut].trim().is_empty() && same(field, &sent[..cut], came))
}

/// Of what is a number and nothing else; a telephone number without its zero is a spelling already.
fn leading_zeros(field: Field, sent: &str, came: &str) -> bool {
    if !matches!(field.spec().form, Form::Code | Form::Digits | Form::Phone) {
        return false;
    }
    let digits = |text: &str| {
        let text = match field.spec().form {
            Form::Phone => phone::normal(text),
            Form::Digits => normal(field, text),
            _ => fold(text).replace(' ', ""),
        };
        text.bytes().all(|b| b.is_ascii_digit()).then_some(text)
    };
    match (digits(sent), digits(came)) {
        (Some(sent), Some(came)) => {
            let bare = sent.trim_start_matches('0');
            !bare.is_empty() && bare == came
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plain(field: Field, sent: &str, came: &str) -> Option<Foreign> {
        form_of(field, sent, sent, came)
    }

    #[test]
    fn each_form_of_the_list_is_known() {
        use Foreign as F;
        for (field, sent, came, form) in [
            (Field::Name, "علی كریمی", "علي کریمی", F::Spelling),
            (Field::Email, "A@B.ir", "a@b.ir", F::Spelling),
            (Field::Name, "R&D", "R&amp;D", F::Html),
            (Field::Name, "\"آریا\"", "&quot;آریا&quot;", F::Html),
            (Field::Description, "خط یک", "<p>خط یک</p>", F::Html),
            (Field::Description, "<b>مهم</b> است", "مهم است", F::Html),
            (Field::Name, "آریا 😀 تک", "آریا ?? تک", F::CodePage),
            (Field::Name, "آریا 😀 تک", "آریا ? تک", F::CodePage),
            (Field::Name, "آریا ✓ تک", "آریا  تک", F::CodePage),
            (Field::Name, "آریا 😀 تک", "آریا", F::CutAtSurrogate),
            (Field::NationalId, "0012345679", "12345679", F::LeadingZeros),
            (Field::NationalId, "001-234567-9", "12345679", F::LeadingZeros),
            (Field::PostalCode, "0123456789", "123456789", F::LeadingZeros),
            (Field::Phone, "021-884533", "21884533", F::LeadingZeros),
        ] {
            assert_eq!(plain(field, sent, came), Some(form), "{sent} → {came}");
        }
        assert_eq!(
            form_of(Field::Name, "a|b", "a/b", "a/b"),
            Some(Foreign::Projected)
        );
        assert_eq!(
            form_of(Field::Name, "ab", "a", "a"),
            Some(Foreign::Projected),
            "a cut that is known"
        );
        for (sent, came, form) in [
            ("آریا 😀 & پسران", "آریا ?? &amp; پسران", F::CodePage),
            ("آریا 😀 & پسران", "آریا  &amp;amp; پسران", F::CodePage),
            ("آریا & پسران 😀 تک", "آریا &amp; پسران", F::CutAtSurrogate),
        ] {
            assert_eq!(plain(Field::Name, sent, came), Some(form), "two at once: {came}");
        }
        for came in ["R&amp;D|x", "R&amp;D/x"] {
            assert_eq!(
                form_of(Field::Name, "R&D|x", "R&D/x", came),
                Some(Foreign::Html),
                "of what was sent, or of what the system makes of it: {came}"
            );
        }
    }

    #[test]
    fn what_was_escaped_is_told_from_what_was_typed_so() {
        for (sent, came, is) in [
            ("R&D", "R&amp;D", true),
            ("R&D", "R&amp;amp;D", true),
            ("آریا 😀 & پسران", "آریا ?? &amp; پسران", true),
            ("R&D", "R&D", false),
            ("R&amp;D", "R&amp;D", false),
            ("<b>مهم</b> است", "مهم است", false),
            ("R&D", "R&amp;B", false),
            ("علی", "علی", false),
        ] {
            assert_eq!(is_escaped(Field::Name, sent, sent, came), is, "{sent} → {came}");
        }
        assert!(is_escaped(Field::Name, "R&D|x", "R&D/x", "R&amp;D/x"));
    }

    #[test]
    fn anything_else_is_somebodys_edit() {
        for (field, sent, came) in [
            (Field::Name, "شرکت آریا تک", "شرکت آریا"),
            (Field::Name, "علی", "?"),
            (Field::Name, "علی", ""),
            (Field::Name, "R&D", "R"),
            (Field::Name, "R&D", "RD"),
            (Field::Name, "آریا 😀 تک", "آریا تکنیک"),
            (Field::Name, "007", "7"),
            (Field::NationalId, "0012345679", "2345679"),
            (Field::NationalId, "0000", "0"),
            (Field::Description, "<b>مهم</b>", "<b></b>"),
            (Field::Name, "a < b", "a"),
            // A telephone field holds a number, and is compared by it.
            (Field::Phone, "ندارد 😀", "ندارد ?"),
        ] {
            assert_eq!(plain(field, sent, came), None, "{sent} → {came}");
        }
    }
}
