//! The input and output of states, as people may read them.

use serde_json::Value;

/// The fields that hold a task token, with which the task can be answered: it must not be shown.
const TOKENS: [&str; 4] = ["task_token", "taskToken", "TaskToken", "Token"];
/// The text that is shown instead of a token.
const HIDDEN: &str = "(hidden)";

/// A payload as JSON, without task tokens; a text that is no JSON stays a text.
pub(crate) fn shown(payload: Option<&str>) -> Value {
    let Some(text) = payload else { return Value::Null };
    let mut value = serde_json::from_str(text).unwrap_or_else(|_| Value::from(text));
    hide(&mut value);
    value
}

fn hide(value: &mut Value) {
    match value {
        Value::Array(values) => values.iter_mut().for_each(hide),
        Value::Object(fields) => {
            for (name, value) in fields {
                match value {
                    // In a definition this is the expression that asks for the token.
                    Value::String(text) if TOKENS.contains(&name.as_str()) && !text.starts_with("{%") => {
                        *text = HIDDEN.to_owned();
                    }
                    value => hide(value),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn task_tokens_are_hidden_wherever_they_are() {
        let payload =
            r#"{"Payload": {"order_id": "ORD-1", "task_token": "secret"}, "list": [{"Token": "secret"}]}"#;
        let hidden = json!({
            "Payload": { "order_id": "ORD-1", "task_token": HIDDEN },
            "list": [{ "Token": HIDDEN }],
        });
        assert_eq!(shown(Some(payload)), hidden);
    }

    #[test]
    fn what_is_no_json_is_a_text_and_nothing_is_null() {
        assert_eq!(shown(Some("not {json")), "not {json");
        assert_eq!(shown(None), Value::Null);
    }
}
