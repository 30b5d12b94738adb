//! What a parsed function call consists of.

use serde_json::Value;

use crate::jsonpath::JsonPath;

/// A call of an intrinsic function, such as `States.Format('{}', $.name)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct FunctionCall {
    /// The call as the definition has it.
    pub(super) source: String,
    pub(super) function: Function,
    pub(super) arguments: Vec<Argument>,
}

/// One argument of a call.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Argument {
    /// A number, `true`, `false` or `null`.
    Literal(Value),
    /// Text in single quotes.
    Text {
        /// The text without its escapes.
        plain: String,
        /// The text with its escapes. States.Format needs them to tell `\\{}` from a placeholder.
        template: String,
    },
    Path(JsonPath),
    Call(FunctionCall),
}

/// The intrinsic functions by the names that follow `States.`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Array,
    ArrayContains,
    ArrayGetItem,
    ArrayLength,
    ArrayPartition,
    ArrayRange,
    ArrayUnique,
    Base64Decode,
    Base64Encode,
    Format,
    Hash,
    JsonMerge,
    JsonToString,
    MathAdd,
    MathRandom,
    StringSplit,
    StringToJson,
    Uuid,
}

impl Function {
    /// The functions by the names that follow `States.`.
    const NAMES: [(&str, Self); 18] = [
        ("Array", Self::Array),
        ("ArrayContains", Self::ArrayContains),
        ("ArrayGetItem", Self::ArrayGetItem),
        ("ArrayLength", Self::ArrayLength),
        ("ArrayPartition", Self::ArrayPartition),
        ("ArrayRange", Self::ArrayRange),
        ("ArrayUnique", Self::ArrayUnique),
        ("Base64Decode", Self::Base64Decode),
        ("Base64Encode", Self::Base64Encode),
        ("Format", Self::Format),
        ("Hash", Self::Hash),
        ("JsonMerge", Self::JsonMerge),
        ("JsonToString", Self::JsonToString),
        ("MathAdd", Self::MathAdd),
        ("MathRandom", Self::MathRandom),
        ("StringSplit", Self::StringSplit),
        ("StringToJson", Self::StringToJson),
        ("UUID", Self::Uuid),
    ];

    /// The function of this name, if there is one.
    pub(super) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().find(|(known, _)| *known == name).map(|(_, function)| *function)
    }

    pub(super) fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, function)| *function == self).map_or("", |(name, _)| name)
    }
}
