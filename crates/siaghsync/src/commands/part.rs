//! A line of `siaghsync check`: one part, whether it works, and what to do if it does not.

use std::borrow::Cow;

use serde::Serialize;

/// How a part is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
enum State {
    Ok,
    Warning,
    Failed,
}

/// One line.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Part {
    part: Cow<'static, str>,
    state: State,
    words: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    todo: Option<String>,
}

impl Part {
    pub(crate) fn ok(part: impl Into<Cow<'static, str>>, words: impl Into<String>) -> Self {
        Self {
            part: part.into(),
            state: State::Ok,
            words: words.into(),
            todo: None,
        }
    }

    pub(crate) fn warning(
        part: impl Into<Cow<'static, str>>,
        words: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Warning,
            todo: Some(todo.into()),
            ..Self::ok(part, words)
        }
    }

    pub(crate) fn failed(
        part: impl Into<Cow<'static, str>>,
        words: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        Self {
            state: State::Failed,
            todo: Some(todo.into()).filter(|todo: &String| !todo.is_empty()),
            ..Self::ok(part, words)
        }
    }

    pub(crate) fn is_failed(&self) -> bool {
        self.state == State::Failed
    }

    pub(crate) fn line(&self) -> String {
        let mark = match self.state {
            State::Ok => "✅",
            State::Warning => "⚠️",
            State::Failed => "❌",
        };
        let todo = self.todo.as_ref().map(|todo| format!("\n              → {todo}"));
        format!(
            "{mark} {:<11} {}{}",
            self.part,
            self.words,
            todo.unwrap_or_default()
        )
    }
}
