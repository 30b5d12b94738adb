//! Amazon CloudWatch as a trait, as far as metrics are read from it.
//!
//! Source: Amazon CloudWatch API Reference, "GetMetricData", "MetricDataQuery", "MetricDataResult".

use std::sync::Arc;

use ambient::Clock;
use aws_types::SdkConfig;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::aws_json::AwsJson;
use crate::{ServiceError, ServiceFuture, Web};

/// CloudWatch, as far as the functions use it.
pub trait CloudWatch: Send + Sync {
    /// Reads values of metrics, a page of them.
    fn get_metric_data<'a>(&'a self, question: &'a MetricQuestion) -> ServiceFuture<'a, MetricPage>;
}

/// What is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricQuestion {
    /// The metrics.
    pub metrics: Vec<MetricQuery>,
    /// The first second of the time that is asked about, since 1970.
    pub from: i64,
    /// The second after the last one.
    pub to: i64,
    /// What the page before gave as [`MetricPage::next`].
    pub next: Option<String>,
}

/// A metric that is asked for, in one statistic.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MetricQuery {
    /// What the answer calls it: a small letter, and letters, digits and underscores behind it.
    pub id: String,
    /// The namespace, such as `AWS/SQS`.
    pub namespace: &'static str,
    /// The name.
    pub name: &'static str,
    /// The name and the value of its dimension.
    pub dimension: (&'static str, String),
    /// The statistic, such as `Sum` or `p95`.
    pub statistic: &'static str,
    /// How many seconds each value is about.
    pub period: u32,
}

/// A page of values.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricPage {
    /// The metrics that the page tells of.
    #[serde(rename = "MetricDataResults", default)]
    pub metrics: Vec<MetricValues>,
    /// What the next page is asked for with; `None` on the last one.
    #[serde(rename = "NextToken", default)]
    pub next: Option<String>,
}

/// Values of one metric.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct MetricValues {
    /// What the query called it.
    #[serde(default)]
    pub id: String,
    /// The seconds since 1970 at which the periods of the values begin, the oldest first.
    #[serde(default)]
    pub timestamps: Vec<f64>,
    /// The values.
    #[serde(default)]
    pub values: Vec<f64>,
    /// Whether these are all.
    #[serde(default)]
    pub status_code: MetricStatus,
}

/// Whether the values of a metric are all that there are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
pub enum MetricStatus {
    /// They are.
    Complete,
    /// There may be others: on the next page, if there is one.
    PartialData,
    /// CloudWatch could not read them, or may not tell them.
    #[default]
    #[serde(other)]
    Unknown,
}

/// CloudWatch on AWS.
pub(crate) struct CloudWatchOnAws(AwsJson);

impl CloudWatchOnAws {
    pub(crate) fn new(config: SdkConfig, web: Arc<dyn Web>, clock: Arc<dyn Clock>) -> Self {
        let (service, target) = ("monitoring", "GraniteServiceVersion20100801");
        Self(AwsJson { config, web, clock, service, target, media_type: "application/x-amz-json-1.0" })
    }
}

impl CloudWatch for CloudWatchOnAws {
    fn get_metric_data<'a>(&'a self, question: &'a MetricQuestion) -> ServiceFuture<'a, MetricPage> {
        Box::pin(async move {
            let answer = self.0.call("GetMetricData", &body(question)).await?;
            serde_json::from_slice(&answer).map_err(ServiceError::unsendable)
        })
    }
}

