//! The routes: the call that each method and path is, and who may make it. The template has the routes that
//! the gateway treats differently; a test compares the two.

use std::collections::{BTreeSet, HashMap};

use omniflow_services::Function as _;
use serde_json::{Value, json};

use crate::admin::{Admin, buckets, doctor, export, import, movements, people, products, returns, stock};
use crate::caller::{Access, Doorkeeper};
use crate::payment_method::Provider;
use crate::problem::{Kind, Problem};
use crate::request::{Escapes, Request};
use crate::response::Response;
use crate::{Api, PaymentApi, at_provider, attention, create, decide, read, summary, web, workflow};

/// A call of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ApiCall {
    CreateOrder,
    ProcessOrder,
    ReadExecution,
    ListOrders,
    ReadOrder,
    PayOrder,
    OpenPayment,
    AuditOrder,
    CancelOrder,
    RetryOrder,
    ResolveOrder,
    Examine,
    Repair,
    ListStock,
    ReadStock,
    MoveStock,
    ListMovements,
    SplitStock,
    ListProducts,
    ReadProduct,
    PutProduct,
    DeleteProduct,
    ImportProducts,
    ImportStock,
    ExportProducts,
    ExportStock,
    ExportOrders,
    ListCustomerOrders,
    ForgetCustomer,
    ListOpenReturns,
    RequestReturn,
    ListReturns,
    ReadReturn,
    AuditReturn,
    ReceiveReturn,
    RetryReturn,
    ResolveReturn,
    ListWarehouses,
    ReadWarehouse,
    PutWarehouse,
    NoteShipmentEvent,
    TakeShipmentEvent,
    ReadWorkflow,
    ReadSummary,
    ReadMetrics,
    PaymentEvent,
    Health,
    Home,
    Icon,
    ConsolePage,
    Console,
    ConsoleFile,
    OpenApi,
    Documentation,
}

impl ApiCall {
    /// The function that makes the call, by the name of its binary.
    pub(crate) const fn function(self) -> &'static str {
        match self {
            Self::Examine
            | Self::Repair
            | Self::ListStock
            | Self::ReadStock
            | Self::MoveStock
            | Self::ListMovements
            | Self::SplitStock
            | Self::ListProducts
            | Self::ReadProduct
            | Self::PutProduct
            | Self::DeleteProduct
            | Self::ImportProducts
            | Self::ImportStock
            | Self::ExportProducts
            | Self::ExportStock
            | Self::ExportOrders
            | Self::ListCustomerOrders
            | Self::ForgetCustomer
            | Self::ResolveOrder
            | Self::ListOpenReturns
            | Self::RequestReturn
            | Self::ListReturns
            | Self::ReadReturn
            | Self::AuditReturn
            | Self::ReceiveReturn
            | Self::RetryReturn
            | Self::ResolveReturn => "admin",
            Self::ListWarehouses
            | Self::ReadWarehouse
            | Self::PutWarehouse
            | Self::NoteShipmentEvent
            | Self::TakeShipmentEvent => "warehouse-api",
            Self::ReadMetrics => "read-metrics",
            Self::PaymentEvent => "receive-payment-event",
            _ => "api",
        }
    }
}

/// A route: its method, its path, who may make the call, and the call.
pub(crate) type Route = (&'static str, &'static str, Access, ApiCall);

