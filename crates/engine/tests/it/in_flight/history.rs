//! One history: a record on two sides, users, the network, the machine, and the judge.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use domain::base::Base;
use domain::change::Change;
use domain::customer::{Customer, Field, Kind};
use domain::entity::EntityType;
use domain::in_flight::{Update, Write};
use domain::link::{Link, LinkState};
use domain::merge::Times;
use domain::ports::Snapshot;
use domain::side::Side;
use domain::store::Ruling;
use engine::Config;
use engine::customer::{decide, forget, saving};
use engine::seen::{Known, Seen, Sight};
use engine::step::{Ending, Sending, Step};
use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};
use std::time::Duration;

use crate::ours::with_rules_of;

const FIELDS: [Field; 3] = [Field::Name, Field::Description, Field::Address];
/// After this time, in seconds, a write lands no more.
const SETTLE: i64 = 60;

#[derive(Debug, Clone)]
struct Edit {
    at: i64,
    side: Side,
    field: Field,
    value: String,
    was: String,
    /// Nothing tells it from no edit, or it was overwritten outside by nobody's fault.
    exempt: bool,
}

/// Why a run is over before it has ended.
enum Cut {
    Killed,
    NoAnswer,
}

#[derive(Debug, Default)]
pub struct Reached {
    pub put_back: bool,
    pub owed: bool,
    pub altered: bool,
}

pub struct World {
    random: StdRng,
    now: i64,
    sides: [Customer; 2],
    modified: [i64; 2],
    edits: Vec<Edit>,
    typed: u32,
    left: u32,
    late: Vec<(i64, Update, i64)>,
    faults: bool,
    open_row: bool,
    saves: usize,
    /// The database.
    pub link: Link,
    told: Vec<(i64, Side, Field, String)>,
    ruling: Option<Ruling>,
    reached: Reached,
    /// What happened, for whoever looks at a history that fails.
    story: Vec<String>,
}

const MOBILE: &str = "09123450017";

pub fn at(second: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
}

pub fn config() -> Config {
    Config {
        create_settle: Duration::from_secs(SETTLE.cast_unsigned()),
        ..crate::decisions::config()
    }
}

impl World {
    pub fn new(seed: u64) -> Self {
        let mut customer = Customer::new(Kind::Person);
        let mut base = Base::new(Kind::Person);
        for spec in &domain::fields::TABLE {
            base.agree(spec.field, "", "");
        }
        for field in FIELDS {
            let value = format!("{field}0");
            base.agree(field, &value, &value);
            customer.set(field, value);
        }
        // It lasts, so that whoever is renamed is taken for the same.
        base.agree(Field::Mobile, MOBILE, MOBILE);
        customer.set(Field::Mobile, MOBILE);
        let mut link = Link::unmet(EntityType::Customer);
        link.crm_id = Some("c".into());
        link.finance_id = Some("f".into());
        link.state = LinkState::Active;
        link.base = Some(base);
        Self {
            random: StdRng::seed_from_u64(seed),
            now: 0,
            sides: [customer.clone(), customer],
            modified: [0, 0],
            edits: Vec::new(),
            typed: 0,
            left: 8,
            late: Vec::new(),
            faults: true,
            open_row: true,
            saves: 0,
            link,
            told: Vec::new(),
            ruling: None,
            reached: Reached::default(),
            story: Vec::new(),
        }
    }

    fn say(&mut self, what: String) {
        self.story.push(format!("{:5} {what}", self.now));
    }

    fn odds(&mut self, of_a_hundred: u32) -> bool {
        self.random.random_range(0..100) < of_a_hundred
    }

    /// What may happen between any two steps of a run.
    fn step(&mut self) -> Result<(), Cut> {
        self.now += [1, 1, 1, 2, 5][self.random.random_range(0..5)];
        let now = self.now;
        let (due, late) = std::mem::take(&mut self.late)
            .into_iter()
            .partition(|(at, ..)| *at <= now);
        self.late = late;
        let due: Vec<(i64, Update, i64)> = due;
        for (_, update, read_at) in due {
            self.land(&update, read_at);
        }
        while self.left > 0 && self.odds(25) {
            self.type_something();
        }
        if self.faults && self.odds(6) {
            return Err(Cut::Killed);
        }
        Ok(())
    }

