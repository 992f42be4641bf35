//! The parts by themselves: what one value comes to, and what two of a kind say.

use std::collections::BTreeSet;

use domain::customer::Kind::{self, Organization, Person};
use domain::matching::{Address, Likeness, Name, NameForm, emails, likeness, numbers, plain, postal_code};

fn joined(values: &BTreeSet<String>) -> String {
    values.iter().map(String::as_str).collect::<Vec<_>>().join(" ")
}

#[test]
fn an_address_is_its_words_and_numbers() {
    assert_eq!(
        Address::of("تهران، خیابان حافظ، کوچه 35، پلاک 152").text(),
        "تهرانحافظ 35 152"
    );
    for (one, other, same) in [
        (
            "خیابان حافظ، کوچه 35، پلاک 152",
            "تهران حافظ ک 35 پ 152",
            Some(true),
        ),
        ("خ حافظ پ 152", "حافظ، 152", Some(true)),
        ("حافظ ک 35 پ 152، طبقه 2", "حافظ ک 35 پ 152", Some(true)),
        // One number is said of every street of a city.
        ("تهران حافظ پ 152", "حافظ پ 152", Some(false)),
        ("سعدی ک 35 پ 152", "حافظ ک 35 پ 152", Some(false)),
        ("حافظ ک 35 پ 152", "حافظ ک 35 پ 153", Some(false)),
        // Two letters are no street's name.
        ("فا 35، پلاک 152", "فا 35، پلاک 152", Some(false)),
        ("تهران", "تهران", None),
        ("حافظ پ 152", "تهران", None),
    ] {
        let (one, other) = (Address::of(one), Address::of(other));
        assert_eq!(one.is_same_place(&other), same, "{one:?}, {other:?}");
        assert_eq!(other.is_same_place(&one), same, "{other:?}, {one:?}");
    }
}

#[test]
fn e_mail_addresses_phones_and_postal_codes_of_a_field() {
    for (typed, found) in [
        ("Info@Nik.ir", "info@nik.ir"),
        ("a@nik.ir, b@nik.co.ir", "a@nik.ir b@nik.co.ir"),
        ("a@nik.ir;b@nik.ir", "a@nik.ir b@nik.ir"),
        ("a@nik.ir b@nik.ir", "a@nik.ir b@nik.ir"),
        ("a@nik.ir.x", "a@nik.ir"),
        ("a@nik.i", ""),
        ("a@.ir", ""),
        ("@nik.ir", ""),
    ] {
        assert_eq!(joined(&emails(typed)), found, "{typed}");
    }
    for (typed, found) in [
        ("88453312 / 0912 345 1827", "88453312 9123451827"),
        (
            "(021) 88453312 و +98-912-345-1827 و 88453312",
            "88453312 9123451827",
        ),
        ("88453312، (0912) 345-1827", "88453312 9123451827"),
        // Fifteen digits are no number, whatever stands in them.
        ("603799123456789", ""),
    ] {
        assert_eq!(joined(&numbers(typed)), found, "{typed}");
    }
    for (typed, found) in [
        ("14319-65483", "1431965483"),
        ("۱۴۳۱", "1431"),
        ("143", ""),
        ("1111111111", ""),
    ] {
        assert_eq!(postal_code(typed), found, "{typed}");
    }
    // A stretched letter that stood between a letter and its accent: once taken out, the two are one.
    assert_eq!(plain("e\u{640}\u{301}"), "é");
}

#[test]
fn a_legal_form_is_no_part_of_a_name() {
    let name = |typed| {
        let name = Name::of(typed, Organization);
        (name.words.join(" "), name.form == Some(NameForm::Firm))
    };
    for typed in [
        "پخش نور با مسئولیت محدود",
        "پخش نور مسئولیت محدود",
        "پخش نور بامسئولیت محدود",
        "پخش نور با مسئولیتمحدود",
        "پخش نور بامسولیتمحدود",
        "پخش نور (سهامی خاص)",
        "پخش نور سهامیخاص",
        "پخش نور م.م",
        "پخش نور س خ",
    ] {
        assert_eq!(name(typed), ("پخش نور".to_owned(), true), "{typed}");
    }
    for typed in [
        "نور محدود",
        "بنیاد مسئولیت اجتماعی",
        "نور مسئولیت اجتماعی محدود",
        "کانون با نور",
    ] {
        assert_eq!(name(typed), (plain(typed), false), "{typed}");
    }
    // Two words that a sign parts are two.
    for (typed, words) in [("نور سهامی/خاص", "نور سهامی خاص"), ("نور م/م", "نور م م")]
    {
        assert_eq!(name(typed), (words.to_owned(), false), "{typed}");
    }
}

#[test]
fn two_names_say_one_bearer_or_two() {
    let company = Organization;
    for (kind, one, other, may_be) in [
        (company, "پخش نور", "پخش نور", true),
        (company, "پخش نور", "پخش نور (تهران)", true),
        (company, "پخش نور (تهران)", "پخش نور (تهران، ونک)", true),
        (company, "پخش نور (تهران)", "پخش نور (کرج)", false),
        (company, "پخش نور", "پخش نور (شعبه ۲)", false),
        (company, "پخش نور (شعبه ۲)", "پخش نور (شعبه ۲)", true),
        // The head office is the company.
        (company, "پخش نور", "پخش نور (شعبه مرکزی)", true),
        (company, "پخش نور (تهران)", "پخش نور (شعبه مرکزی)", true),
        (company, "شرکت نور", "فروشگاه نور", false),
        (company, "شرکت نور", "نور", true),
        (Person, "علی احمدی", "علی احمدی فرزند حسن", false),
        (Person, "علی احمدی (نقدی)", "علی احمدی", true),
    ] {
        let (a, b) = (Name::of(one, kind), Name::of(other, kind));
        assert_eq!(a.may_be_one_with(&b), may_be, "{one}, {other}");
        assert_eq!(b.may_be_one_with(&a), may_be, "{other}, {one}");
    }
}

#[test]
fn names_are_alike_word_by_word() {
    use Likeness as L;
    let words = |name: &str, kind: Kind| Name::of(name, kind).words;
    for (one, other, like) in [
        ("علی رضایی", "رضایی علی", L::Agree),
        ("علی رضایی", "علی رضائیان", L::Part),
        ("رضا کریمینژاد", "محمدرضا کریمی", L::Part),
        ("ع. رضایی", "علی رضایی", L::Part),
        // An initial is the first letter, and two letters are neither an initial nor a part.
        ("ی. رضایی", "علی رضایی", L::Unlike),
        ("مح رضایی", "محمد رضایی", L::Unlike),
        // One word of several is a part, though but a letter is missing.
        ("محمد", "محمد ع.", L::Part),
        // Of one word each: a part of it is another name.
        ("رضا", "محمدرضا", L::Unlike),
        // Scripts that differ say nothing; a name of digits has none, and one in both is in neither.
        ("Ali Rezaei", "علی رضایی", L::Unknown),
        ("Ali3", "علی", L::Unknown),
        ("AT&T", "علی", L::Unknown),
        ("123", "علی", L::Unlike),
        ("Ali علی", "رضا", L::Unlike),
        ("", "علی", L::Unknown),
    ] {
        let (a, b) = (words(one, Person), words(other, Person));
        assert_eq!(likeness(&a, &b), like, "{one}, {other}");
        assert_eq!(likeness(&b, &a), like, "{other}, {one}");
    }
}
