//! What the guard holds of finance, looked at again: a contact that is back, or as it is known, is nothing to be done any
//! more. The store lets go of what was done by others.

use std::collections::{HashMap, HashSet};

use domain::polls::{Fingerprint, HeldChange};
use domain::ports::changes::for_each;
use domain::ports::{Side, Snapshot};

use super::{Failure, GROUP, OfCompany};

/// Reads the company's contacts, and lets go of what that poll of theirs holds and is no change any more.
pub(super) async fn look_again(finance: &OfCompany, poll: &str) -> Result<(), Failure> {
    let held = finance.store.held_changes(poll).await?;
    let codes: HashSet<&str> = held.iter().map(|change| change.id.as_str()).collect();
    let mut now: HashMap<String, Fingerprint> = HashMap::new();
    let see = |contact: Snapshot| {
        if codes.contains(contact.id.as_str()) {
            now.insert(contact.id.clone(), Fingerprint::of(&contact.customer));
        }
    };
    for_each(&*finance.contacts, see).await?;
    let mut over = Vec::new();
    for group in held.chunks(GROUP) {
        let codes: Vec<&str> = group.iter().map(|change| change.id.as_str()).collect();
        let linked = finance.store.linked(Side::Finance, &codes).await?;
        let is_over = |change: &&HeldChange| {
            let Some(fingerprint) = now.get(&change.id) else {
                return false;
            };
            let known = linked.get(&change.id);
            change.vanished || known.is_some_and(|linked| linked.knows(fingerprint, Side::Finance))
        };
        over.extend(
            group
                .iter()
                .filter(is_over)
                .map(|change| change.event_id.as_str()),
        );
    }
    Ok(finance.store.let_go(poll, &over).await?)
}
