//! What a run has observed so far, and what is known of the entity by now.
//!
//! [`Seen`] is what the executor fills in by looking; [`Known`] is what a decision makes of it. Everything of `Known` is
//! committed before the next write is sent, and at the end; nothing of `Seen` is needed after a kill.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use domain::change::Change;
use domain::company::Company;
use domain::customer::{Customer, Field};
use domain::document::{DocumentSnapshot, Issued};
use domain::in_flight::{InFlight, Sent, Write};
use domain::link::{Link, LinkState};
use domain::matching::{Form, Profile, Tally};
use domain::merge::{Merge, Times};
use domain::message::Message;
use domain::ports::{MatchKeys, PortError, SetAside, Snapshot};
use domain::side::Side;
use domain::store::{Holder, LastRun, Ruling};

use crate::customer::ours::Which;

/// One look at a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Sight<T> {
    /// Not looked at, or not since it was written.
    Unread,
    /// It was not there.
    Absent,
    /// It was there.
    Here {
        /// What it held.
        record: T,
        /// When the read began.
        at: DateTime<Utc>,
    },
}

impl<T> Sight<T> {
    /// What it held.
    pub fn record(&self) -> Option<&T> {
        match self {
            Self::Here { record, .. } => Some(record),
            _ => None,
        }
    }

    /// When it was read.
    pub fn at(&self) -> Option<DateTime<Utc>> {
        match self {
            Self::Here { at, .. } => Some(*at),
            _ => None,
        }
    }
}

/// What the executor has observed.
#[derive(Debug)]
pub struct Seen {
    /// The time of this decision, by the store's clock.
    pub now: DateTime<Utc>,
    /// The side that was heard.
    pub source: Side,
    /// The link as it was claimed.
    pub claimed: Link,
    /// When the claim began.
    pub claimed_at: DateTime<Utc>,
    /// What an operator has ruled with the row.
    pub ruling: Option<Ruling>,
    /// When a change of finance was first heard of that nobody has looked at yet.
    pub finance_heard_at: Option<DateTime<Utc>>,
    /// Both sides of a customer.
    pub customers: [Sight<Snapshot>; 2],
    /// The side that was asked last and has been left alone since: what was read of it is as fresh as it can be.
    pub fresh: Option<Side>,
    /// What was sent last and answered, and is to be read back.
    pub answered: Option<Write>,
    /// Sides that this run has written, and why that failed.
    pub written: [bool; 2],
    /// What kept a side from being written, where that is no reason to keep the other one waiting.
    pub refused: [Option<Refusal>; 2],
    /// The columns whose values are as they come back from a save.
    pub columns: Option<BTreeSet<(Side, Field)>>,
    /// What kept a side from being written for another record's sake.
    pub taken: [Option<Taken>; 2],
    /// What polls tell of when finance changed.
    pub narrowed: Option<Times>,
    /// Whether these records are there.
    pub asked: BTreeMap<(Side, String), bool>,
    /// Those of them whose name is nobody's.
    pub nobodys: BTreeSet<(Side, String)>,
    /// Of the CRM's customers among them, those that belong to a company that is not served.
    pub unserved: BTreeMap<String, Company>,
    /// Those of them that are another than when an operator ruled of them, and their names.
    pub replaced: BTreeMap<(Side, String), String>,
    /// Whose these records are.
    pub owners: BTreeMap<(Side, String), Option<Link>>,
    /// Whether the keys of a first meeting are ours; `Some(Some(…))`: who has one of them.
    pub reserved: Option<Option<Holder>>,
    /// Who else holds what the customer that is met holds.
    pub holders: Option<Tally>,
    /// Whom it may be.
    pub gathered: Option<Gathered>,
    /// Whether that side's record was heard to be gone.
    pub gone_heard: [bool; 2],
    /// Since when no look has shown that side's record.
    pub not_shown_since: [Option<DateTime<Utc>>; 2],
    /// The last search.
    pub searched: Option<Searched>,
    /// What that search showed and could not be read.
    pub aside: Vec<SetAside>,
    /// A record that could not be made ours, and whose it is.
    pub not_linked: Option<(Side, String, bool, Option<Link>)>,
    /// The document.
    pub document: Sight<DocumentSnapshot>,
    /// The contact that it is to be issued to.
    pub contact: Sight<Snapshot>,
    /// How the document's customer stands in the store.
    pub standing: Option<(Option<Link>, Option<LastRun>)>,
    /// Whether its customer's row is new.
    pub enqueued: Option<bool>,
    /// What finance answered in this run.
    pub issued: Option<Issued>,
    /// The number was written into the CRM's document in this run, which had been read so.
    pub noted: Option<DocumentSnapshot>,
}

