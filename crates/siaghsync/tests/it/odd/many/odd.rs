//! The ways in which people's data is odd, each with what is right to become of it (`cases.md`).

use domain::store::Status;
use serde_json::{Value, json};
use simulator::Kind;
use simulator::sample::{self, SampleCustomer};

use super::field::Field;
use super::people::{BREAK, Customer, Fate, HALF, Size, Told};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Odd {
    Nul,
    HalfEmoji,
    Emoji,
    LongEmail,
    PlaceholderId,
    PlaceholderMobile,
    Spelling,
    NoKind,
    OneOffice,
    Sisters,
    OldReference,
    Unreadable,
    Nobody,
    OtherCompany,
    Tag,
    TwiceInFinance,
    TwiceInCrm,
    Doubled,
    FatherAndSon,
}

/// What may not arrive in finance, where each telephone is somebody's alone.
const PHONES: &[Field] = &[Field::Mobile, Field::Phone];
const SAME: Fate = Fate::InStep(&[]);
const DOUBT: Told = Told::Row(Status::Conflict, "match_doubt");
const PLACEHOLDER_IDS: [&str; 6] = ["0000000000", "1111111111", "ندارد", "-", "0", "1234567890"];
const NOBODY: [&str; 5] = ["مشتری متفرقه", "نقدی", "مصرف‌کننده نهایی", "مشتري نقدي", "تست"];

/// People whom nobody else is called after, with numbers of their own. Good customers begin behind them.
struct People {
    persons: std::vec::IntoIter<SampleCustomer>,
    made: usize,
}

/// So many of the sample customers are for odd ones.
pub const RESERVED: usize = 2000;

impl People {
    fn new(seed: u64) -> Self {
        let all = sample::customers(seed, RESERVED).into_iter();
        let persons: Vec<_> = all.filter(|one| one.kind == Kind::Person).collect();
        Self {
            persons: persons.into_iter(),
            made: 0,
        }
    }

    fn next(&mut self) -> SampleCustomer {
        let mut person = self.persons.next().unwrap();
        (person.first_name, person.last_name) = own_name(self.made);
        person.name = format!("{} {}", person.first_name, person.last_name);
        self.made += 1;
        person
    }
}

/// Names that have nothing in common with their neighbours.
fn own_name(n: usize) -> (String, String) {
    const FIRST: [&str; 11] = [
        "پرستو",
        "سیاوش",
        "گلناز",
        "ارسلان",
        "شهرزاد",
        "کیومرث",
        "ماندانا",
        "تیرداد",
        "آیناز",
        "فریبرز",
        "نگار",
    ];
    const PARTS: [&str; 19] = [
        "بهـ",
        "دادر",
        "شکیـ",
        "مهرو",
        "کوهـ",
        "زرین",
        "فرخ",
        "هوشـ",
        "آذر",
        "پولاد",
        "تیمو",
        "گیتـ",
        "ساما",
        "ویشـ",
        "جمشـ",
        "خورا",
        "نوذر",
        "لاله",
        "ژرفـ",
    ];
    const ENDS: [&str; 7] = ["پناه", "دشتی", "وند", "نیا", "کیش", "بان", "سرشت"];
    let part = |n: usize| PARTS[n % PARTS.len()].replace('ـ', "");
    let last = format!(
        "{}{}{}",
        part(n),
        part(n / PARTS.len() + 7 * n + 3),
        ENDS[n % ENDS.len()]
    );
    (FIRST[n % FIRST.len()].to_owned(), last)
}

/// All odd ones.
pub fn customers(size: &Size, seed: u64) -> Vec<Customer> {
    let mut people = People::new(seed);
    let mut all = Vec::new();
    for n in 0..size.odd_in_finance {
        all.extend(texts_in_finance(&mut people));
        all.extend(keys_in_finance(&mut people, n));
        all.extend(left_alone_in_finance(&mut people, n));
        all.extend(doubts(&mut people));
        all.extend(two_of_a_kind(&mut people, n));
    }
    for n in 0..size.odd_in_crm {
        all.extend(texts_in_crm(&mut people));
        all.extend(keys_in_crm(&mut people, n));
        all.extend(left_alone_in_crm(&mut people, n));
    }
    all
}

