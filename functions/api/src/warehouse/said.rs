//! What the body of a warehouse's message says.

use omniflow_domain::order::{Parcel, Report, WarehouseEvent};
use serde_json::Value;

use crate::problem::{Kind, Problem};

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}

/// Reads what a warehouse says.
pub(super) fn report(body: &Value) -> Result<Report, Problem> {
    let event = body["event"].as_str().and_then(WarehouseEvent::parse).ok_or_else(|| {
        let names = WarehouseEvent::ALL.map(WarehouseEvent::name).join(", ");
        bad(format!("'event' must be one of {names}."))
    })?;
    let report = Report {
        event,
        parcel: Parcel {
            tracking: text(body, "tracking")?,
            carrier: text(body, "carrier")?,
            tracking_url: text(body, "tracking_url")?,
        },
        reason: text(body, "reason")?,
    };
    report.check().map_err(|error| bad(format!("{error}.")))?;
    Ok(report)
}

fn text(body: &Value, field: &str) -> Result<Option<String>, Problem> {
    match &body[field] {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text.clone())),
        other => Err(bad(format!("'{field}' must be a text, not {other}."))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_that_a_warehouse_may_say_is_read_and_nothing_else() {
        let said = json!({
            "event": "SHIPPED", "tracking": "T-1", "carrier": "DHL",
            "tracking_url": "https://carrier.example/T-1", "reason": "as ordered", "more": [1],
        });
        let report = report(&said).unwrap();
        assert_eq!((report.event, report.reason.as_deref()), (WarehouseEvent::Shipped, Some("as ordered")));
        assert_eq!(report.parcel.tracking_url.as_deref(), Some("https://carrier.example/T-1"));
        for (field, wrong) in [
            ("event", json!("shipped")),
            ("event", json!(null)),
            ("tracking", json!(7)),
            ("tracking", json!("")),
            ("carrier", json!("x".repeat(201))),
            ("reason", json!("a\u{7}b")),
            ("tracking_url", json!("http://carrier.example/")),
            ("tracking_url", json!("javascript:alert(1)")),
            ("tracking_url", json!("https://")),
            ("tracking_url", json!("https://a.example/ b")),
            ("tracking_url", json!("https://a.example/\"onclick")),
            ("tracking_url", json!(format!("https://a.example/{}", "x".repeat(500)))),
        ] {
            let mut body = said.clone();
            body[field] = wrong;
            let problem = super::report(&body).unwrap_err();
            assert!(problem.detail.contains(&format!("'{field}'")), "{}", problem.detail);
        }
    }
}