pub(crate) const CALLS: &[Route] = &[
    ("POST", "/api/v1/orders", Access::Customer, ApiCall::CreateOrder),
    ("GET", "/api/v1/orders", Access::Customer, ApiCall::ListOrders),
    ("GET", "/api/v1/orders/{order_id}", Access::Customer, ApiCall::ReadOrder),
    ("POST", "/api/v1/orders/{order_id}/pay", Access::Customer, ApiCall::PayOrder),
    ("POST", "/api/v1/orders/{order_id}/payment", Access::Customer, ApiCall::OpenPayment),
    ("POST", "/api/v1/orders/{order_id}/audit", Access::Operator, ApiCall::AuditOrder),
    ("POST", "/api/v1/orders/{order_id}/cancel", Access::Customer, ApiCall::CancelOrder),
    ("POST", "/api/v1/orders/{order_id}/retry", Access::Operator, ApiCall::RetryOrder),
    ("POST", "/api/v1/orders/{order_id}/resolve", Access::Operator, ApiCall::ResolveOrder),
    ("GET", "/api/v1/stock", Access::Customer, ApiCall::ListStock),
    ("GET", "/api/v1/stock/{product}", Access::Customer, ApiCall::ReadStock),
    ("POST", "/api/v1/stock/{product}/{warehouse}/movements", Access::Operator, ApiCall::MoveStock),
    ("GET", "/api/v1/stock/{product}/{warehouse}/movements", Access::Operator, ApiCall::ListMovements),
    ("PUT", "/api/v1/stock/{product}/{warehouse}/buckets", Access::Operator, ApiCall::SplitStock),
    ("GET", "/api/v1/products", Access::Customer, ApiCall::ListProducts),
    ("GET", "/api/v1/products/{product}", Access::Customer, ApiCall::ReadProduct),
    ("PUT", "/api/v1/products/{product}", Access::Operator, ApiCall::PutProduct),
    ("DELETE", "/api/v1/products/{product}", Access::Operator, ApiCall::DeleteProduct),
    ("POST", "/api/v1/import/products", Access::Operator, ApiCall::ImportProducts),
    ("POST", "/api/v1/import/stock", Access::Operator, ApiCall::ImportStock),
    ("GET", "/api/v1/export/products", Access::Operator, ApiCall::ExportProducts),
    ("GET", "/api/v1/export/stock", Access::Operator, ApiCall::ExportStock),
    ("GET", "/api/v1/export/orders", Access::Operator, ApiCall::ExportOrders),
    ("GET", "/api/v1/customers/{customer_id}/orders", Access::Operator, ApiCall::ListCustomerOrders),
    ("DELETE", "/api/v1/customers/{customer_id}", Access::Operator, ApiCall::ForgetCustomer),
    ("GET", "/api/v1/returns", Access::Operator, ApiCall::ListOpenReturns),
    ("POST", "/api/v1/orders/{order_id}/returns", Access::Customer, ApiCall::RequestReturn),
    ("GET", "/api/v1/orders/{order_id}/returns", Access::Customer, ApiCall::ListReturns),
    ("GET", "/api/v1/orders/{order_id}/returns/{number}", Access::Customer, ApiCall::ReadReturn),
    ("POST", "/api/v1/orders/{order_id}/returns/{number}/audit", Access::Operator, ApiCall::AuditReturn),
    ("POST", "/api/v1/orders/{order_id}/returns/{number}/received", Access::Operator, ApiCall::ReceiveReturn),
    ("POST", "/api/v1/orders/{order_id}/returns/{number}/retry", Access::Operator, ApiCall::RetryReturn),
    ("POST", "/api/v1/orders/{order_id}/returns/{number}/resolve", Access::Operator, ApiCall::ResolveReturn),
    ("GET", "/api/v1/warehouses", Access::Operator, ApiCall::ListWarehouses),
    ("GET", "/api/v1/warehouses/{warehouse}", Access::Operator, ApiCall::ReadWarehouse),
    ("PUT", "/api/v1/warehouses/{warehouse}", Access::Operator, ApiCall::PutWarehouse),
    (
        "POST",
        "/api/v1/orders/{order_id}/shipments/{warehouse}/events",
        Access::Operator,
        ApiCall::NoteShipmentEvent,
    ),
    ("POST", "/api/v1/shipments/{order_id}/{warehouse}/events", Access::Public, ApiCall::TakeShipmentEvent),
    ("GET", "/api/v1/orders/{order_id}/workflow", Access::Operator, ApiCall::ReadWorkflow),
    ("GET", "/api/v1/summary", Access::Operator, ApiCall::ReadSummary),
    ("GET", "/api/v1/metrics", Access::Operator, ApiCall::ReadMetrics),
    ("GET", "/api/v1/doctor", Access::Operator, ApiCall::Examine),
    ("POST", "/api/v1/doctor", Access::Operator, ApiCall::Repair),
    ("POST", "/api/orders", Access::Customer, ApiCall::ProcessOrder),
    ("POST", "/api/orders/create", Access::Customer, ApiCall::ProcessOrder),
    ("GET", "/api/orders/status", Access::Customer, ApiCall::ReadOrder),
    ("GET", "/api/orders/state", Access::Customer, ApiCall::ReadExecution),
    ("POST", "/api/orders/cancel", Access::Customer, ApiCall::CancelOrder),
    ("GET", "/api/orders/{order_id}", Access::Customer, ApiCall::ReadOrder),
    ("POST", "/api/orders/{order_id}/cancel", Access::Customer, ApiCall::CancelOrder),
    ("GET", "/api/workflows/{order_id}/status", Access::Customer, ApiCall::ReadExecution),
    ("POST", "/webhooks/stripe", Access::Public, ApiCall::PaymentEvent),
    ("GET", "/health", Access::Public, ApiCall::Health),
    ("GET", "/", Access::Public, ApiCall::Home),
    ("GET", "/favicon.ico", Access::Public, ApiCall::Icon),
    ("GET", "/web/", Access::Public, ApiCall::ConsolePage),
    ("GET", "/web", Access::Public, ApiCall::Console),
    ("GET", "/web/{file+}", Access::Public, ApiCall::ConsoleFile),
    ("GET", "/openapi.json", Access::Public, ApiCall::OpenApi),
    ("GET", "/docs", Access::Public, ApiCall::Documentation),
];