fn of(odd: Odd, fate: Fate) -> Customer {
    Customer::new(Some(odd), fate)
}

fn long_email(person: &SampleCustomer) -> Value {
    format!("{}{}", "e".repeat(6000), person.email).into()
}

fn texts_in_finance(people: &mut People) -> Vec<Customer> {
    let create = [Told::Report("create", "")];
    let mut made = |odd, change: &dyn Fn(&SampleCustomer, &mut Value)| {
        let person = people.next();
        let mut contact = person.to_finance();
        change(&person, &mut contact);
        of(odd, SAME).in_finance(contact).told(&create)
    };
    vec![
        made(Odd::Nul, &|person, contact| {
            contact["Name"] = format!("{}\0 {}", person.first_name, person.last_name).into();
        }),
        made(Odd::HalfEmoji, &|person, contact| {
            contact["Name"] = format!("{}{HALF} {}", person.first_name, person.last_name).into();
            contact["Description"] = format!("{HALF}یادداشت").into();
        }),
        made(Odd::LongEmail, &|person, contact| {
            contact["Email"] = long_email(person)
        }),
        made(Odd::NoKind, &|_, contact| contact["TowardType"] = Value::Null),
    ]
}

fn keys_in_finance(people: &mut People, n: usize) -> Vec<Customer> {
    let create = [Told::Report("create", "")];
    let mut all: Vec<Customer> = (0..3)
        .map(|more| {
            let mut contact = people.next().to_finance();
            contact["NationalCode"] = PLACEHOLDER_IDS[(n * 3 + more) % PLACEHOLDER_IDS.len()].into();
            of(Odd::PlaceholderId, SAME).in_finance(contact).told(&create)
        })
        .collect();
    let mut contact = people.next().to_finance();
    let digit = n / 5 % 10;
    let seven = [3, 4].map(|count| digit.to_string().repeat(count));
    contact["MobileNo"] = match n % 5 {
        0 => format!("0912{}{}", seven[0], seven[1]),
        1 => format!("0912-{}-{}", seven[0], seven[1]),
        2 => format!("+98 912 {}{}", seven[0], seven[1]),
        3 => format!("912{}{}", seven[0], seven[1]),
        _ => format!("0912 {} {}", seven[0], seven[1]),
    }
    .into();
    all.push(of(Odd::PlaceholderMobile, SAME).in_finance(contact).told(&create));
    // One office: five people, one e-mail, one address; finance has each telephone once.
    let office = people.next();
    for _ in 0..5 {
        let person = people.next();
        let mut contact = person.to_finance();
        for (column, value) in [
            ("Email", &office.email),
            ("Address", &office.address),
            ("PostalCode", &office.postal_code),
        ] {
            contact[column] = value.as_str().into();
        }
        all.push(of(Odd::OneOffice, SAME).in_finance(contact).told(&create));
    }
    all.push(spelt(people, n));
    all
}

