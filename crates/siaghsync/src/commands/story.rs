//! One sync as people tell it: heard, held, decided, written, ended, and what to do next. Pure.

use domain::change::Reason;
use domain::customer::{Customer, Field};
use domain::fields::{Flow, TABLE};
use domain::ports::Side;
use domain::store::entities::log;
use domain::store::{Change, EntityType, Ruling, Status, Trigger};
use domain::text::same;

use super::output::time;
use super::row::source;
use super::told::Told;
use super::{document_story, output, row};

/// The whole story.
pub(crate) fn tell(told: &Told) -> String {
    let mut lines = vec![head(&told.row), String::new()];
    let mut part = |title: &str, told: Vec<String>| {
        let mut told = told.into_iter();
        if let Some(first) = told.next() {
            lines.push(format!("{} {first}", output::title(&format!("{title:<9}"))));
            lines.extend(told.map(|line| format!("          {line}")));
        }
    };
    part("Heard", vec![heard(told)]);
    let is_customer = told.row.entity_type == EntityType::Customer;
    let (held, decided, written) = match is_customer {
        true => (held(told), decided(told), written(told)),
        false => (
            document_story::held(&told.row),
            document_story::decided(&told.row),
            document_story::written(told),
        ),
    };
    part("Held", held);
    part("Decided", decided);
    part("Written", written);
    part("Ended", ended(told));
    part("Next", vec![next(told)]);
    lines.join("\n")
}

/// Who it is about, and how it stands.
fn head(row: &log::Model) -> String {
    let side = source(row);
    let name = customer(&row.source_data)
        .map(|customer| format!(" «{}»", customer.get(Field::Name)))
        .unwrap_or_default();
    let target = match &row.target_entity_id {
        Some(id) => format!("{} {id}", side.other()),
        None => format!("nothing in {} yet", side.other()),
    };
    let what = match row.entity_type {
        EntityType::Customer => "Customer",
        EntityType::PreInvoice => "Quote",
        EntityType::Invoice => "Invoice",
    };
    format!(
        "{what}{name}: {side} {} and {target}   {}\nrow {}{}",
        row.source_entity_id,
        output::status(row.status),
        row.id,
        row.trace_id
            .as_ref()
            .map(|id| format!(", trace {id}"))
            .unwrap_or_default()
    )
}

fn heard(told: &Told) -> String {
    let row = &told.row;
    let lead = told.same_run.iter().find(|other| other.trigger_payload.is_some());
    if let (None, Some(lead)) = (&row.trigger_payload, lead) {
        return format!(
            "not by itself: written in the run of row {} (`siaghsync show {}`)",
            lead.id, lead.id
        );
    }
    let by = match row.trigger_type {
        Trigger::Webhook => "by a webhook".to_owned(),
        Trigger::Poll => "by a poll".to_owned(),
        Trigger::Import => "by the import".to_owned(),
        Trigger::Manual => match Ruling::of(Trigger::Manual, row.trigger_payload.as_ref()) {
            Some(Ruling::Keep(side)) => format!("from an operator: keep {side}"),
            Some(Ruling::Link { crm, finance }) => {
                format!("from an operator: CRM {crm} and finance {finance} are one")
            }
            Some(Ruling::Exists { number, .. }) => {
                format!("from an operator: it stands in finance as pre-invoice {number}")
            }
            Some(Ruling::SendAgain { .. }) => {
                "from an operator: it is not in finance, send it again".to_owned()
            }
            Some(Ruling::Accept { .. }) => "from an operator: its change is handled".to_owned(),
            None => "from an operator".to_owned(),
        },
    };
    let event = row
        .event_id
        .as_ref()
        .map(|id| format!(", event {id}"))
        .unwrap_or_default();
    format!("{} {by} of {}{event}", time(row.started_at), source(row))
}

