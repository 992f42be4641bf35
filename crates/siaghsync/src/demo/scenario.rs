//! What happens in the demo: people type into both systems, and answers get lost.

use std::time::{Duration, Instant};

use anyhow::Context;
use domain::store::sql::SqlStore;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use simulator::{FaultKind, FaultRule, Kind, Simulator, System, sample};

use super::{agree, show};

/// The two simulated systems with the real thing between them.
pub(super) struct Stage {
    simulator: Simulator,
    store: SqlStore,
    address: String,
    secret: String,
    http: reqwest::Client,
}

impl Stage {
    pub(super) fn new(simulator: Simulator, store: SqlStore, address: String, secret: String) -> Self {
        let http = reqwest::Client::builder()
            .timeout(Duration::from_secs(10))
            .build()
            .unwrap_or_default();
        Self {
            simulator,
            store,
            address,
            secret,
            http,
        }
    }

    /// Plays the scenario and shows what became of it; says whether both systems agree.
    pub(super) async fn play(&self) -> anyhow::Result<bool> {
        let mut show = show::Show::new(self.store.clone());
        let (crm, finance) = (self.simulator.crm(), self.simulator.finance());
        println!(
            "SiaghSync demo: a simulated CRM and a simulated finance system, the real SiaghSync between them.\n"
        );

        show.title("Finance already has six contacts; sales now types twelve customers into the CRM");
        for contact in sample::finance_contacts()? {
            finance.seed(contact)?;
        }
        let mut ids = Vec::new();
        for (kind, object) in sample::crm_customers()? {
            ids.push(crm.create(kind, object)?);
        }
        self.settle(&mut show).await?;

        show.title("Sales changes a mobile and an address; one customer is edited five times in a row");
        edit_mobile(crm, &ids[4], "09351112233")?;
        crm.edit(
            &ids[5],
            json!({"email": "sara@new.example.com", "description": "ترجیح: تماس با ایمیل"}),
        )?;
        for n in 1..=5 {
            crm.edit(&ids[6], json!({"description": format!("یادداشت شماره {n}")}))?;
        }
        self.settle(&mut show).await?;

        show.title("The CRM repeats all its webhooks: nothing may be written");
        let saves = || finance.stats().calls("SaveFormData") + crm.stats().calls("/update");
        let before = saves();
        for id in &ids {
            crm.announce(id)?;
        }
        self.settle(&mut show).await?;
        show.note(&format!("saves in both systems meanwhile: {}", saves() - before));

        show.title("A new customer; finance creates the contact, but its answer is lost on the way");
        self.simulator.faults().add(FaultRule::next(
            System::Finance,
            "2BFDA/create",
            FaultKind::CommitThenDrop,
            1,
        ));
        ids.push(crm.create(Kind::Person, new_customer())?);
        self.settle(&mut show).await?;

        show.title(
            "At the same time sales changes an e-mail and accounting the address of one customer: both live",
        );
        let code = agree::code_of(crm, &ids[1]).context("no finance code yet")?;
        crm.edit(&ids[1], json!({"email": "zahra@new.example.com"}))?;
        finance.edit(code, json!({"Address": "اصفهان، خیابان چهارباغ بالا، پلاک ۴۵"}))?;
        self.tell_finance_changed(code).await?;
        self.settle(&mut show).await?;

        show.title("What is in the CRM now, and what in finance");
        let agreed = agree::compare(crm, finance, &ids);
        println!("{}\n", show::customers(&agreed));
        show.title("The audit rows");
        println!("{}\n", show.audit().await?);
        let all = agreed.iter().all(|row| row.differences.is_empty());
        println!(
            "{}",
            if all {
                "✅ Both systems agree on every customer."
            } else {
                "❌ The systems do not agree; see above."
            }
        );
        Ok(all)
    }

    /// Waits until every webhook was delivered and every row has ended, showing each as it does.
    async fn settle(&self, show: &mut show::Show) -> anyhow::Result<()> {
        let started = Instant::now();
        loop {
            let sent = self
                .simulator
                .crm()
                .webhooks_settled(Duration::from_secs(10))
                .await;
            show.news().await?;
            if sent && show.quiet().await? {
                return Ok(());
            }
            anyhow::ensure!(
                started.elapsed() < Duration::from_secs(180),
                "the demo is stuck: rows are still waiting"
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Finance sends nothing by itself; a signed event says which contact to look at.
    async fn tell_finance_changed(&self, code: i64) -> anyhow::Result<()> {
        let body = json!({
            "eventId": format!("demo-{code}"), "eventType": "customer.updated", "entityType": "CUSTOMER",
            "entityId": code.to_string(), "action": "updated", "timestamp": "2026-11-22T12:00:00Z", "data": {},
        })
        .to_string();
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(self.secret.as_bytes())?;
        mac.update(body.as_bytes());
        let signature = format!("sha256={}", hex::encode(mac.finalize().into_bytes()));
        let url = format!("{}/webhook/finance", self.address);
        let request = self
            .http
            .post(url)
            .header("x-webhook-signature", signature)
            .body(body);
        request.send().await?.error_for_status()?;
        Ok(())
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

fn new_customer() -> Value {
    json!({
        "firstName": "نگار", "lastName": "یزدانی", "nickName": "نگار یزدانی", "nationalCode": "0499370899",
        "email": "negar@example.com",
        "phoneContacts": [{"default": true, "phoneType": "موبایل", "phoneNumber": "09129998877"}],
        "addressContacts": [{"default": true, "city": "تهران", "address": "تهران، خیابان شریعتی، پلاک ۱۰", "zipCode": "1661612345"}],
    })
}
