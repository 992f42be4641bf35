//! The way through the pages of a search that is ordered by `ModifyDate`: by value, not by page number. A row that is
//! edited while pages are read moves to the end, and shifts nothing that has not been read.
//!
//! Pure: it never asks for a page.

/// Where to go on reading: from this value of `ModifyDate` on, by the server's own clock and in its own text,
/// so that it may be stored as it is and no zone can shift it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Position {
    /// Local date and time of the CRM.
    pub(crate) value: String,
    /// The page (from 1) among the rows from that value on; above 1 only where more rows than a page holds bear
    /// the very same value.
    pub(crate) page: u32,
}

impl Position {
    /// The beginning of the rows that bear this value of `ModifyDate`.
    pub(crate) fn from_value(value: impl Into<String>) -> Self {
        Self {
            value: value.into(),
            page: 1,
        }
    }
}

/// Before every CRM was there.
const BEGINNING: &str = "2000-01-01T00:00:00.000";
/// A page with fewer rows is the last one, whatever the server does.
const SMALLEST_PAGE: usize = 10;
/// So many pages in a row that bring nothing new end a walk.
const STALE_PAGES: u32 = 3;

/// A walk over all pages from a position on, also where the server shows less on a page than it was asked for.
#[derive(Debug, Clone)]
pub(crate) struct Walk {
    position: Position,
    /// The most rows that a page has held.
    size: usize,
    stale: u32,
}

impl Walk {
    /// A walk that begins there.
    pub(crate) fn from(position: Position) -> Self {
        Self {
            position,
            size: SMALLEST_PAGE,
            stale: 0,
        }
    }

    /// A walk over everything.
    pub(crate) fn over_all() -> Self {
        Self::from(Position::from_value(BEGINNING))
    }

    /// The page that comes next.
    pub(crate) fn position(&self) -> &Position {
        &self.position
    }

    /// Goes on after a page of so many rows, of which so many were not seen before; `false` when it was the last.
    pub(crate) fn goes_on(&mut self, rows: usize, fresh: usize, newest: Option<String>) -> bool {
        self.stale = if fresh == 0 { self.stale + 1 } else { 0 };
        match newest {
            Some(newest) if newest != self.position.value && self.stale == 0 => {
                self.position = Position::from_value(newest);
            }
            _ => self.position.page += 1,
        }
        self.size = self.size.max(rows);
        rows >= self.size && self.stale < STALE_PAGES
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(value: &str, page: u32) -> Position {
        Position {
            value: value.to_owned(),
            page,
        }
    }

    fn newest(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_page_goes_on_from_its_newest_value_and_by_number_within_one_value() {
        let mut walk = Walk::from(Position::from_value("a"));
        assert!(walk.goes_on(200, 200, newest("b")));
        assert_eq!(walk.position(), &at("b", 1));
        assert!(walk.goes_on(200, 199, newest("b")));
        assert_eq!(walk.position(), &at("b", 2));
        assert!(walk.goes_on(200, 200, newest("c")));
        assert_eq!(walk.position(), &at("c", 1));
        assert!(!walk.goes_on(7, 6, newest("c")));
    }

    #[test]
    fn a_server_that_shows_less_than_was_asked_for_is_read_to_its_end() {
        let mut walk = Walk::over_all();
        assert!(walk.goes_on(50, 50, newest("b")));
        assert!(walk.goes_on(50, 49, newest("c")));
        assert!(!walk.goes_on(49, 48, newest("d")));
        assert!(!Walk::over_all().goes_on(9, 9, newest("b")), "the only page");
    }

    #[test]
    fn pages_that_bring_nothing_new_end_it() {
        let mut walk = Walk::over_all();
        assert!(walk.goes_on(50, 50, newest("b")));
        assert!(walk.goes_on(50, 0, newest("b")));
        assert_eq!(walk.position(), &at("b", 2));
        // A value that shows nothing new is no step forward.
        assert!(walk.goes_on(50, 0, newest("c")));
        assert_eq!(walk.position(), &at("b", 3));
        assert!(!walk.goes_on(50, 0, newest("c")));
    }
}
