//! Settings about single fields: where the CRM keeps them, and which way they go.

use domain::customer::Field;
use domain::fields::{Directions, Flow, TABLE};
use domain::ports::Side;

use super::reader::Reader;

/// The fields that stand in extended properties.
pub(super) fn extended(r: &mut Reader<'_>) -> payamgostar::Extended {
    let settings = [
        ("CRM_FIELD_WEBSITE", Field::Website),
        ("CRM_FIELD_DESCRIPTION", Field::Description),
        ("CRM_FIELD_ADDRESS", Field::Address),
        ("CRM_FIELD_POSTAL_CODE", Field::PostalCode),
    ];
    let expected =
        "extended: and the userKey of an extended property, as in extended:ShopSite, each in one setting";
    let mut extended = payamgostar::Extended::new();
    for (setting, field) in settings {
        let key = r.optional(setting, expected, |text| {
            let key = text.strip_prefix("extended:")?.trim();
            let is_new = !extended.values().any(|known| known == key);
            (!key.is_empty() && is_new).then(|| key.to_owned())
        });
        extended.extend(key.map(|key| (field, key)));
    }
    extended
}

/// Which fields go one way only, or nowhere. The name makes a record, and goes both ways or one.
pub(super) fn directions(r: &mut Reader<'_>) -> Directions {
    let mut directions = Directions::default();
    let mut named: Vec<Field> = Vec::new();
    let lists = [
        ("FIELDS_OFF", &Side::BOTH[..]),
        ("FIELDS_TO_FINANCE", &[Side::Crm][..]),
        ("FIELDS_TO_CRM", &[Side::Finance][..]),
    ];
    for (setting, closed) in lists {
        let may =
            |field: Field| field.spec().flow == Flow::Both && (field != Field::Name || closed.len() == 1);
        for name in r.list(setting) {
            let field = Field::named(&name);
            if !may(field) {
                let fields = TABLE.iter().map(|spec| spec.field).filter(|field| may(*field));
                let names: Vec<&str> = fields.map(Field::name).collect();
                r.wrong(setting, &name, format!("some of {}", names.join(", ")));
            } else if named.contains(&field) {
                r.wrong(
                    setting,
                    &name,
                    "each field in one of FIELDS_OFF, FIELDS_TO_FINANCE and FIELDS_TO_CRM",
                );
            } else {
                named.push(field);
                closed.iter().for_each(|to| directions.close(field, *to));
            }
        }
    }
    directions
}
