//! Whom forms lead to.

use sea_orm::ConnectionTrait;

use super::{CUSTOMER, rows};
use crate::index::{Indexed, MOST, stored};
use crate::matching::Form;
use crate::side::Side;
use crate::store::StoreResult;
use crate::store::sql::{SqlStore, system};

/// The columns of a link that name its record on that side, and the other one.
pub(super) fn ids(side: Side) -> (&'static str, &'static str) {
    match side {
        Side::Crm => ("crmId", "financeId"),
        Side::Finance => ("financeId", "crmId"),
    }
}

/// Whether `i`, a record of that side, is or was linked.
pub(super) fn linked(side: Side) -> String {
    let (own, other) = ids(side);
    // Codes are each company's own.
    let same_company = match side {
        Side::Crm => "",
        Side::Finance => r#"AND m."company" = i."company""#,
    };
    format!(
        r#"EXISTS (SELECT 1 FROM "EntityMapping" m WHERE m."entityType" = 'CUSTOMER' AND m."{own}" = i."id"
           AND m."{other}" IS NOT NULL {same_company})"#
    )
}

pub(super) async fn holding(
    store: &SqlStore,
    side: Side,
    forms: &[Form],
    than: &str,
) -> StoreResult<Vec<Indexed>> {
    if forms.is_empty() {
        return Ok(Vec::new());
    }
    let of_side = system(side);
    let part = |(n, form): (usize, &Form)| {
        format!(
            r#"SELECT * FROM (SELECT v."id" FROM "RecordValue" v WHERE v."side" = '{of_side}' AND v."company" = $1
               AND v."entityType" = $2 AND v."key" = '{}' AND v."value" = ${} LIMIT {MOST}) p{n}"#,
            form.key.as_str(),
            n + 4
        )
    };
    let parts: Vec<_> = forms.iter().enumerate().map(part).collect();
    let (own, other) = ids(side);
    let ids = parts.join(" UNION ");
    // PostgreSQL would rather read the whole index than look each of them up, while it knows nothing of it.
    let found = match store.is_postgres() {
        true => format!(
            r#"({ids}) f, LATERAL (SELECT * FROM "RecordIndex" r WHERE r."side" = '{of_side}' AND r."company" = $1
                AND r."entityType" = $2 AND r."id" = f."id" OFFSET 0) i"#
        ),
        false => format!(
            r#"({ids}) f CROSS JOIN "RecordIndex" i ON i."side" = '{of_side}' AND i."company" = $1
                AND i."entityType" = $2 AND i."id" = f."id""#
        ),
    };
    let sql = format!(
        r#"SELECT i."id", i."profile", CASE WHEN {} THEN 1 ELSE 0 END AS "linked"
           FROM {found} WHERE i."goneSince" IS NULL AND NOT EXISTS (SELECT 1 FROM "Separated" s WHERE s."company" = $1
               AND s."entityType" = $2 AND s."{own}" = i."id" AND s."{other}" = $3)
           ORDER BY i."id""#,
        linked(side),
    );
    let fixed = [store.label(), CUSTOMER.into(), than.into()];
    let values = fixed
        .into_iter()
        .chain(forms.iter().map(|form| stored(&form.value).into_owned().into()));
    let found = store.db().query_all_raw(store.statement(&sql, values)).await?;
    found.iter().map(rows::indexed).collect()
}