/// A search and its answer.
#[derive(Debug, Clone)]
pub struct Searched {
    /// The keys.
    pub by: MatchKeys,
    /// What they found.
    pub records: Vec<Snapshot>,
    /// When the search began: what came after that was not looked for.
    pub at: DateTime<Utc>,
}

/// A record that a customer that is met may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// Its id.
    pub id: String,
    /// Its normal forms.
    pub profile: Profile,
    /// Whether it is linked already.
    pub linked: bool,
    /// It was read in this run; else it stands so in the index.
    pub live: bool,
}

/// Whom a customer that is met may be.
#[derive(Debug, Clone, Default)]
pub struct Gathered {
    /// Who holds the values of all of them.
    pub holders: Tally,
    /// Records of the other side.
    pub candidates: Vec<Near>,
    /// Further records of its own side that the best of them may be.
    pub rivals: Vec<Near>,
    /// All that are there by its keys, candidates or not.
    pub there: BTreeSet<String>,
    /// Why the other side does not show all that it finds.
    pub incomplete: Option<String>,
}

/// What kept a side from being written.
#[derive(Debug, Clone)]
pub enum Refusal {
    /// Its own word.
    Port(PortError),
    /// A human must look first.
    Conflict(Message),
}

/// A save that was refused since another record has one of its values.
#[derive(Debug, Clone)]
pub struct Taken {
    /// The system's words.
    pub words: String,
    /// The fields that it may be about.
    pub about: Vec<Field>,
    /// What was sent in them, and whether that was asked for; else it stood there before.
    pub sent: BTreeMap<Field, (String, bool)>,
    /// Which of those are nobody's (a placeholder, no number at all): by such a value no holder can be found, and who bears it
    /// is told from others by all else. Known when the holders are.
    pub nobodys: BTreeSet<Field>,
    /// Who holds one of those values there; `None`: not looked for yet.
    pub holders: Option<Vec<TakenBy>>,
    /// A save without the value was refused, too.
    pub again: bool,
}

impl Taken {
    /// As the system's port has said it.
    #[must_use]
    pub fn error(&self) -> PortError {
        PortError::Taken {
            fields: self.about.clone(),
            words: self.words.clone(),
        }
    }
}

/// Who holds a value that was refused.
#[derive(Debug, Clone)]
pub struct TakenBy {
    /// Who it is, as read in this run.
    pub near: Near,
    /// Its name, as it stands there.
    pub name: String,
    /// Which of the values it holds, and how the index keeps them.
    pub fields: BTreeMap<Field, Vec<Form>>,
    /// An operator has said that it is another customer.
    pub separate: bool,
    /// The record that it is linked with.
    pub counterpart: Counterpart,
}

/// The record of the side that was heard with which the holder of a value is linked.
#[derive(Debug, Clone)]
pub enum Counterpart {
    /// There is none.
    None,
    /// It was deleted, or merged into another.
    Gone(String),
    /// It is there.
    Here {
        /// Its id.
        id: String,
        /// What it holds.
        customer: Box<Customer>,
        /// Its link waits for a human.
        waits: bool,
    },
}

