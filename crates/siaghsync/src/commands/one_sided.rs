//! What stands on one side only, by the record index: as it was last seen.

use domain::index::{IndexStore, Indexed};
use domain::ports::Side;
use domain::store::sql::SqlStore;
use serde_json::json;

use super::output::{self, say};

/// So many records are asked for at a time.
const PAGE: u64 = 500;

/// Names each record that was never linked with one of the other side; says how many there are. Those whose name is
/// nobody's are never synced, and left out.
pub(super) async fn name_all(store: &SqlStore, as_json: bool) -> anyhow::Result<usize> {
    let mut named = 0;
    for company in store.served().iter() {
        for side in Side::BOTH {
            named += of(&store.of(company), side, as_json).await?;
        }
    }
    Ok(named)
}

async fn of(store: &SqlStore, side: Side, as_json: bool) -> anyhow::Result<usize> {
    let (mut after, mut named) = (String::new(), 0);
    loop {
        let page = store.unlinked(side, &after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(named) };
        after.clone_from(&last.id);
        for one in page.iter().filter(|one| !is_nobody(one)) {
            named += 1;
            let words = one.profile.as_ref().map(|profile| profile.name.words.join(" "));
            let name = words.unwrap_or_default();
            if as_json {
                output::json(
                    &json!({ "only": side.name(), "company": store.company(), "id": one.id, "name": name }),
                )?;
            } else {
                let of = output::of_company(store.company(), store.served().are_many());
                say!("{name} ({side} {}{of}): only in {side}", one.id);
            }
        }
    }
}

fn is_nobody(one: &Indexed) -> bool {
    one.profile.as_ref().is_some_and(|profile| profile.name.nobody)
}
