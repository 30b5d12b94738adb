//! Creating an order: the request is read and checked against the catalogue, the order is written, its
//! workflow started.

use std::collections::HashMap;

use futures::future::try_join;
use omniflow_domain::catalogue::Product;
use omniflow_domain::order::{Item, NewOrder, Unknown};
use omniflow_domain::{Address, Currency, Email, Money, Order, OrderId, OrderNumber, Status};
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
use crate::whole::{as_written, whole};
use crate::{Api, backlog, unavailable, view};

/// The largest number of items in an order.
pub(crate) const MOST_ITEMS: usize = 100;
/// The largest quantity of an item.
pub(crate) const MOST_OF_ONE: u32 = 1_000_000;
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
    /// The number that people call the order by; unique, though not without gaps.
    number: Option<OrderNumber>,
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
    if let Some(customer) = request.caller.customer() {
        let wanted: u64 = new.items.iter().map(|item| u64::from(item.quantity)).sum();
        api.limits.check(api, customer, wanted, request.language_of_problems()).await?;
    }
    // The request whose answer is kept had its order accepted, and is never turned away.
    backlog::check(&api.backlog, request.language_of_problems()).await?;
    new.method = new.method.or_else(|| assumed.map(str::to_owned));
    let now = api.now();
    for _ in 0..DRAWS {
        let id = OrderId::new(now, api.randomness.below(OrderId::RANDOM_BELOW));
        let number = register(api, &id, new.email.as_ref()).await.map_err(|error| unavailable(&error))?;
        let mut order = Order::receive(id, new.clone(), now).numbered(number);
        order.sign(request.caller.actor(), None);
        let body = if request.is_v1() { answer(&order) } else { view::answer(&order, request, now)? };
        let keep = match &key {
            Some(key) => Some(api.answers.keep(key, 201, &body)?),
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

/// Notes by what the order that is about to be written will be found, and gives its number.
async fn register(api: &Api, id: &OrderId, email: Option<&Email>) -> Result<OrderNumber, store::Error> {
    let note_email = async {
        match email {
            Some(email) => api.register.note_email(email, id).await,
            None => Ok(()),
        }
    };
    let (number, ()) = try_join(api.register.number(id), note_email).await?;
    Ok(number)
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
        number: order.number(),
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
    let products = sold(api, &asked, prices).await?;
    let (items, amount) = match request.caller.customer() {
        Some(_) => bought(api, &asked, &products, amount, prices).await?,
        None => {
            let items = priced(&asked, &products, amount.is_some(), prices)?;
            let amount = prices.of_order(amount, &items)?;
            (items, amount)
        }
    };
    if api.provider == Provider::Stripe {
        omniflow_stripe::amount::units(amount).map_err(|amount| bad(amount.text(prices.language)))?;
    }
    // Whoever may set a price can't get past the review by it.
    let value = prices.value(lines(&asked, &products).into_iter().map(|line| (line.1, line.0.quantity)));
    let needs_audit = amount > api.audit_threshold || value > api.audit_threshold;
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
        quantity => whole(quantity, &written["quantity"]),
    };
    let quantity = quantity.and_then(|quantity| u32::try_from(quantity).ok());
    let quantity = quantity.filter(|quantity| (1..=MOST_OF_ONE).contains(quantity)).ok_or_else(|| {
        bad(format!(
            "{} must be a whole number from 1 to {MOST_OF_ONE}, not {}.",
            at("quantity"),
            as_written(&item["quantity"], &written["quantity"])
        ))
    })?;
    let price = match &item["price"] {
        Value::Null => None,
        price => Some(prices.amount(&at("price"), price, &written["price"])?),
    };
    Ok(Asked { product, name, quantity, price })
}

pub(crate) fn text(field: &str, value: &Value) -> Result<Option<String>, Problem> {
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

/// The products that are asked for, by the texts that they were asked for by. Each of them is sold.
async fn sold<'a>(
    api: &Api,
    asked: &'a [Asked],
    prices: Prices,
) -> Result<HashMap<&'a str, Product>, Problem> {
    let names: Vec<_> = asked.iter().map(|asked| asked.product.as_str()).collect();
    let products = api.products.find(&names).await.map_err(|error| unavailable(&error))?;
    for Asked { product, .. } in asked {
        match products.get(product.as_str()) {
            Some(known) if known.active => {}
            Some(_) => return Err(prices.withdrawn(product)),
            None => {
                let detail = format!("'{product}' is not sold here. GET /api/v1/stock lists what is.");
                return Err(Problem::new(Kind::UnknownProduct, detail).with("product", product.clone()));
            }
        }
    }
    Ok(products)
}

/// Each thing that is asked for with its product.
fn lines<'a>(asked: &'a [Asked], products: &'a HashMap<&str, Product>) -> Vec<(&'a Asked, &'a Product)> {
    asked.iter().filter_map(|asked| Some((asked, products.get(asked.product.as_str())?))).collect()
}

fn item((asked, product): (&Asked, &Product), price: Option<Money>) -> Item {
    Item {
        product_id: product.product_id.clone(),
        name: asked.name.as_ref().unwrap_or(&product.name).clone(),
        quantity: asked.quantity,
        price,
        unknown: Unknown::default(),
    }
}

/// The items of somebody who may set prices. Prices that the request gives stay. Those of the catalogue are taken
/// when the request gives neither a price nor an amount.
fn priced(
    asked: &[Asked],
    products: &HashMap<&str, Product>,
    has_amount: bool,
    prices: Prices,
) -> Result<Vec<Item>, Problem> {
    let use_catalogue = !has_amount && asked.iter().all(|asked| asked.price.is_none());
    let items = lines(asked, products).into_iter().map(|line| {
        let price = if use_catalogue { Some(prices.of_product(line.1)?) } else { line.0.price };
        Ok(item(line, price))
    });
    items.collect()
}

/// The items of a customer and what they cost: what the catalogue asks. Prices and an amount that the request gives
/// must be the same, so that nobody pays another price than the one that they saw.
async fn bought(
    api: &Api,
    asked: &[Asked],
    products: &HashMap<&str, Product>,
    amount: Option<Money>,
    prices: Prices,
) -> Result<(Vec<Item>, Money), Problem> {
    let checked = at_catalogue_prices(asked, products, amount, prices);
    if !matches!(&checked, Err(problem) if problem.kind == Kind::PriceChanged) {
        return checked;
    }
    // The customer may have seen a newer price than this process has read.
    api.products.forget(products.values());
    at_catalogue_prices(asked, &sold(api, asked, prices).await?, amount, prices)
}

fn at_catalogue_prices(
    asked: &[Asked],
    products: &HashMap<&str, Product>,
    amount: Option<Money>,
    prices: Prices,
) -> Result<(Vec<Item>, Money), Problem> {
    let items = lines(asked, products).into_iter().map(|line| {
        let price = prices.of_product(line.1)?;
        match line.0.price {
            Some(named) if named != price => Err(prices.changed(line.1, named, price)),
            _ => Ok(item(line, Some(price))),
        }
    });
    let items = items.collect::<Result<Vec<_>, _>>()?;
    let cost = prices.of_order(None, &items)?;
    match amount {
        Some(named) if named != cost => Err(prices.amount_changed(named, cost)),
        _ => Ok((items, cost)),
    }
}
