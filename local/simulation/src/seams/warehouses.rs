//! The server of the warehouse that has one of its own, the secret that it shares with the shop, and the others' secrets.

use std::sync::Arc;

use futures::future::BoxFuture;
use omniflow_http_client::{Answer, Error, Http, Post};
use omniflow_services::{Secret, Secrets, ServiceError};
use serde_json::{Value, json};

use super::mutations;
use super::stripe::SECRET as STRIPE_SECRET;
use crate::books::Fact;
use crate::fault::Fault;
use crate::invariant::Invariant;
use crate::world::World;
use crate::yard::{Parcel, Plan};

/// The warehouse.
pub const WAREHOUSE: &str = "wh-west";
/// The name of the secret: the simulation's value of the template's parameter `WarehouseSecret`.
pub const SECRET_NAME: &str = "warehouses";
/// The secret.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
/// How long packing takes, in milliseconds.
const PACKING: (u64, u64) = (500, 120_000);

/// The seam.
pub struct Warehouses(pub Arc<World>);

impl Warehouses {
    async fn answer(&self, post: Post) -> Result<Answer, Error> {
        let world = &self.0;
        world.travel("the warehouse").await;
        let lost = || Error::Timeout(post.timeout);
        if world.faults.is_out(Fault::WarehousesOut) {
            tokio::time::sleep(post.timeout).await;
            return Err(lost());
        }
        if world.happens(Fault::WarehouseRefused) {
            return Ok(answer(503, &Value::Null));
        }
        let message: Value = serde_json::from_slice(&post.body).unwrap_or_default();
        let data = &message["data"];
        let order = data["order_id"].as_str().unwrap_or_default();
        if data["warehouse"] != WAREHOUSE || !post.headers.contains_key("webhook-signature") {
            world.violated(Invariant::GoodsMatch, Some(order), format!("a warehouse was asked {message}"));
        }
        let answered = match message["type"].as_str() {
            Some("shipment.cancelled") if mutations::keeps_it_to_itself(world) => answer(200, &Value::Null),
            Some("shipment.cancelled") => self.call_back(order),
            _ => self.ship(order, &data["lines"]),
        };
        world.note(order, format_args!("{WAREHOUSE} was asked {}: {}", message["type"], answered.status));
        if world.happens(Fault::WarehouseAnswerLost) { Err(lost()) } else { Ok(answered) }
    }

    fn ship(&self, order: &str, lines: &Value) -> Answer {
        let world = &self.0;
        match world.yard(|yard| yard.parcel(order)) {
            Some(Parcel::Kept) => return answer(409, &json!({ "reason": "not any more" })),
            Some(Parcel::Gone) => return answer(200, &json!({ "tracking": tracking(order) })),
            Some(Parcel::Packing) => return answer(202, &Value::Null),
            None => {}
        }
        let breaks = lines.as_array().into_iter().flatten().any(|line| line["product_id"] == "fragile-vase");
        let (drawn, pause) = world.draw(|dice| (dice.below(100), dice.milliseconds(PACKING)));
        if breaks || drawn < 8 {
            world.yard(|yard| yard.set(order, Parcel::Kept));
            if drawn % 2 == 0 {
                return answer(422, &json!({ "reason": "the shelf is empty" }));
            }
            self.plan(pause.as_millis(), Plan::Say(order.to_owned(), "REJECTED"));
        } else if drawn < 20 {
            self.send(order);
            return answer(200, &json!({ "tracking": tracking(order) }));
        } else {
            world.yard(|yard| yard.set(order, Parcel::Packing));
            self.plan(pause.as_millis(), Plan::Send(order.to_owned()));
        }
        answer(202, &Value::Null)
    }

    /// Sends the parcel off.
    pub fn send(&self, order: &str) {
        self.0.yard(|yard| yard.set(order, Parcel::Gone));
        self.0.note(order, format_args!("its parcel has left {WAREHOUSE}"));
        self.0.books(|books| books.noted(order, &Fact::Shipped(WAREHOUSE.to_owned())));
    }

    fn call_back(&self, order: &str) -> Answer {
        let world = &self.0;
        if world.yard(|yard| yard.parcel(order)) == Some(Parcel::Gone) {
            return answer(409, &json!({ "reason": "it has left" }));
        }
        world.yard(|yard| yard.set(order, Parcel::Kept));
        world.books(|books| books.noted(order, &Fact::CalledBack(WAREHOUSE.to_owned())));
        answer(200, &Value::Null)
    }

    fn plan(&self, milliseconds: u128, plan: Plan) {
        let at = self.0.now() + u64::try_from(milliseconds).unwrap_or(u64::MAX);
        self.0.yard(|yard| yard.plan(at, plan));
    }
}

/// The carrier's number of the parcel of an order.
pub fn tracking(order: &str) -> String {
    format!("WEST-{order}")
}

fn answer(status: u16, body: &Value) -> Answer {
    let body = if body.is_null() { String::new() } else { body.to_string() };
    Answer {
        status: http::StatusCode::from_u16(status).unwrap_or_default(),
        headers: http::HeaderMap::new(),
        body: body.into(),
    }
}

impl Http for Warehouses {
    fn post(&self, request: Post) -> BoxFuture<'_, Result<Answer, Error>> {
        Box::pin(self.answer(request))
    }
}

impl Secrets for Warehouses {
    fn get<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<Secret, ServiceError>> {
        Box::pin(async move {
            match id {
                STRIPE_SECRET => Ok(strict_stripe::keys()),
                SECRET_NAME => Ok(Secret::new(json!({ WAREHOUSE: SECRET }).to_string())),
                _ => Err(ServiceError::new("ResourceNotFoundException", id)),
            }
        })
    }
}
