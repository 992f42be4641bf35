//! A database as it would be after many syncs, without carrying them out: one customer is synced by the revision itself, and
//! what it has written of it is copied by SQL, with other ids and values. So whatever columns a revision has, they are
//! filled as it fills them.

use anyhow::Context as _;
use sea_orm::{ConnectionTrait as _, Statement};
use serde_json::{Map, Value, json};

use crate::customers::create;
use crate::drive::carry_out;
use crate::services::Deployment;

/// The first customer: these digits are its code in finance, and stand in each of its values.
pub const FIRST: usize = 71_000_001;
/// Contacts that come later are given codes from here on, which no copy has.
const LATER_CODES: usize = 90_000_000;
/// Finance's `RecordId` is the code and so much more.
const RECORD_IDS: usize = 100_000;
/// Who the copies are, while they are made: `token` stands for [`FIRST`].
const WHO: &str = "bench_copies";

/// Where a customer leaves rows, and the column that holds its id there.
const TABLES: [(&str, &str); 5] = [
    ("EntityMapping", "crmId"),
    ("SyncLog", "sourceEntityId"),
    ("RecordIndex", "id"),
    ("RecordValue", "id"),
    ("FinanceSnapshot", "code"),
];

/// The customer that is copied.
pub struct Template {
    pub crm_id: String,
    /// As the CRM holds it once it is linked.
    pub object: Value,
    /// As finance holds it.
    pub contact: Value,
    link: String,
}

/// A customer with all that a customer is found by, or without telephones, to which the CRM gives ids that no copy would have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Whole,
    WithoutTelephones,
}

impl Template {
    /// Synced by the services that run.
    pub async fn make(d: &Deployment<'_>, of: Of) -> anyhow::Result<Self> {
        d.sim
            .put("/config", &json!({"finance": {"first_code": FIRST}}))
            .await?;
        let crm_id = create(&d.sim, "person", &typed(of)).await?;
        carry_out(d, &[d.webhook("identity", "Insert", &crm_id)]).await?;
        d.sim
            .put("/config", &json!({"finance": {"first_code": LATER_CODES}}))
            .await?;
        let sql = r#"SELECT "id"::text AS link FROM "EntityMapping" WHERE "crmId" = $1 AND "financeId" = $2"#;
        let rows = d
            .rows(sql, [crm_id.clone().into(), FIRST.to_string().into()])
            .await?;
        let linked = rows.first().context("the customer to be copied is not linked")?;
        Ok(Self {
            object: d.sim.get(&format!("/crm/{crm_id}")).await?,
            contact: d.sim.get(&format!("/finance/contacts/{FIRST}")).await?,
            link: linked.try_get("", "link")?,
            crm_id,
        })
    }

    /// `n` copies in the database alone. Says which tables this revision does not have.
    pub async fn copy(&self, d: &Deployment<'_>, n: usize) -> anyhow::Result<Vec<&'static str>> {
        who(d).await?;
        let sql = format!(
            "INSERT INTO {WHO} SELECT ({FIRST} + n)::text, md5('crm' || n)::uuid::text FROM generate_series(1, {n}) n"
        );
        d.execute(&sql, []).await?;
        self.fill(d).await
    }

    /// Copies with these tokens and ids of the CRM.
    pub async fn copy_as(
        &self,
        d: &Deployment<'_>,
        them: &[(usize, String)],
    ) -> anyhow::Result<Vec<&'static str>> {
        who(d).await?;
        for some in them.chunks(1_000) {
            let rows: Vec<_> = some
                .iter()
                .map(|(token, crm_id)| format!("('{token}', '{crm_id}')"))
                .collect();
            d.execute(&format!("INSERT INTO {WHO} VALUES {}", rows.join(", ")), [])
                .await?;
        }
        self.fill(d).await
    }