    fn type_something(&mut self) {
        let side = Side::BOTH[self.random.random_range(0..2)];
        let field = FIELDS[self.random.random_range(0..3)];
        self.left -= 1;
        self.typed += 1;
        let mut value = format!("{field}{}", self.typed);
        if self.odds(20) {
            // An old value again.
            let old = self
                .edits
                .iter()
                .filter(|e| e.field == field)
                .map(|e| e.value.clone());
            let old: Vec<String> = old.chain([format!("{field}0")]).collect();
            value.clone_from(&old[self.random.random_range(0..old.len())]);
        }
        let was = self.sides[side as usize].get(field).to_owned();
        if value == was {
            return;
        }
        // Back to what is known, or just what a write that is out leaves there: nothing tells these from no edit.
        let base = self.link.base.as_ref().and_then(|base| base.of(side, field));
        let is_left = |w: &Update| w.fields.get(&field).is_some_and(|s| s.leaves == value);
        let unseen = base == Some(&value) || self.link.in_flight.updates(side).any(is_left);
        self.edits.push(Edit {
            at: self.now,
            side,
            field,
            value: value.clone(),
            was,
            exempt: unseen,
        });
        self.say(format!("typed on {side} {field} {value} (exempt {unseen})"));
        self.sides[side as usize].set(field, value);
        self.modified[side as usize] = self.now;
        self.open_row = true;
    }

    fn land(&mut self, update: &Update, read_at: i64) {
        let side = update.side;
        for field in FIELDS {
            let leaves = &update.fields[&field].leaves;
            let holds = self.sides[side as usize].get(field).to_owned();
            for edit in &mut self.edits {
                let stands = (edit.side, edit.field, &edit.value) == (side, field, &holds);
                if stands && edit.at >= read_at && edit.value != *leaves {
                    edit.exempt = true;
                }
            }
            self.sides[side as usize].set(field, leaves.as_str());
        }
        self.say(format!("lands on {side}: {:?}", self.sides[side as usize].values));
        self.modified[side as usize] = self.now;
        self.open_row = true;
    }

    fn run(&mut self) {
        self.open_row = false;
        let source = Side::BOTH[self.random.random_range(0..2)];
        let mut seen = Seen::nothing(source, self.link.clone(), at(self.now));
        seen.ruling = self.ruling.take();
        let mut known = Known::of(self.link.clone());
        let ended = self.decide_and_act(&mut seen, &mut known);
        if matches!(ended, Err(Cut::Killed)) || self.step().is_err() {
            self.open_row = true;
            return;
        }
        self.open_row |= ended.is_err() || known.look_again;
        self.commit(known, &seen);
    }

    fn decide_and_act(&mut self, seen: &mut Seen, known: &mut Known) -> Result<(), Cut> {
        loop {
            seen.now = at(self.now);
            let (decided, step) = with_rules_of(&config(), |rules| decide(known.clone(), seen, rules));
            *known = decided;
            if !matches!(step, Step::Write(_)) {
                self.say(format!("{step:?}"));
            }
            match step {
                Step::Read(side) => {
                    self.step()?;
                    seen.fresh = Some(side);
                    seen.customers[side as usize] = Sight::Here {
                        record: self.show(side),
                        at: at(self.now),
                    };
                }
                Step::Columns => seen.columns = Some(BTreeSet::new()),
                Step::Narrow => seen.narrowed = Some(Times::default()),
                Step::Write(sending) => match *sending {
                    Sending::Update(update) => self.save(seen, known, update)?,
                    other => panic!("{other:?}"),
                },
                Step::End(Ending::InStep) => return Ok(()),
                other => panic!("{other:?}"),
            }
        }
    }

    pub fn show(&self, side: Side) -> Snapshot {
        let mut customer = self.sides[side as usize].clone();
        customer.hidden = vec![Field::CustomerNumber, Field::FinanceCode, Field::Active];
        Snapshot {
            id: if side == Side::Crm { "c" } else { "f" }.to_owned(),
            customer,
            modified_at: (side == Side::Crm).then(|| at(self.modified[0])),
            whole: serde_json::Value::Null,
        }
    }

