//! One field of a linked pair: both sides agree, on somebody's last word, and no edit has lost without a word.

use domain::customer::Field;
use domain::ports::Side;
use domain::store::Status;
use domain::text::same;
use uuid::Uuid;

use super::View;
use super::told::Loss;
use crate::manner::Manner;
use crate::people::Edit;
use crate::sched::{SECOND, Time, time_of};
use crate::sent::Sent;
use crate::systems::Record;

/// So long after a value has landed, an edit over it is no competitor of it any more.
const SEEN_AFTER: u64 = 300 * SECOND;

/// Two records that are linked, and the field that is looked at.
pub struct Pair<'a> {
    pub link: Uuid,
    pub field: Field,
    pub manner: Manner,
    pub crm: (&'a str, &'a Record),
    pub finance: (&'a str, &'a Record),
}

/// What was typed into the field, on either side.
struct Typed<'a> {
    on_crm: Vec<&'a Edit>,
    on_finance: Vec<&'a Edit>,
}

impl<'a> Typed<'a> {
    fn all(&self) -> impl Iterator<Item = &&'a Edit> {
        self.on_crm.iter().chain(&self.on_finance)
    }

    /// The last word of each side. Where it was overwritten between a read and its save, what that side says is nobody's.
    fn last_words(&self) -> [Option<&'a Edit>; 2] {
        [&self.on_crm, &self.on_finance].map(|edits| edits.last().copied().filter(|edit| !edit.exempt))
    }
}

impl<'a> Pair<'a> {
    fn value(&self, side: Side) -> &'a str {
        let record = match side {
            Side::Crm => self.crm.1,
            Side::Finance => self.finance.1,
        };
        record.values.get(&self.field).map_or("", String::as_str)
    }

    fn name(&self) -> String {
        format!("{} of {}/{}", self.field, self.crm.0, self.finance.0)
    }

    /// Whether both hold what was typed there.
    fn holds(&self, edit: &Edit) -> bool {
        match edit.side {
            Side::Crm => self.agree(&edit.value, self.value(Side::Finance)),
            Side::Finance => self.agree(self.value(Side::Crm), &edit.value),
        }
    }

    fn alike(&self, a: &str, b: &str) -> bool {
        self.agree(a, b) || self.agree(b, a)
    }

    /// Whether the CRM's value and finance's are the same, as far as finance can hold it.
    fn agree(&self, crm: &str, finance: &str) -> bool {
        self.manner.agree(self.field, crm, finance)
    }

    /// Whether nobody has typed anything, and it is empty, or as it was created.
    fn is_untouched(&self, typed: &Typed<'_>) -> bool {
        let as_born = |record: &Record| record.ours && record.since.get(&self.field) == Some(&record.born);
        let records = [self.crm.1, self.finance.1];
        let empty = same(self.field, self.value(Side::Crm), "");
        typed.all().next().is_none() && (empty || records.into_iter().any(as_born))
    }

    /// Whether what both hold may stand though it is neither side's last word: a last edit was exempt, and it is that, or
    /// what had been typed, or was there, before it.
    fn may_stand(&self, typed: &Typed<'_>) -> bool {
        let here = |value: &str| {
            self.agree(self.value(Side::Crm), value) || self.agree(value, self.value(Side::Finance))
        };
        let last = [typed.on_crm.last(), typed.on_finance.last()]
            .into_iter()
            .flatten();
        let Some(until) = last.filter(|edit| edit.exempt).map(|edit| edit.at).max() else {
            return false;
        };
        let mut earlier = typed.all().filter(|edit| edit.at <= until);
        earlier.any(|edit| here(&edit.value) || here(&edit.before))
    }
}