/// The method and path of every route, and who may take it.
pub const ROUTES: [(&str, &str, Access); CALLS.len()] = {
    let mut routes = [("", "", Access::Operator); CALLS.len()];
    let mut index = 0;
    while index < CALLS.len() {
        routes[index] = (CALLS[index].0, CALLS[index].1, CALLS[index].2);
        index += 1;
    }
    routes
};

pub(crate) async fn dispatch(api: &Api, request: Request) -> Result<Response, Problem> {
    let (call, request) = admit(request)?;
    let request = &request;
    match call {
        ApiCall::CreateOrder => create::create_order(api, request).await,
        ApiCall::ProcessOrder => create::process_order(api, request).await,
        ApiCall::ReadExecution => workflow::read_status(api, request).await,
        ApiCall::ListOrders => read::list_orders(api, request).await,
        ApiCall::ReadOrder => read::read_order(api, request).await,
        ApiCall::PayOrder | ApiCall::OpenPayment if api.provider != Provider::Simulated => {
            Err(elsewhere(&request.path, PaymentApi::NAME))
        }
        ApiCall::PayOrder => decide::pay_order(api, request).await,
        ApiCall::OpenPayment => at_provider::open_payment(api, request).await,
        ApiCall::AuditOrder => decide::audit_order(api, request).await,
        ApiCall::CancelOrder => decide::cancel_order(api, request).await,
        ApiCall::RetryOrder => attention::retry_order(api, request).await,
        ApiCall::ReadWorkflow => workflow::read_workflow(api, request).await,
        ApiCall::ReadSummary => summary::read_summary(api, request).await,
        ApiCall::Home => Ok(web::home()),
        ApiCall::Icon => Ok(web::icon()),
        ApiCall::ConsolePage => api.site.page(request),
        ApiCall::Console => Ok(web::console()),
        ApiCall::ConsoleFile => api.site.file(request),
        ApiCall::OpenApi => api.site.description(request),
        ApiCall::Documentation => Ok(web::documentation(request)),
        ApiCall::Health => Ok(Response::json(200, &json!({ "status": "ok" }))),
        _ => Err(elsewhere(&request.path, call.function())),
    }
}