    fn save(&mut self, seen: &mut Seen, known: &mut Known, update: Update) -> Result<(), Cut> {
        let side = update.side;
        self.say(format!(
            "saves {side}: {:?} {:?}",
            saving::asked(&update.fields),
            update.decided
        ));
        let read_at = seen
            .sight(side)
            .at()
            .map_or(0, |read| (read - at(0)).num_seconds());
        known.link.in_flight.0.push(Write::Update(update.clone()));
        self.step()?;
        // The intent: one statement that holds the write, the base as known, and what was decided.
        self.link.in_flight = known.on_its_way();
        self.link.base = known.link.base.clone();
        self.step()?;
        self.saves += 1;
        seen.fresh = None;
        seen.customers[side as usize] = Sight::Unread;
        let luck = if self.faults {
            self.random.random_range(0..100)
        } else {
            99
        };
        match luck {
            0..12 => return Err(Cut::NoAnswer),
            12..24 => {
                self.land(&update, read_at);
                return Err(Cut::NoAnswer);
            }
            24..36 => {
                let lands = self.now + self.random.random_range(1..SETTLE - 20);
                self.late.push((lands, update, read_at));
                return Err(Cut::NoAnswer);
            }
            _ => self.land(&update, read_at),
        }
        seen.written[side as usize] = true;
        seen.answered = Some(Write::Update(update));
        Ok(())
    }

    fn commit(&mut self, mut known: Known, seen: &Seen) {
        with_rules_of(&config(), |rules| forget(&mut known, seen, false, rules));
        let held: Vec<Change> = known.held.held().map(|d| d.change()).collect();
        for change in known.told.iter().chain(&known.unseen).chain(&held) {
            let losers = match change.winner {
                Some(winner) => vec![winner.other()],
                None => Side::BOTH.to_vec(),
            };
            for side in losers {
                let value = if side == Side::Crm {
                    &change.crm
                } else {
                    &change.finance
                };
                self.told.push((self.now, side, change.field, value.clone()));
            }
        }
        if let Some(base) = &known.link.base {
            self.reached.put_back |= !base.put_back.is_empty();
            self.reached.owed |= base.put_back.values().any(|side| *side == Side::Finance);
            self.reached.altered |= !base.altered.is_empty();
            // The model's human says of what came back otherwise: an edit.
            if let Some(side) = base.altered.values().next().filter(|_| !held.is_empty()) {
                self.ruling = Some(Ruling::Keep(*side));
                self.open_row = true;
            }
        }
        self.say(format!("committed {:?} told {:?}", known.link.base, known.told));
        self.link = known.link;
    }

    pub fn history(mut self) -> (Vec<String>, Reached) {
        for _ in 0..400 {
            let out = !self.link.in_flight.is_empty() || !self.late.is_empty();
            if self.left == 0 && !self.open_row && !out {
                break;
            }
            if self.left == 0 && self.late.is_empty() {
                self.faults = false;
            }
            self.run();
            let pauses: &[i64] = if self.faults { &[1, 3, 10, 30] } else { &[30, 70] };
            self.now += pauses[self.random.random_range(0..pauses.len())];
        }
        self.run();
        let mut wrong = Vec::new();
        for field in FIELDS {
            let (crm, finance) = (self.sides[0].get(field), self.sides[1].get(field));
            if crm != finance {
                wrong.push(format!("{field}: {crm} and {finance}"));
            }
        }
        for (n, edit) in self.edits.iter().enumerate() {
            let mut after = self.edits[n + 1..]
                .iter()
                .filter(|later| later.field == edit.field);
            let stands = self.sides[edit.side as usize].get(edit.field) == edit.value;
            let superseded = after.any(|later| later.side == edit.side || later.was == edit.value);
            let told = self.told.iter().any(|(at, side, field, value)| {
                *at >= edit.at && (*side, *field, value) == (edit.side, edit.field, &edit.value)
            });
            if !(edit.exempt || stands || superseded || told) {
                wrong.push(format!("lost silently: {edit:?}"));
            }
        }
        if self.saves > 10 + 4 * self.edits.len() {
            wrong.push(format!("{} saves", self.saves));
        }
        if !wrong.is_empty() {
            wrong.extend(self.story);
        }
        (wrong, self.reached)
    }
}
