//! Requests that the embedded database can't read, as DynamoDB refuses them.
//!
//! dynoxide's own server tells these errors apart by marks that its readers put before a message. A library
//! gets the message as it is, so the marks are read here, and neither they nor the reader's words reach a
//! caller.

use dynoxide::DynoxideError;

/// The marks, and whether the message after one is a validation error.
const MARKS: [(&str, bool); 5] = [
    ("SERIALIZATION_AS_READ:", false),
    ("VALIDATION_AS_READ:", true),
    ("SERIALIZATION:", false),
    ("VALIDATION_REQUEST:", true),
    ("VALIDATION:", true),
];

/// The refusal of a request that can't be read for this reason. `operation` is the name of the operation.
pub(crate) fn unreadable(operation: &str, reason: &str) -> DynoxideError {
    let message = without_position(reason);
    for (mark, validates) in MARKS {
        let Some(rest) = message.strip_prefix(mark) else { continue };
        // DynamoDB puts these two operations' request errors into an envelope.
        let enveloped = mark == "VALIDATION_REQUEST:" && matches!(operation, "PutItem" | "UpdateItem");
        return match (validates, enveloped) {
            (true, true) => {
                DynoxideError::ValidationException(format!("1 validation error detected: {rest}"))
            }
            (true, false) => DynoxideError::ValidationException(rest.to_owned()),
            (false, _) => DynoxideError::SerializationException(rest.to_owned()),
        };
    }
    if let Some(member) = missing(message) {
        return DynoxideError::ValidationException(format!(
            "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
        ));
    }
    if message.contains("Supplied AttributeValue") {
        return DynoxideError::ValidationException(message.to_owned());
    }
    if message.contains("empty AttributeValue") {
        return DynoxideError::ValidationException(
            "Supplied AttributeValue is empty, must contain exactly one of the supported datatypes"
                .to_owned(),
        );
    }
    DynoxideError::SerializationException(
        "A value in the request has another type than the API expects".to_owned(),
    )
}

/// The message without the place that the reader of JSON adds to it.
fn without_position(reason: &str) -> &str {
    reason.rsplit_once(" at line ").map_or(reason, |(message, _)| message)
}

/// The required member that the request lacks, spelled as DynamoDB does in its messages.
fn missing(message: &str) -> Option<String> {
    let (member, _) = message.split_once("missing field `")?.1.split_once('`')?;
    let mut chars = member.chars();
    let first = chars.next()?.to_ascii_lowercase();
    Some(format!("{first}{}", chars.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(operation: &str, reason: &str) -> (&'static str, String) {
        let error = unreadable(operation, reason);
        (error.error_type().rsplit('#').next().unwrap(), error.to_string())
    }

    #[test]
    fn what_the_readers_marked_keeps_its_kind_and_loses_its_mark() {
        let said = refused("PutItem", "VALIDATION:Number overflow. at line 1 column 40");
        assert_eq!(said, ("ValidationException", "Number overflow.".to_owned()));
        let said = refused("PutItem", "VALIDATION_REQUEST:One is too few");
        assert_eq!(said, ("ValidationException", "1 validation error detected: One is too few".to_owned()));
        assert_eq!(refused("GetItem", "VALIDATION_REQUEST:One").1, "One");
        let said = refused("GetItem", "SERIALIZATION:NUMBER_VALUE cannot be converted to String");
        assert_eq!(said, ("SerializationException", "NUMBER_VALUE cannot be converted to String".to_owned()));
    }

    #[test]
    fn the_readers_own_words_reach_nobody() {
        let (kind, message) = refused("GetItem", "invalid type: map, expected a string at line 1 column 40");
        assert_eq!(kind, "SerializationException");
        assert!(!message.contains("expected a string") && !message.contains("column"), "{message}");
        let (kind, message) = refused("GetItem", "missing field `TableName` at line 1 column 2");
        assert_eq!(kind, "ValidationException");
        assert!(message.contains("Value null at 'tableName'"), "{message}");
    }
}