/// As [`dispatch`], for the calls of the function `admin`.
pub(crate) async fn dispatch_to_admin(admin: &Admin, request: Request) -> Result<Response, Problem> {
    let (call, request) = admit(request)?;
    let request = &request;
    match call {
        ApiCall::Examine => doctor::examine(admin).await,
        ApiCall::Repair => doctor::repair(admin).await,
        ApiCall::ResolveOrder if admin.provider != Provider::Simulated => {
            Err(elsewhere(&request.path, PaymentApi::NAME))
        }
        ApiCall::ResolveOrder => {
            attention::resolve_order(admin, &admin.links, &admin.low_stock, request).await
        }
        ApiCall::ListStock => stock::list_stock(admin, request).await,
        ApiCall::ReadStock => stock::read_stock(admin, request).await,
        ApiCall::MoveStock => movements::move_stock(admin, request).await,
        ApiCall::ListMovements => movements::list_movements(admin, request).await,
        ApiCall::SplitStock => buckets::split_stock(admin, request).await,
        ApiCall::ListProducts => products::list_products(admin, request).await,
        ApiCall::ReadProduct => products::read_product(admin, request).await,
        ApiCall::PutProduct => products::put_product(admin, request).await,
        ApiCall::DeleteProduct => products::delete_product(admin, request).await,
        ApiCall::ImportProducts => import::products(admin, request).await,
        ApiCall::ImportStock => import::stock(admin, request).await,
        ApiCall::ExportProducts => export::products(admin, request).await,
        ApiCall::ExportStock => export::stock(admin, request).await,
        ApiCall::ExportOrders => export::orders(admin, request).await,
        ApiCall::ListCustomerOrders => people::list_orders(admin, request).await,
        ApiCall::ForgetCustomer => people::forget(admin, request).await,
        ApiCall::ListOpenReturns => returns::open::list(admin, request).await,
        ApiCall::RequestReturn => returns::request_return(admin, request).await,
        ApiCall::ListReturns => returns::list_returns(admin, request).await,
        ApiCall::ReadReturn => returns::read_return(admin, request).await,
        ApiCall::AuditReturn => returns::audit_return(admin, request).await,
        ApiCall::ReceiveReturn => returns::receive_return(admin, request).await,
        ApiCall::RetryReturn => returns::retry_return(admin, request).await,
        ApiCall::ResolveReturn => returns::resolve_return(admin, request).await,
        _ => Err(elsewhere(&request.path, call.function())),
    }
}

/// The binary of the function that answers such a request.
pub fn function_of(method: &str, path: &str) -> &'static str {
    find(method, path, Escapes::OfPercent).map_or("api", |(_, call, _)| call.function())
}

/// The event that answers this one: what `answer` makes of the request that it is, or the problem of one that is none.
pub(crate) async fn answered<Answered>(
    doorkeeper: &Doorkeeper,
    event: &Value,
    answer: impl FnOnce(Request) -> Answered,
) -> Value
where
    Answered: Future<Output = Result<Response, Problem>>,
{
    let answered = match Request::read(event, doorkeeper.recognise(event)) {
        Ok(request) => answer(request).await,
        Err(problem) => Err(problem),
    };
    answered.unwrap_or_else(|problem| Response::problem(&problem)).into_event()
}

/// The call that the request is, if its caller may make it, and the request with the parameters of its path.
pub(crate) fn admit(request: Request) -> Result<(ApiCall, Request), Problem> {
    let (access, call, parameters) = find(&request.method, &request.path, request.escapes)?;
    request.caller.check(access)?;
    Ok((call, request.with(parameters)))
}

/// The problem of a call that came to another function than the one that makes it. The HTTP API leads each route to its
/// function; behind function URLs, those of `api` and `admin` have addresses of their own, and the others have none.
pub(crate) fn elsewhere(path: &str, function: &str) -> Problem {
    let detail = format!(
        "{path} is answered by the function {function}, and this is the address of another one. Send the request to that one's, or deploy with the HTTP API (ApiFront=http-api), which leads to all. Those that deal with Stripe are there where the payment provider is Stripe (PaymentProvider)."
    );
    Problem::new(Kind::RouteNotFound, detail)
}

