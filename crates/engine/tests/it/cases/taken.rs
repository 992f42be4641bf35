//! Values that only one record may have, on all stores: finance takes no telephone number twice.

use domain::customer::Field as F;
use domain::document::DocumentKind::Quote;
use domain::message::Code;
use domain::ports::{Ring, Side};
use domain::store::entities::log;
use domain::store::{EntityType, Status, TAKEN, message_of};
use engine::Ran;

use super::person;
use crate::desk::document;
use crate::world::{ALL, World};

const ALI: &str = "09123450017";
const MINA: &str = "09352221346";
const FREE: &str = "09121234569";

/// Two customers that stand in both systems, and are as they should be: «علی» (finance 1) and «مینا» (finance 2).
async fn two(w: &World) -> [String; 2] {
    let ids = [("علی رضایی", ALI), ("مینا کریمی", MINA)].map(|(name, mobile)| {
        let customer = person(&[(F::Name, name), (F::Mobile, mobile)]);
        w.crm.add(customer)
    });
    for id in &ids {
        assert_eq!(w.sync(Side::Crm, id).await, Status::Success);
    }
    w.finance.takes_no_number_twice();
    ids
}

/// Runs a row, and all that is rung for by itself then, as the sweeper does.
async fn run(w: &World, ring: Ring) -> log::Model {
    let mut rings = vec![ring.clone()];
    for _ in 0..20 {
        let Some(next) = rings.pop() else { break };
        if let Ran::Ended { next, also, .. } = w.engine.run(&next).await.unwrap() {
            rings.extend(next.map(|(next, wait)| {
                w.clock.turn(wait);
                next
            }));
            rings.extend(also);
        }
        let swept = w.store.sweep(100, std::time::Duration::ZERO).await.unwrap();
        rings.extend(swept);
    }
    w.row(&ring).await
}

async fn hear(w: &World, id: &str) -> log::Model {
    let ring = w.enqueue(Side::Crm, id).await;
    run(w, ring).await
}

fn says(row: &log::Model) -> (Status, Option<&str>, Code) {
    (
        row.status,
        row.error_class.as_deref(),
        message_of(row).unwrap().code,
    )
}

#[tokio::test]
async fn case_12_a_mobile_moves_from_one_to_the_other_whichever_is_seen_first() {
    for on in ALL {
        for first in [0, 1] {
            let w = World::new(on).await;
            let ids = two(&w).await;
            w.crm.edit(&ids[0], F::Mobile, FREE);
            w.crm.edit(&ids[1], F::Mobile, ALI);
            w.crm.edit(&ids[1], F::Name, "مینا کریمی نژاد");
            let rows = [&ids[first], &ids[1 - first]];
            for id in rows {
                hear(&w, id).await;
            }
            assert_eq!(w.finance.get("1", F::Mobile), FREE, "{on:?} {first}");
            assert_eq!(w.finance.get("2", F::Mobile), ALI, "{on:?} {first}");
            assert_eq!(w.finance.get("2", F::Name), "مینا کریمی نژاد");
            let waits = w
                .rows()
                .await
                .into_iter()
                .filter(|row| row.status == Status::Failed);
            assert_eq!(waits.count(), 0, "{on:?} {first}");
            w.drop_it().await;
        }
    }
}