impl Seen {
    /// Before anything was looked at.
    #[must_use]
    pub fn nothing(source: Side, claimed: Link, now: DateTime<Utc>) -> Self {
        Self {
            now,
            source,
            claimed,
            claimed_at: now,
            ruling: None,
            finance_heard_at: None,
            customers: [Sight::Unread, Sight::Unread],
            fresh: None,
            answered: None,
            written: [false, false],
            refused: [None, None],
            columns: None,
            taken: [None, None],
            narrowed: None,
            asked: BTreeMap::new(),
            nobodys: BTreeSet::new(),
            unserved: BTreeMap::new(),
            replaced: BTreeMap::new(),
            owners: BTreeMap::new(),
            reserved: None,
            holders: None,
            gathered: None,
            gone_heard: [false, false],
            not_shown_since: [None, None],
            searched: None,
            aside: Vec::new(),
            not_linked: None,
            document: Sight::Unread,
            contact: Sight::Unread,
            standing: None,
            enqueued: None,
            issued: None,
            noted: None,
        }
    }

    /// A save into that side, of these fields, was refused for another record's sake, and the refusal may be about these.
    pub fn note_taken(&mut self, side: Side, words: &str, about: &[Field], fields: &BTreeMap<Field, Sent>) {
        let taken = &mut self.taken[side as usize];
        if let Some(taken) = taken {
            taken.again = true;
            return;
        }
        let sent = about.iter().filter_map(|field| {
            let sent = fields.get(field).filter(|sent| !sent.leaves.is_empty())?;
            Some((*field, (sent.leaves.clone(), sent.written)))
        });
        *taken = Some(Taken {
            words: words.to_owned(),
            about: about.to_vec(),
            sent: sent.collect(),
            nobodys: BTreeSet::new(),
            holders: None,
            again: false,
        });
    }

    /// What was seen of that side.
    #[must_use]
    pub fn sight(&self, side: Side) -> &Sight<Snapshot> {
        &self.customers[side as usize]
    }

    /// What that side held.
    #[must_use]
    pub fn snapshot(&self, side: Side) -> Option<&Snapshot> {
        self.sight(side).record()
    }

    /// The same in canonical terms.
    #[must_use]
    pub fn customer(&self, side: Side) -> Option<&Customer> {
        self.snapshot(side).map(|snapshot| &snapshot.customer)
    }
}

/// What is known of the entity by now.
#[derive(Debug, Clone)]
pub struct Known {
    /// The link.
    pub link: Link,
    /// What was sent and is confirmed by now. Its changes are told by the commit, and stored with each intent until then.
    pub confirmed: Vec<Write>,
    /// Saves of earlier runs that were seen to have landed.
    pub landed: BTreeSet<Which>,
    /// What the commit tells of them.
    pub told: Vec<Change>,
    /// What was sent and neither answered nor seen: it may have written over these values.
    pub unseen: Vec<Change>,
    /// What was held for a human when the run ended.
    pub held: Merge,
    /// What was linked, created, said or issued.
    pub done: Vec<Message>,
    /// Something was seen that this run does not carry over.
    pub look_again: bool,
    /// Another record stands under one of the two ids, or the two are of two companies: nothing was judged by what they hold.
    pub unjudged: bool,
}

impl Known {
    /// As the link says.
    #[must_use]
    pub fn of(link: Link) -> Self {
        Self {
            link,
            confirmed: Vec::new(),
            landed: BTreeSet::new(),
            told: Vec::new(),
            unseen: Vec::new(),
            held: Merge::default(),
            done: Vec::new(),
            look_again: false,
            unjudged: false,
        }
    }

    /// What the store is to hold as on its way: also what is confirmed by now, until the commit has told of it.
    #[must_use]
    pub fn on_its_way(&self) -> InFlight {
        InFlight(
            self.confirmed
                .iter()
                .chain(&self.link.in_flight)
                .cloned()
                .collect(),
        )
    }

    /// These writes are confirmed: they land no more.
    pub(crate) fn confirm(&mut self, which: impl Fn(&Write) -> bool) {
        let all = std::mem::take(&mut self.link.in_flight.0);
        let (confirmed, out): (Vec<_>, Vec<_>) = all.into_iter().partition(which);
        self.link.in_flight.0 = out;
        self.confirmed.extend(confirmed);
    }

    /// Takes down what was done, once.
    pub fn has_done(&mut self, message: Message) {
        if !self.done.contains(&message) {
            self.done.push(message);
        }
    }

    /// Whether the link was closed when it was claimed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.link.state == LinkState::Closed
    }
}
