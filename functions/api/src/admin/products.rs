//! The calls that read and change the catalogue.

use omniflow_domain::catalogue::{Changed, MOST_NAMES, Product, check_id, lookup};
use omniflow_domain::folding::fold;
use omniflow_domain::{Currency, Language};
use omniflow_store::products::NotWritten;
use serde::Serialize;
use serde_json::{Value, json};

use crate::admin::{Admin, limit, of_path, unknown_product};
use crate::create::text;
use crate::preconditions::{Thing, etag};
use crate::prices::Prices;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;
use crate::view::Amount;
use crate::whole::{as_written, whole};

/// The largest number of products on a page.
pub(crate) const MOST: usize = 100;
/// The number of items of the table that are read at once, and the largest number of them that is looked at for one
/// page: about 2,000 of 300 bytes are 75 read units.
const ITEMS: usize = 250;
const MOST_ITEMS: usize = 2_000;
/// How often a change is made anew when somebody else changed the product meanwhile.
const ATTEMPTS: u32 = 5;
/// The members of a product in a request.
const MEMBERS: [&str; 6] = ["name", "price", "currency", "names", "active", "low_stock"];

/// A product of the catalogue.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Product"))]
pub(crate) struct ProductView<'a> {
    product_id: &'a str,
    name: &'a str,
    /// Further names that it is found by.
    names: &'a [String],
    /// The price of one piece.
    price: Amount,
    /// The currency that the price was set in. In another one than the shop's, the product has no price.
    currency: Currency,
    /// Whether it is sold.
    active: bool,
    /// The number of available pieces, in all warehouses together, at which its stock is low; null when nobody wants
    /// to know.
    low_stock: Option<u32>,
    /// The number of changes that were made to it; `ETag` has it, too.
    version: u64,
    /// Who changed it last, and when; left out for a product that nobody has changed. Only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    changed: Option<&'a Changed>,
}

impl<'a> ProductView<'a> {
    pub(crate) fn of(product: &'a Product, request: &Request) -> Self {
        Self {
            product_id: &product.product_id,
            name: &product.name,
            names: &product.names,
            price: Amount(product.price),
            currency: product.price.currency(),
            active: product.active,
            low_stock: product.low_stock,
            version: product.version,
            changed: product.changed.as_ref().filter(|_| request.caller.is_operator()),
        }
    }
}

/// A page of the catalogue.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct ProductList<'a> {
    /// The products, in no order that people know. They may be fewer than asked for, or none, and yet there is a next
    /// page.
    products: Vec<ProductView<'a>>,
    /// The `next` to ask for the following page with; null on the last page.
    next: Option<String>,
}

