//! The prices of AWS: on-demand prices of us-east-1, first tier, without the free tier. And the times that its calls
//! take, in [`latency`].

pub mod latency;

/// The day on which the prices were looked up.
pub const DATE: &str = "2026-11-21";

/// The price of one kind of unit that AWS bills.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Price {
    /// The service of AWS that bills it.
    pub service: &'static str,
    /// The name of the unit, in the plural.
    pub thing: &'static str,
    /// The price of `per` units, in dollars.
    pub dollars: f64,
    /// The number of units that cost `dollars`.
    pub per: f64,
    /// The page of AWS that has the price.
    pub source: &'static str,
}

const MILLION: f64 = 1e6;
const GIGABYTE: f64 = 1_073_741_824.0;

/// Source: "AWS Step Functions Pricing", Standard Workflows, $0.025 for 1,000.
pub const TRANSITION: Price = Price {
    service: "Step Functions",
    thing: "state transitions",
    dollars: 0.025,
    per: 1000.0,
    source: "AWS Step Functions Pricing, Standard Workflows",
};
/// Source: "AWS Lambda Pricing", requests.
pub const INVOCATION: Price = Price {
    service: "Lambda",
    thing: "Lambda invocations",
    dollars: 0.20,
    per: MILLION,
    source: "AWS Lambda Pricing, requests",
};
/// Source: "AWS Lambda Pricing", duration on Arm.
pub const GB_SECOND: Price = Price {
    service: "Lambda",
    thing: "Lambda GB-seconds",
    dollars: 0.000_013_333_4,
    per: 1.0,
    source: "AWS Lambda Pricing, duration on Arm, first 7.5 billion GB-seconds",
};
/// Source: "Amazon DynamoDB pricing for on-demand capacity", as lowered in November 2024.
pub const READ_UNIT: Price = Price {
    service: "DynamoDB",
    thing: "DynamoDB read request units",
    dollars: 0.125,
    per: MILLION,
    source: "Amazon DynamoDB Pricing for On-Demand Capacity, Standard table class",
};
/// Source: "Amazon DynamoDB pricing for on-demand capacity", as lowered in November 2024.
pub const WRITE_UNIT: Price = Price {
    service: "DynamoDB",
    thing: "DynamoDB write request units",
    dollars: 0.625,
    per: MILLION,
    source: "Amazon DynamoDB Pricing for On-Demand Capacity, Standard table class",
};
/// Source: "Amazon EventBridge Pricing", custom events. Rules that deliver to Lambda in the same account are
/// free.
pub const EVENT: Price = Price {
    service: "EventBridge",
    thing: "EventBridge events",
    dollars: 1.00,
    per: MILLION,
    source: "Amazon EventBridge Pricing, custom events, 64 KB each",
};
/// Source: "Amazon API Gateway Pricing", HTTP APIs.
pub const API_REQUEST: Price = Price {
    service: "API Gateway",
    thing: "API requests",
    dollars: 1.00,
    per: MILLION,
    source: "Amazon API Gateway Pricing, HTTP APIs, first 300 million, 512 KB each",
};
/// Source: "Amazon CloudWatch Pricing", logs.
pub const LOG_BYTE: Price = Price {
    service: "CloudWatch Logs",
    thing: "bytes of logs",
    dollars: 0.50,
    per: GIGABYTE,
    source: "Amazon CloudWatch Pricing, logs collected from Lambda, first 10 TB",
};
/// Source: "AWS X-Ray Pricing", traces recorded.
pub const TRACE: Price = Price {
    service: "X-Ray",
    thing: "X-Ray traces",
    dollars: 5.00,
    per: MILLION,
    source: "AWS X-Ray Pricing, traces recorded",
};

/// Source: "Amazon SES Pricing", outbound e-mail.
pub const EMAIL: Price = Price {
    service: "SES",
    thing: "e-mails",
    dollars: 0.10,
    per: 1000.0,
    source: "Amazon SES Pricing, outbound e-mail, without attachments",
};

impl Price {
    /// The dollars that `count` units cost.
    #[must_use]
    pub fn of(self, count: f64) -> f64 {
        count * self.dollars / self.per
    }
}
