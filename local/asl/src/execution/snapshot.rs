//! An execution as data, and the form in which a host stores it.
//!
//! The form has a version, so that a stored execution can outlive the release that has stored it. The rules
//! are:
//! - The member `v` is the version. The first form has none.
//! - A release reads all forms up to its own. It refuses a later one, and a member that it does not know:
//!   dropping what another release has stored would change how the execution goes on.
//! - Whoever changes the form raises [`FORM`], reads the older form into the newer one, and adds stored
//!   executions of the older form to `tests/fixtures`.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use chrono::serde::ts_milliseconds_option;

use super::branch::Branch;
use crate::api::Outcome;
use crate::scope::Identity;
use crate::time::Timestamp;

/// The version of the form that this release writes, and the latest that it reads. The second has the name of
/// the member that an iteration works on, for a Map over an object. The third has the phase of a Distributed Map, and an
/// inline one says no more how many of its iterations may fail. Nothing else differs.
const FORM: u64 = 3;

/// The whole persistent state of one execution. A host stores it as JSON, or as MessagePack with field names.
/// The form is compact: an order that waits for a token takes well under a kibibyte besides its own data.
///
/// Reading an execution fails when a later release has stored it; [`Execution::from_json`] tells that apart
/// from other errors.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Execution {
    /// The version. It stands first, so that a later form is refused for its version before anything else in
    /// it is looked at.
    #[serde(rename = "v", default, skip_serializing_if = "Form::is_first")]
    pub(super) form: Form,
    #[serde(rename = "x")]
    pub(super) identity: Identity,
    /// How many events there have been.
    #[serde(rename = "e")]
    pub(super) events: u64,
    /// How many attempts of tasks there have been.
    #[serde(rename = "k")]
    pub(super) tasks: u64,
    /// When the execution times out.
    #[serde(rename = "d", default, skip_serializing_if = "Option::is_none", with = "ts_milliseconds_option")]
    pub(super) deadline: Option<Timestamp>,
    /// The main line of control.
    #[serde(rename = "b")]
    pub(super) root: Branch,
    /// How the execution ended; absent while it runs.
    #[serde(rename = "o", default, skip_serializing_if = "Option::is_none")]
    pub(super) outcome: Option<Outcome>,
}

/// The version of an execution's form. It holds nothing, since an execution in memory always has the form of
/// this release; it only writes the version and checks it.
#[derive(Debug, Clone, Default)]
pub(super) struct Form;

impl Form {
    /// Whether the version is left out.
    #[expect(clippy::unused_self, reason = "serde calls it with the field")]
    fn is_first(&self) -> bool {
        FORM == 1
    }
}

impl Serialize for Form {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_u64(FORM)
    }
}

impl<'de> Deserialize<'de> for Form {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let found = u64::deserialize(deserializer)?;
        check(found).map_err(serde::de::Error::custom)?;
        Ok(Self)
    }
}

fn check(found: u64) -> Result<(), LaterRelease> {
    if found > FORM { Err(LaterRelease { found, known: FORM }) } else { Ok(()) }
}

/// A later release has stored the execution, in a form that this one does not know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the stored execution is of a later release (its form is version {found}, and this release knows versions up to \
     {known}): run that release or a newer one"
)]
pub struct LaterRelease {
    /// The version of the stored form.
    pub found: u64,
    /// The latest version that this release reads.
    pub known: u64,
}

/// A stored execution cannot be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A later release has stored it.
    #[error(transparent)]
    LaterRelease(#[from] LaterRelease),
    /// The text is not JSON, or not that of an execution.
    #[error("the stored execution cannot be read")]
    Malformed(#[source] serde_json::Error),
}

impl Execution {
    /// Reads an execution that was stored as JSON.
    ///
    /// # Errors
    ///
    /// [`LoadError::LaterRelease`] when a later release has stored it, and [`LoadError::Malformed`] when the
    /// text is no execution.
    pub fn from_json(json: &[u8]) -> Result<Self, LoadError> {
        #[derive(Deserialize)]
        struct Version {
            #[serde(rename = "v", default)]
            found: u64,
        }
        serde_json::from_slice(json).map_err(|error| {
            // Only an execution that cannot be read is looked at again, for its version alone.
            match serde_json::from_slice::<Version>(json).map(|version| check(version.found)) {
                Ok(Err(later)) => LoadError::LaterRelease(later),
                _ => LoadError::Malformed(error),
            }
        })
    }
}
