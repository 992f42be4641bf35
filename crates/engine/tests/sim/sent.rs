//! What is sent back and forth: the object as it was read, and each write of the engine until it is over.

use chrono::{DateTime, Utc};
use domain::customer::{Field, Values};
use domain::ports::Side;
use domain::text::same;

use crate::manner::Manner;
use crate::sched::Time;

/// The object as it was read, which a save sends back.
#[derive(Debug, Clone)]
pub struct Whole {
    pub values: Values,
    pub extra: String,
    pub read_at: Time,
    /// Which outside call of its process showed it.
    pub call: u64,
}

/// A write of the engine, which may still be on its way.
#[derive(Debug, Clone)]
pub struct Sent {
    /// When that was intended.
    pub at: Time,
    /// By the engine's word.
    pub intended: DateTime<Utc>,
    /// Then it has landed, or never will. The first look after that may still take for it what is there.
    pub until: Time,
    pub side: Side,
    /// Of a create: once it has landed.
    pub record: String,
    pub values: Values,
    /// What was read before, and is sent along.
    pub whole: Values,
    /// Whether it was sent at all, and answered.
    pub left: bool,
    pub answered: bool,
    /// Answered and read back, or refused: it is over with the commit that says so.
    pub seen: bool,
    pub over: bool,
    /// An update: when it replaced the object.
    pub landed: Option<Time>,
    /// A user has typed what it sends before it landed: it looks landed, and what it takes back then looks typed.
    pub masked: bool,
}

impl Sent {
    /// Whether nothing tells a user who types `value` now from this write, or from its never having landed.
    pub fn is_like(&self, manner: Manner, field: Field, value: &str) -> bool {
        let held = |values: &Values| {
            let sent = values.get(&field).map_or("", String::as_str);
            manner.held(self.side, field, sent)
        };
        // A create has no whole object before it. What is sent along comes back to the letter; what is written may come
        // back in other letters.
        !self.over
            && ((!self.whole.is_empty() && held(&self.whole) == value)
                || (self.values.contains_key(&field) && same(field, &held(&self.values), value)))
    }

    /// Whether that is what it writes into the field.
    pub fn sends(&self, manner: Manner, field: Field, value: &str) -> bool {
        let sent = self.values.get(&field);
        let is = |sent: &String| same(field, &manner.held(self.side, field, sent), value);
        !self.over && self.landed.is_none() && sent.is_some_and(is)
    }

    /// What a read after its answer shows.
    pub fn read_back(&mut self, manner: Manner, shown: &Values) {
        let came = |(field, value): (&Field, &String)| {
            let shown = shown.get(field).map_or("", String::as_str);
            *field == Field::CustomerNumber || manner.held(self.side, *field, value) == shown
        };
        self.seen |= self.answered && self.values.iter().all(came);
    }
}
