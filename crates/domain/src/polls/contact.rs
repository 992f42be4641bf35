//! Contacts of finance, and links, as pollers know them between two looks.

use chrono::{DateTime, Utc};

use super::{Fingerprint, checksum};
use crate::base::Base;
use crate::company::Company;
use crate::customer::{Customer, Field, Kind};
use crate::index::{Held, Sighting};
use crate::matching::{Numbering, Profile};
use crate::side::Side;
use crate::store::LinkState;
use crate::text::normal;

/// A contact whose state in finance differs from what was last seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactNow {
    /// Its code.
    pub code: String,
    /// [`checksum`] of what it holds.
    pub checksum: String,
    /// The counter, grown.
    pub changes: i64,
    /// Person or organization.
    pub kind: Kind,
    /// The keys of a first meeting in normal form: mobile, national id, e-mail, customer number. For services of the
    /// version before.
    pub keys: [Option<String>; 4],
    /// Its normal forms.
    pub profile: Profile,
    /// Checksums of states that looks have seen and that were written over, the last few of them, the newest last.
    pub overwritten: Vec<String>,
}

/// So many states that were written over are remembered of each contact.
const OVERWRITTEN: usize = 8;

impl ContactNow {
    /// Of what was read.
    #[must_use]
    pub fn new(code: String, customer: &Customer, changes: i64) -> Self {
        // How customer numbers are read is of no matter: finance shows codes.
        let numbering = Numbering::of_one(Company::default(), 0);
        let profile = Profile::of_record(&code, customer, Side::Finance, numbering);
        let key = |field| Some(normal(field, customer.get(field))).filter(|key| !key.is_empty());
        Self {
            code,
            checksum: checksum(customer),
            changes,
            kind: customer.kind,
            keys: [
                key(Field::Mobile),
                key(Field::NationalId),
                key(Field::Email),
                key(Field::CustomerNumber),
            ],
            profile,
            overwritten: Vec::new(),
        }
    }

    /// Remembers what was written over before it looked so the last time, and how that was, if it looks otherwise now.
    pub fn remember(&mut self, before: &[String], last: &str) {
        let mut all: Vec<String> = before.to_vec();
        if last != self.checksum && !all.iter().any(|known| known == last) {
            all.push(last.to_owned());
        }
        self.overwritten = all.split_off(all.len().saturating_sub(OVERWRITTEN));
    }

    /// For the index, of a read of that company's contacts that began then.
    #[must_use]
    pub fn sighting(&self, company: Company, read_at: DateTime<Utc>) -> Sighting {
        Sighting {
            side: Side::Finance,
            company,
            id: self.code.clone(),
            read_at,
            held: Some(Held {
                checksum: self.checksum.clone(),
                profile: self.profile.clone(),
            }),
        }
    }
}

/// What is known of a contact between two looks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactSeen {
    /// Its checksum.
    pub checksum: String,
    /// The counter.
    pub changes: i64,
    /// It was not in the last complete answer.
    pub gone: bool,
    /// Since when the index takes it for gone: it was missing twice, or not shown when it was asked for.
    pub gone_since: Option<DateTime<Utc>>,
    /// [`ContactNow::overwritten`].
    pub overwritten: Vec<String>,
    /// The index holds its normal forms, as it was last seen.
    pub indexed: bool,
}

/// When a contact came to its present state, as far as looks can tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContactTimes {
    /// [`checksum`] of that state.
    pub checksum: String,
    /// The end of the look that first saw it so: the change came before.
    pub seen_at: DateTime<Utc>,
    /// The beginning of the last complete look that still saw it otherwise: the change came after.
    pub look_before: Option<DateTime<Utc>>,
}

/// A linked record, for telling echoes.
#[derive(Debug, Clone, PartialEq)]
pub struct Linked {
    /// What each side was last known to hold.
    pub base: Option<Base>,
    /// Where the link stands.
    pub state: LinkState,
}

impl Linked {
    /// Whether what a poll sees on `side` is no news: as that side was last known to be. Where a field waits for a human,
    /// that may be the very answer: whoever takes an edit back has settled it. What came back altered from a save is known
    /// as it is, and no news while it stays so. Where the link is closed, its record may be the one that was not shown.
    #[must_use]
    pub fn knows(&self, fingerprint: &Fingerprint, side: Side) -> bool {
        self.base.as_ref().is_some_and(|base| {
            let held = self.state == LinkState::Conflict && base.altered.is_empty();
            let closed = self.state == LinkState::Closed;
            !held && !closed && fingerprint.echoes(base, side)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn case_17_what_is_there_is_news_where_its_link_is_closed() {
        let ali = Customer::new(Kind::Person).with(Field::Name, "علی رضایی");
        let mut base = Base::new(Kind::Person);
        for spec in &crate::fields::TABLE {
            base.agree(spec.field, ali.get(spec.field), ali.get(spec.field));
        }
        let linked = |state| Linked {
            base: Some(base.clone()),
            state,
        };
        let seen = Fingerprint::of(&ali);
        assert!(linked(LinkState::Active).knows(&seen, Side::Finance));
        assert!(!linked(LinkState::Closed).knows(&seen, Side::Finance));
    }
}
