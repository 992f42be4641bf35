//! What is odd in a history's data: what people have met who run such a sync, each kind as a trait that some worlds have.
//! Half of all worlds are plain. Which person is of which household, and who is nobody, is fixed by the person's number.

use domain::customer::Kind;

use crate::manner::Manner;
use crate::sched::Sim;

/// Whoever is given a code of finance that was another's has a number from here on, shares nothing with anybody, and is
/// called like nobody else: what can't be told apart need not be.
pub const STRANGERS: u32 = 1000;

/// So many persons share a household, or work in one office.
const HOUSEHOLD: u32 = 4;

/// The traits of a world.
#[derive(Debug, Clone, Copy, Default)]
pub struct Odd {
    /// Households and offices share telephones, e-mail, address and a family name.
    pub shared: bool,
    /// Where nothing is known, people type something all the same; and some customers are nobody.
    pub placeholders: bool,
    /// Contacts of finance vanish, and their codes are given to others.
    pub given_again: bool,
    /// Finance shows its own mark of each record.
    pub marks: bool,
    /// Records can't be read for a time.
    pub unreadable: bool,
    /// Answers show less than there is.
    pub partial: bool,
    /// Mobiles go from one customer to another, or are exchanged.
    pub moves: bool,
    /// Finance takes a mobile twice.
    pub doubles: bool,
    /// An operator rules on customers.
    pub operator: bool,
    /// How finance writes what it was sent.
    pub manner: Manner,
    /// Two companies are served, and the CRM has customers of a third.
    pub companies: bool,
}

impl Odd {
    pub fn draw(sim: &Sim, seed: u64) -> Self {
        if sim.odds(500) {
            return Self::default();
        }
        let some = || sim.odds(350);
        Self {
            shared: some(),
            placeholders: some(),
            given_again: some(),
            marks: some(),
            unreadable: some(),
            partial: some(),
            moves: some(),
            doubles: some(),
            operator: sim.odds(500),
            manner: if some() { Manner::draw(sim) } else { Manner::Plain },
            // By dice of its own: what else a seed draws stays as it is.
            companies: Sim::new(seed ^ 0xC0_3A17, false).odds(350),
        }
    }

    /// The household, or the office, that a person is of.
    pub fn household(&self, person: u32) -> Option<u32> {
        (self.shared && person < STRANGERS).then_some(person / HOUSEHOLD)
    }

    /// Whether the customer is nobody: «مشتری متفرقه».
    pub fn is_nobody(&self, person: u32) -> bool {
        self.placeholders && person % 9 == 7
    }

    /// The traits by name, for the sums of many histories.
    pub fn names(&self) -> Vec<&'static str> {
        let all = [
            (self.shared, "shared"),
            (self.placeholders, "placeholders"),
            (self.given_again, "given again"),
            (self.marks, "marks"),
            (self.unreadable, "unreadable"),
            (self.partial, "partial"),
            (self.moves, "moves"),
            (self.doubles, "doubles"),
            (self.operator, "operator"),
            (self.manner != Manner::Plain, "foreign forms"),
            (self.companies, "companies"),
        ];
        let has: Vec<_> = all
            .into_iter()
            .filter_map(|(has, name)| has.then_some(name))
            .collect();
        if has.is_empty() { vec!["plain"] } else { has }
    }
}

/// What that person is.
pub fn kind_of(person: u32) -> Kind {
    if person.is_multiple_of(5) {
        Kind::Organization
    } else {
        Kind::Person
    }
}
