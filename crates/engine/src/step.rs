//! What a decision asks for: one step, which the executor takes before it asks again.

use std::time::Duration;

use domain::company::Company;
use domain::customer::Customer;
use domain::document::Difference;
use domain::entity::EntityRef;
use domain::in_flight::{Create, Issue, Update};
use domain::matching::{Form, Profile};
use domain::message::Message;
use domain::ports::{MatchKeys, PortError};
use domain::side::Side;
use domain::store::{Awaited, Withheld};

/// The next step of a run.
#[derive(Debug)]
pub enum Step {
    /// Read that side's record afresh.
    Read(Side),
    /// Read the document afresh.
    ReadDocument,
    /// Ask that side whether it has this record.
    Ask(Side, String),
    /// Ask the store for the columns whose values are as they come back from a save.
    Columns,
    /// Ask the store whose this record is.
    Owner(Side, String),
    /// Look for the customer there by these keys.
    Search(Side, MatchKeys),
    /// Ask the index who holds these forms.
    Count(Vec<Form>),
    /// Gather whom the customer of that profile may be: from the index, and live by these keys.
    Gather(Box<Profile>, MatchKeys),
    /// Find out who holds the value for whose sake that side refused a save.
    Holders(Side),
    /// Reserve these keys, all or none.
    Reserve(Vec<String>),
    /// Ask the polls between which looks finance changed.
    Narrow,
    /// Ask the store how a document's customer stands.
    Standing(EntityRef),
    /// Write down that this customer is to be synced, too: a document's, or whoever wants the value that this one has.
    Enqueue(EntityRef),
    /// Make that record ours, before anything is written to it.
    Link {
        /// Its side.
        side: Side,
        /// Its id.
        id: String,
        /// It is known to be ours: a half of it that waits for a human is taken over, too.
        takes_over: bool,
        /// What is told of it.
        told: Message,
    },
    /// It belongs to that company, which is served here: its engine goes on, from the beginning.
    OfCompany(Company),
    /// Send something: the intent is committed first.
    Write(Box<Sending>),
    /// The run is over.
    End(Ending),
}

/// What is sent.
#[derive(Debug)]
pub enum Sending {
    /// A customer is created.
    Create(Create, Customer),
    /// A customer is saved: what was read last of that side, with these values.
    Update(Update),
    /// A document is issued.
    Issue(Box<Issue>),
    /// The pre-invoice's number is written into the CRM's document.
    Note(String),
}

/// How a run ends.
#[derive(Debug)]
pub enum Ending {
    /// Both sides are in step, but for what is held.
    InStep,
    /// The record does not exist on that side.
    Gone(Side),
    /// It would have to be created on that side, and nothing is carried there.
    Off(Side),
    /// A human must say.
    Conflict(Message),
    /// Something must be waited for; not counted as a try.
    Wait(Message, Duration),
    /// An outside call failed.
    Failed(Side, PortError),
    /// Another record holds a value of this one.
    Taken {
        /// Whose it is, and what the system says.
        why: Message,
        /// What is to be free for it to go on.
        withheld: Vec<Withheld>,
        /// Each of the two wants the other's: a human must say.
        in_exchange: bool,
    },
    /// A document stands in finance as it should.
    Issued,
    /// Nothing is to be done about a document; says why.
    Skip(Message),
    /// A document can't be issued as it is: its author must mend it.
    Invalid(Vec<Message>),
    /// A document waits for another of its order.
    Dependency(Message),
    /// A document waits for its customer.
    Awaits(Message, Awaited),
    /// A document may have been issued, and only a human can tell.
    Unknown(Message),
    /// A document was changed after it was issued.
    Changed(Vec<Difference>),
}
