//! What is asked, and reserved, at a first meeting: of the other system by its own search, and of the store.

use sha2::{Digest, Sha256};

use super::nobody::{Holders, without_nobodys};
use super::numbering::Numbering;
use super::profile::Profile;
use crate::customer::{Customer, Field, Kind};
use crate::ports::{MatchKeys, Side};

/// The keys by which `customer`, held by `side` in the forms of `profile`, is looked for live on the other side. Values that
/// are nobody's lead to everybody, and are left out.
#[must_use]
pub fn search_keys(
    customer: &Customer,
    profile: &Profile,
    side: Side,
    numbering: Numbering,
    holders: &impl Holders,
) -> MatchKeys {
    let own = without_nobodys(profile, holders);
    let all = typed_keys(customer, side, numbering);
    // A field may hold several numbers: the system is asked for one.
    let mobile = match own.mobiles.len() {
        1 if profile.mobiles.len() == 1 => all.mobile,
        _ => own.mobiles.first().map(|mobile| format!("0{mobile}")),
    };
    let email = match own.emails.len() {
        1 if profile.emails.len() == 1 => all.email,
        _ => own.emails.first().cloned(),
    };
    MatchKeys {
        national_id: all.national_id.filter(|_| own.national_id.is_some()),
        mobile,
        email,
        ..all
    }
}

/// The keys of `customer` as they are typed, whoever else may have them: for finding a record that holds just these.
#[must_use]
pub fn typed_keys(customer: &Customer, side: Side, numbering: Numbering) -> MatchKeys {
    let some = |field| Some(customer.get(field).trim().to_owned()).filter(|value| !value.is_empty());
    MatchKeys {
        // The CRM's refId is finance's id; finance's own code is looked for in the CRM's refId.
        id: some(Field::FinanceCode),
        customer_number: some(Field::CustomerNumber).or_else(|| {
            let code = some(Field::FinanceCode).filter(|_| side == Side::Finance)?;
            numbering.number(&code)
        }),
        national_id: some(Field::NationalId),
        mobile: some(Field::Mobile),
        email: some(Field::Email),
    }
}

/// Whether `side` can be asked by any of the keys. Finance can't be asked for the CRM's number (`tmpid`).
#[must_use]
pub fn findable(keys: &MatchKeys, side: Side) -> bool {
    let number = keys.id.is_some() || keys.customer_number.is_some();
    keys.national_id.is_some()
        || keys.mobile.is_some()
        || keys.email.is_some()
        || (side == Side::Crm && number)
}

/// Digests of what a record must have to itself while it is met: two that may be linked, twins of one person, and what a
/// create of it makes, share at least one. What an office, a household or a building shares is none, so that strangers
/// don't wait for one another: whoever is linked by a landline or an address bears the same name.
#[must_use]
pub fn locks(profile: &Profile, holders: &impl Holders) -> Vec<String> {
    let own = without_nobodys(profile, holders);
    let codes = [&own.code, &own.reference, &own.customer_number];
    let mut keys: Vec<(&str, String)> = codes
        .into_iter()
        .filter(|code| !code.is_empty())
        .map(|code| ("code", code.clone()))
        .collect();
    keys.extend(
        own.national_id
            .iter()
            .map(|id| ("national id", id.digits.clone())),
    );
    keys.extend(own.mobiles.iter().map(|mobile| ("mobile", mobile.clone())));
    keys.extend(own.emails.iter().map(|email| ("email", email.clone())));
    let telling = own.kind == Kind::Organization || own.name.words.len() > 1;
    // Two who share nothing else are told apart by nothing else.
    if (telling || keys.is_empty()) && !own.name.words.is_empty() {
        keys.push(("name", own.name.letters()));
    }
    let mut locks: Vec<String> = keys.iter().map(|(name, value)| digest(name, value)).collect();
    locks.sort_unstable();
    locks.dedup();
    locks
}

fn digest(name: &str, value: &str) -> String {
    hex::encode(Sha256::digest(format!("{name}\u{2}{value}")))
}
