//! Systematic crashes: each scenario is played once undisturbed, and then once for each of its kill points: before and
//! after every statement of the store, before and after every outside call, and for a write also while it is on its way
//! (it arrives long after, when another run has taken over). The run that is killed there does nothing more; its lease
//! lapses, the sweep finds its rows, and whatever is open is run until it is quiet. Then everything stands as if nobody
//! had been killed: the same values, links, documents and conflicts, nothing made twice, every value told that was
//! written over, and at most one write more.
//!
//! In memory every scenario is also played with both systems telling of what is written there, and with a second kill
//! some points after each first one (then each kill may cost a write, and a write in transit one more). On PostgreSQL,
//! where a play takes some hundred times as long, it is every kill point of the ten scenarios that between them use
//! every statement of the store: first meetings with their locks and take-overs, rows that are covered, lost answers, a
//! ruling, documents.

mod customers;
mod documents;
mod end;
mod fate;
mod lost;
mod play;
mod ports;
mod store;

use futures::future::BoxFuture;

use self::end::End;
use self::fate::{Flaw, Plot};
use self::play::Play;
use crate::world::{On, World};

/// The script of a scenario.
pub type Script = for<'a> fn(&'a mut Play) -> BoxFuture<'a, ()>;

/// Each scenario in memory, and those that say the most about the store on PostgreSQL, too.
macro_rules! scenarios {
    ($($scenario:ident)* ; on_postgres: $($chosen:ident)*) => {
        mod in_memory {
            $(#[tokio::test]
            async fn $scenario() {
                crate::crashes::kill_everywhere(stringify!($scenario), |play| Box::pin(super::$scenario(play)), crate::world::On::Memory).await;
            })*
        }
        mod on_postgres {
            $(#[tokio::test]
            async fn $chosen() {
                crate::crashes::kill_everywhere(stringify!($chosen), |play| Box::pin(super::$chosen(play)), crate::world::On::Postgres).await;
            })*
        }
    };
}
use scenarios;

/// Plays the scenario undisturbed and with each kill, and fails if one of them ends otherwise.
#[expect(
    clippy::print_stdout,
    reason = "how many points there are is asked for with --nocapture"
)]
async fn kill_everywhere(name: &str, script: Script, on: On) {
    let plot = |echoes, twice| Plot {
        echoes,
        and_after: twice,
        ..Plot::default()
    };
    let mut plots = vec![plot(false, None)];
    if on == On::Memory {
        let twice = [0, 7, 12].map(|after| plot(after % 2 == 1, Some(after)));
        plots.extend(std::iter::once(plot(true, None)).chain(twice));
    }
    for plot in plots {
        let (points, found) = kills(script, on, plot).await;
        println!("{name}: {points} kill points on {on:?}, {plot:?}");
        assert!(points > 5, "{name}: only {points} kill points");
        assert!(
            found.is_empty(),
            "{name} on {on:?}, {plot:?}:\n{}",
            found.join("\n")
        );
    }
}

/// How many kill points there are, and what differs after which kill.
async fn kills(script: Script, on: On, plot: Plot) -> (usize, Vec<String>) {
    let (undisturbed, play) = played(World::new(on).await, script, plot).await;
    let (points, either_way, mut world) = (play.fate.points().len(), play.either_way, play.w);
    let mut ends = vec![undisturbed];
    if either_way {
        let plot = Plot {
            other_way: true,
            ..plot
        };
        let (end, play) = played(world.afresh().await, script, plot).await;
        ends.push(end);
        world = play.w;
    }
    let mut found = Vec::new();
    for n in 0..points {
        let plot = Plot {
            kill_at: Some(n),
            ..plot
        };
        let (end, play) = played(world.afresh().await, script, plot).await;
        let killed = play.fate.killed_at();
        assert!(!killed.is_empty(), "nothing was killed at point {n} of {points}");
        let differs = ends.iter().map(|right| end.differs(right, &play));
        let differs = differs.min_by_key(Vec::len).unwrap_or_default();
        found.extend(differs.into_iter().map(|what| format!("{n}: {what}")));
        world = play.w;
    }
    world.drop_it().await;
    (points, found)
}

async fn played(world: World, script: Script, plot: Plot) -> (End, Play) {
    let mut play = Play::new(world, plot);
    script(&mut play).await;
    (End::of(&play).await, play)
}

/// The harness has teeth: what a store forgets is noticed.
#[tokio::test]
async fn a_store_that_forgets_what_is_on_its_way_is_found_out() {
    let plot = Plot {
        flaw: Some(Flaw::ForgetsInFlight),
        ..Plot::default()
    };
    let (_, found) = kills(
        |play| Box::pin(documents::a_quote_is_issued(play)),
        On::Memory,
        plot,
    )
    .await;
    let twice = found
        .iter()
        .find(|what| what.contains("issued documents: with 2002"));
    assert!(twice.is_some(), "{found:#?}");
}

#[tokio::test]
async fn a_store_that_forgets_what_is_written_over_is_found_out() {
    let plot = Plot {
        flaw: Some(Flaw::ForgetsDecisions),
        ..Plot::default()
    };
    let script: Script = |play| Box::pin(customers::an_update_from_the_crm(play));
    let (_, found) = kills(script, On::Memory, plot).await;
    let loser = "not told: finance's email \"old@b.ir\"";
    assert!(found.iter().any(|what| what.contains(loser)), "{found:#?}");
}
