//! The fields through which data goes into a state and out of it.

use std::sync::Arc;

use crate::jsonpath::{JsonPath, Segment};
use crate::template::{JsonataTemplate, PathTemplate};

/// The data fields of a state in its query language.
#[derive(Debug)]
pub(crate) enum Io {
    Path(Box<PathIo>),
    Jsonata(Box<JsonataIo>),
}

/// The data fields of a JSONPath state.
#[derive(Debug, Default)]
pub(crate) struct PathIo {
    pub(crate) input_path: Source,
    pub(crate) parameters: Option<PathTemplate>,
    pub(crate) result_selector: Option<PathTemplate>,
    pub(crate) result_path: ResultPath,
    pub(crate) output_path: Source,
    pub(crate) assign: Option<Vec<(Arc<str>, PathTemplate)>>,
}

/// The data fields of a JSONata state.
#[derive(Debug, Default)]
pub(crate) struct JsonataIo {
    pub(crate) arguments: Option<JsonataTemplate>,
    pub(crate) output: Option<JsonataTemplate>,
    pub(crate) assign: Option<Vec<(Arc<str>, JsonataTemplate)>>,
}

/// An InputPath or OutputPath.
#[derive(Debug, Default)]
pub(crate) enum Source {
    /// The field is `$` or absent: all the data.
    #[default]
    All,
    /// The field is `null`: an empty object.
    Nothing,
    Path(JsonPath),
}

/// A ResultPath.
#[derive(Debug, Default)]
pub(crate) enum ResultPath {
    /// The field is `$` or absent: the result replaces the input.
    #[default]
    Replace,
    /// The field is `null`: the result is dropped.
    Discard,
    /// The field is a reference path: the result goes to that place in the input.
    At(Vec<Segment>),
}

/// An Assign, in either query language.
#[derive(Debug, Default)]
pub(crate) enum Assign {
    #[default]
    None,
    Path(Vec<(Arc<str>, PathTemplate)>),
    Jsonata(Vec<(Arc<str>, JsonataTemplate)>),
}
