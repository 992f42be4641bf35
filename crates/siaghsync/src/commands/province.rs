//! Whether finance shows the province, which every save writes over, for `siaghsync check`.

use domain::ports::Customers as _;
use domain::store::EntityType;
use domain::store::entities::link;
use domain::store::sql::SqlStore;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};
use siagh::{Siagh, UnshownProvince};

use super::part::Part;

/// By any contact that is linked; `None`: it is shown, or there is none yet, or finance has its own line.
pub(crate) async fn look(store: Option<&SqlStore>, finance: &Siagh) -> Option<Part> {
    let store = store?;
    let linked = link::Entity::find()
        .filter(link::Column::Company.eq(store.company().to_string()))
        .filter(link::Column::EntityType.eq(EntityType::Customer))
        .filter(link::Column::FinanceId.is_not_null())
        .filter(link::Column::CrmId.is_not_null())
        .limit(1)
        .one(store.db());
    let code = linked.await.ok()??.finance_id?;
    let contact = finance.read(&code, None).await.ok()??;
    let words =
        |what: &str| format!("finance does not show it (codeostan), and every save writes it: {what}");
    Some(match finance.hides_province(&contact)? {
        UnshownProvince::Refuse => Part::failed(
            "province",
            words("no contact is saved but those that we have made"),
            "set FINANCE_UNSHOWN_PROVINCE to what is to be sent (a code, or clear), or have GetAll show the column",
        ),
        UnshownProvince::Clear => Part::warning(
            "province",
            words("it is cleared by each (FINANCE_UNSHOWN_PROVINCE=clear)"),
            "have GetAll show the column, if contacts have one",
        ),
        UnshownProvince::Code(code) => Part::warning(
            "province",
            words(&format!("each sets it to {code} (FINANCE_UNSHOWN_PROVINCE)")),
            "have GetAll show the column, if contacts have another one",
        ),
    })
}
