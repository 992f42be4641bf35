use serde_json::json;

use super::{alone, audit, customer, id, name, row, text};
use crate::base::Base;
use crate::customer::{Field, Kind};
use crate::side::Side;
use crate::store::Status;
use crate::story::{Action, By, LinkNow, Row, explain};

#[test]
fn a_write_is_laid_out_part_by_part() {
    let mut facts = alone(Row {
        changes: Some(name(Some("CRM"), "only_this_changed")),
        target_after: Some(customer("علي.", "0912")),
        event_id: Some("e1".to_owned()),
        trace_id: Some("t1".to_owned()),
        retries: 2,
        ..row(1, Status::Success)
    });
    facts.covers = vec![id(7)];
    let expected = "\
Customer «علی»: CRM a and finance 22   ✅ SUCCESS
row 00000000-0000-0000-0000-000000000001, trace t1

Heard     1970-01-01 00:00:00 UTC by a webhook of CRM, event e1
Held      the same on both sides: mobile
Decided   name            CRM «علی» → finance «Ali»: the CRM's goes to finance, only this side was edited
          for what was heard in these rows, too: 00000000-0000-0000-0000-000000000007
Written   to finance 22: name
          finance holds name as «علي.»
Ended     1970-01-01 00:00:02 UTC ✅ SUCCESS after 3 tries, 40 ms
Next      nothing to do";
    assert_eq!(text(&facts), expected);
    let story = explain(&facts);
    let [written] = &story.written[..] else {
        panic!("{story:?}")
    };
    assert_eq!(
        (written.fields[0].over.as_str(), written.fields[0].value.as_str()),
        ("Ali", "علی")
    );
    assert_eq!(
        story.decided.fields[0]
            .before
            .as_ref()
            .unwrap()
            .finance
            .as_deref(),
        Some("Ali")
    );
}

#[test]
fn what_was_written_is_said_though_the_row_was_skipped_or_has_failed() {
    for status in [Status::Skipped, Status::Failed] {
        let mut facts = alone(row(1, status));
        facts.others = vec![audit(2, Side::Finance, name(Some("FINANCE"), "later_wins"))];
        let story = explain(&facts);
        let [written] = &story.written[..] else {
            panic!("{story:?}")
        };
        assert_eq!((written.row, written.to.side), (id(2), Side::Crm));
        assert_eq!(
            (written.fields[0].over.as_str(), written.fields[0].value.as_str()),
            ("علی", "Ali")
        );
        let text = text(&facts);
        for part in [
            "to CRM a: name",
            "finance's goes to the CRM, both were edited, this one later",
            "in the same run: finance to crm ✅ SUCCESS",
        ] {
            assert!(text.contains(part), "{part}:\n{text}");
        }
    }
}

#[test]
fn a_failed_rows_own_changes_are_no_writes() {
    let facts = alone(Row {
        changes: Some(name(Some("CRM"), "only_this_changed")),
        ..row(1, Status::Failed)
    });
    assert_eq!(explain(&facts).written, []);
    assert!(text(&facts).contains("Written   nothing"));
}

#[test]
fn what_an_earlier_try_has_written_is_part_of_the_story() {
    let mut facts = alone(Row {
        changes: Some(
            json!([{ "field": "email", "crm": "a@b", "finance": "", "winner": "CRM", "reason": "other_is_empty" }]),
        ),
        ..row(1, Status::Success)
    });
    let earlier = audit(2, Side::Crm, name(Some("CRM"), "only_this_changed"));
    facts.others = vec![Row {
        transaction: id(99),
        ..earlier
    }];
    let story = explain(&facts);
    let fields: Vec<_> = story
        .written
        .iter()
        .map(|one| (one.row, one.fields[0].field, one.fields.len()))
        .collect();
    assert_eq!(fields, [(id(1), Field::Email, 1), (id(2), Field::Name, 1)]);
    assert_eq!(story.decided.fields.len(), 2);
    assert!(text(&facts).contains("in an earlier try: crm to finance"));
}

#[test]
fn a_field_that_waits_shows_what_stood_there_before_and_how_to_settle_it() {
    let mut facts = alone(Row {
        changes: Some(name(None, "held_for_human")),
        ..row(1, Status::Conflict)
    });
    let mut base = Base::new(Kind::Person);
    base.agree(Field::Name, "على قديم", "Old");
    facts.link = Some(LinkNow {
        base: Some(base),
        worker: None,
    });
    let story = explain(&facts);
    let before = story.decided.fields[0].before.as_ref().unwrap();
    assert_eq!(
        (before.crm.as_deref(), before.finance.as_deref()),
        (Some("على قديم"), Some("Old"))
    );
    let keep = Action::Keep {
        row: id(1),
        fields: vec![Field::Name],
    };
    assert_eq!(story.next.actions, [keep]);
    assert_eq!(story.held.by, Some(By::Human));
    assert!(text(&facts).contains(&format!("resolve {} --keep crm`", id(1))));
}

#[test]
fn a_known_counterpart_that_was_not_read_is_no_missing_one() {
    let unread = Row {
        target_before: None,
        ..row(1, Status::Pending)
    };
    assert!(text(&alone(unread.clone())).contains("CRM held mobile, name; finance 22 was not read"));
    let missing = Row {
        target_id: None,
        status: Status::Conflict,
        ..unread
    };
    let text = text(&alone(missing));
    assert!(
        text.contains("no record of finance was linked with it") && text.contains("nothing in finance yet"),
        "{text}"
    );
    assert!(text.contains("resolve --link a <finance-code>`"), "{text}");
}

#[test]
fn what_differs_is_shown_where_nothing_was_decided() {
    let text = text(&alone(row(1, Status::Failed)));
    assert!(
        text.contains("different: name, CRM «علی», finance «Ali»"),
        "{text}"
    );
}
