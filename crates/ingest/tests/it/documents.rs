//! Polls of sales documents against the simulated CRM: what becomes a row, once, and what is left alone.

use std::{sync::Arc, time::Duration};

use chrono::{NaiveDateTime, TimeDelta};
use domain::{
    clock::{Clock, SystemClock},
    document::{Document, DocumentKind},
    polls::{CRM_INVOICES, CRM_QUOTES, PollStore, Verdict},
    ports::Crm,
    store::{
        EntityType, IssuedDocument, LinkState, Status, Trigger,
        entities::{link, log},
    },
};
use ingest::pollers::Pollers;
use sea_orm::{ActiveModelTrait as _, EntityTrait as _, IntoActiveModel as _, QueryOrder as _};
use serde_json::{Value, json};
use service::{
    clients,
    settings::{Needs, Settings},
};
use simulator::{Kind, Simulator, SimulatorConfig};
use testkit::{Engine, TestDb};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::site::{Bell, ENGINES, Mood};

/// A machine that is heavily loaded takes so long at most.
const LIMIT: Duration = Duration::from_secs(90);

/// A CRM and a database; pollers come and go.
struct Polled {
    sim: Simulator,
    db: TestDb,
}

struct Running {
    shutdown: CancellationToken,
    task: JoinHandle<()>,
}

impl Running {
    async fn stop(self) {
        self.shutdown.cancel();
        self.task.await.unwrap();
    }
}

fn quote() -> Value {
    json!({
        "subject": "فروش", "identityId": "0b1c0a5e-6f7e-4d0c-9a2e-2f1c6d1f0a11", "billableObjectState": "Draft",
        "totalValue": 1000, "details": [{"productCode": "5", "count": 1.0000, "baseUnitPrice": 1000}],
    })
}

fn local(text: &str) -> Option<NaiveDateTime> {
    Some(text.parse().unwrap())
}

impl Polled {
    async fn new(engine: Engine) -> Self {
        service::crypto::install();
        let sim = Simulator::start(SimulatorConfig::default()).await.unwrap();
        let db = TestDb::new(engine).await.unwrap();
        Self { sim, db }
    }

    fn settings(&self, extra: &[(&str, &str)]) -> Settings {
        let (crm, finance) = (self.sim.crm().config(), self.sim.finance().config());
        let mut pairs = vec![
            ("DATABASE_URL", self.db.url.clone()),
            ("CRM_API_BASE_URL", self.sim.crm_url()),
            ("CRM_USERNAME", crm.username),
            ("CRM_PASSWORD", crm.password),
            ("FINANCE_API_BASE_URL", self.sim.finance_url()),
            ("FINANCE_USERNAME", finance.username),
            ("FINANCE_PASSWORD", finance.password),
            ("POLL_INTERVAL_SECONDS", "1".to_owned()),
        ];
        pairs.extend(extra.iter().map(|(name, value)| (*name, (*value).to_owned())));
        Settings::from_pairs(pairs, Needs::EMBEDDED).unwrap()
    }

    fn start(&self, extra: &[(&str, &str)]) -> Running {
        let bell = Arc::new(Bell {
            rings: Default::default(),
            mood: Mood::Well.into(),
        });
        let settings = self.settings(extra);
        let gates = service::gates::Gates::new(&settings, &self.db.store);
        let pollers = Pollers::new(&settings, &self.db.store, bell, gates).unwrap();
        let shutdown = CancellationToken::new();
        let task = tokio::spawn(pollers.run(shutdown.clone()));
        Running { shutdown, task }
    }

    /// Waits for complete looks that begin from now on.
    async fn looks(&self, poll: &str, times: usize) {
        for _ in 0..times {
            let now = self.db.store.clock().now();
            self.eventually(poll, async || {
                let look = self.db.store.last_look(poll).await.unwrap();
                look.is_some_and(|look| look.started_at > now)
            })
            .await;
        }
    }