impl View<'_> {
    /// What does not hold of the field.
    pub fn field(&self, pair: &Pair<'_>) -> Option<String> {
        let (in_crm, in_finance) = (pair.value(Side::Crm), pair.value(Side::Finance));
        if !pair.agree(in_crm, in_finance) {
            let ((c, _), (f, _)) = (pair.crm, pair.finance);
            return Some(format!(
                "{}: {c} holds {in_crm:?}, {f} {in_finance:?}",
                pair.field
            ));
        }
        let of = |side, id: &str| -> Vec<&Edit> {
            let edits = self.all.edits.0.iter().filter(|e| e.field == Some(pair.field));
            // The same number in another spelling is no other word, unless the record was made with it.
            let edits = edits.filter(|e| e.at == e.before_since || !same(pair.field, &e.before, &e.value));
            let edits = edits.filter(|e| e.person == pair.crm.1.person);
            edits.filter(|e| e.side == side && e.record == id).collect()
        };
        let typed = Typed {
            on_crm: of(Side::Crm, pair.crm.0),
            on_finance: of(Side::Finance, pair.finance.0),
        };
        let words = typed.last_words();
        let Some(winner) = words.into_iter().flatten().find(|edit| pair.holds(edit)) else {
            let fine = pair.is_untouched(&typed) || pair.may_stand(&typed) || self.was_ruled(pair, words);
            let [on_crm, on_finance] = words.map(|edit| edit.map(|edit| &edit.value));
            let told = format!(
                "{} is {in_crm:?}; last typed: {on_crm:?} and {on_finance:?}",
                pair.name()
            );
            return (!fine).then_some(told);
        };
        let loser = words[winner.side.other() as usize].filter(|edit| !pair.holds(edit))?;
        if !self.is_excused(pair, &typed, winner, loser) {
            return Some(format!(
                "{}: {:?} lost to {:?} without a word",
                pair.name(),
                loser.value,
                winner.value
            ));
        }
        self.is_the_later(pair, winner, loser).then(|| {
            format!(
                "{}: {:?} was taken back to {:?}",
                pair.name(),
                loser.value,
                winner.value
            )
        })
    }

    /// Whether a human has linked the two: of nothing that they hold then it is known who typed it, nor when, and the
    /// strategy decides, with the losers told. Or he has said which side's value stands, of which the losers tell.
    fn was_ruled(&self, pair: &Pair<'_>, words: [Option<&Edit>; 2]) -> bool {
        let is_it = |(crm, finance): &(String, String)| crm == pair.crm.0 && finance == pair.finance.0;
        let by_hand = self.all.linked_by_hand.iter().any(is_it);
        let told = |edit: &Edit| {
            let mut losses = self.losses.iter();
            losses.any(|loss| loss.is_of(pair.link, edit) && (by_hand || loss.by_hand))
        };
        (by_hand || words.iter().any(Option::is_some)) && words.into_iter().flatten().all(told)
    }

    /// Whether someone saw what has lost and typed over it, or a row tells of it, or nobody can know of it. The row speaks of
    /// a conflict, unless a write of ours was not answered: what was typed then may be the only edit that is known.
    fn is_excused(&self, pair: &Pair<'_>, typed: &Typed<'_>, winner: &Edit, loser: &Edit) -> bool {
        let over = |edit: &&&Edit| edit.side == winner.side && edit.at > loser.at;
        let superseded = typed
            .all()
            .filter(over)
            .any(|edit| pair.alike(&edit.before, &loser.value));
        let agreed = pair.alike(&winner.before, &loser.value) || pair.alike(&loser.before, &winner.value);
        let doubtful = agreed || self.was_unanswered(pair);
        let told = |loss: &Loss| loss.is_of(pair.link, loser) && (doubtful || loss.as_conflict);
        superseded || self.losses.iter().any(told) || self.was_undone(pair, loser)
    }

    /// Whether a write to one of the two, or a create that may have made one of them, was not answered: from its intent on,
    /// nobody but the sender knows whether it was sent. Nor does anyone hear an answer that could not be stored, or that to
    /// what lands after a younger save was sent: its sender has long lost the customer.
    fn was_unanswered(&self, pair: &Pair<'_>) -> bool {
        let to_one = |side: Side, id: &str| match side {
            Side::Crm => id == pair.crm.0,
            Side::Finance => id == pair.finance.0,
        };
        let saves = || self.all.sent.iter();
        let late = |sent: &Sent| {
            let mut younger = saves().filter(|s| s.side == sent.side && s.record == sent.record);
            sent.landed
                .is_some_and(|at| younger.any(|s| s.at > sent.at && s.at < at))
        };
        let mut unheard = saves().filter(|sent| !sent.answered || !sent.over || late(sent));
        unheard.any(|sent| sent.whole.is_empty() || to_one(sent.side, &sent.record))
    }

    /// Whether it took back what the same users had typed just before, of which nothing was carried over.
    fn was_undone(&self, pair: &Pair<'_>, edit: &Edit) -> bool {
        let edits = self.all.edits.of(edit.person, pair.field);
        let mut before = edits.filter(|e| e.side == edit.side && e.record == edit.record);
        let mut next = edit;
        while let Some(earlier) = before.rfind(|e| e.at < next.at) {
            let carried = self.all.sent.iter().any(|sent| {
                let value = sent.values.get(&pair.field);
                // What arrived after it had been taken back is put right again.
                sent.landed.is_some_and(|at| at <= edit.at)
                    && sent.side != edit.side
                    && sent.at >= earlier.at
                    && value.is_some_and(|value| same(pair.field, value, &earlier.value))
            });
            if carried || earlier.value != next.before {
                return false;
            }
            if same(pair.field, &earlier.before, &edit.value) {
                return true;
            }
            next = earlier;
        }
        false
    }

    /// Typed over the winner, long after that had arrived: no competitor, but the later edit.
    fn is_the_later(&self, pair: &Pair<'_>, winner: &Edit, loser: &Edit) -> bool {
        loser.at > winner.at
            && loser.at > self.first_met(pair.link)
            && pair.alike(&loser.before, &winner.value)
            && loser.before_since > winner.at
            && loser.at > loser.before_since + SEEN_AFTER
    }

    /// When a run first ended with the two in step: until then no one knows which of two values is the later edit, and
    /// the policy of a first meeting decides.
    fn first_met(&self, link: Uuid) -> Time {
        let rows = self.rows.iter().filter(|row| row.entity_mapping_id == Some(link));
        let ended = rows
            .filter(|row| row.status == Status::Success)
            .filter_map(|row| row.completed_at);
        ended.min().map_or(0, time_of)
    }
}
