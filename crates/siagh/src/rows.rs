//! The answer of `GetAll`, row by row as it arrives.
//!
//! All contacts of a large installation never stand in memory at once, and `Password`, `img` and `Picture` never
//! get further than here: they are skipped while a row is read.

use domain::message::{Code, Message};
use domain::ports::SetAside;
use outside::record::{self, Broken};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, Visitor};
use serde_json::{Map, Value};

use crate::wire::{flag, plain};

/// Columns that are never kept.
const NEVER_KEPT: [&str; 3] = ["Password", "img", "Picture"];

/// A row is a contact; one of this size is none.
const LARGEST_ROW: usize = 32 << 20;

/// One row, without the columns that are never kept.
#[derive(Debug, Clone, Default)]
pub(crate) struct Row(pub(crate) Map<String, Value>);

impl Row {
    /// A column, by its name in any case; `None` when the read does not show it.
    pub(crate) fn column(&self, name: &str) -> Option<&Value> {
        let other_case = || {
            self.0
                .iter()
                .find(|(key, _)| key.eq_ignore_ascii_case(name))
                .map(|(_, value)| value)
        };
        self.0.get(name).or_else(other_case)
    }

    /// A column as text, empty when there is none.
    pub(crate) fn text(&self, name: &str) -> String {
        self.column(name).map_or(String::new(), plain)
    }

    /// Some columns of a row that can't be read as a whole.
    fn in_part(mut shown: Map<String, Value>) -> Self {
        shown.retain(|name, _| !is_never_kept(name));
        Self(shown)
    }

    /// The key.
    pub(crate) fn code(&self) -> Option<i64> {
        self.text("Code").trim().parse().ok()
    }

    /// One of the finance system's own users, no customer.
    pub(crate) fn is_admin_user(&self) -> bool {
        flag(self.column("IsAdminUser")).unwrap_or(false)
    }
}

/// A row that can't be read as a contact.
#[derive(Debug, Clone)]
pub(crate) struct Odd {
    /// What of it could be read.
    pub(crate) shown: Row,
    /// Why the whole can't be.
    pub(crate) why: Message,
}

impl From<Odd> for SetAside {
    fn from(odd: Odd) -> Self {
        let code = odd.shown.code();
        Self {
            id: code.map_or_else(String::new, |code| code.to_string()),
            why: odd.why,
        }
    }
}

fn is_never_kept(name: &str) -> bool {
    NEVER_KEPT
        .iter()
        .any(|never| name.trim().eq_ignore_ascii_case(never))
}

impl<'de> Deserialize<'de> for Row {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Columns;
        impl<'de> Visitor<'de> for Columns {
            type Value = Row;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a contact")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Row, A::Error> {
                let mut row = Map::new();
                while let Some(name) = map.next_key::<String>()? {
                    if is_never_kept(&name) {
                        map.next_value::<IgnoredAny>()?;
                    } else {
                        row.insert(name, map.next_value()?);
                    }
                }
                Ok(Row(row))
            }
        }
        deserializer.deserialize_map(Columns)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum At {
    Start,
    /// Before a row; `true` when a comma demands one.
    Before(bool),
    Row,
    /// In something that is neither an object nor a list nor a text.
    Bare,
    After,
    End,
}

/// Splits a JSON array of objects into its rows, however the pieces of the answer fall.
pub(crate) struct Splitter {
    at: At,
    row: Vec<u8>,
    depth: u32,
    in_text: bool,
    escaped: bool,
    /// The row is larger than any contact: it is passed over.
    too_large: bool,
}

impl Splitter {
    pub(crate) fn new() -> Self {
        Self {
            at: At::Start,
            row: Vec::new(),
            depth: 0,
            in_text: false,
            escaped: false,
            too_large: false,
        }
    }

    /// Takes the next piece and hands over the rows that it completes: one that can't be read stops none of the others.
    ///
    /// # Errors
    /// Why the answer is no list; never quotes a value.
    pub(crate) fn feed(
        &mut self,
        piece: &[u8],
        mut on_row: impl FnMut(Result<Row, Odd>),
    ) -> Result<(), String> {
        for &byte in piece {
            match (self.at, byte) {
                (At::Row, _) => {
                    if self.in_row(byte) {
                        on_row(self.parsed());
                    }
                }
                (At::Bare, b' ' | b'\t' | b'\r' | b'\n' | b',' | b']') => {
                    on_row(self.parsed());
                    self.at = match byte {
                        b',' => At::Before(true),
                        b']' => At::End,
                        _ => At::After,
                    };
                }
                (At::Bare, _) => self.keep(byte),
                (_, b' ' | b'\t' | b'\r' | b'\n') | (At::Start, 0xef | 0xbb | 0xbf) => {}
                (At::Start, b'[') => self.at = At::Before(false),
                (At::Before(_), b'{' | b'[' | b'"') => {
                    self.at = At::Row;
                    self.in_row(byte);
                }
                // `null`, `true`, a number.
                (At::Before(_), b'-' | b'0'..=b'9' | b'a'..=b'z') => {
                    self.at = At::Bare;
                    self.keep(byte);
                }
                (At::Before(false) | At::After, b']') => self.at = At::End,
                (At::After, b',') => self.at = At::Before(true),
                _ => return Err("it is no list of contacts".to_owned()),
            }
        }
        Ok(())
    }

