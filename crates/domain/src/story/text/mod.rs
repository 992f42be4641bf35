//! A story in English, laid out for a terminal.

use super::{Also, Decision, Put, Story, Written};
use crate::clock::readable;
use crate::customer::Field;
use crate::entity::EntityType;
use crate::message::{Code, Message};
use crate::side::Side;
use crate::store::Status;

mod document;
mod sides;

/// How what stands out is shown.
#[derive(Clone, Copy)]
pub struct Style<'a> {
    /// The title of a part.
    pub title: &'a dyn Fn(&str) -> String,
    /// A status.
    pub status: &'a dyn Fn(Status) -> String,
}

/// Nothing stands out.
pub const PLAIN: Style<'static> = Style {
    title: &|title| title.to_owned(),
    status: &|status| sign(status).to_owned(),
};

/// A status with its sign.
#[must_use]
pub fn sign(status: Status) -> &'static str {
    match status {
        Status::Pending => "⏳ PENDING",
        Status::InProgress => "🔄 IN_PROGRESS",
        Status::Success => "✅ SUCCESS",
        Status::Failed => "❌ FAILED",
        Status::Conflict => "⚠️ CONFLICT",
        Status::Skipped => "⏭️ SKIPPED",
    }
}

/// The whole story.
#[must_use]
pub fn render(story: &Story, style: Style<'_>) -> String {
    let mut lines = vec![head(story, style), String::new()];
    let parts = [
        ("Heard", vec![heard(story)]),
        ("Held", sides::held(story)),
        ("Decided", decided(story)),
        ("Written", written(story)),
        ("Ended", ended(story)),
        ("Next", vec![story.next.advice.english()]),
    ];
    for (title, part) in parts {
        let mut part = part.into_iter();
        if let Some(first) = part.next() {
            lines.push(format!("{} {first}", (style.title)(&format!("{title:<9}"))));
            lines.extend(part.map(|line| format!("          {line}")));
        }
    }
    lines.join("\n")
}

/// Who it is about, and how it stands.
fn head(story: &Story, style: Style<'_>) -> String {
    let what = match story.entity_type {
        EntityType::Customer => "Customer",
        EntityType::PreInvoice => "Quote",
        EntityType::Invoice => "Invoice",
    };
    let name = story.name.as_ref().map(|name| format!(" «{name}»"));
    let (source, other) = (&story.source, story.target.side);
    let target = match &story.target.id {
        Some(id) => format!("{other} {id}"),
        None => format!("nothing in {other} yet"),
    };
    let trace = story.heard.trace_id.as_ref().map(|id| format!(", trace {id}"));
    format!(
        "{what}{}: {} {} and {target}   {}\nrow {}{}",
        name.unwrap_or_default(),
        source.side,
        source.id.as_deref().unwrap_or_default(),
        (style.status)(story.status),
        story.row,
        trace.unwrap_or_default()
    )
}

fn heard(story: &Story) -> String {
    let heard = &story.heard;
    let how = heard.how.english();
    if heard.written_in.is_some() {
        return how;
    }
    let event = heard.event_id.as_ref().map(|id| format!(", event {id}"));
    format!(
        "{} {how} of {}{}",
        readable(heard.at),
        heard.of.side,
        event.unwrap_or_default()
    )
}

/// Field by field: what each side had, who wins, and why.
fn decided(story: &Story) -> Vec<String> {
    let decided = &story.decided;
    let mut lines: Vec<String> = decided.fields.iter().map(decision).collect();
    lines.extend(
        decided
            .about
            .map(|at| format!("about what was sent at {}", readable(at))),
    );
    lines.extend(decided.differences.iter().map(ToString::to_string));
    if !decided.covers.is_empty() {
        let rows: Vec<String> = decided.covers.iter().map(ToString::to_string).collect();
        lines.push(format!(
            "for what was heard in these rows, too: {}",
            rows.join(", ")
        ));
    }
    lines
}

fn decision(decision: &Decision) -> String {
    let (arrow, winner) = outcome(decision.winner);
    format!(
        "{:<15} CRM {} {arrow} finance {}: {}, {}",
        decision.field,
        quoted(&decision.crm),
        quoted(&decision.finance),
        Message::new(winner).english(),
        Message::new(decision.reason.code()).english()
    )
}

/// Which way a value goes.
fn outcome(winner: Option<Side>) -> (&'static str, Code) {
    match winner {
        Some(Side::Crm) => ("→", Code::CrmGoesToFinance),
        Some(Side::Finance) => ("←", Code::FinanceGoesToCrm),
        None => ("≠", Code::WaitsForAHuman),
    }
}

/// Which side was written, and whether it holds what was sent.
fn written(story: &Story) -> Vec<String> {
    let of = |written: &Written| match story.entity_type {
        EntityType::Customer => of_customer(written),
        EntityType::PreInvoice | EntityType::Invoice => vec![document::written(written)],
    };
    let mut lines: Vec<String> = story.written.iter().flat_map(of).collect();
    if lines.is_empty() && story.status.is_final() {
        lines.push("nothing".to_owned());
    }
    lines
}

fn of_customer(written: &Written) -> Vec<String> {
    let to = written.to.side;
    let id = written.to.id.as_deref().unwrap_or("?");
    let fields = list(written.fields.iter().map(|put| put.field));
    let others = written.fields.iter().filter(|put| put.is_other());
    let holds = |put: &Put| {
        let value = put.holds.as_deref().unwrap_or_default();
        format!("{to} holds {} as {}", put.field, quoted(value))
    };
    std::iter::once(format!("to {to} {id}: {fields}"))
        .chain(others.map(holds))
        .collect()
}

fn ended(story: &Story) -> Vec<String> {
    let ended = &story.ended;
    let tries = match ended.tries {
        1 => String::new(),
        n => format!(" after {n} tries"),
    };
    let took = ended
        .duration_ms
        .map(|ms| format!(", {ms} ms"))
        .unwrap_or_default();
    let mut lines = vec![match ended.at {
        Some(at) => format!("{} {}{tries}{took}", readable(at), sign(ended.status)),
        None => format!("not yet: {}{tries}", sign(ended.status)),
    }];
    lines.extend(ended.text.clone());
    lines.extend(ended.also.iter().map(also));
    lines
}

fn also(also: &Also) -> String {
    let when = if also.earlier {
        "in an earlier try"
    } else {
        "in the same run"
    };
    format!(
        "{when}: {} to {} {}, row {}",
        also.from.name().to_lowercase(),
        also.from.other().name().to_lowercase(),
        sign(also.status),
        also.row
    )
}

fn quoted(value: &str) -> String {
    match value {
        "" => "–".to_owned(),
        value => format!("«{value}»"),
    }
}

fn list(fields: impl Iterator<Item = Field>) -> String {
    fields.map(Field::name).collect::<Vec<_>>().join(", ")
}
