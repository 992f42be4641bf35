//! JSON as it comes in, without what no database and no form can hold: NUL, and half of a surrogate pair (half an emoji,
//! cut by a column of UTF-16). Both are taken out where they come in, since a parser refuses the whole text for them.
//!
//! Nothing else is touched: what was a value before is the same value after. A pair that was written as two halves
//! (CESU-8) is put together, and a control character that stands bare in a text is written as an escape.

use std::borrow::Cow;

/// The same JSON, which may be of any encoding close to UTF-8, as a parser takes it.
#[must_use]
pub fn mended(json: &[u8]) -> Cow<'_, [u8]> {
    let suspect = |byte: &u8| *byte < 0x20 || *byte == b'\\' || *byte == CESU;
    if !json.iter().any(suspect) {
        return Cow::Borrowed(json);
    }
    let mut mender = Mender {
        json,
        out: Vec::new(),
        kept: 0,
    };
    mender.walk();
    mender.end()
}

/// The first byte of a surrogate that was written as if it were a letter.
const CESU: u8 = 0xed;

struct Mender<'a> {
    json: &'a [u8],
    out: Vec<u8>,
    /// Up to here all is in `out`.
    kept: usize,
}

impl<'a> Mender<'a> {
    fn walk(&mut self) {
        let (mut at, mut in_text) = (0, false);
        while let Some(byte) = self.json.get(at) {
            at += match byte {
                0 => self.replace(at, 1, b""),
                b'"' => {
                    in_text = !in_text;
                    1
                }
                b'\\' if in_text => self.escape(at),
                &CESU if in_text => self.surrogate(at),
                0x01..0x20 if in_text => {
                    let escape = format!("\\u{byte:04x}");
                    self.replace(at, 1, escape.as_bytes())
                }
                _ => 1,
            };
        }
    }

    /// An escape; says how long it is.
    fn escape(&mut self, at: usize) -> usize {
        match unit(self.json, at) {
            None => 2,
            Some(0) => self.replace(at, 6, b""),
            Some(HIGH_FIRST..=HIGH_LAST) => match unit(self.json, at + 6) {
                Some(LOW_FIRST..=LOW_LAST) => 12,
                _ => self.replace(at, 6, b""),
            },
            Some(LOW_FIRST..=LOW_LAST) => self.replace(at, 6, b""),
            Some(_) => 6,
        }
    }

    /// A surrogate in three bytes, or a letter that begins with the same byte.
    fn surrogate(&mut self, at: usize) -> usize {
        let high = match raw_unit(self.json, at) {
            None => return 1,
            Some(high @ HIGH_FIRST..=HIGH_LAST) => high,
            Some(_) => return self.replace(at, 3, b""),
        };
        let low = raw_unit(self.json, at + 3).filter(|low| (LOW_FIRST..=LOW_LAST).contains(low));
        let letter = low.and_then(|low| char::decode_utf16([high, low]).next()?.ok());
        match letter {
            Some(letter) => self.replace(at, 6, letter.encode_utf8(&mut [0; 4]).as_bytes()),
            None => self.replace(at, 3, b""),
        }
    }

    fn replace(&mut self, at: usize, length: usize, by: &[u8]) -> usize {
        self.out
            .extend_from_slice(self.json.get(self.kept..at).unwrap_or_default());
        self.out.extend_from_slice(by);
        self.kept = at + length;
        length
    }

    fn end(mut self) -> Cow<'a, [u8]> {
        if self.kept == 0 {
            return Cow::Borrowed(self.json);
        }
        self.out
            .extend_from_slice(self.json.get(self.kept..).unwrap_or_default());
        Cow::Owned(self.out)
    }
}

const HIGH_FIRST: u16 = 0xd800;
const HIGH_LAST: u16 = 0xdbff;
const LOW_FIRST: u16 = 0xdc00;
const LOW_LAST: u16 = 0xdfff;

/// The UTF-16 unit that is escaped there (`\u06a9`).
fn unit(json: &[u8], at: usize) -> Option<u16> {
    let digits = json.get(at..at + 6)?.strip_prefix(br"\u")?;
    let digits = std::str::from_utf8(digits).ok()?;
    let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    is_hex.then(|| u16::from_str_radix(digits, 16).ok()).flatten()
}

/// The surrogate that stands there in three bytes.
fn raw_unit(json: &[u8], at: usize) -> Option<u16> {
    match *json.get(at..at + 3)? {
        [CESU, second @ 0xa0..=0xbf, third @ 0x80..=0xbf] => {
            Some(0xd000 | u16::from(second & 0x3f) << 6 | u16::from(third & 0x3f))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(json: &[u8]) -> serde_json::Result<String> {
        serde_json::from_slice(&mended(json))
    }

    #[test]
    fn halves_and_nul_are_taken_out_and_nothing_else() {
        for (json, text) in [
            (&br#""a\ud83db""#[..], "ab"),
            (br#""\ud83d""#, ""),
            (br#""\ude00\ud83d\ude00\ud83d""#, "😀"),
            (br#""\uD83D\uDE00""#, "😀"),
            (br#""a\u0000b""#, "ab"),
            (b"\"a\0b\"", "ab"),
            (br#""\ud83d\u0000\ude00""#, ""),
            (br#""\\ud83d \\\\\u0000 \"\ud83d\"""#, "\\ud83d \\\\ \"\""),
            (b"\"\xed\xa0\xbd\xed\xb8\x80 \xed\xa0\xbd\"", "😀 "),
            ("\"\u{d7ff}\u{e000} کی\"".as_bytes(), "\u{d7ff}\u{e000} کی"),
            (b"\"line\nend\ttab\"", "line\nend\ttab"),
        ] {
            assert_eq!(read(json).unwrap(), text, "{}", String::from_utf8_lossy(json));
        }
    }

    #[test]
    fn what_is_no_json_stays_none() {
        for json in [
            &br#""\ud83"#[..],
            b"\"a",
            br#""\u00"#,
            b"\"\xff\"",
            b"\\",
            b"\"\xed",
            b"{\"a\":}",
        ] {
            assert!(serde_json::from_slice::<serde_json::Value>(&mended(json)).is_err());
        }
    }

    proptest! {
        #[test]
        fn any_text_in_utf_16_is_read_but_for_its_halves(units in prop::collection::vec(prop_oneof![any::<u16>(), 0xd800u16..0xe000, 0u16..3], 0..12)) {
            let json: String = units.iter().map(|unit| format!("\\u{unit:04X}")).collect();
            let whole = char::decode_utf16(units).filter_map(Result::ok).filter(|c| *c != '\0');
            prop_assert_eq!(read(format!("\"{json}\"").as_bytes()).unwrap(), whole.collect::<String>());
        }

        #[test]
        fn what_can_be_held_stays_as_it_is(text in "\\PC{0,20}|[\"\\\\/\n\r\t\u{1}]{0,6}") {
            let json = serde_json::to_vec(&serde_json::json!({ &text: [&text, null] })).unwrap();
            let mended = mended(&json);
            prop_assert_eq!(&*mended, &json[..]);
        }
    }
}
