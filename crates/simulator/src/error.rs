//! Why a change made as a user of one of the systems was not possible.

/// A refused user action.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SimError {
    /// No such record.
    #[error("no record {0}")]
    NotFound(String),
    /// The system would not let a user do that; the text is the system's own.
    #[error("refused: {0}")]
    Refused(String),
    /// The value is not of the shape that is needed.
    #[error("bad input: {0}")]
    BadInput(String),
}