    async fn eventually(&self, what: &str, mut check: impl AsyncFnMut() -> bool) {
        let clock = SystemClock;
        let started = clock.monotonic();
        while !check().await {
            assert!(clock.monotonic() - started < LIMIT, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// The rows of documents, oldest first.
    async fn rows(&self) -> Vec<log::Model> {
        let rows = log::Entity::find().order_by_asc(log::Column::Id);
        let mut rows = rows.all(self.db.store.db()).await.unwrap();
        rows.retain(|row| row.entity_type != EntityType::Customer);
        rows
    }

    async fn ids(&self) -> Vec<String> {
        self.rows()
            .await
            .into_iter()
            .map(|row| row.source_entity_id)
            .collect()
    }

    /// A quote that was made then, and changed now.
    fn made(&self, created: &str) -> String {
        let id = self.sim.crm().create(Kind::Quote, quote()).unwrap();
        self.sim.crm().set_dates(&id, local(created), None).unwrap();
        id
    }

    /// The link of a quote that is issued as it is now; `disputed`: the description that the accountant was told of.
    async fn issued(&self, id: &str, disputed: Option<&str>) {
        let crm = clients::crm(&self.settings(&[]), Arc::new(SystemClock), None).unwrap();
        let read = crm.read_document(DocumentKind::Quote, id).await.unwrap().unwrap();
        let disputed = disputed.map(|description| Document {
            description: description.to_owned(),
            ..read.document.clone()
        });
        self.map(id, read.document, disputed).await;
    }

    async fn map(&self, id: &str, document: Document, disputed: Option<Document>) {
        let now = SystemClock.now();
        let issued = IssuedDocument {
            number: "2488".to_owned(),
            at: now,
            document,
            accepted: None,
            disputed,
        };
        let model = link::Model {
            company: domain::company::Company::DEFAULT.to_string(),
            id: Uuid::new_v4(),
            entity_type: EntityType::PreInvoice,
            crm_id: Some(id.to_owned()),
            finance_id: Some("5001".to_owned()),
            last_sync_at: Some(now),
            last_sync_source: Some("CRM".to_owned()),
            last_sync_transaction_id: None,
            crm_checksum: None,
            finance_checksum: None,
            crm_updated_at: None,
            finance_updated_at: None,
            created_at: now,
            updated_at: now,
            base: Some(serde_json::to_value(issued).unwrap()),
            in_flight: None,
            version: 1,
            state: LinkState::Active,
            lease_owner: None,
            lease_token: 0,
            lease_until: None,
        };
        let model = model.into_active_model().reset_all();
        model.insert(self.db.store.db()).await.unwrap();
    }
}

#[tokio::test]
async fn a_new_quote_and_each_edit_of_it_are_found_once_and_history_never() {
    for engine in ENGINES {
        let p = Polled::new(engine).await;
        let old = p.made("2020-05-01T10:00:00");
        let new = p.sim.crm().create(Kind::Quote, quote()).unwrap();
        let pollers = p.start(&[]);
        p.looks(CRM_QUOTES, 2).await;
        let rows = p.rows().await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        let row = &rows[0];
        assert_eq!(
            (row.entity_type, row.source_entity_id.as_str(), row.status),
            (EntityType::PreInvoice, new.as_str(), Status::Pending)
        );
        assert_eq!(
            (row.trigger_type, row.direction.as_str()),
            (Trigger::Poll, "CRM_TO_FINANCE")
        );
        assert_eq!(row.trigger_payload, Some(json!({"poll": CRM_QUOTES})));
        p.sim.crm().edit(&new, json!({"description": "دو عدد"})).unwrap();
        p.sim.crm().edit(&old, json!({"description": "دو عدد"})).unwrap();
        p.looks(CRM_QUOTES, 3).await;
        assert_eq!(p.ids().await, [&*new, &*new]);
        // One that no one can read exactly is a row all the same: its run says what is wrong.
        p.sim
            .crm()
            .edit(&new, json!({"details": [{"productCode": "5", "count": "یک"}]}))
            .unwrap();
        p.looks(CRM_QUOTES, 3).await;
        assert_eq!(p.ids().await, [&*new, &*new, &*new]);
        pollers.stop().await;
        p.db.drop_it().await;
    }
}

#[tokio::test]
async fn an_issued_quote_is_left_alone_until_it_says_something_else() {
    for engine in ENGINES {
        let p = Polled::new(engine).await;
        // Watched however old it is.
        let id = p.made("2020-05-01T10:00:00");
        p.issued(&id, None).await;
        let pollers = p.start(&[]);
        p.looks(CRM_QUOTES, 1).await;
        p.sim.crm().edit(&id, json!({"refId": "2488"})).unwrap();
        p.looks(CRM_QUOTES, 2).await;
        assert!(p.rows().await.is_empty(), "the echo of our own write");
        p.sim
            .crm()
            .edit(&id, json!({"billableObjectState": "Approved"}))
            .unwrap();
        p.looks(CRM_QUOTES, 2).await;
        assert!(p.rows().await.is_empty(), "nothing that matters to finance");
        p.sim.crm().edit(&id, json!({"description": "دو"})).unwrap();
        p.looks(CRM_QUOTES, 2).await;
        assert_eq!(p.ids().await, [&*id]);
        pollers.stop().await;
        p.db.drop_it().await;
    }
}

#[tokio::test]
async fn of_a_disputed_change_only_what_comes_after_it_is_heard() {
    let p = Polled::new(Engine::Sqlite).await;
    let id = p.sim.crm().create(Kind::Quote, quote()).unwrap();
    p.issued(&id, Some("سه")).await;
    p.sim.crm().edit(&id, json!({"description": "سه"})).unwrap();
    let pollers = p.start(&[]);
    p.looks(CRM_QUOTES, 2).await;
    assert!(p.rows().await.is_empty());
    p.sim.crm().edit(&id, json!({"description": ""})).unwrap();
    p.looks(CRM_QUOTES, 2).await;
    assert_eq!(p.ids().await, [&*id], "the way back settles the dispute");
    pollers.stop().await;
    p.db.drop_it().await;
}

#[tokio::test]
async fn an_earlier_documents_since_brings_what_a_later_one_left_out() {
    let p = Polled::new(Engine::Sqlite).await;
    let before = p.made("2019-05-31T23:59:59");
    let first = p.made("2019-06-01T00:00:00");
    // Changed as long ago as it was made: no cursor of today would come past it.
    for (id, at) in [(&before, "2019-05-31T23:59:59"), (&first, "2019-06-01T00:00:00")] {
        p.sim.crm().set_dates(id, None, local(at)).unwrap();
    }
    let today = p.sim.crm().create(Kind::Quote, quote()).unwrap();
    let pollers = p.start(&[]);
    p.looks(CRM_QUOTES, 2).await;
    assert_eq!(p.ids().await, [&*today]);
    pollers.stop().await;
    let pollers = p.start(&[("DOCUMENTS_SINCE", "2019-06-01")]);
    p.looks(CRM_QUOTES, 3).await;
    assert_eq!(p.ids().await, [&*today, &*first], "{before} stays history");
    pollers.stop().await;
    p.db.drop_it().await;
}

#[tokio::test]
async fn more_of_one_instant_than_pages_hold_are_all_found_and_the_guard_counts_them() {
    for engine in ENGINES {
        let p = Polled::new(engine).await;
        let at = p.sim.clock().local(p.sim.crm().config().timezone) + TimeDelta::seconds(1);
        let mut made = Vec::new();
        for _ in 0..450 {
            let id = p.sim.crm().create(Kind::Quote, quote()).unwrap();
            p.sim.crm().set_dates(&id, Some(at), Some(at)).unwrap();
            made.push(id);
        }
        let pollers = p.start(&[]);
        p.eventually("held", async || {
            !p.db.store.held(Some(CRM_QUOTES)).await.unwrap().is_empty()
        })
        .await;
        let held = p.db.store.held(Some(CRM_QUOTES)).await.unwrap();
        assert_eq!(held[0].changes, 450);
        assert!(
            held[0].why.english().contains("MAX_CHANGED_SHARE"),
            "{}",
            held[0].why
        );
        let released = p.db.store.settle(&held[0], Verdict::Release).await.unwrap();
        assert_eq!(released, 450);
        p.looks(CRM_QUOTES, 2).await;
        let rows = p.rows().await;
        let pending = rows.iter().filter(|row| row.status == Status::Pending);
        let mut ids: Vec<String> = pending
            .inspect(|row| assert_eq!(row.entity_type, EntityType::PreInvoice))
            .map(|row| row.source_entity_id.clone())
            .collect();
        ids.sort_unstable();
        made.sort_unstable();
        assert_eq!(ids, made, "each once");
        pollers.stop().await;
        p.db.drop_it().await;
    }
}

#[tokio::test]
async fn each_type_is_read_by_itself_and_one_that_the_crm_lacks_stops_only_its_poll() {
    let p = Polled::new(Engine::Sqlite).await;
    p.sim.crm().configure(|config| {
        config.quote_types = vec!["PI_5".to_owned(), "PI_7".to_owned()];
    });
    let of = |code: &str, kind: Kind| {
        let mut object = quote();
        object["crmObjectTypeCode"] = json!(code);
        p.sim.crm().create(kind, object).unwrap()
    };
    let (five, invoice) = (of("PI_5", Kind::Quote), of("SI_5", Kind::Invoice));
    // A later change of one type must not hide an earlier one of another.
    let seven = of("PI_7", Kind::Quote);
    let hour_ago = p.sim.clock().local(p.sim.crm().config().timezone) - TimeDelta::hours(1);
    p.sim.crm().set_dates(&seven, None, Some(hour_ago)).unwrap();
    let pollers = p.start(&[("CRM_INVOICE_TYPES", "SI_5"), ("DOCUMENTS_SINCE", "2024-01-01")]);
    p.looks(CRM_QUOTES, 1).await;
    p.looks(CRM_INVOICES, 1).await;
    let mut rows: Vec<_> = p
        .rows()
        .await
        .into_iter()
        .map(|row| (row.source_entity_id, row.entity_type))
        .collect();
    rows.sort_by_key(|(id, _)| [&five, &invoice].iter().position(|known| *known == id));
    assert_eq!(
        rows,
        [
            (five.clone(), EntityType::PreInvoice),
            (invoice.clone(), EntityType::Invoice)
        ]
    );
    pollers.stop().await;
    let settings = [
        ("CRM_QUOTE_TYPES", "PI_5,PI_7"),
        ("DOCUMENTS_SINCE", "2024-01-01"),
    ];
    let pollers = p.start(&settings);
    p.looks(CRM_QUOTES, 1).await;
    assert!(p.ids().await.contains(&seven));
    pollers.stop().await;

    let seen = p.db.store.last_look(CRM_QUOTES).await.unwrap();
    let edited = of("PI_5", Kind::Quote);
    let pollers = p.start(&[("CRM_QUOTE_TYPES", "PI_5,PI_9"), ("CRM_INVOICE_TYPES", "SI_5")]);
    let calls = p.sim.crm().stats().calls("quote/sales/find");
    p.eventually("asked", async || {
        p.sim.crm().stats().calls("quote/sales/find") >= calls + 2
    })
    .await;
    p.looks(CRM_INVOICES, 1).await;
    assert_eq!(
        p.db.store.last_look(CRM_QUOTES).await.unwrap(),
        seen,
        "nothing moved"
    );
    assert!(!p.ids().await.contains(&edited));
    pollers.stop().await;
    p.db.drop_it().await;
}
