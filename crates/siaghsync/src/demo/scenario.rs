//! What happens in the demo: people type into both systems, and answers get lost.

use std::time::{Duration, Instant};

use anyhow::Context;
use domain::polls::{CRM_ORGANIZATION, CRM_PERSON, FINANCE_CONTACTS, PollStore};
use domain::store::sql::SqlStore;
use serde_json::{Value, json};
use simulator::{FaultKind, FaultRule, Kind, Simulator, System, sample};

use super::{agree, documents, show};

/// Nothing in the demo takes so long.
const STUCK: Duration = Duration::from_secs(180);
/// Which of the sample customers stand in both systems from the beginning, as in so many companies.
const TYPED_TWICE: [usize; 2] = [0, 7];

/// The two simulated systems with the real thing between them.
pub(super) struct Stage {
    simulator: Simulator,
    store: SqlStore,
    address: String,
    secret: String,
}

impl Stage {
    /// Both systems as they are found: two customers typed twice. Before anyone polls.
    pub(super) fn new(
        simulator: Simulator,
        store: SqlStore,
        address: String,
        secret: String,
    ) -> anyhow::Result<Self> {
        let customers = sample::crm_customers()?;
        for (at, contact) in TYPED_TWICE.into_iter().zip(sample::finance_contacts()?) {
            let (kind, object) = customers[at].clone();
            simulator.crm().seed(kind, object)?;
            simulator.finance().seed(contact)?;
        }
        Ok(Self {
            simulator,
            store,
            address,
            secret,
        })
    }

    /// Plays the scenario and shows what became of it; says whether both systems agree.
    pub(super) async fn play(&self) -> anyhow::Result<bool> {
        let mut show = show::Show::new(self.store.clone());
        println!(
            "SiaghSync demo: a simulated CRM and a simulated finance system, the real SiaghSync between them.\n"
        );
        let ids = self.first_days(&mut show).await?;
        self.edits(&mut show, &ids).await?;
        self.repeated_webhooks(&mut show, &ids).await?;
        self.lost_answer(&mut show).await?;
        self.edits_on_both_sides(&mut show, &ids).await?;
        self.quote(&mut show).await?;
        self.outcome(&show).await
    }

    /// Each system has customers of its own; the ids of those whom sales has typed.
    async fn first_days(&self, show: &mut show::Show) -> anyhow::Result<Vec<String>> {
        let (crm, finance) = (self.simulator.crm(), self.simulator.finance());
        show.title("Two customers stand in both systems already, typed twice: the first look links them");
        self.look().await?;
        self.settle(show).await?;

        show.title("Sales types ten customers into the CRM, which calls our webhook");
        let mut ids = Vec::new();
        for (at, (kind, object)) in sample::crm_customers()?.into_iter().enumerate() {
            if !TYPED_TWICE.contains(&at) {
                ids.push(crm.create(kind, object)?);
            }
        }
        self.settle(show).await?;

        show.title(
            "Accounting enters four contacts into finance, which tells nobody: the next poll finds them",
        );
        for contact in sample::finance_contacts()?.into_iter().skip(TYPED_TWICE.len()) {
            finance.create(contact)?;
        }
        self.look().await?;
        self.settle(show).await?;
        Ok(ids)
    }

    async fn edits(&self, show: &mut show::Show, ids: &[String]) -> anyhow::Result<()> {
        let crm = self.simulator.crm();
        show.title(
            "Sales changes a mobile, an e-mail and a note; one customer is edited five times in a row",
        );
        edit_mobile(crm, &ids[3], "09351112233")?;
        crm.edit(
            &ids[4],
            json!({"email": "sara@new.example.com", "description": "ترجیح: تماس با ایمیل"}),
        )?;
        for n in 1..=5 {
            crm.edit(&ids[5], json!({"description": format!("یادداشت شماره {n}")}))?;
        }
        self.settle(show).await
    }

    async fn repeated_webhooks(&self, show: &mut show::Show, ids: &[String]) -> anyhow::Result<()> {
        let (crm, finance) = (self.simulator.crm(), self.simulator.finance());
        show.title("The CRM repeats all its webhooks: nothing may be written");
        let saves = || finance.stats().calls("SaveFormData") + crm.stats().calls("/update");
        let before = saves();
        for id in ids {
            crm.announce(id)?;
        }
        self.settle(show).await?;
        show.note(&format!("saves in both systems meanwhile: {}", saves() - before));
        Ok(())
    }

    async fn lost_answer(&self, show: &mut show::Show) -> anyhow::Result<()> {
        let crm = self.simulator.crm();
        show.title("A new customer; finance creates the contact, but its answer is lost on the way");
        self.simulator.faults().add(FaultRule::next(
            System::Finance,
            "2BFDA/create",
            FaultKind::CommitThenDrop,
            1,
        ));
        crm.create(Kind::Person, new_customer())?;
        self.settle(show).await
    }

    async fn edits_on_both_sides(&self, show: &mut show::Show, ids: &[String]) -> anyhow::Result<()> {
        let (crm, finance) = (self.simulator.crm(), self.simulator.finance());
        show.title("Sales changes the e-mail and accounting the address of one customer: both live");
        let code = agree::code_of(crm, &ids[0]).context("no finance code yet")?;
        finance.edit(code, json!({"Address": "اصفهان، خیابان چهارباغ بالا، پلاک ۴۵"}))?;
        crm.edit(&ids[0], json!({"email": "zahra@new.example.com"}))?;
        self.look().await?;
        self.settle(show).await?;

        show.title("Both change the name of one customer: the policy settles it, and the loser is kept in the audit row");
        let code = agree::code_of(crm, &ids[3]).context("no finance code yet")?;
        finance.edit(code, json!({"Name": "حسین نوری (نام از حسابداری)"}))?;
        crm.edit(&ids[3], json!({"nickName": "حسین نوری‌پور (نام از فروش)"}))?;
        self.look().await?;
        self.settle(show).await?;
        Ok(())
    }

