//! The rule on 4,181 contacts and 4,169 customers as people type them, with the truth.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write;
use std::path::Path;

use domain::matching::Verdict;
use domain::ports::Side;
use sha2::{Digest, Sha256};

use super::truth::{Truth, load};
use super::world::{Judged, World};

/// Of every verdict of the model that the rule was ported from, with candidates and points.
const MODEL: &str = "639ac0f8dcf4095d18ee16cfac4f6d934a92aaf0cb44842c00838f9801cb87d2";

/// How many came to what. Of one that was made a second time, a twin of it that was linked is none.
#[derive(Debug, Default, PartialEq)]
struct Figures {
    linked: usize,
    wrong: usize,
    asked: usize,
    asked_needlessly: usize,
    made_again: usize,
    new: usize,
}

fn figures(verdicts: &[Judged], those: &[u32], others: &[u32]) -> Figures {
    let there: HashSet<u32> = others.iter().copied().collect();
    let (mut sums, mut linked) = (Figures::default(), HashSet::new());
    for (verdict, is) in verdicts.iter().zip(those) {
        let sum = match verdict {
            Verdict::Link(candidate) => {
                linked.insert(is);
                if others[candidate.id] == *is {
                    &mut sums.linked
                } else {
                    &mut sums.wrong
                }
            }
            Verdict::Doubt(doubt) => {
                let twin = doubt
                    .candidates
                    .iter()
                    .any(|candidate| others[candidate.id] == *is);
                if twin {
                    &mut sums.asked
                } else {
                    &mut sums.asked_needlessly
                }
            }
            Verdict::Apart | Verdict::Nobody => {
                let again = there.contains(is) && !linked.contains(is);
                if again {
                    &mut sums.made_again
                } else {
                    &mut sums.new
                }
            }
        };
        *sum += 1;
    }
    sums
}

/// One line per contact: its code, the verdict, the candidates with their points, best first.
fn lines(world: &World, verdicts: &[Judged]) -> String {
    let mut out = String::new();
    for (contact, verdict) in world.contacts.iter().zip(verdicts) {
        let (what, candidates) = match verdict {
            Verdict::Link(candidate) => ("link", std::slice::from_ref(candidate)),
            Verdict::Doubt(doubt) => ("ask", &doubt.candidates[..]),
            Verdict::Apart | Verdict::Nobody => ("create", &[][..]),
        };
        write!(out, "{} {what}", contact.code).unwrap();
        for candidate in candidates {
            write!(out, " {}:{}", candidate.id, candidate.points).unwrap();
        }
        out.push('\n');
    }
    out
}

fn all(world: &World, side: Side) -> Vec<Judged> {
    let count = if side == Side::Finance {
        world.contacts.len()
    } else {
        world.customers.len()
    };
    (0..count).map(|k| world.judge(side, k)).collect()
}

#[test]
fn no_link_is_wrong_and_every_verdict_is_the_models() {
    let truth = load();
    let verdicts = all(&truth.world, Side::Finance);
    let sums = figures(&verdicts, &truth.contacts, &truth.customers);
    let there: HashSet<u32> = truth.customers.iter().copied().collect();
    let twins = truth.contacts.iter().filter(|is| there.contains(is)).count();
    let share = |n: usize| 100.0 * n as f64 / twins as f64;
    println!(
        "{} contacts, {twins} have a twin among {} customers",
        verdicts.len(),
        truth.customers.len()
    );
    println!(
        "{sums:?}: {:.1} % of those with a twin linked, {:.1} % made again",
        share(sums.linked),
        share(sums.made_again)
    );
    assert_eq!(sums.wrong, 0);
    assert!(share(sums.linked) >= 86.8);
    assert!(share(sums.made_again) <= 1.5);
    let lines = lines(&truth.world, &verdicts);
    std::fs::write(Path::new(env!("CARGO_TARGET_TMPDIR")).join("verdicts"), &lines).unwrap();
    assert_eq!(
        hex::encode(Sha256::digest(lines)),
        MODEL,
        "the verdicts stand in target/tmp/verdicts"
    );
}

/// Both systems meet each other's records: the same pairs are linked from the CRM's end.
#[test]
fn the_other_end_links_the_same_pairs() {
    let world = load().world;
    let links = |side| -> BTreeSet<(usize, usize)> {
        let verdicts = all(&world, side).into_iter().enumerate();
        let links = verdicts.filter_map(|(k, verdict)| match verdict {
            Verdict::Link(candidate) if side == Side::Finance => Some((k, candidate.id)),
            Verdict::Link(candidate) => Some((candidate.id, k)),
            _ => None,
        });
        links.collect()
    };
    assert_eq!(links(Side::Finance), links(Side::Crm));
}

/// As an import meets them: one after the other, what is linked being no rival any more.
#[test]
fn no_link_is_wrong_one_after_the_other() {
    for side in [Side::Finance, Side::Crm] {
        let Truth {
            mut world,
            contacts,
            customers,
        } = load();
        let (own, others) = if side == Side::Finance {
            (contacts, customers)
        } else {
            (customers, contacts)
        };
        let mut links = 0;
        for (k, is) in own.iter().enumerate() {
            if world.is_linked(side, k) {
                continue;
            }
            if let Verdict::Link(candidate) = world.judge(side, k) {
                assert_eq!(others[candidate.id], *is, "{side} {k}");
                world.link(side, k, candidate.id);
                links += 1;
            }
        }
        println!("{links} links, one after the other, from {side}");
        assert!(links > 2600);
    }
}
