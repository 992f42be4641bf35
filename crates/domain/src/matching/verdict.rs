//! The verdict over all candidates: link, doubt, or two customers.

use std::cmp::Reverse;

use serde::{Deserialize, Serialize};

use super::evidence::{Evidence, evidence};
use super::likeness::Likeness;
use super::nobody::{Holders, Key, without_nobodys};
use super::pair::{Pair, Unidentified};
use super::profile::Profile;
use crate::ports::Side;

/// From here on, two records are linked without a question.
pub const LINK: i32 = 9;
/// From here on, a person is asked; less are two customers.
pub const ASK: i32 = 4;
/// By how much a link must lead before its rivals.
pub const LEAD: i32 = 3;

/// A record that was found: on the other side as a candidate, on one's own as a rival.
#[derive(Debug, Clone, Copy)]
pub struct Met<'a, Id> {
    /// Its id on its side.
    pub id: Id,
    /// Its normal forms.
    pub profile: &'a Profile,
    /// Whether it is linked already, to another than the one judged.
    pub linked: bool,
}

/// A record that may be the same customer, with its points and reasons.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Candidate<Id> {
    /// Its id on its side.
    pub id: Id,
    /// What the evidence comes to: its sum, but one national id on both sides is [`ASK`] at least, and another name
    /// less than that.
    pub points: i32,
    /// The reasons.
    pub evidence: Vec<Evidence>,
    /// What keeps it from being linked whatever its points; `None`: it is identified.
    pub unidentified: Option<Unidentified>,
    /// Whether it is linked to another already: a doubt, never a link.
    pub linked: bool,
}

impl<Id> Candidate<Id> {
    /// Whether a sum may stand for it.
    #[must_use]
    pub fn is_identified(&self) -> bool {
        self.unidentified.is_none()
    }

    /// Whether it leaves `best` in doubt: it would do for a link itself, or comes too near.
    fn rivals(&self, best: &Self) -> bool {
        !self.linked && (self.points >= LINK || best.points - self.points < LEAD)
    }
}

/// What a first meeting comes to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "verdict")]
pub enum Verdict<Id> {
    /// It is this one.
    Link(Candidate<Id>),
    /// A person must say.
    Doubt(Doubt<Id>),
    /// None of them is this customer: it is new there.
    Apart,
    /// The name is nobody's («مشتری متفرقه»): such a record is not synced at all.
    Nobody,
}

/// Who may be the same customer, and who may be it as well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Doubt<Id> {
    /// Records of the other side, best first.
    pub candidates: Vec<Candidate<Id>>,
    /// Further records of one's own side that may be the best candidate's, best first: the same customer twice there.
    /// Only looked at when nothing else keeps the best candidate from being linked.
    pub rivals: Vec<Candidate<Id>>,
}

/// Whose rivals to look for: the candidate that is linked unless another record of `one`'s side may be it too.
///
/// `None`: nothing would be linked, and [`judge`] needs no rivals.
#[must_use]
pub fn contender<Id: Clone + Ord>(
    one: &Profile,
    candidates: &[Met<'_, Id>],
    holders: &impl Holders,
) -> Option<Id> {
    if one.name.nobody {
        return None;
    }
    let good = weigh(one, candidates, holders);
    first_choice(&good).map(|best| best.id.clone())
}

/// Judges a first meeting.
///
/// `candidates`: the records of the other side that [`super::ways`] of `one` lead to. `rivals`: the records of its own
/// side, without itself, that the ways of the [`contender`] lead to. Pairs that somebody ruled to be two are left out
/// of both by the caller. The order of either says nothing.
#[must_use]
pub fn judge<Id: Clone + Ord>(
    one: &Profile,
    candidates: &[Met<'_, Id>],
    rivals: &[Met<'_, Id>],
    holders: &impl Holders,
) -> Verdict<Id> {
    if one.name.nobody {
        return Verdict::Nobody;
    }
    let candidates_profile = |id: &Id| candidates.iter().find(|met| met.id == *id).map(|met| met.profile);
    let good = weigh(one, candidates, holders);
    if good.is_empty() {
        return Verdict::Apart;
    }
    let best = first_choice(&good).and_then(|best| Some((best.clone(), candidates_profile(&best.id)?)));
    let Some((best, profile)) = best else {
        return Verdict::Doubt(Doubt {
            candidates: good,
            rivals: Vec::new(),
        });
    };
    let mut against = weigh(profile, rivals, holders);
    against.retain(|rival| rival.rivals(&best));
    if against.is_empty() {
        return Verdict::Link(best);
    }
    Verdict::Doubt(Doubt {
        candidates: good,
        rivals: against,
    })
}

/// The best candidate, if nothing among the candidates keeps it from being linked.
fn first_choice<Id>(good: &[Candidate<Id>]) -> Option<&Candidate<Id>> {
    let (best, others) = good.split_first()?;
    let sure = best.points >= LINK && best.is_identified() && !best.linked;
    (sure && !others.iter().any(|other| other.rivals(best))).then_some(best)
}

/// The evidence and what it comes to. One national id on both sides is never passed over in silence, however
/// different the rest; another name is another customer, whatever else agrees, but for the national id.
fn points(pair: &Pair<'_>, others: usize) -> (i32, Vec<Evidence>) {
    let evidence = evidence(pair, others);
    let sum = evidence.iter().map(|one| one.points).sum();
    let near = pair.national_ids().is_some_and(|(a, b)| a.is_near(b));
    let points = match pair.name {
        _ if pair.one_id() => ASK.max(sum),
        Likeness::Unlike if !near => sum.min(ASK - 1),
        _ => sum,
    };
    (points, evidence)
}

/// All that are worth a question, best first; of equals, those that are linked already first.
fn weigh<Id: Clone + Ord>(
    one: &Profile,
    found: &[Met<'_, Id>],
    holders: &impl Holders,
) -> Vec<Candidate<Id>> {
    let one = without_nobodys(one, holders);
    let name = one.name.letters();
    let bearers = [Side::Finance, Side::Crm].map(|side| holders.holders(side, Key::Name, &name));
    // Where the names agree they are spelled with the same letters, so that both of the pair are among the bearers.
    let others = bearers.iter().sum::<usize>().saturating_sub(2);
    let mut good: Vec<_> = found
        .iter()
        .map(|met| {
            let other = without_nobodys(met.profile, holders);
            let pair = Pair::of(&one, &other);
            let (points, evidence) = points(&pair, others);
            let (id, unidentified, linked) = (met.id.clone(), pair.unidentified(), met.linked);
            Candidate {
                id,
                points,
                evidence,
                unidentified,
                linked,
            }
        })
        .filter(|candidate| candidate.points >= ASK)
        .collect();
    good.sort_by(|a, b| {
        let key = |one: &Candidate<Id>| (Reverse(one.points), !one.linked);
        key(a).cmp(&key(b)).then_with(|| a.id.cmp(&b.id))
    });
    good
}