    async fn quote(&self, show: &mut show::Show) -> anyhow::Result<()> {
        let crm = self.simulator.crm();
        show.title(
            "Sales writes a quote for a customer that finance does not know yet: the customer goes first",
        );
        let customer = crm.seed(Kind::Person, quoted_customer())?;
        let quote = crm.create(Kind::Quote, documents::quote(&customer))?;
        self.settle(show).await?;
        show.title("The CRM says again that the quote was updated: nothing was changed, so nothing is sent");
        crm.announce(&quote)?;
        self.settle(show).await?;
        Ok(())
    }

    /// Both systems and the audit rows; whether the systems agree.
    async fn outcome(&self, show: &show::Show) -> anyhow::Result<bool> {
        let (crm, finance) = (self.simulator.crm(), self.simulator.finance());
        show.title("What is in the CRM now, and what in finance");
        let pairs = agree::compare(crm, finance);
        println!("{}\n", show::customers(&pairs));
        let (table, issued) = documents::compare(crm, finance);
        println!("{table}\n");
        show.title("The audit rows");
        println!("{}\n", show.audit().await?);
        let alone = finance.contacts().len().abs_diff(pairs.len());
        let all = issued && alone == 0 && pairs.iter().all(|pair| pair.differences.is_empty());
        println!(
            "{}",
            if all {
                "✅ Both systems agree on every customer and every document."
            } else {
                "❌ The systems do not agree; see above."
            }
        );
        Ok(all)
    }

    /// Waits until every poll has looked once from now on.
    async fn look(&self) -> anyhow::Result<()> {
        let now = self.store.clock().now();
        let started = Instant::now();
        for poll in [CRM_PERSON, CRM_ORGANIZATION, FINANCE_CONTACTS] {
            while self
                .store
                .last_look(poll)
                .await?
                .is_none_or(|look| look.started_at <= now)
            {
                anyhow::ensure!(
                    started.elapsed() < STUCK,
                    "the demo is stuck: nobody polls {poll}"
                );
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// Waits until every webhook was delivered, every row has ended, and none that a run caused is on its way, showing
    /// each row as it ends.
    async fn settle(&self, show: &mut show::Show) -> anyhow::Result<()> {
        let crm = self.simulator.crm();
        let started = Instant::now();
        loop {
            // What a run wrote is counted as sent before its row ends: it shows on either side of the look.
            let before = crm.webhook_stats();
            let quiet = show.quiet().await?;
            let over = quiet && before.pending == 0 && crm.webhook_stats().sent == before.sent;
            show.news().await?;
            if over {
                return Ok(());
            }
            anyhow::ensure!(
                started.elapsed() < STUCK,
                "the demo is stuck: rows are still waiting"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// What to try while the demo stays up.
    pub(super) fn invite(&self) {
        let (control, address) = (self.simulator.control_url(), &self.address);
        println!("\nEverything stays up until Ctrl-C. Try:\n");
        println!("  all contacts of finance   curl -s {control}/sim/finance/contacts");
        println!(
            "  a new customer in the CRM curl -s -X POST {control}/sim/crm/person -d '{{\"nickName\": \"مینا راد\"}}'"
        );
        println!(
            "  a webhook by hand         curl -s '{address}/webhook/crm/identity?token={}&event=Update&id=<crmId>&type=Identity'",
            self.secret
        );
        println!("  without its token         curl -s -i '{address}/webhook/crm/identity?event=Update&id=x'");
        println!("  health, metrics           curl -s {address}/health/ready ; curl -s {address}/metrics");
        println!(
            "  break finance for 5 s     curl -s -X PUT {control}/sim/outage/finance -d '{{\"ms\": 5000}}'"
        );
        println!(
            "\nThe simulated CRM is at {}, finance at {}.",
            self.simulator.crm_url(),
            self.simulator.finance_url()
        );
    }
}

fn edit_mobile(crm: &simulator::CrmHandle, id: &str, number: &str) -> anyhow::Result<()> {
    let mut phones = crm
        .get(id)
        .and_then(|object| object.get("phoneContacts").cloned())
        .unwrap_or_default();
    if let Some(Value::Object(phone)) = phones.as_array_mut().and_then(|phones| phones.first_mut()) {
        phone.insert("phoneNumber".to_owned(), number.into());
    }
    crm.edit(id, json!({ "phoneContacts": phones }))?;
    Ok(())
}

fn quoted_customer() -> Value {
    json!({
        "firstName": "کاوه", "lastName": "صالحی", "nickName": "کاوه صالحی", "email": "kaveh@example.com",
        "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": "09127776655"}],
    })
}

fn new_customer() -> Value {
    json!({
        "firstName": "نگار", "lastName": "یزدانی", "nickName": "نگار یزدانی", "nationalCode": "0499370899",
        "email": "negar@example.com",
        "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": "09129998877"}],
        "addressContacts": [{"default": true, "city": "تهران", "address": "تهران، خیابان شریعتی، پلاک ۱۰", "zipCode": "1661612345"}],
    })
}
