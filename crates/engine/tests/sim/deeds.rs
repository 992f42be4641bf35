//! What happens to records besides typing: a contact vanishes and its code is given to another, a record can't be read for
//! a time, a mobile goes from one customer to another. Each only in worlds that know it.

use domain::customer::Field;
use domain::ports::Side;

use crate::companies::{self, owner_of};
use crate::odd::{STRANGERS, kind_of};
use crate::people::{any_record, enter, new_values, type_record, write_down};
use crate::sched::SECOND;
use crate::world::{Shared, tell_of};

type Deed = fn(&Shared);

/// One of those that this world knows; `false`: it knows none.
pub fn act(world: &Shared) -> bool {
    let odd = world.odd;
    let known: [(bool, Deed); 5] = [
        (odd.given_again, give_again),
        (odd.unreadable, spoil),
        (odd.moves, move_mobile),
        (odd.moves, exchange_mobiles),
        (odd.companies, companies::correct),
    ];
    let known: Vec<_> = known
        .into_iter()
        .filter_map(|(known, deed)| known.then_some(deed))
        .collect();
    let deed = world.sim.pick(&known);
    if let Some(deed) = deed {
        deed(world);
    }
    deed.is_some()
}

/// A backup of finance is put back that does not have a contact yet; its code goes to the next who comes. Nobody is told.
fn give_again(world: &Shared) {
    let contacts: Vec<String> = {
        let all = world.lock();
        let kept = all.systems[1]
            .alive()
            .filter(|(_, record)| record.person < STRANGERS);
        kept.map(|(id, _)| id.clone()).collect()
    };
    let Some(code) = world.sim.pick(&contacts).cloned() else {
        return;
    };
    {
        let mut all = world.lock();
        let record = all.systems[1].records.get_mut(&code).unwrap();
        record.alive = false;
        record.died = Some(world.sim.time());
    }
    world.sim.tell(|| format!("backup finance {code} is no more"));
    let (one, busy) = (world.clone(), world.busy());
    world.sim.spawn(async move {
        let pause = if one.sim.odds(300) { 2 } else { 240 };
        one.sim.sleep(one.sim.below(pause) * SECOND).await;
        come(&one, &code);
        drop(busy);
    });
}

/// Someone else stands under the code.
fn come(world: &Shared, code: &str) {
    let person = {
        let mut all = world.lock();
        all.strangers += 1;
        companies::stranger(all.strangers, code)
    };
    let mut values = new_values(world, person);
    let mut guard = world.lock();
    let all = &mut *guard;
    let system = &mut all.systems[1];
    if system.refuses(owner_of(code), Some(code), &values) {
        values.remove(&Field::Mobile);
    }
    system.give_again(code, person, kind_of(person), &values, world.sim.time());
    world.sim.tell(|| {
        format!(
            "user   creates finance {code} again: {:?}",
            system.records[code].values
        )
    });
    write_down(all, Side::Finance, code);
    drop(guard);
    tell_of(world, Side::Finance, code);
    // Now and then the CRM has that one, too.
    if world.sim.odds(250) {
        type_record(world, Side::Crm, person);
    }
}

/// Half of an emoji gets into a record, until somebody corrects it.
fn spoil(world: &Shared) {
    let Some((side, id)) = any_record(world) else {
        return;
    };
    let set = |world: &Shared, side: Side, id: &str, unreadable: bool| {
        let mut all = world.lock();
        let record = all.systems[side as usize].records.get_mut(id).unwrap();
        record.unreadable = unreadable;
        record.modified = world.sim.time();
        drop(all);
        let how = if unreadable { "spoils" } else { "corrects" };
        world.sim.tell(|| format!("user   {how} {side} {id}"));
        tell_of(world, side, id);
    };
    set(world, side, &id, true);
    let (one, busy) = (world.clone(), world.busy());
    world.sim.spawn(async move {
        one.sim.sleep(one.sim.between(SECOND, 300 * SECOND)).await;
        set(&one, side, &id, false);
        drop(busy);
    });
}

/// Two records of one side with a mobile each, of two persons who may have each other's.
fn two_with_mobiles(world: &Shared) -> Option<(Side, [(String, String); 2])> {
    let side = if world.sim.odds(600) {
        Side::Crm
    } else {
        Side::Finance
    };
    let all = world.lock();
    let alive = all.systems[side as usize].alive();
    let with_mobile = alive.filter_map(|(id, record)| {
        let mobile = record.values.get(&Field::Mobile)?;
        (record.person < STRANGERS).then(|| (id.clone(), mobile.clone(), record.person))
    });
    let found: Vec<_> = with_mobile.collect();
    let (a, b) = (world.sim.pick(&found)?, world.sim.pick(&found)?);
    (a.2 != b.2).then(|| (side, [(a.0.clone(), a.1.clone()), (b.0.clone(), b.1.clone())]))
}

/// B gets A's mobile, and A another one or none.
fn move_mobile(world: &Shared) {
    let Some((side, [(a, mobile), (b, _)])) = two_with_mobiles(world) else {
        return;
    };
    type_mobile(world, side, &a, "");
    type_mobile(world, side, &b, &mobile);
}

/// A and B exchange theirs. Finance takes that only over a time without.
fn exchange_mobiles(world: &Shared) {
    let Some((side, [(a, of_a), (b, of_b)])) = two_with_mobiles(world) else {
        return;
    };
    if side == Side::Finance {
        type_mobile(world, side, &a, "");
    }
    type_mobile(world, side, &b, &of_a);
    type_mobile(world, side, &a, &of_b);
}

fn type_mobile(world: &Shared, side: Side, id: &str, mobile: &str) {
    if enter(
        &world.sim,
        &mut world.lock(),
        (side, id),
        Some(Field::Mobile),
        mobile,
    ) {
        tell_of(world, side, id);
    }
}