fn find(
    method: &str,
    path: &str,
    escapes: Escapes,
) -> Result<(Access, ApiCall, HashMap<String, String>), Problem> {
    // A path that is a route word for word is that route alone, though a parameter of another route would
    // take it as well.
    let literal = CALLS
        .iter()
        .any(|(_, pattern, ..)| !pattern.contains('{') && matches(pattern, path, escapes).is_some());
    let of_path = || CALLS.iter().filter(|(_, pattern, ..)| !(literal && pattern.contains('{')));
    let here = || {
        of_path().filter_map(|(method, pattern, access, call)| {
            Some((method, *access, *call, matches(pattern, path, escapes)?))
        })
    };
    // HEAD is GET without the body, which the gateway leaves out.
    let wanted = if method == "HEAD" { "GET" } else { method };
    if let Some((_, access, call, parameters)) = here().find(|(method, ..)| **method == wanted) {
        return Ok((access, call, parameters));
    }
    // What the path is to the eye comes first: a parameter that has slashes in it would take it as well.
    let plain = of_path().filter(|(_, pattern, ..)| matches(pattern, path, Escapes::All).is_some());
    let plain: BTreeSet<_> = plain.map(|(method, ..)| *method).collect();
    let allowed = if plain.is_empty() { here().map(|(method, ..)| *method).collect() } else { plain };
    if allowed.is_empty() {
        return Err(Problem::new(
            Kind::RouteNotFound,
            format!("There is nothing at {path}. GET /health is a start."),
        ));
    }
    let allowed = allowed.into_iter().collect::<Vec<_>>().join(", ");
    let detail = format!("{method} is not allowed at {path}; allowed: {allowed}.");
    Err(Problem::new(Kind::MethodNotAllowed, detail).with("allow", allowed))
}

/// The parameter that may have slashes in it: issuers make the subjects of tokens up as they like (OpenID Connect Core
/// 1.0, section 2). No other id or name is one that the caller doesn't choose here.
const WITH_SLASHES: &str = "{customer_id}";

fn matches(pattern: &str, path: &str, escapes: Escapes) -> Option<HashMap<String, String>> {
    // A slash at the end of a path changes nothing, but where it has a route of its own.
    if pattern.ends_with('/') {
        return (pattern == path).then(HashMap::new);
    }
    // An HTTP API has decoded the slashes of such a parameter, so that it may end with one, too.
    let may_span = escapes == Escapes::OfPercent;
    let path = match path.strip_suffix('/') {
        Some(shorter) if !(shorter.is_empty() || may_span && pattern.ends_with(WITH_SLASHES)) => shorter,
        _ => path,
    };
    let mut parameters = HashMap::new();
    let (mut pattern, mut path) = (Some(pattern), Some(path));
    while let (Some(wanted), Some(given)) = (pattern, path) {
        let (segment, more_wanted) = first(wanted);
        let name = segment.strip_prefix('{').and_then(|name| name.strip_suffix('}'));
        // A parameter with a plus takes all that is left, as API Gateway's greedy ones do.
        let greedy = name.and_then(|name| name.strip_suffix('+'));
        let (value, more_given) = match more_wanted {
            _ if greedy.is_some() => (given, None),
            None if may_span && segment == WITH_SLASHES => (given, None),
            // All that stands before the rest of the route, which has no parameters.
            Some(rest) if may_span && segment == WITH_SLASHES => {
                (given.strip_suffix(rest)?.strip_suffix('/')?, Some(rest))
            }
            _ => first(given),
        };
        match greedy.or(name) {
            Some(name) if !value.is_empty() => {
                parameters.insert(name.to_owned(), escapes.decode(value));
            }
            None if segment == value => {}
            _ => return None,
        }
        (pattern, path) = (more_wanted, more_given);
    }
    (pattern.is_none() && path.is_none()).then_some(parameters)
}

