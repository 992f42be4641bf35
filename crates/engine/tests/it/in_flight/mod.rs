//! Rule 2 of a customer ("Ours?") as a property of the pure decision: one record, two sides, whole-object saves, lost
//! answers, late landings, killed runs, users who type in between. No store and no scheduler: the "database" is a link.
//! Judged by the log of what users typed: both sides equal in the end, no edit lost that no row tells of.
//!
//! Three sides of truth, each reached by many histories: confirmed, put back, owed.

use domain::customer::Field;
use domain::side::Side;
use engine::customer::{decide, saving};
use engine::seen::{Known, Seen, Sight};
use engine::step::{Sending, Step};

use crate::ours::with_rules_of;

use history::{World, at, config};

mod history;

#[test]
fn every_history_ends_in_step_and_nothing_is_lost_silently() {
    let (mut put_back, mut owed, mut altered) = (0, 0, 0);
    for seed in 0..4_000 {
        let (wrong, reached) = World::new(seed).history();
        assert!(wrong.is_empty(), "seed {seed}: {wrong:#?}");
        put_back += u32::from(reached.put_back);
        owed += u32::from(reached.owed);
        altered += u32::from(reached.altered);
    }
    // Otherwise the histories would prove nothing.
    assert!(
        put_back > 40 && owed > 10 && altered > 40,
        "{put_back} {owed} {altered}"
    );
}

#[test]
fn a_save_asks_for_what_was_decided_and_sends_the_rest_along() {
    let world = World::new(0);
    let mut seen = Seen::nothing(Side::Crm, world.link.clone(), at(0));
    for side in Side::BOTH {
        seen.customers[side as usize] = Sight::Here {
            record: world.show(side),
            at: at(0),
        };
    }
    seen.fresh = Some(Side::Finance);
    if let Sight::Here { record, .. } = &mut seen.customers[0] {
        record.customer.set(Field::Name, "new");
    }
    let (_, step) = with_rules_of(&config(), |rules| {
        decide(Known::of(world.link.clone()), &seen, rules)
    });
    let Step::Write(sending) = step else {
        panic!("{step:?}")
    };
    let Sending::Update(update) = *sending else {
        panic!()
    };
    assert_eq!(
        saving::asked(&update.fields).into_iter().collect::<Vec<_>>(),
        [(Field::Name, "new".to_owned())]
    );
    assert_eq!(update.fields[&Field::Address].leaves, "address0");
    assert_eq!(update.decided.len(), 1, "what it writes over is told with it");
}
