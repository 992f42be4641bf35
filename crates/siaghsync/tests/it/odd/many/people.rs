//! Whom the systems are filled with: thousands of good customers, and one in a hundred odd in one of the ways in which people's
//! data is; of each it is known who it is, what was typed, and what is right to become of it.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::SliceRandom};
use serde_json::Value;
use simulator::sample::{self, SampleCustomer};
use simulator::{Kind, Simulator, System};

use super::field::{FIELDS, Field};
use super::odd::{self, Odd};

/// Stands in a text where half of an emoji is to be shown; and a text that can't be read at all.
pub const HALF: &str = "HALF";
pub const BREAK: &str = "BREAK";

/// What is right to become of a customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// One record on each side, which hold the same, but for these fields: finance has none of them.
    InStep(&'static [Field]),
    /// Nothing is made of it and nothing is written into it: somebody is asked, or it is left alone.
    Alone,
    /// Twice in finance and not in the CRM: one of the two is made there, of the other somebody is asked.
    Doubled,
}

/// Where an odd one must be named, and with which words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// A line of the import's report about each of its contacts: what, and a part of why.
    Report(&'static str, &'static str),
    /// A line of `siaghsync check` with its ids.
    Check(&'static str),
    /// The last row of each of its records has ended so, with a code that begins so.
    Row(domain::store::Status, &'static str),
    /// Likewise, of one record of it at least.
    OneRow(domain::store::Status, &'static str),
}

/// Somebody has typed a value into a field of a record.
#[derive(Clone, Debug)]
pub struct Typed {
    pub side: System,
    pub record: String,
    pub field: Field,
    pub value: String,
}

/// One customer.
pub struct Customer {
    /// `None`: a good one.
    pub odd: Option<Odd>,
    pub fate: Fate,
    pub told: Vec<Told>,
    /// What is entered on either side, before anything runs.
    pub as_contacts: Vec<Value>,
    pub as_identities: Vec<(Kind, Value)>,
    /// Their codes and ids, once they are entered.
    pub codes: Vec<i64>,
    pub ids: Vec<String>,
    /// All that was ever typed of this customer, oldest first.
    pub typed: Vec<Typed>,
}

impl Customer {
    pub fn new(odd: Option<Odd>, fate: Fate) -> Self {
        Self {
            odd,
            fate,
            told: Vec::new(),
            as_contacts: Vec::new(),
            as_identities: Vec::new(),
            codes: Vec::new(),
            ids: Vec::new(),
            typed: Vec::new(),
        }
    }

    pub fn in_finance(mut self, contact: Value) -> Self {
        self.as_contacts.push(contact);
        self
    }

    pub fn in_crm(mut self, kind: Kind, identity: Value) -> Self {
        self.as_identities.push((kind, identity));
        self
    }

    pub fn told(mut self, told: &[Told]) -> Self {
        self.told.extend_from_slice(told);
        self
    }

    /// Enters all that is to be there.
    fn enter(&mut self, sim: &Simulator) {
        for contact in std::mem::take(&mut self.as_contacts) {
            let code = sim.finance().seed(contact.clone()).unwrap();
            self.codes.push(code);
            self.note(System::Finance, &code.to_string(), |field| {
                field.of_contact(&contact)
            });
        }
        for (kind, identity) in std::mem::take(&mut self.as_identities) {
            let id = sim.crm().seed(kind, identity.clone()).unwrap();
            self.note(System::Crm, &id, |field| field.of_identity(&identity));
            self.ids.push(id);
        }
    }

    fn note(&mut self, side: System, record: &str, of: impl Fn(Field) -> String) {
        for field in FIELDS {
            let value = of(field);
            let record = record.to_owned();
            self.typed.push(Typed {
                side,
                record,
                field,
                value,
            });
        }
    }

    /// What was typed last into a field, on whichever side; of what was there at the start, what is not empty.
    pub fn last(&self, field: Field) -> &str {
        let typed = self.typed.iter().rev();
        let mut of_field = typed.filter(|typed| typed.field == field && !typed.value.is_empty());
        of_field.next().map_or("", |typed| &typed.value)
    }

    /// What was typed last into a field of that record.
    pub fn last_of(&self, side: System, record: &str, field: Field) -> Option<&str> {
        let mut typed = self.typed.iter().rev();
        typed
            .find(|typed| typed.side == side && typed.record == record && typed.field == field)
            .map(|typed| typed.value.as_str())
    }

    pub fn is_good(&self) -> bool {
        self.odd.is_none()
    }
}

/// How many there are to be.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    pub contacts: usize,
    pub identities: usize,
    /// Customers of each way of being odd that finance has; and the CRM.
    pub odd_in_finance: usize,
    pub odd_in_crm: usize,
}

/// All customers, entered into both systems in no order.
pub fn enter(sim: &Simulator, size: Size, seed: u64) -> Vec<Customer> {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut all = odd::customers(&size, seed);
    let count = |of: fn(&Customer) -> usize| all.iter().map(of).sum::<usize>();
    let contacts = size.contacts - count(|one| one.as_contacts.len());
    let identities = size.identities - count(|one| one.as_identities.len());
    let twins = identities * 4 / 5;
    let of_crm = identities - twins;
    let good = sample::customers(seed, odd::RESERVED + contacts + of_crm).into_iter();
    for (n, sample) in good.skip(odd::RESERVED).enumerate() {
        let good = Customer::new(None, Fate::InStep(&[]));
        let good = match n {
            _ if n < twins => twin(&mut rng, good, &sample),
            _ if n < contacts => good.in_finance(sample.to_finance()),
            _ => good.in_crm(sample.kind, sample.to_crm()),
        };
        all.push(good);
    }
    all.shuffle(&mut rng);
    all.iter_mut().for_each(|one| one.enter(sim));
    all
}

/// In both systems; what the one does not know the other may.
fn twin(rng: &mut StdRng, good: Customer, sample: &SampleCustomer) -> Customer {
    let (mut contact, mut identity) = (sample.to_finance(), sample.to_crm());
    match rng.random_range(0..4) {
        0 => contact["Email"] = Value::Null,
        1 => contact["Address"] = Value::Null,
        2 => identity["description"] = Value::Null,
        _ => {}
    }
    good.in_finance(contact).in_crm(sample.kind, identity)
}
