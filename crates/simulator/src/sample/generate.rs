//! Generated customers: the same seed and number give the same ones.

use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};
use serde_json::{Value, json};

use super::national_id::{company_id, person_id};
use crate::crm::Kind;

const FIRST: &[&str] = &[
    "علی",
    "محمد",
    "حسین",
    "رضا",
    "مهدی",
    "امیر",
    "سعید",
    "مجید",
    "حمید",
    "بهرام",
    "کاوه",
    "آرش",
    "زهرا",
    "فاطمه",
    "مریم",
    "سارا",
    "نرگس",
    "لیلا",
    "شیرین",
    "پریسا",
    "محمد\u{200C}رضا",
    "امیر\u{200C}حسین",
    "سیده زهرا",
    "كيميا",
    "يوسف",
    "مینا",
    "هانیه",
    "بابک",
    "فرهاد",
    "ژاله",
];
const LAST: &[&str] = &[
    "رضایی",
    "محمدی",
    "حسینی",
    "احمدی",
    "کریمی",
    "موسوی",
    "جعفری",
    "صادقی",
    "رحیمی",
    "قاسمی",
    "نوری",
    "اکبری",
    "یوسفی",
    "کاظمی",
    "شریفی",
    "عباسی",
    "میرزایی",
    "طاهری",
    "سلیمانی",
    "ابراهیمی",
    "كمالي",
    "عليزاده",
    "حق\u{200C}شناس",
    "نیک\u{200C}نام",
    "پورمحمد",
    "خسروی",
    "یزدانی",
    "گودرزی",
    "چراغی",
    "ذوالفقاری",
];
const TRADES: &[&str] = &[
    "شرکت بازرگانی",
    "پخش",
    "فروشگاه",
    "صنایع",
    "تولیدی",
    "کارخانه",
    "شرکت مهندسی",
    "آژانس",
    "تعاونی",
    "گروه صنعتی",
];
const MARKS: &[&str] = &[
    "آریا",
    "پارس",
    "البرز",
    "کیمیا",
    "سپید",
    "نوین",
    "ره\u{200C}آورد",
    "گلستان",
    "سروش",
    "مهر",
    "تندیس",
    "كوثر",
    "پویا",
    "زرین",
    "آسمان",
    "نیلوفر",
    "یاس",
    "درخشان",
    "فردا",
    "ایرانیان",
];
const CITIES: &[(&str, &str, &str)] = &[
    ("تهران", "تهران", "021"),
    ("اصفهان", "اصفهان", "031"),
    ("شیراز", "فارس", "071"),
    ("مشهد", "خراسان رضوی", "051"),
    ("تبریز", "آذربایجان شرقی", "041"),
    ("کرج", "البرز", "026"),
    ("یزد", "یزد", "035"),
    ("رشت", "گیلان", "013"),
];
const STREETS: &[&str] = &[
    "خیابان ولیعصر",
    "خیابان شریعتی",
    "بلوار کشاورز",
    "خیابان امام خمینی",
    "بلوار آزادی",
    "خيابان سعدي",
    "خیابان حافظ",
    "میدان انقلاب",
    "بلوار هفت\u{200C}تیر",
    "خیابان بهار",
];
const PREFIXES: &[&str] = &[
    "0912", "0913", "0914", "0915", "0917", "0919", "0935", "0936", "0901", "0921",
];
const MOBILES: u64 = 10_000_000;
const LANDLINES: u64 = 100_000_000;

/// A customer as a person would describe one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields' names are the usual ones")]
pub struct SampleCustomer {
    pub kind: Kind,
    pub first_name: String,
    pub last_name: String,
    pub name: String,
    pub mobile: String,
    pub phone: String,
    pub email: String,
    pub national_id: String,
    pub state: String,
    pub city: String,
    pub address: String,
    pub postal_code: String,
    pub description: String,
}

/// `n` (up to ten millions) customers; mobiles, landlines, e-mails and national ids are all
/// different.
#[must_use]
pub fn customers(seed: u64, n: usize) -> Vec<SampleCustomer> {
    let mut rng = StdRng::seed_from_u64(seed);
    let offset = rng.random_range(0..MOBILES);
    (0..n as u64).map(|at| customer(&mut rng, at, offset)).collect()
}

