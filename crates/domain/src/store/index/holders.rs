//! Who holds a value: counted as far as it matters, by a look at that many rows.

use sea_orm::ConnectionTrait;

use super::CUSTOMER;
use crate::index::{COUNTED, stored};
use crate::matching::{Form, Tally};
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{SqlStore, system};

/// So many forms go into one statement (both databases bound the parameters, and the parts, of a statement).
const GROUP: usize = 60;

pub(super) async fn holders(store: &SqlStore, forms: &[Form]) -> StoreResult<Tally> {
    let mut tally = Tally::default();
    let asked: Vec<(Side, &Form)> = Side::BOTH
        .into_iter()
        .flat_map(|side| forms.iter().map(move |form| (side, form)))
        .collect();
    for group in asked.chunks(GROUP) {
        let part = |(n, (side, form)): (usize, &(Side, &Form))| {
            format!(
                r#"SELECT {n} AS "n", (SELECT COUNT(*) FROM (SELECT DISTINCT v."holder" FROM "RecordValue" v
                   WHERE v."side" = '{}' AND v."company" = $1 AND v."entityType" = $2 AND v."key" = '{}'
                   AND v."value" = ${} LIMIT {COUNTED}) d) AS "holders""#,
                system(*side),
                form.key.as_str(),
                n + 3
            )
        };
        let parts: Vec<_> = group.iter().enumerate().map(part).collect();
        let forms = group
            .iter()
            .map(|(_, form)| stored(&form.value).into_owned().into());
        let values = [store.label(), CUSTOMER.into()].into_iter().chain(forms);
        let sql = parts.join(" UNION ALL ");
        for row in store.db().query_all_raw(store.statement(&sql, values)).await? {
            let (n, holders): (i32, i64) = (row.try_get("", "n")?, row.try_get("", "holders")?);
            let asked = usize::try_from(n).ok().and_then(|n| group.get(n));
            if let Some((side, form)) = asked {
                tally.set(*side, (*form).clone(), usize::try_from(holders).unwrap_or(0));
            }
        }
    }
    Ok(tally)
}
