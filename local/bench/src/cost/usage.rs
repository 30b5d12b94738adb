//! What AWS bills, in its units and in dollars.

use std::ops::Add;

use omniflow_figures::{self as prices, Price};
use serde_json::{Map, Value, json};

use super::assumptions::{self, TRACED};
use super::meter::{Invocation, SEND_EMAIL};

/// The binaries of the functions behind the API.
const FRONTS: [&str; 6] =
    ["admin", "api", "payment-api", "read-metrics", "receive-payment-event", "warehouse-api"];
/// The services of AWS on the bill, in the order of the report.
pub(crate) const SERVICES: [&str; 8] =
    ["Step Functions", "Lambda", "DynamoDB", "EventBridge", "API Gateway", "CloudWatch Logs", "X-Ray", "SES"];
const MIB_IN_A_GIB: f64 = 1024.0;
const MILLISECONDS: f64 = 1000.0;
/// The number of orders for which the report gives dollars.
const ORDERS: f64 = 1e6;

/// The units of AWS that were used.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Usage {
    pub transitions: f64,
    pub invocations: f64,
    pub gb_seconds: f64,
    pub read_units: f64,
    pub write_units: f64,
    pub events: f64,
    pub api_requests: f64,
    pub log_bytes: f64,
    pub emails: f64,
}

impl From<&Invocation> for Usage {
    #[allow(clippy::cast_precision_loss)]
    fn from(invocation: &Invocation) -> Self {
        let calls = || invocation.calls.iter();
        let milliseconds = assumptions::billed_milliseconds(calls().map(|call| call.operation.as_str()));
        Self {
            transitions: 0.0,
            invocations: 1.0,
            gb_seconds: invocation.memory as f64 / MIB_IN_A_GIB * milliseconds as f64 / MILLISECONDS,
            read_units: calls().map(|call| call.units.read).sum(),
            write_units: calls().map(|call| call.units.write).sum(),
            events: calls().map(|call| call.events as f64).sum(),
            api_requests: if FRONTS.contains(&invocation.binary.as_str()) { 1.0 } else { 0.0 },
            log_bytes: invocation.log_bytes as f64,
            emails: calls().filter(|call| call.operation == SEND_EMAIL).count() as f64,
        }
    }
}

impl Add for Usage {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            transitions: self.transitions + other.transitions,
            invocations: self.invocations + other.invocations,
            gb_seconds: self.gb_seconds + other.gb_seconds,
            read_units: self.read_units + other.read_units,
            write_units: self.write_units + other.write_units,
            events: self.events + other.events,
            api_requests: self.api_requests + other.api_requests,
            log_bytes: self.log_bytes + other.log_bytes,
            emails: self.emails + other.emails,
        }
    }
}

impl Usage {
    /// The lines of the bill: each price with the number of its units.
    pub(crate) fn lines(&self) -> [(Price, f64); 10] {
        [
            (prices::TRANSITION, self.transitions),
            (prices::INVOCATION, self.invocations),
            (prices::GB_SECOND, self.gb_seconds),
            (prices::READ_UNIT, self.read_units),
            (prices::WRITE_UNIT, self.write_units),
            (prices::EVENT, self.events),
            (prices::API_REQUEST, self.api_requests),
            (prices::LOG_BYTE, self.log_bytes),
            (prices::TRACE, self.api_requests * TRACED),
            (prices::EMAIL, self.emails),
        ]
    }

    /// The dollars that a million orders cost at each of the [`SERVICES`].
    pub(crate) fn by_service(&self) -> [f64; SERVICES.len()] {
        SERVICES.map(|service| {
            let lines = self.lines().into_iter().filter(|(price, _)| price.service == service);
            lines.map(|(price, count)| price.of(count) * ORDERS).sum()
        })
    }

    /// The cost in dollars.
    pub(crate) fn dollars(&self) -> f64 {
        self.lines().into_iter().map(|(price, count)| price.of(count)).sum()
    }

    /// The dollars that a million orders cost that use this much each.
    pub(crate) fn dollars_a_million(&self) -> f64 {
        self.dollars() * ORDERS
    }

    pub(crate) fn to_json(self) -> Value {
        let lines = self.lines().into_iter().map(|(price, count)| {
            let dollars = crate::latency::round(price.of(count) * ORDERS);
            (price.thing.to_owned(), json!({ "count": count, "dollars_per_million": dollars }))
        });
        let services = SERVICES.into_iter().zip(self.by_service().map(crate::latency::round));
        json!({
            "services": services.map(|(name, dollars)| (name.to_owned(), json!(dollars))).collect::<Map<_, _>>(),
            "lines": lines.collect::<Map<_, _>>(),
            "dollars_per_million": crate::latency::round(self.dollars_a_million()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::capacity::Units;
    use super::super::meter::MeteredCall;
    use super::*;

    #[test]
    fn an_invocation_uses_what_its_calls_use() {
        let put = MeteredCall {
            operation: "PutItem".to_owned(),
            units: Units { read: 0.0, write: 4.0 },
            events: 0,
        };
        let get = MeteredCall {
            operation: "GetItem".to_owned(),
            units: Units { read: 1.0, write: 0.0 },
            events: 0,
        };
        let tell = MeteredCall { operation: "PutEvents".to_owned(), units: Units::default(), events: 3 };
        let invocation =
            Invocation { binary: "api".to_owned(), memory: 256, calls: vec![get, put, tell], log_bytes: 90 };
        let usage = Usage::from(&invocation);
        let expected = Usage {
            transitions: 0.0,
            invocations: 1.0,
            gb_seconds: 0.25 * 0.043,
            read_units: 1.0,
            write_units: 4.0,
            events: 3.0,
            api_requests: 1.0,
            log_bytes: 90.0,
            emails: 0.0,
        };
        assert_eq!(usage, expected);
        assert_eq!((usage + usage).write_units, 8.0);
    }

    #[test]
    fn a_million_orders_cost_what_the_prices_say() {
        let usage = Usage { transitions: 8.0, write_units: 10.0, events: 1.0, ..Usage::default() };
        assert!((usage.dollars_a_million() - (200.0 + 6.25 + 1.0)).abs() < 1e-9);
        let requests = Usage { invocations: 1.0, api_requests: 1.0, ..Usage::default() };
        assert!((requests.dollars_a_million() - (0.2 + 1.0 + 0.25)).abs() < 1e-9, "with one trace in twenty");
        let all = Usage { emails: 2.0, log_bytes: 1e3, read_units: 3.0, gb_seconds: 0.1, ..usage + requests };
        let sum: f64 = all.by_service().into_iter().sum();
        assert!((sum - all.dollars_a_million()).abs() < 1e-9, "each line is of one of the services");
    }
}