/// One customer, spelt in one way here and in another there.
fn spelt(people: &mut People, n: usize) -> Customer {
    let person = people.next();
    let (mut contact, mut identity) = (person.to_finance(), person.to_crm());
    let bare = person.mobile.trim_start_matches('0');
    let spellings = [
        persian(&person.mobile),
        format!("+98 {} {} {}", &bare[..3], &bare[3..6], &bare[6..]),
        format!("0098{bare}"),
        format!("98{bare}"),
        bare.to_owned(),
        format!("0{}-{}-{}", &bare[..3], &bare[3..6], &bare[6..]),
    ];
    identity["phoneContacts"][0]["phoneNumber"] = spellings[n % spellings.len()].as_str().into();
    let id = &person.national_id;
    identity["nationalCode"] = match n % 2 {
        0 => format!("{}-{}-{}", &id[..3], &id[3..9], &id[9..]),
        _ => persian(id),
    }
    .into();
    contact["Name"] = person.name.replace('ی', "ي").replace('ک', "ك").into();
    contact["PostalCode"] = format!("{}-{}", &person.postal_code[..5], &person.postal_code[5..]).into();
    let link = Told::Report("link", "the national id agrees");
    of(Odd::Spelling, SAME)
        .in_finance(contact)
        .in_crm(person.kind, identity)
        .told(&[link])
}

fn persian(text: &str) -> String {
    let digits = text.chars().map(|letter| match letter.to_digit(10) {
        Some(digit) => char::from_u32(u32::from('۰') + digit).unwrap_or(letter),
        None => letter,
    });
    digits.collect()
}

fn left_alone_in_finance(people: &mut People, n: usize) -> Vec<Customer> {
    let mut broken = people.next().to_finance();
    // A code that no customer's number names: whoever might be this one is not created beside it.
    (broken["Code"], broken["Email2"]) = (json!(910_000 + n), BREAK.into());
    let mut nobody = people.next().to_finance();
    nobody["Name"] = NOBODY[n % NOBODY.len()].into();
    let skipped = [
        Told::Report("skip", "nobody's"),
        Told::Row(Status::Skipped, "name_of_nobody"),
    ];
    vec![
        of(Odd::Unreadable, Fate::Alone)
            .in_finance(broken)
            .told(&[Told::Check("Email2")]),
        of(Odd::Nobody, Fate::Alone).in_finance(nobody).told(&skipped),
    ]
}

/// Whoever is there more than once, or may be another: nobody but a human says.
fn doubts(people: &mut People) -> Vec<Customer> {
    let ask = Told::Report("ask", "");
    let without_phones = |person: &SampleCustomer| {
        let mut contact = person.to_finance();
        (contact["MobileNo"], contact["TelNo"]) = (Value::Null, Value::Null);
        contact
    };
    let [twice, doubled, in_crm, father, son] = std::array::from_fn(|_| people.next());
    let mut sons = son.to_crm();
    sons["nickName"] = father.name.as_str().into();
    (sons["firstName"], sons["lastName"]) = (
        father.first_name.as_str().into(),
        father.last_name.as_str().into(),
    );
    sons["phoneContacts"] = father.to_crm()["phoneContacts"].clone();
    sons["addressContacts"] = father.to_crm()["addressContacts"].clone();
    vec![
        of(Odd::TwiceInFinance, Fate::Alone)
            .in_finance(twice.to_finance())
            .in_finance(without_phones(&twice))
            .in_crm(twice.kind, twice.to_crm())
            .told(&[ask, DOUBT]),
        of(Odd::Doubled, Fate::Doubled)
            .in_finance(doubled.to_finance())
            .in_finance(without_phones(&doubled))
            .told(&[Told::OneRow(Status::Conflict, "match_doubt")]),
        of(Odd::TwiceInCrm, Fate::Alone)
            .in_finance(in_crm.to_finance())
            .in_crm(in_crm.kind, in_crm.to_crm())
            .in_crm(in_crm.kind, in_crm.to_crm())
            .told(&[ask, DOUBT]),
        of(Odd::FatherAndSon, Fate::Alone)
            .in_finance(father.to_finance())
            .in_crm(son.kind, sons)
            .told(&[Told::Report("ask", "two valid national ids"), DOUBT]),
    ]
}