/// What each side held before anything was written.
fn held(told: &Told) -> Vec<String> {
    let [crm, finance] = states(&told.row);
    let (Some(source), target) = (match source(&told.row) {
        Side::Crm => (crm, finance),
        Side::Finance => (finance, crm),
    }) else {
        return vec!["it was not looked at".to_owned()];
    };
    let other = row::source(&told.row).other();
    let Some(target) = target else {
        // A counterpart that is known and was not read is no missing one.
        let counterpart = match &told.row.target_entity_id {
            Some(id) if !told.row.status.is_final() => format!("{other} {id} was not read"),
            _ => format!("no record of {other} was linked with it"),
        };
        return vec![format!(
            "{} held {}; {counterpart}",
            other.other(),
            list(source.values.keys().map(|field| field.name()))
        )];
    };
    let changes = changes(told);
    let both = TABLE.iter().map(|spec| spec.field).filter(|field| {
        let (a, b) = (source.get(*field), target.get(*field));
        !a.is_empty() && same(*field, a, b) && !changes.iter().any(|change| change.field == *field)
    });
    let both = list(both.map(Field::name));
    let mut lines = vec![match both.is_empty() {
        true if !changes.is_empty() => "no other field was the same on both sides".to_owned(),
        true => "the two sides had nothing in common".to_owned(),
        false => format!("the same on both sides: {both}"),
    }];
    // A run that wrote nothing noted no changes: what it was about is what differs.
    if !matches!(told.row.status, Status::Success | Status::Skipped) {
        let shown = |field: &Field| !source.hidden.contains(field) && !target.hidden.contains(field);
        let carried = TABLE.iter().filter(|spec| spec.flow != Flow::Kept);
        let differs = carried.map(|spec| spec.field).filter(shown).filter(|field| {
            !same(*field, source.get(*field), target.get(*field))
                && !changes.iter().any(|change| change.field == *field)
        });
        lines.extend(differs.map(|field| {
            let (theirs, others) = (source.get(field), target.get(field));
            format!(
                "different: {field}, {} {}, {other} {}",
                other.other(),
                quoted(theirs),
                quoted(others)
            )
        }));
    }
    lines
}

/// The CRM's state and finance's, before anything was written.
fn states(row: &log::Model) -> [Option<Customer>; 2] {
    let (source_state, target) = (customer(&row.source_data), customer(&row.target_data_before));
    match source(row) {
        Side::Crm => [source_state, target],
        Side::Finance => [target, source_state],
    }
}

fn customer(json: &Option<serde_json::Value>) -> Option<Customer> {
    serde_json::from_value(json.clone()?).ok()
}

/// All changes of the run, each once.
fn changes(told: &Told) -> Vec<Change> {
    let mut all: Vec<Change> = Vec::new();
    for change in std::iter::once(&told.row)
        .chain(&told.same_run)
        .flat_map(row::changes)
    {
        // What both sides have none of tells nothing.
        let says_something = !(change.crm.is_empty() && change.finance.is_empty());
        if says_something && !all.contains(&change) {
            all.push(change);
        }
    }
    all
}

/// Field by field: what each side had, who wins, and why.
fn decided(told: &Told) -> Vec<String> {
    let lines = changes(told);
    let lines = lines.iter().map(|change| {
        let (arrow, winner) = match change.winner {
            Some(Side::Crm) => ("→", "the CRM's goes to finance"),
            Some(Side::Finance) => ("←", "finance's goes to the CRM"),
            None => ("≠", "waits for a human"),
        };
        format!(
            "{:<15} CRM {} {arrow} finance {}: {winner}, {}",
            change.field,
            quoted(&change.crm),
            quoted(&change.finance),
            because(change.reason)
        )
    });
    lines.collect()
}

/// Which side was written, and whether it holds what was sent.
fn written(told: &Told) -> Vec<String> {
    let all = changes(told);
    let mut lines = Vec::new();
    for row in std::iter::once(&told.row).chain(&told.same_run) {
        let (from, to) = (source(row), source(row).other());
        let sent: Vec<&Change> = all.iter().filter(|change| change.winner == Some(from)).collect();
        if sent.is_empty() || !matches!(row.status, Status::Success | Status::Conflict) {
            continue;
        }
        let id = row.target_entity_id.as_deref().unwrap_or("?");
        let fields = list(sent.iter().map(|change| change.field.name()));
        lines.push(format!("to {to} {id}: {fields}"));
        let Some(after) = customer(&row.target_data_after) else {
            continue;
        };
        for change in sent.iter().filter(|change| !after.hidden.contains(&change.field)) {
            let value = if from == Side::Crm {
                &change.crm
            } else {
                &change.finance
            };
            let holds = after.get(change.field);
            if !same(change.field, value, holds) {
                lines.push(format!("{to} holds {} as {}", change.field, quoted(holds)));
            }
        }
    }
    if lines.is_empty() && told.row.status.is_final() {
        lines.push("nothing".to_owned());
    }
    lines
}