#[tokio::test]
async fn case_12_when_the_holder_is_deleted_or_changed_in_finance_it_arrives_too() {
    for on in ALL {
        for deleted in [true, false] {
            let w = World::new(on).await;
            let ids = two(&w).await;
            w.crm.edit(&ids[1], F::Mobile, ALI);
            w.crm.edit(&ids[1], F::Email, "mina@example.com");
            let row = hear(&w, &ids[1]).await;
            assert_eq!(says(&row), (Status::Failed, Some(TAKEN), Code::TakenBy), "{on:?}");
            let words = row.error_message.clone().unwrap();
            for part in [
                "شماره تلفن نمی تواند تکراری باشد.",
                "finance 1 (\"علی رضایی\")",
                "mobile",
            ] {
                assert!(words.contains(part), "{part}: {words}");
            }
            assert_eq!(
                w.finance.get("2", F::Email),
                "mina@example.com",
                "the rest has arrived"
            );
            assert_eq!(w.finance.get("2", F::Mobile), MINA);
            let calls = w.finance.calls();
            assert!(
                w.store
                    .sweep(100, std::time::Duration::ZERO)
                    .await
                    .unwrap()
                    .is_empty()
            );
            assert_eq!(w.finance.calls(), calls, "nobody polls for it");
            // The accountant sees to it; the next look at finance sees that.
            w.clock.turn(std::time::Duration::from_secs(60));
            if deleted {
                w.finance.delete("1");
                hear(&w, &ids[0]).await;
            } else {
                w.finance.edit("1", F::Mobile, FREE);
                w.look().await;
                let ring = w.store.sweep(100, std::time::Duration::ZERO).await.unwrap().pop();
                run(&w, ring.unwrap()).await;
            }
            let ring = Ring {
                row: row.id,
                traceparent: None,
            };
            assert_eq!(w.row(&ring).await.status, Status::Success, "{on:?} {deleted}");
            assert_eq!(w.finance.get("2", F::Mobile), ALI);
            assert_eq!(w.crm.get(&ids[1], F::Mobile), ALI);
            w.drop_it().await;
        }
    }
}

#[tokio::test]
async fn case_13_two_swap_their_mobiles() {
    for on in ALL {
        for first in [0, 1] {
            let w = World::new(on).await;
            let ids = two(&w).await;
            w.crm.edit(&ids[0], F::Mobile, MINA);
            w.crm.edit(&ids[1], F::Mobile, ALI);
            for id in &ids {
                w.crm.edit(id, F::Email, &format!("{id}@example.com"));
            }
            hear(&w, &ids[first]).await;
            let waits: Vec<_> = w
                .rows()
                .await
                .into_iter()
                .filter(|row| row.status == Status::Conflict)
                .collect();
            assert_eq!(waits.len(), 2, "{on:?}: both, whichever is heard of");
            for (row, code) in waits.iter().zip(["1", "2"]) {
                assert_eq!(says(row), (Status::Conflict, Some(TAKEN), Code::TakenInExchange));
                let words = row.error_message.as_deref().unwrap();
                assert!(
                    words.contains("finance 1") && words.contains("finance 2"),
                    "{words}"
                );
                let id = &ids[code.parse::<usize>().unwrap() - 1];
                assert_eq!(w.finance.get(code, F::Email), format!("{id}@example.com"));
            }
            assert_eq!(
                (w.finance.get("1", F::Mobile), w.finance.get("2", F::Mobile)),
                (ALI.into(), MINA.into())
            );
            // Heard again: nothing goes round in circles.
            let saves = w.finance.saves();
            hear(&w, &ids[1 - first]).await;
            assert_eq!(w.finance.saves(), saves);
            // Someone does what the rows say.
            for mobile in ["", MINA] {
                w.clock.turn(std::time::Duration::from_secs(60));
                w.crm.edit(&ids[0], F::Mobile, mobile);
                hear(&w, &ids[0]).await;
            }
            assert_eq!(
                (w.finance.get("1", F::Mobile), w.finance.get("2", F::Mobile)),
                (MINA.into(), ALI.into())
            );
            let left = w
                .rows()
                .await
                .into_iter()
                .filter(|row| row.status == Status::Conflict);
            assert_eq!(left.count(), 0, "{on:?}");
            w.drop_it().await;
        }
    }
}

