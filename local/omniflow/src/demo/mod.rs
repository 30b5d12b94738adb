//! The command `omniflow demo`: plays orders of every kind against the running system, over HTTP as any
//! customer would, and prints what happens to them.

mod story;

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use clap::Args;
use futures::future::join_all;
use omniflow_domain::status::Status;
use reqwest::{Client, RequestBuilder};
use serde_json::Value;

use crate::Config;
use crate::server::AccessToken;
use story::{CUSTOMERS, STORIES, Story};

/// The pause between two reads of an order.
const LOOK: Duration = Duration::from_millis(150);

/// Parameters of the template that make steps slow enough to watch. A value that was given on the command
/// line is kept.
const PACE_OF_STEPS: &[(&str, &str)] = &[("PaymentWindowSeconds", "15"), ("SimulatedLatencyMillis", "700")];

/// How the demo is played.
#[derive(Debug, Clone, Args)]
pub struct Demo {
    /// How many orders are played.
    #[arg(long, default_value_t = 54)]
    pub orders: usize,
    /// Milliseconds from one order to the next, and before a customer or a reviewer acts.
    #[arg(long, default_value_t = 1200)]
    pub pace: u64,
    /// End when the orders have ended, instead of serving on.
    #[arg(long)]
    pub exit: bool,
    /// How the system runs.
    #[command(flatten)]
    pub config: Config,
}

impl Demo {
    /// The settings of the system for a demo.
    pub fn config(&self) -> Config {
        let mut config = self.config.clone();
        for (name, value) in PACE_OF_STEPS {
            if !config.parameters.iter().any(|(given, _)| given == name) {
                config.parameters.push(((*name).to_owned(), (*value).to_owned()));
            }
        }
        config
    }
}

/// Plays all orders against the HTTP API at `address`. Returns when all have ended, except those that are
/// left to the user.
pub async fn play(demo: &Demo, address: SocketAddr) {
    let player = Player {
        http: Client::new(),
        url: format!("http://{}", reachable(address)),
        // The system has started with it, so it can be used.
        token: demo.config.access_token().ok().flatten(),
        pace: Duration::from_millis(demo.pace),
    };
    println!("Watch it: {0}/web/#/operations, and decide yourself: {0}/web/#/review", player.url);
    let mut played = Vec::new();
    for (number, story) in STORIES.iter().cycle().take(demo.orders).enumerate() {
        let (customer, language) = CUSTOMERS[number % CUSTOMERS.len()];
        let playing = tokio::spawn(player.clone().play(story, customer, language));
        if !story.is_left_to_you() {
            played.push(playing);
        }
        tokio::time::sleep(player.pace).await;
    }
    let mut ends = BTreeMap::new();
    for end in join_all(played).await {
        let end = end.ok().flatten().map_or("not played to its end", Status::name);
        *ends.entry(end).or_insert(0) += 1;
    }
    let counted: Vec<_> = ends.iter().map(|(end, count)| format!("{count} {end}")).collect();
    println!("All played: {}", counted.join(", "));
}

/// The address at which this machine reaches a server that listens at `address`: one that listens at all
/// addresses is not served by the name of none.
fn reachable(mut address: SocketAddr) -> SocketAddr {
    if address.ip().is_unspecified() {
        address.set_ip(if address.is_ipv4() {
            Ipv4Addr::LOCALHOST.into()
        } else {
            Ipv6Addr::LOCALHOST.into()
        });
    }
    address
}

/// A customer of the HTTP API.
#[derive(Clone)]
struct Player {
    http: Client,
    url: String,
    token: Option<AccessToken>,
    pace: Duration,
}

/// An order as the API shows it.
struct Seen {
    status: Status,
    text: String,
}

impl Player {
    /// Plays one story. Returns the final status of its order, or `None` when the system doesn't answer any
    /// more.
    async fn play(self, story: &'static Story, customer: &str, language: &str) -> Option<Status> {
        let create =
            self.http.post(format!("{}/api/v1/orders", self.url)).header("accept-language", language);
        let created = self.send(create.json(&story.order(customer))).await?;
        let id = created["order_id"].as_str()?.to_owned();
        say(&id, &format!("{customer}: {}", story.shows));
        let mut acts = story.acts.iter();
        let mut next = acts.next();
        let mut before = None;
        loop {
            let seen = self.look(&id).await?;
            if before != Some(seen.status) {
                say(&id, &seen.text);
                before = Some(seen.status);
            }
            if seen.status.is_final() || seen.status == Status::NeedsAttention {
                return Some(seen.status);
            }
            if let Some((status, act)) = next
                && *status == seen.status
            {
                next = acts.next();
                if let Some((path, body)) = act.call() {
                    tokio::time::sleep(self.pace).await;
                    let url = format!("{}/api/v1/orders/{id}/{path}", self.url);
                    self.send(self.http.post(url).json(&body)).await?;
                }
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    async fn look(&self, id: &str) -> Option<Seen> {
        let url = format!("{}/api/v1/orders/{id}", self.url);
        let order = self.send(self.http.get(url).header("accept-language", "en")).await?;
        let status = Status::parse(order["state"].as_str()?)?;
        Some(Seen { status, text: order["status"].as_str()?.to_owned() })
    }

    /// Sends a request and returns the body of the answer. A refusal is printed and is an answer, too:
    /// somebody else at the console may have been quicker.
    async fn send(&self, mut request: RequestBuilder) -> Option<Value> {
        if let Some(token) = &self.token {
            request = request.bearer_auth(token.secret());
        }
        let answer = request.send().await.ok()?;
        let refused = !answer.status().is_success();
        let body: Value = answer.json().await.ok()?;
        if refused {
            say("refused", body["detail"].as_str().unwrap_or("without a reason"));
        }
        Some(body)
    }
}

fn say(id: &str, what: &str) {
    println!("{}  {id:<24}  {what}", chrono::Local::now().format("%H:%M:%S"));
}