fn body(question: &MetricQuestion) -> Value {
    let queries = question.metrics.iter().map(|query| {
        let (dimension, value) = &query.dimension;
        json!({
            "Id": query.id,
            "MetricStat": {
                "Metric": {
                    "Namespace": query.namespace,
                    "MetricName": query.name,
                    "Dimensions": [{ "Name": dimension, "Value": value }],
                },
                "Period": query.period,
                "Stat": query.statistic,
            },
        })
    });
    let mut body = json!({
        "MetricDataQueries": queries.collect::<Vec<_>>(),
        "StartTime": question.from,
        "EndTime": question.to,
        "ScanBy": "TimestampAscending",
    });
    if let Some(next) = &question.next {
        body["NextToken"] = json!(next);
    }
    body
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use ambient::SystemClock;
    use futures::executor::block_on;

    use super::*;
    use crate::aws_json::testing::{Canned, config};

    fn ask(web: &Arc<Canned>, region: &'static str) -> Result<MetricPage, ServiceError> {
        let config = config(region, None);
        let query = MetricQuery {
            id: "completed".to_owned(),
            namespace: "OmniFlow",
            name: "OrdersCompleted",
            dimension: ("Stack", "shop".to_owned()),
            statistic: "Sum",
            period: 60,
        };
        let question =
            MetricQuestion { metrics: vec![query], from: 600, to: 4200, next: Some("n".to_owned()) };
        block_on(CloudWatchOnAws::new(config, web.clone(), Arc::new(SystemClock)).get_metric_data(&question))
    }

    #[test]
    fn metrics_are_asked_for_by_a_signed_request_and_the_answer_is_read() {
        const ANSWER: &str = r#"{"MetricDataResults":[
            {"Id":"completed","Label":"x","Timestamps":[660.0,1.8E9],"Values":[2.0,3],"StatusCode":"Complete"},
            {"Id":"late","Label":"x","StatusCode":"PartialData"},
            {"Id":"bad","Label":"x","Timestamps":[],"Values":[],"StatusCode":"InternalError","Messages":[]}],
            "Messages":[],"NextToken":"more"}"#;
        let web = Arc::new(Canned(200, ANSWER, Mutex::default()));
        let page = ask(&web, "eu-central-1").unwrap();
        let statuses: Vec<_> = page.metrics.iter().map(|metric| metric.status_code).collect();
        assert_eq!(statuses, [MetricStatus::Complete, MetricStatus::PartialData, MetricStatus::Unknown]);
        assert_eq!(page.metrics[0].timestamps, [660.0, 1.8e9]);
        assert_eq!((&page.metrics[0].values[..], page.next.as_deref()), (&[2.0, 3.0][..], Some("more")));
        let request = web.2.lock().unwrap().take().unwrap();
        assert_eq!(request.url, "https://monitoring.eu-central-1.amazonaws.com/");
        let header = |name: &str| {
            let (_, value) = request.headers.iter().find(|(known, _)| *known == name).unwrap();
            value.clone()
        };
        assert_eq!(header("x-amz-target"), "GraniteServiceVersion20100801.GetMetricData");
        assert_eq!(header("content-type"), "application/x-amz-json-1.0");
        assert!(header("authorization").contains("/eu-central-1/monitoring/aws4_request"));
        let asked: Value = serde_json::from_str(&request.body).unwrap();
        let stat = &asked["MetricDataQueries"][0]["MetricStat"];
        assert_eq!(stat["Metric"]["Dimensions"], json!([{ "Name": "Stack", "Value": "shop" }]));
        assert_eq!((&stat["Period"], &stat["Stat"]), (&json!(60), &json!("Sum")));
        assert_eq!((&asked["StartTime"], &asked["NextToken"]), (&json!(600), &json!("n")));
    }

    #[test]
    fn a_refusal_has_its_name_and_china_its_own_domain() {
        let refused =
            r#"{"__type":"com.amazon.coral.service#ThrottlingException","message":"Rate exceeded"}"#;
        let web = Arc::new(Canned(400, refused, Mutex::default()));
        let error = ask(&web, "cn-north-1").unwrap_err();
        assert_eq!(error.code.as_deref(), Some("ThrottlingException"));
        let request = web.2.lock().unwrap().take().unwrap();
        assert_eq!(request.url, "https://monitoring.cn-north-1.amazonaws.com.cn/");
    }
}