fn customer(rng: &mut StdRng, at: u64, offset: u64) -> SampleCustomer {
    // Multiplying by a number without common factors visits every number once.
    let scattered = (at * 7_919 + offset) % MOBILES;
    let landline = (at * 73_939_133 + offset) % LANDLINES;
    let prefix = PREFIXES[at as usize % PREFIXES.len()];
    let (city, state, area) = *pick(rng, CITIES);
    let person = rng.random_bool(0.7);
    let (first_name, last_name) = (*pick(rng, FIRST), *pick(rng, LAST));
    let name = if person {
        format!("{first_name} {last_name}")
    } else {
        format!("{} {} {last_name}", pick(rng, TRADES), pick(rng, MARKS))
    };
    let serial = 10_000_000 + scattered;
    SampleCustomer {
        kind: if person { Kind::Person } else { Kind::Organization },
        first_name: if person {
            first_name.to_owned()
        } else {
            String::new()
        },
        last_name: if person {
            last_name.to_owned()
        } else {
            String::new()
        },
        name,
        mobile: format!("{prefix}{scattered:07}"),
        phone: format!("{area}{landline:08}"),
        email: format!("customer{serial}@example.com"),
        national_id: if person {
            person_id(u32::try_from(serial).unwrap_or_default())
        } else {
            company_id(10_000_000_000 / 8 + serial)
        },
        state: state.to_owned(),
        city: city.to_owned(),
        address: format!(
            "{}، کوچه {}، پلاک {}",
            pick(rng, STREETS),
            rng.random_range(1..60),
            rng.random_range(1..400)
        ),
        postal_code: format!("{:010}", rng.random_range(1_111_111_111_u64..9_999_999_999)),
        description: if rng.random_bool(0.2) {
            "معرفی از نمایشگاه".to_owned()
        } else {
            String::new()
        },
    }
}

fn pick<'a, T>(rng: &mut StdRng, choices: &'a [T]) -> &'a T {
    choices.choose(rng).unwrap_or(&choices[0])
}

impl SampleCustomer {
    /// As a CRM object, with things that no sync knows of.
    #[must_use]
    pub fn to_crm(&self) -> Value {
        let mut object = json!({
            "nickName": self.name,
            "email": self.email,
            "nationalCode": self.national_id,
            "description": self.description,
            "phoneContacts": [
                {"default": true, "phoneType": "موبایل", "phoneNumber": self.mobile,
                 "continuedNumber": "", "extension": ""},
                {"default": false, "phoneType": "دفتر", "phoneNumber": self.phone,
                 "continuedNumber": "", "extension": "12"},
            ],
            "addressContacts": [
                {"default": true, "country": "ایران", "state": self.state, "city": self.city,
                 "addressType": "دفتر", "areaCode": "", "address": self.address,
                 "zipCode": self.postal_code, "zipBox": "", "longitude": "", "latitude": ""},
            ],
            "extendedProperties": [{"userKey": "Grade", "value": "B"}],
            "categories": [{"key": "customers"}],
            "tags": ["نمونه"],
        });
        if let (Kind::Person, Some(object)) = (self.kind, object.as_object_mut()) {
            object.insert("firstName".into(), self.first_name.as_str().into());
            object.insert("lastName".into(), self.last_name.as_str().into());
        }
        object
    }

    /// As a finance contact, by the columns' read names.
    #[must_use]
    pub fn to_finance(&self) -> Value {
        json!({
            "Name": self.name,
            "MobileNo": self.mobile,
            "TelNo": self.phone,
            "Email": self.email,
            "NationalCode": self.national_id,
            "Address": self.address,
            "PostalCode": self.postal_code,
            "Description": self.description,
            "TowardType": self.kind == Kind::Organization,
            "IsActive": true,
        })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::sample::{is_company_id, is_person_id};

    #[test]
    fn generated_customers_are_distinct_and_repeatable() {
        let customers = super::customers(3, 30_000);
        assert_eq!(customers[..50], super::customers(3, 50)[..]);
        assert_ne!(customers[..50], super::customers(4, 50)[..]);
        let distinct =
            |field: fn(&SampleCustomer) -> &String| customers.iter().map(field).collect::<HashSet<_>>().len();
        assert_eq!(distinct(|customer| &customer.mobile), 30_000);
        assert_eq!(distinct(|customer| &customer.phone), 30_000);
        assert_eq!(distinct(|customer| &customer.national_id), 30_000);
        for customer in &customers {
            let valid = match customer.kind {
                Kind::Person => is_person_id(&customer.national_id),
                _ => is_company_id(&customer.national_id),
            };
            assert!(valid, "{customer:?}");
            assert_eq!(customer.mobile.len(), 11);
        }
    }
}
