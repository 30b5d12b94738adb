//! The HTTP API as a customer and a reviewer use it.

use std::time::Duration;

use reqwest::{Client, Method};
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::order::Order;
use crate::stock::Stock;
use crate::waiting::{PATIENCE, eventually_within};

/// A client of the HTTP API of one target.
#[derive(Clone)]
pub struct Shop {
    http: Client,
    url: String,
    #[cfg(feature = "aws")]
    signer: Option<crate::signature::Signer>,
}

impl Shop {
    pub(crate) fn at(url: &str) -> Self {
        crate::prepare_tls();
        let http = Client::builder().timeout(PATIENCE).no_proxy().build().unwrap();
        Self {
            http,
            url: url.to_owned(),
            #[cfg(feature = "aws")]
            signer: crate::signature::Signer::of(url),
        }
    }

    /// Sends any request. Returns an error when no answer comes, as from a process that was killed.
    pub async fn try_send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Result<Answer, reqwest::Error> {
        crate::personal::note(headers, body.as_deref());
        let call = format!("{method} {path} {}", body.as_deref().unwrap_or_default());
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.body(body);
        }
        #[allow(unused_mut, reason = "only a signature changes it")]
        let mut request = request.build()?;
        #[cfg(feature = "aws")]
        if let Some(signer) = &self.signer {
            signer.sign(&mut request);
        }
        Answer::read(call, self.http.execute(request).await?).await
    }

    /// Sends any request. Panics when no answer comes.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<String>,
    ) -> Answer {
        let what = format!("{method} {path}");
        self.try_send(method, path, headers, body).await.unwrap_or_else(|error| panic!("{what}: {error:?}"))
    }

    /// Sends a GET request.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], None).await
    }

    /// Sends a POST request with a JSON body.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], Some(body.to_string())).await
    }

    /// Sends a POST request without a body.
    pub async fn post_nothing(&self, path: &str) -> Answer {
        self.send(Method::POST, path, &[], None).await
    }

    /// Sends the request to create an order.
    pub async fn order(&self, body: &Value) -> Answer {
        self.post("/api/v1/orders", body).await
    }

    /// As [`Shop::order`], but returns an error when no answer comes.
    pub async fn try_order(&self, body: &Value) -> Result<Answer, reqwest::Error> {
        let headers = [("content-type", "application/json")];
        self.try_send(Method::POST, "/api/v1/orders", &headers, Some(body.to_string())).await
    }

    /// Creates an order, which must be accepted, and returns its id.
    pub async fn place(&self, body: &Value) -> String {
        let answer = self.order(body).await;
        let order = answer.success();
        order["order_id"].as_str().unwrap_or_else(|| panic!("no order_id: {answer:?}")).to_owned()
    }

    /// Creates an order, waits until it can be paid, and returns its id. One that is worth so much that it needs a
    /// review is approved.
    pub async fn place_unpaid(&self, body: &Value) -> String {
        let id = self.place(body).await;
        let what = format!("{id} waits for a person");
        let waiting = eventually_within(PATIENCE, &what, async || {
            let order = self.read(&id).await;
            let waits = ["AWAITING_PAYMENT", "AWAITING_AUDIT"].contains(&order.state());
            if waits { Ok(order) } else { Err(order) }
        });
        if waiting.await.state() == "AWAITING_AUDIT" {
            self.audit(&id, "APPROVE").await.success();
        }
        self.reaches(&id, "AWAITING_PAYMENT").await;
        id
    }

    /// The order as it is now.
    pub async fn read(&self, id: &str) -> Order {
        Order(self.get(&format!("/api/v1/orders/{id}")).await.success())
    }

    /// Pays with the payment method chosen at creation, or the default one.
    pub async fn pay(&self, id: &str) -> Answer {
        self.post_nothing(&format!("/api/v1/orders/{id}/pay")).await
    }

    /// As [`Shop::pay`], but returns an error when no answer comes.
    pub async fn try_pay(&self, id: &str) -> Result<Answer, reqwest::Error> {
        self.try_send(Method::POST, &format!("/api/v1/orders/{id}/pay"), &[], None).await
    }

    /// Pays with this payment method.
    pub async fn pay_with(&self, id: &str, method: &str) -> Answer {
        self.post(&format!("/api/v1/orders/{id}/pay"), &json!({ "method": method })).await
    }

    /// Reviews the order; `action` is `APPROVE` or `REJECT`.
    pub async fn audit(&self, id: &str, action: &str) -> Answer {
        self.post(&format!("/api/v1/orders/{id}/audit"), &json!({ "action": action })).await
    }

    /// Cancels the order.
    pub async fn cancel(&self, id: &str) -> Answer {
        self.post_nothing(&format!("/api/v1/orders/{id}/cancel")).await
    }

    /// The stock of a product.
    pub async fn stock(&self, product: &str) -> Stock {
        Stock::read(&self.get(&format!("/api/v1/stock/{product}")).await.success())
    }

    /// Waits until the order is in this state. Panics at once when it has ended in another.
    pub async fn reaches(&self, id: &str, state: &str) -> Order {
        self.reaches_within(PATIENCE, id, state).await
    }

    /// As [`Shop::reaches`], with this time limit.
    pub async fn reaches_within(&self, limit: Duration, id: &str, state: &str) -> Order {
        eventually_within(limit, &format!("{id} is {state}"), async || {
            let order = self.read(id).await;
            if order.state() == state {
                return Ok(order);
            }
            assert!(!order.is_final(), "{id} ended before it was {state}: {order:?}");
            Err(order)
        })
        .await
    }

    /// Waits until the order is in any final state.
    pub async fn ends(&self, id: &str) -> Order {
        self.ends_within(PATIENCE, id).await
    }

    /// As [`Shop::ends`], with this time limit.
    pub async fn ends_within(&self, limit: Duration, id: &str) -> Order {
        eventually_within(limit, &format!("{id} ends"), async || {
            let order = self.read(id).await;
            if order.is_final() { Ok(order) } else { Err(order) }
        })
        .await
    }

    /// Waits until the stock of a product is the same as `before`.
    pub async fn stock_is_back(&self, before: &Stock) {
        eventually_within(PATIENCE, &format!("the stock is as before: {before:?}"), async || {
            let now = self.stock(&before.product).await;
            if &now == before { Ok(()) } else { Err(now) }
        })
        .await;
    }

    /// All orders, read page by page, the newest first.
    pub async fn all_orders(&self) -> Vec<Order> {
        let (mut orders, mut next) = (Vec::new(), None::<String>);
        loop {
            let path = match &next {
                Some(next) => format!("/api/v1/orders?limit=100&next={next}"),
                None => "/api/v1/orders?limit=100".to_owned(),
            };
            let page = self.get(&path).await.success();
            let found = page["orders"].as_array().unwrap_or_else(|| panic!("no orders: {page:#}"));
            orders.extend(found.iter().cloned().map(Order));
            match page["next"].as_str() {
                Some(token) => next = Some(token.to_owned()),
                None => return orders,
            }
        }
    }
}
