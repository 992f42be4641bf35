//! Acting. Each outside write: one fenced statement renews the lease and commits what will be sent, what is known by now
//! and what was decided; then a look whether the lease outlives the time-out; then it is sent.

use domain::customer::Customer;
use domain::document::{DocumentSnapshot, Issued};
use domain::in_flight::{Create, InFlight, Issue, Update, Write};
use domain::message::{Code, Message};
use domain::ports::PortError;
use domain::side::Side;
use domain::store::{Intended, StoreError};

use crate::customer::is_its_own_matter;
use crate::customer::saving::asked;
use crate::document::unknown;
use crate::executor::{Executor, Stop};
use crate::seen::{Refusal, Sight};
use crate::step::{Ending, Sending};

impl Executor<'_> {
    /// Takes a step that writes to one of the systems; `None`: the run goes on.
    pub(crate) async fn act(&mut self, sending: Sending) -> Result<Option<Ending>, Stop> {
        match sending {
            Sending::Create(create, customer) => self.create(create, &customer).await,
            Sending::Update(update) => self.update(update).await,
            Sending::Issue(issue) => self.issue(*issue).await,
            Sending::Note(number) => self.note_number(&number).await,
        }
    }

    /// Makes `id` ours before anything is written to it.
    pub(crate) async fn link(
        &mut self,
        side: Side,
        id: &str,
        takes_over: bool,
        told: Message,
    ) -> Result<(), Stop> {
        if self.noted.is_none() {
            let (entity, store) = (self.entity(side, id), &self.engine.store);
            let linked = match takes_over {
                true => store.take_over(&self.work.lease, &entity).await,
                false => store.link(&self.work.lease, &entity).await,
            };
            match linked {
                Err(StoreError::LinkedElsewhere { .. }) => {
                    let theirs = store.find_link(&entity).await?;
                    self.seen.not_linked = Some((side, id.to_owned(), takes_over, theirs));
                    return Ok(());
                }
                linked => linked?,
            }
        }
        // Whatever was known was of another pair: one of the two was linked before, and has outlived that one.
        self.known.link.base = None;
        self.known.link.set_id(side, id.to_owned());
        self.known.has_done(told);
        Ok(())
    }

    /// Commits the intent. `false`: the lease would not outlive the time-out of what is to be sent.
    async fn intend(&mut self) -> Result<bool, Stop> {
        let engine = self.engine;
        let renewed = engine.clock.monotonic();
        let on_its_way = self.known.on_its_way();
        let intended = Intended {
            in_flight: &on_its_way,
            base: self.known.link.base.as_ref(),
        };
        engine
            .store
            .intend(&self.work.lease, intended, engine.config.lease)
            .await?;
        self.stored = on_its_way;
        self.stored_base.clone_from(&self.known.link.base);
        self.lease_ends = renewed + engine.config.lease;
        let left = self.lease_ends.saturating_sub(engine.clock.monotonic());
        Ok(left > engine.config.http_timeout)
    }

    fn too_short(&mut self) -> Ending {
        self.known.link.in_flight.0.pop();
        Ending::Wait(Message::new(Code::LeaseTooShort), self.engine.config.retry_base)
    }

    async fn create(&mut self, create: Create, customer: &Customer) -> Result<Option<Ending>, Stop> {
        let side = create.side;
        let create = Create {
            places: self.engine.port(side).makes(),
            ..create
        };
        self.known.link.in_flight.0.push(Write::Create(create.clone()));
        if !self.intend().await? {
            return Ok(Some(self.too_short()));
        }
        (self.sent, self.seen.fresh) = (true, None);
        match self.engine.port(side).create(customer).await {
            Ok(id) => {
                if let Some(Write::Create(sent)) = self.known.link.in_flight.0.last_mut() {
                    sent.made = Some(id.clone());
                }
                // Ours at once: whoever hears of it from its own side finds this link, whatever becomes of this run.
                self.seen.answered = Some(Write::Create(create));
                self.seen.written[side as usize] = true;
                let told = Message::new(Code::Created).with("side", side).with("id", &id);
                self.link(side, &id, true, told).await?;
                self.before[side as usize] = None;
                Ok(None)
            }
            Err(PortError::Taken { fields, words }) => {
                self.known.link.in_flight.0.pop();
                self.seen.note_taken(side, &words, &fields, &create.fields);
                Ok(None)
            }
            Err(error) => {
                if !matches!(error, PortError::UnknownOutcome { .. }) {
                    self.known.link.in_flight.0.pop();
                }
                Ok(Some(Ending::Failed(side, error)))
            }
        }
    }

    async fn update(&mut self, update: Update) -> Result<Option<Ending>, Stop> {
        let side = update.side;
        let Some(current) = self.seen.snapshot(side).cloned() else {
            return Ok(Some(Ending::Gone(side)));
        };
        let values = asked(&update.fields);
        let base = self.known.link.base.as_mut();
        if let Some(places) = base.and_then(|base| base.places.get_mut(&side)) {
            self.engine.port(side).clearing(places, &values);
        }
        self.known.link.in_flight.0.push(Write::Update(update.clone()));
        if !self.intend().await? {
            return Ok(Some(self.too_short()));
        }
        (self.sent, self.seen.fresh) = (true, None);
        let saved = self.engine.port(side).update(&current, &values).await;
        if matches!(saved, Ok(()) | Err(PortError::UnknownOutcome { .. })) {
            self.seen.customers[side as usize] = Sight::Unread;
        }
        match saved {
            Ok(()) => {
                self.seen.written[side as usize] = true;
                self.seen.answered = Some(Write::Update(update));
                Ok(None)
            }
            Err(error @ PortError::Integrity { .. }) => {
                let ended = self.not_saved(side, error);
                self.keep_answer().await?;
                Ok(ended)
            }
            Err(PortError::Taken { fields, words }) => {
                self.known.link.in_flight.0.pop();
                self.seen.note_taken(side, &words, &fields, &update.fields);
                Ok(None)
            }
            Err(error) => Ok(self.not_saved(side, error)),
        }
    }

    /// What is wrong with one side is no reason to keep the other waiting for its own news.
    fn not_saved(&mut self, side: Side, error: PortError) -> Option<Ending> {
        match &error {
            PortError::UnknownOutcome { .. } => {}
            PortError::Integrity { answered, .. } => {
                if let Some(Write::Update(sent)) = self.known.link.in_flight.0.last_mut() {
                    sent.answered = Some(answered.clone());
                    sent.decided.clear();
                }
            }
            _ => {
                self.known.link.in_flight.0.pop();
            }
        }
        if is_its_own_matter(&error) {
            self.seen.refused[side as usize] = Some(Refusal::Port(error));
            return None;
        }
        Some(Ending::Failed(side, error))
    }

    async fn issue(&mut self, issue: Issue) -> Result<Option<Ending>, Stop> {
        self.known.link.in_flight = InFlight(vec![Write::Issue(Box::new(issue.clone()))]);
        if !self.intend().await? {
            return Ok(Some(self.too_short()));
        }
        (self.sent, self.seen.fresh) = (true, None);
        match self
            .engine
            .finance
            .issue(&issue.document, &issue.customer_code)
            .await
        {
            Ok(answer) => {
                self.keep(issue, answer).await?;
                Ok(None)
            }
            Err(PortError::UnknownOutcome { message, .. }) => {
                let why = Message::new(Code::Words).with("words", message);
                Ok(Some(Ending::Unknown(unknown(&issue, Some(&why)))))
            }
            Err(error) => {
                self.known.link.in_flight = InFlight::none();
                Ok(Some(Ending::Failed(Side::Finance, error)))
            }
        }
    }

    /// Stores the answer before anything else is done: the run after one that is killed knows the number.
    async fn keep(&mut self, issue: Issue, answer: Issued) -> Result<(), Stop> {
        self.seen.issued = Some(answer.clone());
        let number = answer.number.clone();
        let answered = Issue {
            answer: Some(answer),
            ..issue
        };
        self.known.link.in_flight = InFlight(vec![Write::Issue(Box::new(answered))]);
        if let Some(error) = self.keep_answer().await? {
            let row = self.work.lead.id;
            tracing::error!(%row, number, %error, "finance has issued row {row} as pre-invoice {number}, which can't be stored now: {error}");
        }
        Ok(())
    }

    /// Stores what was answered; says why it can't be stored. The commit stores it as well: only a lost lease makes this
    /// run void.
    async fn keep_answer(&mut self) -> Result<Option<StoreError>, Stop> {
        match self.intend().await {
            Ok(_) => Ok(None),
            Err(Stop::Store(error)) if !matches!(error, StoreError::Fenced) => Ok(Some(error)),
            Err(stop) => Err(stop),
        }
    }

    async fn note_number(&mut self, number: &str) -> Result<Option<Ending>, Stop> {
        let Some(current) = self.seen.document.record().cloned() else {
            return Ok(Some(Ending::Gone(Side::Crm)));
        };
        // What the store holds as sent stays there: until the commit, nothing else says that it was issued.
        let intended = Intended {
            in_flight: &self.stored,
            base: None,
        };
        let (engine, lease) = (self.engine, self.engine.config.lease);
        let renewed = engine.clock.monotonic();
        engine.store.intend(&self.work.lease, intended, lease).await?;
        self.lease_ends = renewed + lease;
        self.seen.fresh = None;
        if let Err(error) = engine.crm.note_issued(&current, number).await {
            return Ok(Some(Ending::Failed(Side::Crm, error)));
        }
        self.seen.noted = Some(current);
        self.seen.document = Sight::<DocumentSnapshot>::Unread;
        Ok(None)
    }
}
