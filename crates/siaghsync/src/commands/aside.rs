//! What a system shows and nobody can read as a record, for `siaghsync check`.

use domain::store::Aside;
use domain::store::sql::SqlStore;

use super::output::{of_company, time};
use super::part::Part;

/// So many are listed.
const SHOWN: u64 = 50;

/// A line for each record that is set aside.
pub(crate) async fn look(store: &SqlStore) -> Vec<Part> {
    match store.set_aside(SHOWN).await {
        Ok((shown, all)) => lines(&shown, all, store.served().are_many()),
        // What is wrong with the database stands in its own line.
        Err(_) => Vec::new(),
    }
}

fn lines(shown: &[Aside], all: u64, several: bool) -> Vec<Part> {
    let mut parts: Vec<Part> = shown.iter().map(|one| line(one, several)).collect();
    let more = all.saturating_sub(shown.len() as u64);
    if more > 0 {
        let words = format!("and {more} records more");
        parts.push(Part::warning("set aside", words, "correct those above first"));
    }
    parts
}

fn line(aside: &Aside, several: bool) -> Part {
    let id = match aside.id.as_str() {
        "" => "without an id that can be told",
        id => id,
    };
    let kind = match aside.entity_type {
        domain::store::EntityType::Customer => "customer",
        domain::store::EntityType::PreInvoice => "quote",
        domain::store::EntityType::Invoice => "invoice",
    };
    let since = time(aside.first_seen);
    let of_company = of_company(&aside.company, several && !aside.company.is_empty());
    Part::warning(
        "set aside",
        format!(
            "{}{of_company}: {kind} {id} can't be read since {since}: {}",
            aside.side, aside.why
        ),
        "correct the record there: it is read again by itself, and all others go on meanwhile",
    )
}