    /// Says that the answer has ended.
    ///
    /// # Errors
    /// When the list had not: a part must never pass for the whole.
    pub(crate) fn finish(&self) -> Result<(), String> {
        if self.at == At::End {
            Ok(())
        } else {
            Err("it ends in the middle".to_owned())
        }
    }

    /// Takes a byte of a row; `true` when it was the last.
    fn in_row(&mut self, byte: u8) -> bool {
        self.keep(byte);
        if self.in_text {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' => self.escaped = true,
                b'"' => self.in_text = false,
                _ => {}
            }
            return self.depth == 0 && !self.in_text;
        }
        match byte {
            b'"' => self.in_text = true,
            b'{' | b'[' => self.depth += 1,
            b'}' | b']' => self.depth = self.depth.saturating_sub(1),
            _ => {}
        }
        self.depth == 0 && !self.in_text
    }

    fn keep(&mut self, byte: u8) {
        if self.row.len() >= LARGEST_ROW {
            self.too_large = true;
            self.row = Vec::new();
        }
        if !self.too_large {
            self.row.push(byte);
        }
    }

    fn parsed(&mut self) -> Result<Row, Odd> {
        self.at = At::After;
        let row = match std::mem::take(&mut self.too_large) {
            true => Err(Odd {
                shown: Row::default(),
                why: Message::new(Code::AsideTooLarge).with("mib", LARGEST_ROW >> 20),
            }),
            false => record::object(&record::text(&self.row)).map_err(|Broken { shown, why }| Odd {
                shown: Row::in_part(shown),
                why,
            }),
        };
        self.row.clear();
        row
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn all(pieces: &[&[u8]]) -> Result<Vec<Result<Row, Odd>>, String> {
        let mut splitter = Splitter::new();
        let mut rows = Vec::new();
        for piece in pieces {
            splitter.feed(piece, |row| rows.push(row))?;
        }
        splitter.finish().map(|()| rows)
    }

    fn split(pieces: &[&[u8]]) -> Result<Vec<Row>, String> {
        all(pieces).map(|rows| rows.into_iter().map(Result::unwrap).collect())
    }

    #[test]
    fn case_10_a_row_that_cant_be_read_stops_none_of_the_others() {
        let deep = format!(
            r#"{{"Code":8,"img":"i","x":{}{}}}"#,
            "[".repeat(200),
            "]".repeat(200)
        );
        let answer = [
            &br#"[{"Code":1},{"Code":2,"Name":"a\ud83d"},{"Code":3,"Name":"b\u0000"},"#[..],
            b"{\"Code\":4,\"Name\":\"\xff\",\"Password\":\"p\"},{\"Code\":5,\"Name\":},",
            b"null , 7,\"a,]\",[{}],-1.5e3,true,",
            deep.as_bytes(),
            br#",{"Code":9}]"#,
        ];
        for size in [1, 7, 10_000] {
            let answer = answer.concat();
            let pieces: Vec<&[u8]> = answer.chunks(size).collect();
            let rows = all(&pieces).unwrap();
            let good: Vec<_> = rows
                .iter()
                .flatten()
                .map(|row| (row.code(), row.text("Name")))
                .collect();
            let text = |text: &str| text.to_owned();
            assert_eq!(
                good,
                [
                    (Some(1), text("")),
                    (Some(2), text("a")),
                    (Some(3), text("b")),
                    (Some(9), text(""))
                ]
            );
            let odd: Vec<SetAside> = rows
                .into_iter()
                .filter_map(Result::err)
                .map(SetAside::from)
                .collect();
            let ids: Vec<&str> = odd.iter().map(|odd| odd.id.as_str()).collect();
            assert_eq!(ids, ["4", "", "", "", "", "", "", "", "8"]);
            assert_eq!(odd[1].why.code, Code::AsideNoJson);
            assert_eq!(odd[2].why.code, Code::AsideNoObject);
            assert!(
                odd[0].why.english().contains("its Name can't be read"),
                "{}",
                odd[0]
            );
        }
    }

    #[test]
    fn secrets_and_pictures_are_never_kept() {
        let rows =
            split(&[br#"[{"Code":1,"Password":"p","IMG":"i","Picture":{"a":[1]},"Name":"n"}]"#]).unwrap();
        assert_eq!(rows[0].0.keys().collect::<Vec<_>>(), ["Code", "Name"]);
    }

    #[test]
    fn what_is_no_whole_list_is_an_error() {
        for text in [
            "", "[", "{}", "null", "[{}", "[{},]", "[{}}", "[1", "[1 2]", "[\"a]", "[<html>]", "[{}] x",
            "<html>", "[]]",
        ] {
            assert!(split(&[text.as_bytes()]).is_err(), "{text}");
        }
        assert!(split(&["\u{feff} [ ] \r\n".as_bytes()]).unwrap().is_empty());
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(texts in proptest::collection::vec("\\PC{0,12}|[\\\\\"{}\\[\\],|]{0,6}", 0..6), size in 1_usize..9) {
            let rows: Vec<Value> = texts.iter().enumerate().map(|(code, text)| serde_json::json!({"Code": code, "x": {"y": [text]}})).collect();
            let answer = serde_json::to_vec(&rows).unwrap();
            let pieces: Vec<&[u8]> = answer.chunks(size).collect();
            let found: Vec<Value> = split(&pieces).unwrap().into_iter().map(|row| Value::Object(row.0)).collect();
            prop_assert_eq!(found, rows);
        }
    }
}