/// The first segment of a path, and the rest behind its slash, if it has one.
fn first(path: &str) -> (&str, Option<&str>) {
    path.split_once('/').map_or((path, None), |(first, rest)| (first, Some(rest)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_lead_to_calls_and_wrong_methods_say_which_are_right() {
        let (_, call, parameters) = find("POST", "/api/v1/orders/ORD-1/pay", Escapes::OfPercent).unwrap();
        assert_eq!((call, parameters["order_id"].as_str()), (ApiCall::PayOrder, "ORD-1"));
        let wrong = find("DELETE", "/api/v1/orders", Escapes::OfPercent).unwrap_err();
        assert_eq!(wrong.kind, Kind::MethodNotAllowed);
        assert_eq!(wrong.to_json()["allow"], "GET, POST");
        let misled = elsewhere("/api/v1/stock", ApiCall::ListStock.function());
        assert_eq!(misled.kind, Kind::RouteNotFound);
        assert!(misled.detail.contains("function admin"), "{}", misled.detail);
        assert_eq!(function_of("PUT", "/api/v1/warehouses/wh-east"), "warehouse-api");
        // A path in so many words is not an order of that name.
        let wrong = find("GET", "/api/orders/cancel", Escapes::OfPercent).unwrap_err();
        assert_eq!((wrong.kind, &wrong.to_json()["allow"]), (Kind::MethodNotAllowed, &json!("POST")));
        assert_eq!(find("GET", "/api/v1/orders/", Escapes::OfPercent).unwrap().1, ApiCall::ListOrders);
        assert_eq!(find("GET", "/", Escapes::OfPercent).unwrap().1, ApiCall::Home);
        assert_eq!(find("GET", "/web/", Escapes::OfPercent).unwrap().1, ApiCall::ConsolePage);
        assert_eq!(find("GET", "/web", Escapes::OfPercent).unwrap().1, ApiCall::Console);
        let (_, call, parameters) = find("GET", "/web/pages/shop.js", Escapes::OfPercent).unwrap();
        assert_eq!((call, parameters["file"].as_str()), (ApiCall::ConsoleFile, "pages/shop.js"));
        for unknown in ["//", "/api", "/api/v1/orders//pay", "/api/v1/orders/1/2/3"] {
            assert_eq!(
                find("GET", unknown, Escapes::OfPercent).unwrap_err().kind,
                Kind::RouteNotFound,
                "{unknown}"
            );
        }
    }

    #[test]
    fn a_path_is_decoded_once_whatever_stands_before_the_function() {
        let product = |path: &str, escapes| {
            find("GET", &format!("/api/v1/stock/{path}"), escapes)
                .map(|(.., mut found)| found.remove("product").unwrap())
        };
        for (sent, by_http_api, meant) in [
            ("iPhone%2015", "iPhone 15", "iPhone 15"),
            ("%D0%BC%D1%8F%D1%87", "мяч", "мяч"),
            ("50%25", "50%25", "50%"),
            ("a%2520b", "a%2520b", "a%20b"),
            ("50%2525", "50%2525", "50%25"),
            ("a+b", "a+b", "a+b"),
        ] {
            assert_eq!(product(sent, Escapes::All).unwrap(), meant, "{sent}");
            assert_eq!(product(by_http_api, Escapes::OfPercent).unwrap(), meant, "{by_http_api}");
        }
        assert_eq!(product("a%2Fb", Escapes::All).unwrap(), "a/b");
        assert_eq!(product("a/b", Escapes::OfPercent).unwrap_err().kind, Kind::RouteNotFound);
    }

    #[test]
    fn a_customer_may_have_slashes_in_their_id() {
        let customer = |method: &str, path: &str, escapes| {
            find(method, &format!("/api/v1/customers/{path}"), escapes)
                .map(|(_, call, mut found)| (call, found.remove("customer_id").unwrap()))
        };
        let (list, forget) = (ApiCall::ListCustomerOrders, ApiCall::ForgetCustomer);
        for (method, call, sent, by_http_api, meant) in [
            ("GET", list, "auth0%2Fann/orders", "auth0/ann/orders", "auth0/ann"),
            ("GET", list, "a%2F%2Fb%2F/orders", "a//b//orders", "a//b/"),
            ("GET", list, "orders%2Forders/orders", "orders/orders/orders", "orders/orders"),
            ("GET", list, "ann/orders/", "ann/orders/", "ann"),
            ("GET", list, "50%25%2F1/orders", "50%25/1/orders", "50%/1"),
            ("DELETE", forget, "auth0%2Fann", "auth0/ann", "auth0/ann"),
            ("DELETE", forget, "ann%2Forders", "ann/orders", "ann/orders"),
            // Nobody is forgotten in the place of another.
            ("DELETE", forget, "ann%2F", "ann/", "ann/"),
        ] {
            let meant = (call, meant.to_owned());
            assert_eq!(customer(method, sent, Escapes::All).unwrap(), meant, "{sent}");
            assert_eq!(customer(method, by_http_api, Escapes::OfPercent).unwrap(), meant, "{by_http_api}");
        }
        // Nobody has an empty id; a customer of the id `/orders` could be forgotten.
        let none = customer("GET", "/orders", Escapes::OfPercent).unwrap_err();
        assert_eq!((none.kind, &none.to_json()["allow"]), (Kind::MethodNotAllowed, &json!("DELETE")));
    }
}