    async fn fill(&self, d: &Deployment<'_>) -> anyhow::Result<Vec<&'static str>> {
        let mut lacking = Vec::new();
        for (table, key) in TABLES {
            let columns = columns(d, table).await?;
            if columns.is_empty() {
                lacking.push(table);
                continue;
            }
            for row in self.rows_of(d, table, key).await? {
                d.db.execute_unprepared(&self.insert(table, &columns, &row))
                    .await?;
            }
        }
        d.execute(&format!("DROP TABLE {WHO}"), []).await?;
        d.db.execute_unprepared("VACUUM ANALYZE").await?;
        d.db.execute_unprepared("CHECKPOINT").await?;
        Ok(lacking)
    }

    async fn rows_of(
        &self,
        d: &Deployment<'_>,
        table: &str,
        key: &str,
    ) -> anyhow::Result<Vec<Map<String, Value>>> {
        let sql = format!(r#"SELECT to_jsonb(t)::text AS row FROM "{table}" t WHERE "{key}" IN ($1, $2)"#);
        let rows = d
            .rows(&sql, [self.crm_id.clone().into(), FIRST.to_string().into()])
            .await?;
        let read = |row: &sea_orm::QueryResult| {
            anyhow::Ok(serde_json::from_str(&row.try_get::<String>("", "row")?)?)
        };
        rows.iter().map(read).collect()
    }

    fn insert(&self, table: &str, columns: &[(String, String)], row: &Map<String, Value>) -> String {
        let names: Vec<_> = columns.iter().map(|(name, _)| format!(r#""{name}""#)).collect();
        let values = columns.iter().map(|(name, kind)| {
            let value = row.get(name).unwrap_or(&Value::Null);
            self.expression(name, kind, value)
        });
        let values: Vec<_> = values.collect();
        format!(
            r#"INSERT INTO "{table}" ({}) SELECT {} FROM {WHO} w"#,
            names.join(", "),
            values.join(", ")
        )
    }

    /// The template's value as SQL, with the copy's ids and values in the place of its own.
    fn expression(&self, name: &str, kind: &str, value: &Value) -> String {
        let text = match value {
            Value::Null => return "NULL".to_owned(),
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        if name == "id" && kind == "uuid" && text != self.link {
            return format!("md5('{text}' || w.token)::uuid");
        }
        let (token, record) = (FIRST.to_string(), (FIRST + RECORD_IDS).to_string());
        let copys_record = format!("(w.token::int + {RECORD_IDS})::text");
        let others = [
            (self.link.as_str(), "md5('link' || w.token)::uuid::text"),
            (self.crm_id.as_str(), "w.crm_id"),
            // Before the token: one of the copies bears this number as its own.
            (record.as_str(), copys_record.as_str()),
            (token.as_str(), "w.token"),
        ];
        let literal = format!("'{}'", text.replace('\'', "''"));
        let replaced = others.iter().filter(|(own, _)| text.contains(own));
        let expression = replaced.fold(literal, |inner, (own, copys)| {
            format!("replace({inner}, '{own}', {copys})")
        });
        format!("({expression})::{kind}")
    }

    /// A copy's text: the CRM's object, or finance's contact.
    pub fn as_copy(of: &Value, token: usize) -> anyhow::Result<Value> {
        let text = of.to_string().replace(&FIRST.to_string(), &token.to_string());
        let mut copy: Value = serde_json::from_str(&text)?;
        if let Some(object) = copy.as_object_mut() {
            // The server's own.
            object
                .retain(|name, _| !["crmId", "creatDate", "modifyDate", "RecordId"].contains(&name.as_str()));
        }
        Ok(copy)
    }
}

async fn who(d: &Deployment<'_>) -> anyhow::Result<()> {
    d.execute(&format!("CREATE TABLE {WHO} (token text, crm_id text)"), [])
        .await
}

/// Each with its type. Empty: there is no such table.
async fn columns(d: &Deployment<'_>, table: &str) -> anyhow::Result<Vec<(String, String)>> {
    let sql = "SELECT column_name::text AS name, udt_name::text AS kind FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = $1 AND is_generated = 'NEVER' ORDER BY ordinal_position";
    let backend = d.db.get_database_backend();
    let rows =
        d.db.query_all_raw(Statement::from_sql_and_values(backend, sql, [table.into()]))
            .await?;
    let read = |row: &sea_orm::QueryResult| anyhow::Ok((row.try_get("", "name")?, row.try_get("", "kind")?));
    rows.iter().map(read).collect()
}

fn typed(of: Of) -> Value {
    let mut object = json!({
        "nickName": format!("مشتری {FIRST}"), "firstName": "مشتری", "lastName": FIRST.to_string(),
        "email": format!("customer{FIRST}@example.com"), "customerNumber": format!("100-{FIRST}"),
        "description": format!("typed-{FIRST}"),
    });
    if let (Of::Whole, Some(object)) = (of, object.as_object_mut()) {
        let phone = |kind: &str, number: String| json!({"default": kind == "موبایل", "phoneType": kind, "phoneNumber": number});
        let phones = [
            phone("موبایل", format!("091{FIRST}")),
            phone("دفتر", format!("021{FIRST}")),
        ];
        let address = json!({"default": true, "addressType": "دفتر", "address": format!("پلاک {FIRST}"),
            "zipCode": format!("11{FIRST}")});
        object.insert("phoneContacts".into(), json!(phones));
        object.insert("addressContacts".into(), json!([address]));
    }
    object
}
