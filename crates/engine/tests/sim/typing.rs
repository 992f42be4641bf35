//! What users type. Values are new each time and say whose they are, but for what a household shares, what stands where
//! nothing is known, and what was typed before.

use domain::customer::{Field, Kind};

use crate::manner::Manner;
use crate::odd::{STRANGERS, kind_of};
use crate::world::Shared;

/// No two of these are alike, nor is one a part of another.
const GIVEN: [&str; 16] = [
    "سارینا",
    "کاوه",
    "پرویز",
    "شهرام",
    "فرزانه",
    "بهروز",
    "گلناز",
    "داریوش",
    "نسترن",
    "تهمینه",
    "ژاله",
    "خسرو",
    "لادن",
    "منوچهر",
    "آیدا",
    "صفورا",
];
const FAMILIES: [&str; 10] = [
    "حریریان",
    "مشایخ",
    "پورداد",
    "صادقی",
    "جلالی",
    "نیکو",
    "فتحی",
    "بیات",
    "گودرزی",
    "تهرانچی",
];
const NOBODY: [&str; 3] = ["مشتری متفرقه", "نقدی", "مصرف کننده نهایی"];
const NO_IDS: [&str; 5] = ["0000000000", "1111111111", "ندارد", "-", "0"];
const NO_MOBILES: [&str; 2] = ["09120000000", "0912-000-0000"];

/// What a user types into that field next; hardly ever another national id.
pub fn next_value(world: &Shared, person: u32, field: Option<Field>) -> Option<String> {
    let sim = &world.sim;
    Some(match field {
        Some(Field::NationalId) if sim.odds(700) => return None,
        Some(field) if field != Field::Name && sim.odds(120) => String::new(),
        Some(field) if sim.odds(80) => earlier(world, person, field),
        Some(field) => typed(world, person, field),
        None => format!("extra {}", sim.below(1_000_000)),
    })
}

/// A value that this field of this customer has had before, on either side.
fn earlier(world: &Shared, person: u32, field: Field) -> String {
    let all = world.lock();
    let typed = all.edits.of(person, field);
    let values: Vec<_> = typed.map(|e| e.value.clone()).filter(|v| !v.is_empty()).collect();
    drop(all);
    match world.sim.pick(&values) {
        Some(value) => value.clone(),
        None => self::typed(world, person, field),
    }
}

pub fn typed(world: &Shared, person: u32, field: Field) -> String {
    let sim = &world.sim;
    let n = {
        let mut all = world.lock();
        all.typed += 1;
        all.typed
    };
    if let Some(value) = placeholder(world, field).or_else(|| shared(world, person, field)) {
        return value;
    }
    let own = format!("p{person}v{n}");
    match field {
        Field::Name => name(world, person, n),
        Field::Mobile => mobile(world, person, n),
        Field::Phone => format!("021-88{:06}", (u64::from(person) * 1000 + n) % 900_000),
        Field::Email => format!("{own}@example.ir"),
        Field::NationalId if sim.odds(900) => national_id(world, u64::from(person) * 276_444_437),
        Field::NationalId => national_id(world, u64::from(person) * 276_444_437 + n * 104_729),
        _ => {
            let tails = [
                "",
                "\nتهران",
                " | کوچه ی یک",
                " ۱۲",
                " و نیز چیزهای بسیار دیگری که در مالی جا نمی شود",
            ];
            let odd = [" 😀 ۱۲", " ✓", " <b>مهم</b>", " پدر & پسران", " \"۲\""];
            format!("{own}{}", tail(world, &tails, &odd))
        }
    }
}

fn placeholder(world: &Shared, field: Field) -> Option<String> {
    let (sim, odd) = (&world.sim, world.odd);
    let value = match field {
        Field::NationalId if odd.placeholders && sim.odds(350) => sim.pick(&NO_IDS),
        Field::Mobile if odd.placeholders && sim.odds(250) => sim.pick(&NO_MOBILES),
        _ => None,
    };
    value.map(|value| (*value).to_owned())
}

/// What a household or an office has in common.
fn shared(world: &Shared, person: u32, field: Field) -> Option<String> {
    let home = world.odd.household(person)?;
    let often = match field {
        Field::Mobile | Field::Email => 500,
        Field::Phone | Field::Address => 600,
        _ => return None,
    };
    world.sim.odds(often).then(|| match field {
        Field::Mobile => format!("0935{:07}", 4_300_101 + home * 1_013),
        Field::Phone => format!("021-77{:06}", 340_127 + home * 1_013),
        Field::Email => format!("info@h{home}.ir"),
        _ => format!("خیابان خانه{home} پلاک {home}"),
    })
}

fn name(world: &Shared, person: u32, n: u64) -> String {
    let (sim, odd) = (&world.sim, world.odd);
    if odd.is_nobody(person) {
        return format!("{}{}", sim.pick(&NOBODY).unwrap(), marks(n));
    }
    let of = |all: &[&'static str], n: u32| all[n as usize % all.len()];
    let name = match (odd.household(person), kind_of(person)) {
        (Some(home), Kind::Organization) => format!("شرکت {}", of(&FAMILIES, home)),
        (Some(home), Kind::Person) => {
            let (given, family) = (of(&GIVEN, person), of(&FAMILIES, home));
            if sim.odds(150) {
                format!("{family} {given}")
            } else {
                format!("{given} {family}")
            }
        }
        (None, _) if person >= STRANGERS => format!("ن{person} د{person}"),
        (None, _) => format!("پ{person} ب{person}"),
    };
    let tails = [
        "",
        " علي",
        " علی کریمی",
        " a|b",
        " سطر\nدو",
        " شرکت بازرگانی و پسران",
    ];
    let letters = [" 😀", " ✓", " R&D", " <b>", ""];
    format!("{name}{}{}", marks(n), tail(world, &tails, &letters))
}

/// How a text ends; where finance writes it in a manner of its own, often with what it has no letter for.
fn tail(world: &Shared, tails: &[&'static str], odd: &[&'static str]) -> &'static str {
    let foreign = world.odd.manner != Manner::Plain && world.sim.odds(400);
    world.sim.pick(if foreign { odd } else { tails }).unwrap()
}

fn mobile(world: &Shared, person: u32, n: u64) -> String {
    let sim = &world.sim;
    let number = if person < STRANGERS && sim.odds(200) {
        900_000 + sim.below(2)
    } else {
        u64::from(person) * 1000 + n
    };
    let written = ["0912", "+98912", "98912", "۰۹۱۲"];
    format!("{}{:07}", sim.pick(&written).unwrap(), number % 10_000_000)
}

/// A number as marks that stand on letters: two names that differ in them only are two values that were typed, and one
/// name to whoever matches them.
fn marks(n: u64) -> String {
    let marks: Vec<char> = ('\u{6d6}'..='\u{6dc}').collect();
    let (mut rest, mut out) = (n, String::new());
    while rest > 0 {
        out.push(marks[usize::try_from(rest % 7).unwrap()]);
        rest /= 7;
    }
    out
}

/// A national id with a right check digit; often with zeros before it, where those are lost.
fn national_id(world: &Shared, n: u64) -> String {
    let whole = match world.odd.manner {
        Manner::NoZeros => 10_000_000,
        _ => 1_000_000_000,
    };
    let digits = format!("{:09}", n % whole);
    let sum: u32 = digits
        .chars()
        .zip((2..=10).rev())
        .map(|(c, weight)| c.to_digit(10).unwrap() * weight)
        .sum();
    let check = if sum % 11 < 2 { sum % 11 } else { 11 - sum % 11 };
    format!("{digits}{check}")
}
