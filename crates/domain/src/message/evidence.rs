//! The reasons of a first meeting, as messages.

use super::{Code, Message};
use crate::matching::{Candidate, Doubt, Evidence, Finding, Unidentified, Witness};
use crate::side::Side;

/// What a piece of evidence is called.
fn code_of(one: &Evidence) -> Code {
    use {Finding as F, Witness as W};
    match (one.what, one.finding) {
        (W::Kind, _) => Code::WitnessKindAnother,
        (W::Name, F::Agrees) if one.others > 0 => Code::WitnessNameAgreesOthers,
        (W::Name, F::Alike) => Code::WitnessNameAlike,
        (W::Name, F::Part) => Code::WitnessNamePart,
        (W::Name, F::Half) => Code::WitnessNameHalf,
        (W::Name, F::Another) => Code::WitnessNameAnother,
        (W::Name, _) => Code::WitnessNameAgrees,
        (W::NationalId, F::AgreesImplausibly) => Code::WitnessIdAgreesImplausibly,
        (W::NationalId, F::Slip) => Code::WitnessIdSlip,
        (W::NationalId, F::Another) => Code::WitnessIdAnother,
        (W::NationalId, _) => Code::WitnessIdAgrees,
        (W::Mobile, F::Another) => Code::WitnessMobileAnother,
        (W::Mobile, _) => Code::WitnessMobileAgrees,
        (W::Email, F::Another) => Code::WitnessEmailAnother,
        (W::Email, _) => Code::WitnessEmailAgrees,
        (W::Landline, _) => Code::WitnessLandlineAgrees,
        (W::PostalCode, _) => Code::WitnessPostalCodeAgrees,
        (W::Address, F::Another) => Code::WitnessAddressAnother,
        (W::Address, _) => Code::WitnessAddressAgrees,
        (W::Reference, F::Another) => Code::WitnessReferenceAnother,
        (W::Reference, _) => Code::WitnessReferenceAgrees,
        (W::CustomerNumber, _) => Code::WitnessNumberAgrees,
    }
}

fn unidentified(why: Unidentified) -> Code {
    match why {
        Unidentified::Kind => Code::UnidentifiedKind,
        Unidentified::Bearer => Code::UnidentifiedBearer,
        Unidentified::NationalId => Code::UnidentifiedNationalId,
        Unidentified::Relative => Code::UnidentifiedRelative,
        Unidentified::Branch => Code::UnidentifiedBranch,
        Unidentified::Name => Code::UnidentifiedName,
    }
}

/// All that speaks for a candidate and against it.
#[must_use]
pub fn reasons<Id>(candidate: &Candidate<Id>) -> Vec<Message> {
    let evidence = candidate.evidence.iter().map(|one| {
        let message = Message::new(code_of(one));
        match one.others {
            0 => message,
            others => message.with("others", others),
        }
    });
    let open = candidate.unidentified.map(|why| Message::new(unidentified(why)));
    evidence.chain(open).collect()
}

/// A candidate with its points and reasons.
#[must_use]
pub fn candidate(one: &Candidate<String>) -> Message {
    let code = if one.linked {
        Code::MatchCandidateLinked
    } else {
        Code::MatchCandidate
    };
    Message::new(code)
        .with("id", &one.id)
        .with("points", one.points)
        .with_messages("reasons", &reasons(one))
}

/// A doubt, with all that may be it on `side`, best first.
#[must_use]
pub fn doubt(doubt: &Doubt<String>, side: Side) -> Message {
    let all = |of: &[Candidate<String>]| of.iter().map(candidate).collect::<Vec<_>>();
    if doubt.rivals.is_empty() {
        return Message::new(Code::MatchDoubt)
            .with("side", side)
            .with_messages("candidates", &all(&doubt.candidates));
    }
    Message::new(Code::MatchDoubtTwice)
        .with("side", side)
        .with("other", side.other())
        .with_messages("candidates", &all(&doubt.candidates))
        .with_messages("rivals", &all(&doubt.rivals))
}

/// A link that was made by itself.
#[must_use]
pub fn linked(one: &Candidate<String>, side: Side) -> Message {
    Message::new(Code::LinkedByEvidence)
        .with("side", side)
        .with("id", &one.id)
        .with("points", one.points)
        .with_messages("reasons", &reasons(one))
}

/// The ids that a doubt lists; empty for any other message.
#[must_use]
pub fn doubted(message: &Message) -> Vec<String> {
    if !matches!(message.code, Code::MatchDoubt | Code::MatchDoubtTwice) {
        return Vec::new();
    }
    let listed = message
        .arguments
        .get("candidates")
        .and_then(serde_json::Value::as_array);
    let id = |one: &serde_json::Value| Some(one.get("arguments")?.get("id")?.as_str()?.to_owned());
    listed.into_iter().flatten().filter_map(id).collect()
}
