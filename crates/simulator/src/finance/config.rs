//! Finance's settings.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Which Unicode letters an installation stores for yeh and kaf.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LetterForm {
    /// As they come.
    #[default]
    AsGiven,
    /// `ی`, `ک`.
    Persian,
    /// `ي`, `ك`.
    Arabic,
}

/// What becomes of a character that an installation's code page lacks: emojis, arrows, check marks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CodePage {
    /// It lacks none.
    #[default]
    Whole,
    /// A `?` for each unit of UTF-16.
    Marks,
    /// It is left out.
    Drops,
    /// A column of three-byte UTF-8: the text ends before its first character of four bytes.
    Cuts,
}

/// What is lost, without a word, when a contact is stored.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossyConfig {
    /// Yeh and kaf.
    pub letters: LetterForm,
    /// Persian and Arabic digits become Latin ones.
    pub latin_digits: bool,
    /// Zero-width joiners and non-joiners are dropped.
    pub drop_joiners: bool,
    /// Spaces at both ends are dropped, doubled ones become one.
    pub trim_spaces: bool,
    /// Characters that it has no place for.
    pub code_page: CodePage,
    /// `&amp;` for `&`, and so on.
    pub escapes_html: bool,
    /// Columns that hold numbers: a value that is all digits loses its leading zeros.
    pub numeric: Vec<String>,
    /// Longest value of a column, in UTF-16 units; the rest is cut.
    pub max_lengths: BTreeMap<String, usize>,
}

impl LossyConfig {
    /// Everything at once, Persian letters, `Name` 100, `Address` 250, `Description` 500.
    #[must_use]
    pub fn everything() -> Self {
        let lengths = [("Name", 100), ("Address", 250), ("Description", 500)];
        Self {
            letters: LetterForm::Persian,
            latin_digits: true,
            drop_joiners: true,
            trim_spaces: true,
            code_page: CodePage::Whole,
            escapes_html: false,
            numeric: Vec::new(),
            max_lengths: lengths.map(|(column, length)| (column.to_owned(), length)).into(),
        }
    }
}

/// How a refusal shows in an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefusalShape {
    /// `ReturnValue` false and an `ErrError` entry.
    #[default]
    Both,
    /// Only `ReturnValue` false; the text stands in an `ErrWarning` entry.
    FlagOnly,
    /// Only an `ErrError` entry; `ReturnValue` is true.
    EntryOnly,
}

/// Finance's settings. All can be changed while running.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinanceConfig {
    /// User of the API.
    pub username: String,
    /// Their password, plain.
    pub password: String,
    /// Requests that a session is good for; 0: any number.
    pub session_max_requests: u64,
    /// Life of a session; 0: for ever.
    pub session_seconds: u64,
    /// A login ends all earlier sessions.
    pub single_session: bool,
    /// Fiscal year in the login's answer; 0: the Jalali year of the clock; below: the answer has none.
    pub fiscal_year: i32,
    /// An unfiltered `GetAll` ends after so many contacts, as a list like any other; 0: it shows all.
    pub shows_at_most: usize,
    /// A filter of `GetAll` is not looked at.
    pub ignore_filters: bool,
    /// Columns that `GetAll` does not show.
    pub hidden_columns: Vec<String>,
    /// What is put into an answer of `GetAll`, once it is written as JSON, in the place of these texts: for what no text of
    /// a user can hold (`\\ud83d`, half an emoji), or what breaks a row.
    pub raw_texts: BTreeMap<String, String>,
    /// A save that holds a tag (`<b>`) is answered by the web server, with a page of its own and this status; nothing is
    /// done. 0: it goes through.
    pub refuses_markup_with: u16,
    /// Answers have `tmpid`.
    pub show_tmpid: bool,
    /// Empty columns are left out instead of being null.
    pub omit_nulls: bool,
    /// A cleared text column holds `""` instead of null.
    pub clear_to_empty_text: bool,
    /// `TowardType` and `taraftype` the other way round: true or 1 is a person.
    pub toward_inverted: bool,
    /// An update of a code that does not exist creates a contact with a new code; without it, it
    /// is refused.
    pub unknown_code_creates: bool,
    /// An update creates a second contact and answers its code, however it is written.
    pub updates_create: bool,
    /// Successful saves also carry an `ErrWarning` entry.
    pub warn_on_save: bool,
    /// How refusals show.
    pub refusal_shape: RefusalShape,
    /// `FinalMessages` have Persian digits.
    pub persian_digits: bool,
    /// The first contact's code.
    pub first_code: i64,
    /// The first document's id.
    pub first_document_id: i64,
    /// The first document's number.
    pub first_document_number: i64,
    /// Product codes that finance knows; empty: all but those in `unknown_products`.
    pub products: Vec<String>,
    /// Product codes that finance does not know.
    pub unknown_products: Vec<String>,
    /// What is lost when a contact is stored.
    pub lossy: LossyConfig,
}

impl Default for FinanceConfig {
    fn default() -> Self {
        Self {
            username: "مدیر سیستم".to_owned(),
            password: "finance-password".to_owned(),
            session_max_requests: 0,
            session_seconds: 0,
            single_session: false,
            fiscal_year: 0,
            shows_at_most: 0,
            ignore_filters: false,
            hidden_columns: Vec::new(),
            raw_texts: BTreeMap::new(),
            refuses_markup_with: 0,
            show_tmpid: false,
            omit_nulls: false,
            clear_to_empty_text: false,
            toward_inverted: false,
            unknown_code_creates: false,
            updates_create: false,
            warn_on_save: false,
            refusal_shape: RefusalShape::Both,
            persian_digits: false,
            first_code: 1001,
            first_document_id: 5001,
            first_document_number: 2488,
            products: Vec::new(),
            unknown_products: vec!["999999999".to_owned()],
            lossy: LossyConfig::default(),
        }
    }
}
