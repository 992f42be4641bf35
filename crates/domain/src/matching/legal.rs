//! Legal forms of an organization that stand in its name or not, as the typist liked: «(سهامی خاص)», «م.م».

/// A word and where it stands.
struct Word<'a> {
    text: &'a str,
    from: usize,
    to: usize,
}

/// The name (in plain form) without its legal forms, each a space; `None` when it has none.
pub(super) fn without(plain: &str) -> Option<String> {
    let words = words(plain);
    let (mut out, mut copied, mut k) = (String::new(), 0, 0);
    while let Some(first) = words.get(k) {
        let length = length(plain, &words[k..]);
        if length > 0 {
            out.push_str(&plain[copied..first.from]);
            out.push(' ');
            copied = words[k + length - 1].to;
        }
        k += length.max(1);
    }
    (copied > 0).then(|| out + &plain[copied..])
}

/// Runs of letters, digits and underscores.
fn words(plain: &str) -> Vec<Word<'_>> {
    let mut out = Vec::new();
    let mut from = None;
    for (at, c) in plain.char_indices().chain([(plain.len(), ' ')]) {
        if c.is_alphanumeric() || c == '_' {
            from.get_or_insert(at);
        } else if let Some(from) = from.take() {
            let text = &plain[from..at];
            out.push(Word { text, from, to: at });
        }
    }
    out
}

/// How many words at the head of `words` are a legal form.
fn length(plain: &str, words: &[Word<'_>]) -> usize {
    let word = |k: usize| words.get(k).map_or("", |word| word.text);
    let gap = |k: usize| words.get(k + 1).map_or("", |next| &plain[words[k].to..next.from]);
    let spaced = |k: usize| !gap(k).is_empty() && gap(k).chars().all(char::is_whitespace);
    let dotted = |k: usize| gap(k) == "." || spaced(k);

    let with = usize::from(word(0) == "با" && spaced(0));
    let liability = word(with);
    let liability = liability
        .strip_prefix("با")
        .filter(|_| with == 0)
        .unwrap_or(liability);
    if is_liability(liability) && spaced(with) && word(with + 1) == "محدود" {
        return with + 2;
    }
    if liability.strip_suffix("محدود").is_some_and(is_liability) {
        return with + 1;
    }
    match (word(0), word(1)) {
        ("سهامیخاص" | "سهامیعام", _) => 1,
        ("سهامی", "خاص" | "عام") if spaced(0) => 2,
        ("م", "م") | ("س", "خ" | "ع") if dotted(0) => 2,
        _ => 0,
    }
}

/// «مسئولیت», «مسولیت», «مسوولیت».
fn is_liability(word: &str) -> bool {
    let inner = word.strip_prefix("مس").and_then(|rest| rest.strip_suffix("لیت"));
    inner.is_some_and(|inner| inner.chars().all(|c| matches!(c, 'ی' | 'و')))
}
