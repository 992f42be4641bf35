use chrono::DateTime;

use super::{alone, row, text};
use crate::message::{Code, Message};
use crate::side::Side;
use crate::store::Status;
use crate::story::{By, Retry, Row, explain};

#[test]
fn whoever_refused_is_named_by_the_message_or_else_by_its_text() {
    let refused = |message: Option<Message>, text: &str| {
        let facts = alone(Row {
            message,
            text: Some(text.to_owned()),
            error_class: Some("refused".to_owned()),
            ..row(1, Status::Failed)
        });
        explain(&facts).next.advice.english()
    };
    assert!(refused(None, "finance: no").contains("correct in CRM what finance refuses"));
    assert!(refused(None, "CRM: no").contains("correct in finance what CRM refuses"));
    assert!(refused(None, "said otherwise").contains("correct in CRM what finance refuses"));
    let message = Message::new(Code::Refused)
        .with("side", Side::Crm)
        .with("words", "no");
    assert!(refused(Some(message), "").contains("correct in finance what CRM refuses"));
}

#[test]
fn every_status_says_what_comes_next_and_what_holds_it() {
    let retry = Some(Retry {
        at: DateTime::UNIX_EPOCH,
        max: 8,
    });
    let cases = [
        (Status::Success, "", None, Code::NextNothing, None, 0),
        (Status::Skipped, "", None, Code::NextNothing, None, 0),
        (
            Status::InProgress,
            "",
            None,
            Code::NextWorkerHasIt,
            Some(By::Worker),
            0,
        ),
        (Status::Pending, "", None, Code::NextTakenUp, Some(By::Turn), 0),
        (
            Status::Pending,
            "transient",
            retry,
            Code::NextTriedAgain,
            Some(By::Retry),
            0,
        ),
        (
            Status::Pending,
            "unavailable",
            retry,
            Code::NextTriedAgain,
            Some(By::Outage),
            0,
        ),
        (
            Status::Pending,
            "dependency",
            retry,
            Code::NextTriedAgain,
            Some(By::Dependency),
            0,
        ),
        (
            Status::Failed,
            "transient",
            None,
            Code::NextCheckAndRetry,
            None,
            1,
        ),
        (
            Status::Failed,
            "refused",
            None,
            Code::NextCorrectWhatIsRefused,
            None,
            1,
        ),
        (
            Status::Conflict,
            "guard",
            None,
            Code::NextGuard,
            Some(By::Guard),
            2,
        ),
        (
            Status::Conflict,
            "integrity",
            None,
            Code::NextRemoveOne,
            Some(By::Human),
            1,
        ),
        (
            Status::Conflict,
            "conflict",
            None,
            Code::NextSayWho,
            Some(By::Human),
            1,
        ),
    ];
    for (status, class, retry, advice, by, actions) in cases {
        let mut facts = alone(Row {
            error_class: Some(class.to_owned()).filter(|class| !class.is_empty()),
            ..row(1, status)
        });
        facts.retry = retry;
        let story = explain(&facts);
        assert_eq!(story.next.advice.code, advice, "{status:?} {class}");
        assert_eq!(story.held.by, by, "{status:?} {class}");
        assert_eq!(story.next.actions.len(), actions, "{status:?} {class}");
        assert_eq!(story.next.goes_on, !status.is_final());
        text(&facts);
    }
}