/// Two customers of whom one could take one for the other.
fn two_of_a_kind(people: &mut People, n: usize) -> Vec<Customer> {
    let [one, other, shop, old] = std::array::from_fn(|_| people.next());
    let create = [Told::Report("create", "")];
    let mut sister = other.to_crm();
    sister["phoneContacts"] = one.to_crm()["phoneContacts"].clone();
    sister["addressContacts"] = one.to_crm()["addressContacts"].clone();
    let (mut contact, mut identity) = (shop.to_finance(), old.to_crm());
    let code = 900_000 + n;
    contact["Code"] = json!(code);
    identity["refId"] = json!(code.to_string());
    vec![
        of(Odd::Sisters, SAME).in_finance(one.to_finance()).told(&create),
        of(Odd::Sisters, Fate::InStep(PHONES)).in_crm(other.kind, sister),
        of(Odd::OldReference, SAME).in_finance(contact).told(&create),
        of(Odd::OldReference, SAME).in_crm(old.kind, identity),
    ]
}

fn texts_in_crm(people: &mut People) -> Vec<Customer> {
    let mut made = |odd, change: &dyn Fn(&SampleCustomer, &mut Value)| {
        let person = people.next();
        let mut identity = person.to_crm();
        change(&person, &mut identity);
        of(odd, SAME).in_crm(person.kind, identity)
    };
    vec![
        made(Odd::Nul, &|person, identity| {
            identity["nickName"] = format!("{}\0 {}", person.first_name, person.last_name).into();
        }),
        made(Odd::HalfEmoji, &|person, identity| {
            identity["nickName"] = format!("{} {}{HALF}", person.first_name, person.last_name).into();
        }),
        made(Odd::Emoji, &|person, identity| {
            identity["nickName"] = format!("{} 😀 {}", person.first_name, person.last_name).into();
        }),
        made(Odd::LongEmail, &|person, identity| {
            identity["email"] = long_email(person)
        }),
    ]
}

fn keys_in_crm(people: &mut People, n: usize) -> Vec<Customer> {
    let mut id = people.next().to_crm();
    id["nationalCode"] = PLACEHOLDER_IDS[n % PLACEHOLDER_IDS.len()].into();
    let mut mobile = people.next().to_crm();
    mobile["phoneContacts"][0]["phoneNumber"] = "09120000000".into();
    let mut all = vec![
        of(Odd::PlaceholderId, SAME).in_crm(Kind::Person, id),
        of(Odd::PlaceholderMobile, Fate::InStep(PHONES)).in_crm(Kind::Person, mobile),
    ];
    let office = people.next().to_crm();
    for _ in 0..5 {
        let mut identity = people.next().to_crm();
        for property in ["phoneContacts", "addressContacts", "email"] {
            identity[property] = office[property].clone();
        }
        all.push(of(Odd::OneOffice, Fate::InStep(PHONES)).in_crm(Kind::Person, identity));
    }
    all
}

fn left_alone_in_crm(people: &mut People, n: usize) -> Vec<Customer> {
    let mut alone = |odd, property: &str, value: String, told| {
        let person = people.next();
        let mut identity = person.to_crm();
        if odd == Odd::Unreadable {
            // Nor a number that names anybody's code.
            identity["customerNumber"] = format!("100-{}", 920_000 + n).into();
        }
        identity[property] = value.into();
        of(odd, Fate::Alone).in_crm(person.kind, identity).told(&[told])
    };
    let skipped = |code| Told::Row(Status::Skipped, code);
    vec![
        alone(
            Odd::Unreadable,
            "subject",
            BREAK.to_owned(),
            Told::Check("subject"),
        ),
        alone(
            Odd::Nobody,
            "nickName",
            NOBODY[n % NOBODY.len()].to_owned(),
            skipped("name_of_nobody"),
        ),
        alone(
            Odd::OtherCompany,
            "customerNumber",
            format!("200-{}", 77 + n),
            skipped("other_company"),
        ),
        alone(
            Odd::Tag,
            "description",
            "یک <b>مهم</b>".to_owned(),
            Told::Row(Status::Failed, "refused"),
        ),
    ]
}