fn ended(told: &Told) -> Vec<String> {
    let row = &told.row;
    let tries = row.retry_count + 1;
    let tries = match tries {
        1 => String::new(),
        n => format!(" after {n} tries"),
    };
    let took = row.duration_ms.map(|ms| format!(", {ms} ms")).unwrap_or_default();
    let mut lines = vec![match row.completed_at {
        Some(at) => format!("{} {}{tries}{took}", time(at), output::sign(row.status)),
        None => format!("not yet: {}{tries}", output::sign(row.status)),
    }];
    lines.extend(row::message(row));
    lines.extend(told.same_run.iter().map(|row| {
        format!(
            "in the same run: {} {}, row {}",
            row.direction.replace('_', " ").to_lowercase(),
            output::sign(row.status),
            row.id
        )
    }));
    lines
}

/// What to do now.
pub(crate) fn next(told: &Told) -> String {
    let row = &told.row;
    let (id, side) = (row.id, source(row));
    let class = row.error_class.as_deref().unwrap_or_default();
    if row.entity_type != EntityType::Customer
        && let Some(next) = document_story::next(row)
    {
        return next;
    }
    match row.status {
        Status::Success => "nothing to do".to_owned(),
        Status::Skipped => match row.covered_by {
            Some(other) => format!("`siaghsync show {other}` tells of the run that covered it"),
            None => "nothing to do".to_owned(),
        },
        Status::InProgress => "a worker has it; should that have died, another takes it up by itself".to_owned(),
        Status::Pending => match &told.retry {
            Some(retry) => format!("tried again by itself at {}", time(retry.next_retry_at)),
            None => "a worker takes it up by itself; if none does, `siaghsync check`, and see whether one runs".to_owned(),
        },
        Status::Failed if class == "refused" => {
            let refuses = refusing(row);
            format!(
                "correct in {} what {refuses} refuses (its words stand above): the edit is heard by itself. Or, when \
                 {refuses} was mended: `siaghsync retry {id}`",
                refuses.other()
            )
        }
        Status::Failed => format!("`siaghsync check` says whether both systems answer; then `siaghsync retry {id}`"),
        Status::Conflict if class == "guard" => {
            "`siaghsync guard list` shows what is held; `siaghsync resume` lets it go on, `siaghsync guard drop` drops it"
                .to_owned()
        }
        Status::Conflict if class == "integrity" => {
            "look at both records that are named above and remove the one that is too many; the next edit is heard by \
             itself, or `siaghsync sync <id>`"
                .to_owned()
        }
        Status::Conflict if row::changes(row).iter().any(|change| change.winner.is_none()) => {
            format!("`siaghsync resolve {id} --keep crm` or `--keep finance`; or edit one of the two: it is heard by itself")
        }
        Status::Conflict if row.entity_type == EntityType::Customer => format!(
            "correct the records that are named above: the edit is heard by itself. Or say who it is: `siaghsync resolve \
             --link {}`",
            match side {
                Side::Crm => format!("{} <finance-code>", row.source_entity_id),
                Side::Finance => format!("<crm-id> {}", row.source_entity_id),
            }
        ),
        Status::Conflict => format!("`siaghsync resolve {id}` with what you find out; `siaghsync resolve --help`"),
    }
}

/// Who refused: a run writes either side, whichever was heard. Its message begins with its name.
fn refusing(row: &log::Model) -> Side {
    let message = row.error_message.as_deref().unwrap_or_default();
    [Side::Crm, Side::Finance]
        .into_iter()
        .find(|side| message.starts_with(&format!("{side}: ")))
        .unwrap_or(source(row).other())
}

/// Why a field is treated as it is, in words.
pub(crate) fn because(reason: Reason) -> &'static str {
    match reason {
        Reason::OnlyThisChanged => "only this side was edited",
        Reason::OtherIsEmpty => "the other side has none",
        Reason::LaterWins => "both were edited, this one later",
        Reason::Tie => "both were edited, order unknown: TIE_BREAKER",
        Reason::Priority => "both were edited: CONFLICT_STRATEGY",
        Reason::HeldForHuman => "both were edited: CONFLICT_STRATEGY=manual",
        Reason::SettledByHand => "both were edited: an operator has decided",
        Reason::OneWay => "this field goes one way only",
        Reason::DeletedInCrm => "deleted in the CRM: set inactive",
        Reason::ConfirmedLater => "written before, confirmed now",
        Reason::TakenBack => "a late write of ours had taken it back",
        Reason::Oscillates => "written back and forth: set aside",
        Reason::Altered => "came back otherwise than it was written: an edit, or a form that nobody knows",
    }
}

fn quoted(value: &str) -> String {
    match value {
        "" => "–".to_owned(),
        value => format!("«{value}»"),
    }
}

fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    names.collect::<Vec<_>>().join(", ")
}
