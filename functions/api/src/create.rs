//! Creating an order: the request is read and checked against the catalogue, the order is written, its
//! workflow started.

use omniflow_domain::order::{Item, NewOrder, Unknown};
use omniflow_domain::{Address, Currency, Email, Money, Order, OrderId, Status};
use omniflow_store as store;
use serde::{Deserialize as _, Serialize};
use serde_json::{Value, json};

use crate::keep::Key;
use crate::payment_method::Provider;
use crate::prices::Prices;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::view::Amount;
use crate::{Api, unavailable, view};

/// The largest number of items in an order.
pub(crate) const MOST_ITEMS: usize = 100;
/// The largest quantity of an item.
pub(crate) const MOST_OF_ONE: u64 = 1_000_000;
/// The length of the longest text that is stored as it comes, in characters.
pub(crate) const LONGEST_TEXT: usize = 200;
/// The largest number of random ids that are drawn for an order, each of which may exist already.
const DRAWS: usize = 5;

/// An item as the request has it.
struct Asked {
    /// The id of the product, or else its name.
    product: String,
    name: Option<String>,
    quantity: u32,
    price: Option<Money>,
}

/// The answer to a new order.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Created<'a> {
    order_id: &'a OrderId,
    /// The order id again.
    workflow_id: &'a OrderId,
    /// The state that the order begins in.
    state: Status,
    amount: Amount,
    currency: Currency,
}

/// `POST /api/v1/orders`: the order waits for its payment, unless it brings a method.
pub(crate) async fn create_order(api: &Api, request: &Request) -> Result<Response, Problem> {
    create(api, request, None).await
}

/// `POST /api/orders` and `POST /api/orders/create`: those systems have no call to pay, so a method is
/// assumed, where there is one that can be.
pub(crate) async fn process_order(api: &Api, request: &Request) -> Result<Response, Problem> {
    create(api, request, api.provider.default_method()).await
}

async fn create(api: &Api, request: &Request, assumed: Option<&str>) -> Result<Response, Problem> {
    // The doors answer differently, so that the answer of one can't be repeated by another.
    let key = Key::of(request, if request.is_v1() { "create" } else { "process" })?;
    if let Some(key) = &key
        && let Some(kept) = api.kept(key).await?
    {
        return Ok(located_by_body(kept));
    }
    let mut new = read(api, request).await?;
    new.method = new.method.or_else(|| assumed.map(str::to_owned));
    let now = api.now();
    for _ in 0..DRAWS {
        let id = OrderId::new(now, api.randomness.below(OrderId::RANDOM_BELOW));
        let mut order = Order::receive(id, new.clone(), now);
        let body = if request.is_v1() { answer(&order) } else { view::answer(&order, request, now)? };
        let keep = match &key {
            Some(key) => Some(api.keep(key, 201, &body)?),
            None => None,
        };
        match api.orders.create(&mut order, keep).await {
            Ok(()) => {
                api.workflow.tell_or_leave(&order).await;
                return Ok(located(Response::text(201, body), order.id().as_str()));
            }
            // Either the id or the idempotency key is taken; if it is the key, its answer is there by now.
            Err(store::Error::Conflict | store::Error::Contention) => {
                if let Some(key) = &key
                    && let Some(kept) = api.kept(key).await?
                {
                    return Ok(located_by_body(kept));
                }
            }
            Err(error) => return Err(unavailable(&error)),
        }
    }
    Err(unavailable(&store::Error::Conflict))
}

/// The response with the order's place.
fn located(response: Response, order_id: &str) -> Response {
    response.with_header("location", format!("/api/v1/orders/{order_id}"))
}

/// An answer that was kept names its order in its body alone.
fn located_by_body(response: Response) -> Response {
    let body: Value = serde_json::from_str(&response.body).unwrap_or_default();
    match body["order_id"].as_str() {
        Some(id) => located(response, id),
        None => response,
    }
}

fn answer(order: &Order) -> String {
    let id = order.id();
    let created = Created {
        order_id: id,
        workflow_id: id,
        state: order.status(),
        amount: Amount(order.amount()),
        currency: order.amount().currency(),
    };
    json!(created).to_string()
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}

async fn read(api: &Api, request: &Request) -> Result<NewOrder, Problem> {
    let (body, written) = &request.json_and_as_written()?;
    let items = body["items"].as_array().filter(|items| !items.is_empty());
    let items = items
        .ok_or_else(|| bad("'items' must be a list with at least one product, such as [\"iPhone 15\"]."))?;
    if items.len() > MOST_ITEMS {
        return Err(bad(format!("An order takes at most {MOST_ITEMS} items; this one has {}.", items.len())));
    }
    let prices = Prices { currency: api.currency, language: request.language_of_problems() };
    prices.check_currency(&body["currency"])?;
    let items = items.iter().enumerate();
    let asked = items.map(|(index, item)| asked(index, item, &written["items"][index], prices));
    let asked = asked.collect::<Result<Vec<_>, _>>()?;
    let amount = match &body["amount"] {
        Value::Null => None,
        amount => Some(prices.amount("amount", amount, &written["amount"])?),
    };
    let customer_id = match request.caller.customer() {
        Some(own) => Some(own.to_owned()),
        None => text("customer_id", &body["customer_id"])?,
    };
    let email = email(&body["email"], customer_id.as_deref())?;
    let address = address(&body["address"])?;
    let method = method(&body["payment"], api.provider)?;
    let items = priced(api, &asked, amount.is_some(), prices).await?;
    let amount = prices.of_order(amount, &items)?;
    if api.provider == Provider::Stripe {
        omniflow_stripe::amount::units(amount).map_err(|amount| bad(amount.text(prices.language)))?;
    }
    let needs_audit = amount > api.audit_threshold;
    let language = request.language();
    Ok(NewOrder { customer_id, email, language, address, items, amount, method, needs_audit })
}

