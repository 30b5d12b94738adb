//! Warehouses that are asked by signed requests to their own servers. docs/warehouses.md describes the messages.

use std::sync::Arc;
use std::time::Duration;

use ambient::Clock;
use chrono::{DateTime, SecondsFormat, Utc};
use futures::future::BoxFuture;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use omniflow_domain::order::{LONGEST_SAID, Order, Parcel, Shipment, ShipmentState};
use omniflow_domain::warehouse_link::{LinkError, Shipping};
use omniflow_domain::{Address, WarehouseLink};
use omniflow_http_client::{Answer, Http, Post, Reach};
use omniflow_services::{ConfigError, Environment, Services};
use omniflow_webhooks::Keys;
use serde::{Deserialize, Serialize};

/// The longest time for a request with its whole answer. The function that waits for it has 30 s.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What all requests to warehouses share.
#[derive(Clone)]
pub(crate) struct Outside {
    http: Arc<dyn Http>,
    keys: Keys,
    clock: Arc<dyn Clock>,
    reach: Reach,
    /// Where warehouses reach the API.
    public_url: String,
}

impl Outside {
    pub(crate) fn new(services: &impl Services, environment: &Environment) -> Result<Self, ConfigError> {
        let anywhere = environment.parse("ALLOW_PRIVATE_WAREHOUSES")?;
        Ok(Self {
            http: services.http(),
            keys: Keys::new(services, environment)?,
            clock: services.clock(),
            reach: if anywhere { Reach::Anywhere } else { Reach::Public },
            public_url: environment.require("PUBLIC_URL")?.trim_end_matches('/').to_owned(),
        })
    }
}

/// The link to one warehouse.
pub(crate) struct HttpWarehouse {
    pub(crate) outside: Outside,
    /// The address that takes the requests.
    pub(crate) endpoint: String,
}

/// A message to a warehouse.
#[derive(Serialize)]
struct Message<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    timestamp: String,
    data: Request<'a>,
}

/// What is asked of the warehouse.
#[derive(Serialize)]
struct Request<'a> {
    order_id: &'a str,
    /// The name of the shipment, which the order has one of from each warehouse.
    shipment_id: String,
    warehouse: &'a str,
    lines: &'a [omniflow_domain::allocation::Line],
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a Address>,
    /// Where the warehouse says what becomes of it.
    callback_url: String,
}

/// What a warehouse may answer to a request to ship.
#[derive(Default, Deserialize)]
struct Answered {
    #[serde(default)]
    tracking: Option<String>,
    #[serde(default)]
    carrier: Option<String>,
    #[serde(default)]
    tracking_url: Option<String>,
    #[serde(default)]
    reason: Option<String>,
}

/// What is asked.
#[derive(Clone, Copy)]
enum Ask {
    Ship,
    CallBack,
}

impl Ask {
    const fn kind(self) -> &'static str {
        match self {
            Self::Ship => "shipment.requested",
            Self::CallBack => "shipment.cancelled",
        }
    }

    const fn verb(self) -> &'static str {
        match self {
            Self::Ship => "ship",
            Self::CallBack => "cancel",
        }
    }
}

impl WarehouseLink for HttpWarehouse {
    fn answers_at_once(&self, _: &Shipment) -> bool {
        false
    }

    fn ship<'a>(
        &'a self,
        order: &'a Order,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<Shipping, LinkError>> {
        Box::pin(async move {
            let answer = self.send(Ask::Ship, order, shipment).await?;
            let warehouse = || shipment.warehouse.clone();
            match answer.status {
                status if status.is_success() => shipping(&answer, &shipment.warehouse),
                StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
                    Err(LinkError::Rejected { warehouse: warehouse(), reason: reason(&answer) })
                }
                _ => Err(LinkError::Unavailable(warehouse())),
            }
        })
    }

    fn call_back<'a>(
        &'a self,
        order: &'a Order,
        shipment: &'a Shipment,
    ) -> BoxFuture<'a, Result<(), LinkError>> {
        Box::pin(async move {
            // That it is asked is stored before it is. So it was not, and will not be: the order is undone.
            if shipment.state == ShipmentState::Pending {
                return Ok(());
            }
            let answer = self.send(Ask::CallBack, order, shipment).await?;
            match answer.status {
                status if status.is_success() => Ok(()),
                StatusCode::CONFLICT => Err(LinkError::NotCancellable(shipment.warehouse.clone())),
                _ => Err(LinkError::Unavailable(shipment.warehouse.clone())),
            }
        })
    }
}

/// The parcel, if the answer has one.
fn shipping(answer: &Answer, warehouse: &str) -> Result<Shipping, LinkError> {
    // An answer need not be JSON: a status alone says that the request has arrived.
    let Answered { tracking, carrier, tracking_url, .. } = read(answer);
    if tracking.is_none() {
        return Ok(Shipping::Later);
    }
    let parcel = Parcel { tracking, carrier, tracking_url };
    parcel.check().map_err(|error| failed(warehouse, error))?;
    Ok(Shipping::Shipped(parcel))
}

/// Why the warehouse rejects, as far as it can be shown.
fn reason(answer: &Answer) -> Option<String> {
    let printable =
        |text: String| -> String { text.chars().filter(|c| !c.is_control()).take(LONGEST_SAID).collect() };
    read(answer).reason.map(printable).filter(|text| !text.is_empty())
}

fn read(answer: &Answer) -> Answered {
    serde_json::from_slice(&answer.body).unwrap_or_default()
}

fn failed(warehouse: &str, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> LinkError {
    LinkError::Adapter { warehouse: warehouse.to_owned(), source: source.into() }
}

impl HttpWarehouse {
    async fn send(&self, ask: Ask, order: &Order, shipment: &Shipment) -> Result<Answer, LinkError> {
        let Outside { http, keys, clock, reach, .. } = &self.outside;
        let warehouse = shipment.warehouse.as_str();
        let keys = keys.of(warehouse).await.map_err(|error| failed(warehouse, error))?;
        let now = clock.now();
        let body = self.body(ask, order, shipment, now).map_err(|error| failed(warehouse, error))?;
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::USER_AGENT, HeaderValue::from_static("OmniFlow"));
        if let Some(key) = keys.first() {
            // It names what is asked, the same each time, so that the warehouse does it once.
            let id = format!("{}.{warehouse}.{}", order.id(), ask.verb());
            for (name, value) in key.sign(&id, now, body.as_bytes()) {
                let value = HeaderValue::try_from(value).map_err(|error| failed(warehouse, error))?;
                headers.insert(HeaderName::from_static(name), value);
            }
        }
        let url: Uri = self.endpoint.parse().map_err(|error| failed(warehouse, error))?;
        let post = Post { url, headers, body: body.into(), timeout: TIMEOUT, reach: *reach };
        http.post(post).await.map_err(|error| failed(warehouse, error))
    }

    fn body(
        &self,
        ask: Ask,
        order: &Order,
        shipment: &Shipment,
        now: DateTime<Utc>,
    ) -> Result<String, serde_json::Error> {
        let warehouse = shipment.warehouse.as_str();
        let path = format!("/api/v1/shipments/{}/{warehouse}/events", order.id());
        serde_json::to_string(&Message {
            kind: ask.kind(),
            timestamp: now.to_rfc3339_opts(SecondsFormat::Secs, true),
            data: Request {
                order_id: order.id().as_str(),
                shipment_id: format!("{}.{warehouse}", order.id()),
                warehouse,
                lines: &shipment.items,
                address: order.address().filter(|_| matches!(ask, Ask::Ship)),
                callback_url: format!("{}{path}", self.outside.public_url),
            },
        })
    }
}
