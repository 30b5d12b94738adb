//! A local runtime in this process whose functions are watched, with one order at a time.

use std::time::Duration;

use ambient::Surroundings;
use chrono::Utc;
use clap::Parser as _;
use omniflow::Runtime;
use omniflow::config::Cli;
use serde_json::{Value, json};

use super::meter::{Invocation, Meter};
use super::outside::{Outside, STRIPE_SECRET, WAREHOUSE_SECRET};
use super::paths::{DISPATCHED, Path, PathStep, Place};
use super::transitions::billed;
use super::usage::Usage;
use crate::Error;

/// The pause between two reads.
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The number of reads after which a run has failed.
const LOOKS: usize = 12_000;
/// How long nothing may happen before all work counts as done.
const QUIET: Duration = Duration::from_millis(100);
/// The function that runs every minute.
const SWEEPER: &str = "sweep-orders";
/// The functions that run however many orders there are, and so are not part of an order's cost.
const SCHEDULED: [&str; 2] = [SWEEPER, "reconcile-orders"];
const MACHINES: [&str; 2] = ["OrderStateMachine", "PaymentWindowStateMachine"];

/// The parameters of a shop that waits this long for a payment, in seconds. Without a sender no messages are sent to
/// customers, as when the template is deployed with its own defaults.
fn parameters(place: Place) -> Vec<(&'static str, &'static str)> {
    let sender = |address| ("NotificationSender", address);
    match place {
        Place::Usual => vec![LONG, sender("")],
        Place::ShortWindow => vec![SHORT, sender("")],
        Place::WithMails => vec![LONG, sender("shop@example.com")],
        Place::FarWarehouses => vec![LONG, sender(""), ("WarehouseSecret", WAREHOUSE_SECRET)],
        Place::Stripe => vec![
            LONG,
            sender(""),
            ("PaymentProvider", "stripe"),
            ("StripeSecret", STRIPE_SECRET),
            ("StripeUrl", "https://stripe.test"),
        ],
    }
}

/// A payment window that is longer than any run.
const LONG: (&str, &str) = ("PaymentWindowSeconds", "86400");
/// A payment window that is short enough to wait for its end and long enough to cancel an order in it.
const SHORT: (&str, &str) = ("PaymentWindowSeconds", "3");

pub(crate) struct Shop {
    runtime: Runtime,
    meter: Meter,
    outside: Outside,
    http: reqwest::Client,
}

impl Shop {
    /// Opens a shop of this kind.
    pub(crate) async fn open(place: Place) -> Result<Self, Error> {
        let arguments = ["omniflow", "--memory", "--http", "127.0.0.1:0", "--aws", "127.0.0.1:0"];
        let parameters = parameters(place).into_iter();
        let parameters =
            parameters.flat_map(|(name, value)| ["--parameter".to_owned(), format!("{name}={value}")]);
        let cli = Cli::try_parse_from(arguments.map(str::to_owned).into_iter().chain(parameters))?;
        let (meter, outside) = (Meter::default(), Outside::default());
        let (watched, reached) = (meter.clone(), outside.clone());
        let runtime = Runtime::start_hosting(
            cli.config,
            Surroundings::of_this_machine(),
            move |system, place, inside| watched.host(system, place, &inside.http(), &reached),
        );
        let shop = Self { runtime: runtime.await?, meter, outside, http: reqwest::Client::new() };
        if place == Place::FarWarehouses {
            let far = json!({ "name": "East", "link": "http", "endpoint": "https://far.example/shipments" });
            let url = format!("http://{}/api/v1/warehouses/wh-east", shop.runtime.http);
            answer("warehouse", shop.http.put(url).json(&far).send().await?).await?;
        }
        Ok(shop)
    }

    pub(crate) async fn close(self) {
        self.runtime.stop().await;
    }

    /// Measures what an order uses that takes this path.
    pub(crate) async fn measure(&self, path: &Path) -> Result<Usage, Error> {
        self.settle().await?;
        self.meter.take();
        let id = self.create(path).await?;
        let mut transitions = 0;
        if let Some(id) = &id {
            for step in &path.steps {
                self.take(id, step).await?;
            }
            if path.place == Place::Stripe {
                self.hear_of_payment(id).await?;
            }
            for machine in MACHINES {
                transitions += self.transitions(machine, id).await?;
            }
            self.read(id, path).await?;
        }
        self.settle().await?;
        #[allow(clippy::cast_precision_loss)]
        let workflow = Usage { transitions: transitions as f64, ..Usage::default() };
        let invocations = self.meter.take();
        let of_order =
            invocations.iter().filter(|invocation| !SCHEDULED.contains(&invocation.binary.as_str()));
        Ok(of_order.map(Usage::from).fold(workflow, |sum, usage| sum + usage))
    }

    /// Hears from Stripe what it tells of a payment that goes well.
    async fn hear_of_payment(&self, id: &str) -> Result<(), Error> {
        for payment in self.outside.stripe.payments(id) {
            let event = "payment_intent.amount_capturable_updated";
            let (body, signature) = self.outside.stripe.event(event, &payment, Utc::now());
            let url = format!("http://{}/webhooks/stripe", self.runtime.http);
            let request = self.http.post(url).header("stripe-signature", signature).body(body);
            answer("webhook", request.send().await?).await?;
        }
        Ok(())
    }

