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
    for code in [Code::Refused, Code::TakenByNobody, Code::TakenPlaceholder] {
        let message = Message::new(code).with("side", Side::Crm).with("words", "no");
        assert!(refused(Some(message), "").contains("correct in finance what CRM refuses"));
    }
}

#[test]
fn a_row_that_goes_on_says_what_holds_it() {
    let retry = Some(Retry {
        at: DateTime::UNIX_EPOCH,
        max: 8,
    });
    go_on(
        Status::InProgress,
        None,
        &[("", Code::NextWorkerHasIt, Some(By::Worker), 0)],
    );
    go_on(
        Status::Pending,
        None,
        &[("", Code::NextTakenUp, Some(By::Turn), 0)],
    );
    go_on(
        Status::Pending,
        retry,
        &[
            ("transient", Code::NextTriedAgain, Some(By::Retry), 0),
            ("unavailable", Code::NextTriedAgain, Some(By::Outage), 0),
            ("dependency", Code::NextTriedAgain, Some(By::Dependency), 0),
        ],
    );
}

#[test]
fn a_row_that_ended_says_what_is_left_to_do() {
    for done in [Status::Success, Status::Skipped] {
        go_on(done, None, &[("", Code::NextNothing, None, 0)]);
    }
    go_on(
        Status::Failed,
        None,
        &[
            ("transient", Code::NextCheckAndRetry, None, 1),
            ("refused", Code::NextCorrectWhatIsRefused, None, 1),
            ("taken", Code::NextTaken, None, 1),
        ],
    );
    go_on(
        Status::Conflict,
        None,
        &[
            ("guard", Code::NextGuard, Some(By::Guard), 2),
            ("integrity", Code::NextRemoveOne, Some(By::Human), 1),
            ("conflict", Code::NextSayWho, Some(By::Human), 1),
            ("taken", Code::NextTaken, Some(By::Human), 0),
        ],
    );
}

/// How rows with this status go on: by error class, the advice, what holds them and the number of actions offered.
fn go_on(status: Status, retry: Option<Retry>, cases: &[(&str, Code, Option<By>, usize)]) {
    for (class, advice, by, actions) in cases {
        let mut facts = alone(Row {
            error_class: Some((*class).to_owned()).filter(|class| !class.is_empty()),
            ..row(1, status)
        });
        facts.retry = retry;
        let story = explain(&facts);
        assert_eq!(story.next.advice.code, *advice, "{status:?} {class}");
        assert_eq!(story.held.by, *by, "{status:?} {class}");
        assert_eq!(story.next.actions.len(), *actions, "{status:?} {class}");
        assert_eq!(story.next.goes_on, !status.is_final());
        text(&facts);
    }
}
