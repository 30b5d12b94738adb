//! CloudWatch, as a test fills it.

use std::collections::HashMap;
use std::sync::Arc;

use omniflow_services::cloudwatch::{
    CloudWatch, MetricPage, MetricQuery, MetricQuestion, MetricStatus, MetricValues,
};
use omniflow_services::{ServiceError, ServiceFuture};
use serde_json::{Value, json};
use template::Function;

use crate::aws::Aws;

/// A metric, by its name or that of the queue whose messages it counts, and its statistic.
type Key = (String, String);

/// What CloudWatch has.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    values: HashMap<Key, Vec<(i64, f64)>>,
    statuses: HashMap<Key, MetricStatus>,
    /// The metrics that answers leave out.
    silent: Vec<String>,
    /// Whether an answer comes in two pages.
    in_pages: bool,
}

impl Aws {
    /// Gives a statistic of a metric, or of a queue's messages, these values: the second since 1970 at which the period
    /// begins, and the value.
    pub fn measure(&self, metric: &str, statistic: &str, values: &[(i64, f64)]) {
        let key = (metric.to_owned(), statistic.to_owned());
        self.measured(|measured| measured.values.insert(key, values.to_vec()));
    }

    /// Makes CloudWatch tell a statistic of a metric with this status.
    pub fn measure_badly(&self, metric: &str, statistic: &str, status: MetricStatus) {
        let key = (metric.to_owned(), statistic.to_owned());
        self.measured(|measured| measured.statuses.insert(key, status));
    }

    /// Makes answers leave a metric out.
    pub fn silence(&self, metric: &str) {
        self.measured(|measured| measured.silent.push(metric.to_owned()));
    }

    /// Makes answers come in two pages, the first half of each metric's values on the first.
    pub fn measure_in_pages(&self) {
        self.measured(|measured| measured.in_pages = true);
    }
}

impl Measured {
    fn answer(&self, asked: &MetricQuestion) -> MetricPage {
        let is_last = !self.in_pages || asked.next.is_some();
        MetricPage {
            metrics: asked.metrics.iter().filter_map(|query| self.told(query, asked, is_last)).collect(),
            next: (!is_last).then(|| "the second page".to_owned()),
        }
    }

    fn told(&self, query: &MetricQuery, asked: &MetricQuestion, is_last: bool) -> Option<MetricValues> {
        let (_, of) = &query.dimension;
        let name = if query.namespace == "AWS/SQS" { of } else { query.name };
        if self.silent.iter().any(|silent| silent == name) {
            return None;
        }
        let key = (name.to_owned(), query.statistic.to_owned());
        let mut values = self.values.get(&key).cloned().unwrap_or_default();
        values.retain(|(at, _)| (asked.from..asked.to).contains(at));
        if self.in_pages {
            let rest = values.split_off(values.len() / 2);
            if is_last {
                values = rest;
            }
        }
        let whole = if is_last { MetricStatus::Complete } else { MetricStatus::PartialData };
        Some(MetricValues {
            id: query.id.clone(),
            timestamps: values.iter().map(|(at, _)| *at as f64).collect(),
            values: values.iter().map(|(_, value)| *value).collect(),
            status_code: self.statuses.get(&key).copied().unwrap_or(whole),
        })
    }
}

/// A request as tests look at it.
fn recorded(asked: &MetricQuestion) -> Value {
    let queries = asked.metrics.iter().map(|query| {
        let (dimension, value) = &query.dimension;
        json!({
            "id": query.id,
            "metric": format!("{} {}", query.namespace, query.name),
            "dimension": format!("{dimension}={value}"),
            "statistic": query.statistic,
            "period": query.period,
        })
    });
    json!({ "from": asked.from, "to": asked.to, "next": asked.next, "queries": queries.collect::<Vec<_>>() })
}

/// The client of one function, with the permissions of its role.
pub(crate) struct CloudWatchOf {
    pub(crate) aws: Arc<Aws>,
    pub(crate) function: &'static Function,
}

impl CloudWatch for CloudWatchOf {
    fn get_metric_data<'a>(&'a self, asked: &'a MetricQuestion) -> ServiceFuture<'a, MetricPage> {
        const OPERATION: &str = "GetMetricData";
        Box::pin(async {
            self.aws.use_action(self.function, "cloudwatch:GetMetricData", "*");
            self.aws.record(OPERATION, recorded(asked));
            match self.aws.refusal(OPERATION) {
                Some(code) => Err(ServiceError::new(code, "told to fail")),
                None => Ok(self.aws.measured(|measured| measured.answer(asked))),
            }
        })
    }
}