/// `GET /api/v1/products?search=&limit=&next=&active=`
pub(crate) async fn list_products(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let limit = limit(request, MOST)?;
    let search = fold(request.query("search").unwrap_or_default().trim());
    let active = match request.query("active") {
        None => (!request.caller.is_operator()).then_some(true),
        Some("true") => Some(true),
        Some("false") if request.caller.is_operator() => Some(false),
        Some(other) => {
            let detail = format!("'active' must be true or, for operators, false, not '{other}'.");
            return Err(Problem::new(Kind::BadRequest, detail));
        }
    };
    let is_wanted = |product: &Product| {
        let names = [&product.product_id, &product.name].into_iter().chain(&product.names);
        let is_found = search.is_empty() || names.into_iter().any(|name| fold(name).contains(&search));
        is_found && active.is_none_or(|active| product.active == active)
    };
    let mut after = request.query("next").filter(|next| !next.is_empty()).map(str::to_owned);
    // The product that is called so comes first: in a large catalogue the pages before it may be many. Where it would be
    // the whole page, nothing could say that all others follow.
    let named = if limit > 1 { named(admin, request).await?.filter(is_wanted) } else { None };
    let is_other =
        |product: &Product| named.as_ref().is_none_or(|named| named.product_id != product.product_id);
    let (mut found, mut looked_at) = (Vec::new(), 0);
    found.extend(named.clone().filter(|_| after.is_none()));
    while found.len() < limit && looked_at < MOST_ITEMS {
        let page = admin.products.page(ITEMS, after.take()).await.map_err(|error| unavailable(&error))?;
        looked_at += ITEMS;
        found.extend(page.products.into_iter().filter(|product| is_wanted(product) && is_other(product)));
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    if found.len() > limit {
        found.truncate(limit);
        after = found.last().map(|last| lookup(&last.product_id));
    }
    let products = found.iter().map(|product| ProductView::of(product, request)).collect();
    Ok(Response::json_unless_known(request, &json!(ProductList { products, next: after })))
}

/// The product whose id or name is what is searched for.
async fn named(admin: &Admin, request: &Request) -> Result<Option<Product>, Problem> {
    let search = request.query("search").unwrap_or_default().trim();
    let mut found = admin.products.find(&[search]).await.map_err(|error| unavailable(&error))?;
    Ok(found.remove(search))
}

/// `GET /api/v1/products/{product}`
pub(crate) async fn read_product(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let wanted = of_path(request, "product");
    let product = match current(admin, wanted).await? {
        Some(product) => product,
        // By a name, which need not be as fresh.
        None => crate::admin::product_of_path(admin, request).await?,
    };
    Ok(answer(200, &product, request))
}

/// The product of this id as it is at this moment, also where another product is found by what the id reads as.
async fn current(admin: &Admin, id: &str) -> Result<Option<Product>, Problem> {
    if lookup(id).is_empty() {
        return Ok(None);
    }
    let found = admin.products.get(id).await.map_err(|error| unavailable(&error))?;
    Ok(found.filter(|found| found.product_id == id))
}

fn answer(status: u16, product: &Product, request: &Request) -> Response {
    Response::json(status, &json!(ProductView::of(product, request)))
        .with_header("etag", etag(product.version))
}

/// `PUT /api/v1/products/{product}`
pub(crate) async fn put_product(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let id = of_path(request, "product");
    let language = request.language_of_problems();
    check_id(id)
        .map_err(|error| Problem::new(Kind::BadRequest, format!("'{id}' can't be an id: {error}.")))?;
    let wanted = wanted(admin, request, id)?;
    for _ in 0..ATTEMPTS {
        let before = current(admin, id).await?;
        Thing::Product.check(before.as_ref().map(|before| before.version), request)?;
        match write(admin, request, before.as_ref(), wanted.clone()).await {
            Ok((product, _)) if before.is_none() => {
                let place = format!("/api/v1/products/{id}");
                return Ok(answer(201, &product, request).with_header("location", place));
            }
            Ok((product, _)) => return Ok(answer(200, &product, request)),
            Err(NotWritten::Changed) => {}
            Err(refused) => return Err(not_written(refused, language)),
        }
    }
    Err(not_written(NotWritten::Changed, language))
}

/// Writes the product, unless it is so already, and tells whether it was written.
pub(crate) async fn write(
    admin: &Admin,
    request: &Request,
    before: Option<&Product>,
    wanted: Product,
) -> Result<(Product, bool), NotWritten> {
    let mut product = wanted;
    if let Some(before) = before {
        product.unknown = before.unknown.clone();
        product.version = before.version;
        product.changed.clone_from(&before.changed);
        if product == *before {
            return Ok((product, false));
        }
    }
    product.changed = Some(Changed { by: request.caller.actor(), at: admin.now() });
    admin.products.put(before, product).await.map(|written| (written, true))
}

/// The problem of a product that was not written.
pub(crate) fn not_written(refused: NotWritten, language: Language) -> Problem {
    match refused {
        NotWritten::Taken { name, product_id } => Problem::told(Kind::NameTaken, language, [
            format!("'{name}' is what the product {product_id} is found by. Choose another id or name, or rename that product first."),
            format!("'{name}' 已用于商品 {product_id}。请另选编号或名称，或先为该商品改名。"),
            format!("По '{name}' находят товар {product_id}. Выберите другой код или название либо сначала переименуйте тот товар."),
        ])
        .with("name", name)
        .with("product_id", product_id),
        NotWritten::Changed => Thing::Product.changed_meanwhile(language),
        NotWritten::Store(error) => unavailable(&error),
    }
}

fn wanted(admin: &Admin, request: &Request, id: &str) -> Result<Product, Problem> {
    let (body, written) = &request.json_and_as_written()?;
    let bad = |detail: String| Problem::new(Kind::BadRequest, detail);
    if let Some(unknown) = body
        .as_object()
        .into_iter()
        .flat_map(|body| body.keys())
        .find(|name| !MEMBERS.contains(&name.as_str()))
    {
        return Err(bad(format!("A product has no '{unknown}'; it has {}.", MEMBERS.join(", "))));
    }
    let prices = Prices { currency: admin.currency, language: request.language_of_problems() };
    prices.check_currency(&body["currency"])?;
    let name = text("name", &body["name"])?.ok_or_else(|| bad("'name' is missing.".to_owned()))?;
    if body["price"].is_null() {
        return Err(bad("'price' is missing.".to_owned()));
    }
    let mut product = Product::new(id, name, prices.amount("price", &body["price"], &written["price"])?);
    product.names = names(&body["names"])?;
    product.active = match &body["active"] {
        Value::Null => true,
        Value::Bool(active) => *active,
        other => return Err(bad(format!("'active' must be true or false, not {other}."))),
    };
    product.low_stock = match &body["low_stock"] {
        Value::Null => None,
        number => {
            let written = &written["low_stock"];
            let low = whole(number, written).and_then(|number| u32::try_from(number).ok());
            Some(low.ok_or_else(|| {
                let number = as_written(number, written);
                bad(format!("'low_stock' must be a whole number from 0 to {}, not {number}.", u32::MAX))
            })?)
        }
    };
    check_names(&product)?;
    Ok(product)
}

/// Checks that the product can be found by its names.
pub(crate) fn check_names(product: &Product) -> Result<(), Problem> {
    let names = [&product.name].into_iter().chain(&product.names);
    match names.into_iter().find(|name| lookup(name).is_empty()) {
        Some(empty) => {
            let detail = format!("'{empty}' can't be a name: it has neither a letter nor a digit.");
            Err(Problem::new(Kind::BadRequest, detail))
        }
        None => Ok(()),
    }
}

fn names(given: &Value) -> Result<Vec<String>, Problem> {
    let bad = || {
        let detail = format!("'names' must be a list of at most {MOST_NAMES} texts.");
        Problem::new(Kind::BadRequest, detail)
    };
    match given {
        Value::Null => Ok(Vec::new()),
        Value::Array(names) if names.len() <= MOST_NAMES => {
            let names = names.iter().enumerate();
            names.map(|(at, name)| text(&format!("names[{at}]"), name)?.ok_or_else(bad)).collect()
        }
        _ => Err(bad()),
    }
}

/// `DELETE /api/v1/products/{product}`: a product that there is, or was, stock of is withdrawn from sale, since orders
/// may speak of it; any other is removed.
pub(crate) async fn delete_product(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let id = of_path(request, "product");
    let language = request.language_of_problems();
    for _ in 0..ATTEMPTS {
        let before = current(admin, id).await?.ok_or_else(|| unknown_product(id))?;
        Thing::Product.check(Some(before.version), request)?;
        let has_stock = !admin.stock.of(id).await.map_err(|error| unavailable(&error))?.is_empty();
        let done = if has_stock {
            let withdrawn = Product { active: false, ..before.clone() };
            write(admin, request, Some(&before), withdrawn)
                .await
                .map(|(product, _)| answer(200, &product, request))
        } else {
            admin.products.delete(&before).await.map(|()| Response::text(204, String::new()))
        };
        match done {
            Ok(response) => return Ok(response),
            Err(NotWritten::Changed) => {}
            Err(refused) => return Err(not_written(refused, language)),
        }
    }
    Err(not_written(NotWritten::Changed, language))
}