#[tokio::test]
async fn case_13_whoever_was_told_first_that_it_is_taken_is_told_that_it_is_a_swap() {
    for on in ALL {
        let w = World::new(on).await;
        let ids = two(&w).await;
        w.crm.edit(&ids[0], F::Mobile, MINA);
        let row = hear(&w, &ids[0]).await;
        assert_eq!(says(&row), (Status::Failed, Some(TAKEN), Code::TakenBy));
        w.crm.edit(&ids[1], F::Mobile, ALI);
        hear(&w, &ids[1]).await;
        let rows = w.rows().await;
        let waits = rows.iter().filter(|row| row.status == Status::Conflict);
        let named: Vec<_> = waits.map(|row| row.source_entity_id.clone()).collect();
        assert_eq!(named.len(), 2, "{on:?}: {named:?}");
        // One of the two is given another in the CRM: both arrive.
        w.clock.turn(std::time::Duration::from_secs(60));
        w.crm.edit(&ids[1], F::Mobile, FREE);
        hear(&w, &ids[1]).await;
        assert_eq!(
            (w.finance.get("1", F::Mobile), w.finance.get("2", F::Mobile)),
            (MINA.into(), FREE.into())
        );
        let left = w
            .rows()
            .await
            .into_iter()
            .filter(|row| matches!(row.status, Status::Conflict | Status::Failed));
        assert_eq!(left.count(), 0, "{on:?}");
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_30_a_customer_was_merged_and_the_merged_ones_contact_holds_the_mobile() {
    for on in ALL {
        let w = World::new(on).await;
        let [survivor, merged] = two(&w).await;
        w.crm.delete(&merged);
        w.crm.edit(&survivor, F::Mobile, MINA);
        w.crm.edit(&survivor, F::Address, "تهران، خیابان آزادی، پلاک ۱۲");
        let row = hear(&w, &survivor).await;
        assert_eq!(says(&row), (Status::Failed, Some(TAKEN), Code::TakenBy), "{on:?}");
        let words = row.error_message.clone().unwrap();
        for part in [
            "finance 2 (\"مینا کریمی\")",
            &merged,
            "merged into this one",
            "take the value out",
        ] {
            assert!(words.contains(part), "{part}: {words}");
        }
        assert_eq!(w.finance.get("1", F::Address), "تهران، خیابان آزادی، پلاک ۱۲");
        w.crm.desk.add("q", document(Quote, &survivor));
        let quote = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
        let quote = run(&w, quote).await;
        assert_eq!(quote.status, Status::Success, "{on:?}: {:?}", quote.error_message);
        assert_eq!(w.finance.desk.issued().len(), 1);
        // The merged one is heard of, too: its link is closed, and its contact keeps what it has.
        hear(&w, &merged).await;
        let ring = Ring {
            row: row.id,
            traceparent: None,
        };
        assert_eq!(w.row(&ring).await.status, Status::Failed);
        // The accountant does what the row says.
        w.clock.turn(std::time::Duration::from_secs(60));
        w.finance.edit("2", F::Mobile, "");
        let heard = w.enqueue(Side::Finance, "2").await;
        run(&w, heard).await;
        assert_eq!(w.row(&ring).await.status, Status::Success, "{on:?}");
        assert_eq!(w.finance.get("1", F::Mobile), MINA);
        w.drop_it().await;
    }
}

#[tokio::test]
async fn case_30_the_survivor_is_new_in_finance() {
    for on in ALL {
        let w = World::new(on).await;
        let [_, merged] = two(&w).await;
        w.crm.delete(&merged);
        hear(&w, &merged).await;
        let new = w.crm.add(person(&[
            (F::Name, "بازرگانی زهرا اکبری"),
            (F::Mobile, MINA),
            (F::NationalId, "0499370899"),
        ]));
        let row = hear(&w, &new).await;
        assert_eq!(says(&row), (Status::Failed, Some(TAKEN), Code::TakenBy), "{on:?}");
        assert_eq!(row.target_entity_id.as_deref(), Some("3"), "it was made");
        assert_eq!(w.finance.get("3", F::NationalId), "0499370899");
        assert_eq!(w.finance.get("3", F::Mobile), "");
        assert_eq!(w.crm.get(&new, F::FinanceCode), "3");
        assert_eq!(w.crm.get(&new, F::Mobile), MINA, "nothing is cleared");
        w.crm.desk.add("q", document(Quote, &new));
        let quote = w.hear_of(EntityType::PreInvoice, Side::Crm, "q").await;
        assert_eq!(run(&w, quote).await.status, Status::Success, "{on:?}");
        w.clock.turn(std::time::Duration::from_secs(60));
        w.finance.delete("2");
        w.look().await;
        let heard = w.enqueue(Side::Finance, "2").await;
        run(&w, heard).await;
        assert_eq!(w.finance.get("3", F::Mobile), MINA, "{on:?}");
        w.drop_it().await;
    }
}