/// Reads an item; `written` is the same item with each number as the text that it was written as.
fn asked(index: usize, item: &Value, written: &Value, prices: Prices) -> Result<Asked, Problem> {
    let at = |field: &str| format!("items[{index}].{field}");
    if let Value::String(name) = item {
        let product = text(&format!("items[{index}]"), item)?.unwrap_or_else(|| name.clone());
        return Ok(Asked { product, name: None, quantity: 1, price: None });
    }
    if !item.is_object() {
        return Err(bad(format!(
            "items[{index}] must be a product's name or an object with product_id and quantity."
        )));
    }
    let name = text(&at("name"), &item["name"])?;
    let product = text(&at("product_id"), &item["product_id"])?.or_else(|| name.clone());
    let product = product.ok_or_else(|| bad(format!("{} is missing.", at("product_id"))))?;
    let quantity = match &item["quantity"] {
        Value::Null => Some(1),
        quantity => whole(quantity).filter(|quantity| (1..=MOST_OF_ONE).contains(quantity)),
    };
    let quantity = quantity.and_then(|quantity| u32::try_from(quantity).ok()).ok_or_else(|| {
        bad(format!(
            "{} must be a whole number from 1 to {MOST_OF_ONE}, not {}.",
            at("quantity"),
            item["quantity"]
        ))
    })?;
    let price = match &item["price"] {
        Value::Null => None,
        price => Some(prices.amount(&at("price"), price, &written["price"])?),
    };
    Ok(Asked { product, name, quantity, price })
}

/// A whole number, also with a point and zeros (`2.0`), as programs write it whose numbers are all floats.
fn whole(value: &Value) -> Option<u64> {
    let from_float = |float: f64| (float.fract() == 0.0).then(|| format!("{float}").parse().ok()).flatten();
    value.as_u64().or_else(|| value.as_f64().and_then(from_float))
}

fn text(field: &str, value: &Value) -> Result<Option<String>, Problem> {
    match value {
        Value::Null => Ok(None),
        Value::String(text)
            if (1..=LONGEST_TEXT).contains(&text.chars().count()) && !text.chars().any(char::is_control) =>
        {
            Ok(Some(text.clone()))
        }
        Value::String(_) => {
            Err(bad(format!("'{field}' must have 1 to {LONGEST_TEXT} printable characters.")))
        }
        other => Err(bad(format!("'{field}' must be a text, not {other}."))),
    }
}

/// The address that messages go to: the one that the request gives, or the customer's id, if it is an
/// address.
fn email(given: &Value, customer_id: Option<&str>) -> Result<Option<Email>, Problem> {
    match text("email", given)? {
        None => Ok(customer_id.and_then(|customer| customer.parse().ok())),
        Some(given) => {
            given.parse().map(Some).map_err(|error| bad(format!("'email' can't be used: {error}.")))
        }
    }
}

/// The address that the goods go to.
fn address(given: &Value) -> Result<Option<Address>, Problem> {
    let refused = |why: String| bad(format!("'address' can't be used: {why}."));
    let address = Option::<Address>::deserialize(given).map_err(|error| refused(error.to_string()))?;
    if let Some(address) = &address {
        address.check().map_err(|error| refused(error.to_string()))?;
    }
    Ok(address)
}

fn method(payment: &Value, provider: Provider) -> Result<Option<String>, Problem> {
    match payment {
        Value::Null => Ok(None),
        payment => match payment["method"].as_str() {
            Some(method) => provider.check_method(method).map(Some),
            None => Err(bad("'payment' must be an object with a 'method'.")),
        },
    }
}

/// The items as the catalogue knows them. Prices that the request gives stay. Those of the catalogue are
/// taken when the request gives neither a price nor an amount.
async fn priced(api: &Api, asked: &[Asked], has_amount: bool, prices: Prices) -> Result<Vec<Item>, Problem> {
    let names: Vec<_> = asked.iter().map(|asked| asked.product.as_str()).collect();
    let products = api.catalogue.find(&names).await.map_err(|error| unavailable(&error))?;
    let use_catalogue = !has_amount && asked.iter().all(|asked| asked.price.is_none());
    let items = asked.iter().map(|asked| {
        let product = products.get(asked.product.as_str()).ok_or_else(|| {
            let detail = format!("'{}' is not sold here. GET /api/v1/stock lists what is.", asked.product);
            Problem::new(Kind::UnknownProduct, detail).with("product", asked.product.clone())
        })?;
        let of_catalogue =
            || product.price_in(prices.currency).ok_or_else(|| prices.unpriced(&product.product_id));
        Ok(Item {
            product_id: product.product_id.clone(),
            name: asked.name.as_ref().unwrap_or(&product.name).clone(),
            quantity: asked.quantity,
            price: if use_catalogue { Some(of_catalogue()?) } else { asked.price },
            unknown: Unknown::default(),
        })
    });
    items.collect()
}
