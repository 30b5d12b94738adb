//! Why a definition does not compile.

/// A definition does not compile. Validation has let through what fails here, so the text only says what is
/// wrong and where; it never stands in for a message of AWS's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at {location}")]
pub(crate) struct Error {
    /// The place in the definition, such as `/States/Charge`.
    pub(crate) location: String,
    pub(crate) reason: String,
}

pub(crate) type Result<T> = std::result::Result<T, Error>;

pub(super) fn fail<T>(location: &str, reason: impl Into<String>) -> Result<T> {
    Err(Error { location: location.to_owned(), reason: reason.into() })
}