    /// Measures what a request of this path under `/api/v1` uses.
    pub(crate) async fn measure_read(&self, path: &str) -> Result<Usage, Error> {
        self.settle().await?;
        self.meter.take();
        let url = format!("http://{}/api/v1{path}", self.runtime.http);
        answer("get", self.http.get(url).send().await?).await?;
        let read = self.meter.take();
        Ok(read.iter().map(Usage::from).fold(Usage::default(), |sum, usage| sum + usage))
    }

    /// Makes an order that waits for its payment, and returns its id.
    pub(crate) async fn make_unpaid(&self) -> Result<String, Error> {
        let order = json!({ "items": ["macbook-air"] });
        let made = answer("create", self.http.post(self.url("")).json(&order).send().await?).await?;
        Ok(text(&made["order_id"]))
    }

    /// Measures what a run of the sweeper uses that finds nothing to do.
    pub(crate) async fn measure_sweep(&self) -> Result<Usage, Error> {
        self.settle().await?;
        self.meter.take();
        let url = format!(
            "http://{}/2015-03-31/functions/SweepOrdersFunction/invocations",
            self.runtime.aws_address
        );
        answer("sweep", self.http.post(url).body("{}").send().await?).await?;
        let swept = self.meter.take();
        let swept: Option<&Invocation> = swept.iter().find(|invocation| invocation.binary == SWEEPER);
        Ok(swept.map(Usage::from).unwrap_or_default())
    }

    async fn create(&self, path: &Path) -> Result<Option<String>, Error> {
        let response = self.http.post(self.url("")).json(&path.order).send().await?;
        if path.ends.is_none() && response.status().is_client_error() {
            return Ok(None);
        }
        let order = answer("create", response).await?;
        Ok(Some(text(&order["order_id"])))
    }

    fn url(&self, path: &str) -> String {
        format!("http://{}/api/v1/orders{path}", self.runtime.http)
    }

    async fn take(&self, id: &str, step: &PathStep) -> Result<(), Error> {
        let key = json!({ "TableName": "OrdersTable", "Key": { "order_id": { "S": id } } });
        until(step.when, async || {
            // This reads the table directly, which costs nothing, whereas a read by the API would count.
            let found = self.aws("DynamoDB_20120810.GetItem", &key).await?;
            let is_asked =
                || found["Item"]["document"]["S"].as_str().is_some_and(|it| it.contains(step.when));
            Ok(found["Item"]["status"]["S"] == step.when || (step.when == DISPATCHED && is_asked()))
        })
        .await?;
        let mut request = self.http.post(self.url(&format!("/{id}/{}", step.call)));
        if !step.body.is_null() {
            request = request.json(&step.body);
        }
        answer(step.call, request.send().await?).await?;
        Ok(())
    }

    /// Reads the order once, as the customer does.
    async fn read(&self, id: &str, path: &Path) -> Result<(), Error> {
        let order = answer("get", self.http.get(self.url(&format!("/{id}"))).send().await?).await?;
        match path.ends {
            Some(wanted) if order["state"] != wanted => {
                Err(Error::Lost { id: id.to_owned(), state: text(&order["state"]), wanted })
            }
            _ => Ok(()),
        }
    }

    /// The billed state transitions of the order's execution of this state machine, once it has ended; 0
    /// when there is no such execution.
    async fn transitions(&self, machine: &str, id: &str) -> Result<usize, Error> {
        let arn = format!("arn:aws:states:us-east-1:000000000000:execution:{machine}:{id}");
        let execution = json!({ "executionArn": arn, "maxResults": 1000 });
        let mut exists = true;
        until("the end of the workflow", async || {
            match self.aws("AWSStepFunctions.DescribeExecution", &execution).await {
                Ok(described) => Ok(described["status"] != "RUNNING"),
                Err(Error::Answer { body, .. }) if body.contains("ExecutionDoesNotExist") => {
                    exists = false;
                    Ok(true)
                }
                Err(error) => Err(error),
            }
        })
        .await?;
        if !exists {
            return Ok(0);
        }
        let history = self.aws("AWSStepFunctions.GetExecutionHistory", &execution).await?;
        Ok(billed(history["events"].as_array().map(Vec::as_slice).unwrap_or_default()))
    }

    async fn aws(&self, target: &'static str, body: &Value) -> Result<Value, Error> {
        let request = self.http.post(format!("http://{}", self.runtime.aws_address));
        let request =
            request.header("x-amz-target", target).header("content-type", "application/x-amz-json-1.0");
        answer(target, request.json(body).send().await?).await
    }

    /// Waits until no function runs and no event is left to deliver.
    async fn settle(&self) -> Result<(), Error> {
        let idle = || self.runtime.aws.bus.is_idle() && self.meter.is_idle();
        until("quiet", async || {
            if !idle() {
                return Ok(false);
            }
            tokio::time::sleep(QUIET).await;
            Ok(idle())
        })
        .await
    }
}

async fn until(what: &'static str, mut there: impl AsyncFnMut() -> Result<bool, Error>) -> Result<(), Error> {
    for _ in 0..LOOKS {
        if there().await? {
            return Ok(());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Err(Error::Waited { what })
}

async fn answer(what: &'static str, response: reqwest::Response) -> Result<Value, Error> {
    let status = response.status();
    if status.is_success() {
        let body = response.text().await?;
        // Stripe is answered without a body.
        return Ok(if body.is_empty() { Value::Null } else { serde_json::from_str(&body)? });
    }
    Err(Error::Answer { what, status: status.as_u16(), body: response.text().await? })
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
