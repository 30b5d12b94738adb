//! Fail: ends its branch with an error of the definition's own.

use super::visit::{Visit, unexpected};
use crate::error::{Evaluated, Failure};
use crate::graph::FailText;

pub(super) fn failure(visit: &mut Visit<'_>, error: &FailText, cause: &FailText) -> Evaluated<Failure> {
    Ok(Failure::told(text(visit, error, "Error")?, text(visit, cause, "Cause")?))
}

fn text(visit: &mut Visit<'_>, text: &FailText, field: &str) -> Evaluated<Option<String>> {
    Ok(match text {
        FailText::Absent => None,
        FailText::Literal(text) => Some(text.clone()),
        FailText::Path(template) => {
            let value = template.evaluate(visit.input, &mut visit.env)?;
            match value.as_str() {
                Some(text) => Some(text.to_owned()),
                None => {
                    return Err(Failure::runtime(format!(
                        "The {field}Path parameter does not reference a valid string: {value}"
                    )));
                }
            }
        }
        FailText::Expression(expression) => {
            let value = visit.evaluate(expression, field)?;
            match value.as_str() {
                Some(text) => Some(text.to_owned()),
                None => return Err(unexpected(expression, field, "string", &value)),
            }
        }
    })
}
