//! `GET /api/v1/warehouses`, and `GET` and `PUT /api/v1/warehouses/{warehouse}`: how each is reached.

use http::Uri;
use omniflow_domain::Warehouse;
use omniflow_domain::warehouse::Link;
use omniflow_http_client::Reach;
use omniflow_http_client::reach::is_public;
use omniflow_store::warehouses::NotWritten;
use serde::Serialize;
use serde_json::{Value, json};

use super::{WarehouseApi, warehouse_id};
use crate::create::LONGEST_TEXT;
use crate::preconditions::{Thing, etag};
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;
use crate::whole::whole;

/// The length of the longest address, in characters.
pub(crate) const LONGEST_ENDPOINT: usize = 500;
/// The highest rank.
pub(crate) const MOST_RANK: u32 = 1_000_000;

/// How often a change is made anew when somebody else changed the warehouse meanwhile.
const ATTEMPTS: u32 = 5;

/// A warehouse, and how it is reached.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Warehouse"))]
pub(crate) struct WarehouseView {
    /// The id, which its stock is kept under.
    warehouse_id: String,
    /// The name for people.
    name: String,
    /// Of two warehouses that can both ship, the one with the lower rank does.
    rank: u32,
    /// How it is asked to ship: `simulated`, or `http` for signed requests to its own server.
    link: &'static str,
    /// Where these requests go.
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint: Option<String>,
    /// Whether new orders may be shipped from it.
    active: bool,
    /// The number of changes that were made to it; `ETag` has it, too.
    version: u64,
}

/// All warehouses.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct WarehouseList {
    warehouses: Vec<WarehouseView>,
}

impl From<Warehouse> for WarehouseView {
    fn from(warehouse: Warehouse) -> Self {
        let (link, endpoint) = match warehouse.link {
            Link::Simulated => ("simulated", None),
            Link::Http { endpoint } => ("http", Some(endpoint)),
        };
        Self {
            warehouse_id: warehouse.warehouse_id,
            name: warehouse.name,
            rank: warehouse.rank,
            link,
            endpoint,
            active: warehouse.active,
            version: warehouse.version,
        }
    }
}

fn shown(warehouse: Warehouse) -> Response {
    let etag = etag(warehouse.version);
    Response::json(200, &json!(WarehouseView::from(warehouse))).with_header("etag", etag)
}

/// All warehouses that somebody described or that there is stock in, by rank.
pub(super) async fn list(api: &WarehouseApi, request: &Request) -> Result<Response, Problem> {
    let known = api.warehouses.read().await.map_err(|error| unavailable(&error))?;
    let stock = api.stock.warehouses().await.map_err(|error| unavailable(&error))?;
    let described = known.described().map(|warehouse| warehouse.warehouse_id.clone());
    let mut ids: Vec<_> = described.chain(stock).collect();
    ids.sort_unstable_by(|a, b| (known.rank(a), a).cmp(&(known.rank(b), b)));
    ids.dedup();
    let warehouses = ids.iter().map(|id| known.of(id).into()).collect();
    Ok(Response::json_unless_known(request, &json!(WarehouseList { warehouses })))
}

pub(super) async fn read(api: &WarehouseApi, request: &Request) -> Result<Response, Problem> {
    let id = warehouse_id(request)?;
    current(api, id).await?.map(shown).ok_or_else(|| {
        let detail = format!(
            "Nobody has described a warehouse {id}; stock in such a one is shipped by a simulated link. PUT it to change that."
        );
        Problem::new(Kind::WarehouseNotFound, detail)
    })
}

pub(super) async fn put(api: &WarehouseApi, request: &Request) -> Result<Response, Problem> {
    let id = warehouse_id(request)?;
    let (body, written) = request.json_and_as_written()?;
    let wanted = described(id, &body, &written, api.reach)?;
    for _ in 0..ATTEMPTS {
        let before = current(api, id).await?;
        Thing::Warehouse.check(before.as_ref().map(|before| before.version), request)?;
        match api.warehouses.put(before.as_ref(), wanted.clone()).await {
            Ok(warehouse) => return Ok(shown(warehouse)),
            Err(NotWritten::Changed) => {}
            Err(NotWritten::Store(error)) => return Err(unavailable(&error)),
        }
    }
    Err(Thing::Warehouse.changed_meanwhile(request.language_of_problems()))
}

/// The warehouse as it is at this moment, if somebody has described it.
async fn current(api: &WarehouseApi, id: &str) -> Result<Option<Warehouse>, Problem> {
    let known = api.warehouses.read().await.map_err(|error| unavailable(&error))?;
    Ok(known.described().find(|warehouse| warehouse.warehouse_id == id).cloned())
}

fn bad(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::BadRequest, detail)
}

/// The warehouse that the body describes. `written` is the body with numbers as the texts that they were written as.
fn described(id: &str, body: &Value, written: &Value, reach: Reach) -> Result<Warehouse, Problem> {
    if !body["secret"].is_null() {
        return Err(bad(
            "'secret' is not taken here: put it into the secret that the parameter WarehouseSecret names, under the warehouse's id.",
        ));
    }
    let name = match &body["name"] {
        Value::Null => id.to_owned(),
        Value::String(name) if is_text(name) => name.clone(),
        _ => return Err(bad(format!("'name' must have 1 to {LONGEST_TEXT} printable characters."))),
    };
    let rank = match &body["rank"] {
        Value::Null => Some(Warehouse::USUAL_RANK),
        rank => whole(rank, &written["rank"])
            .and_then(|rank| rank.try_into().ok())
            .filter(|rank| *rank <= MOST_RANK),
    };
    let rank = rank.ok_or_else(|| {
        bad(format!("'rank' must be a whole number from 0 to {MOST_RANK}: the lowest ships first."))
    })?;
    let active = match &body["active"] {
        Value::Null => true,
        Value::Bool(active) => *active,
        _ => return Err(bad("'active' must be true or false.")),
    };
    let link = match (body["link"].as_str(), &body["endpoint"]) {
        (Some("simulated"), Value::Null) => Link::Simulated,
        (Some("simulated"), _) => {
            return Err(unusable("'endpoint' is for the link \"http\"; a simulated warehouse has none."));
        }
        (Some("http"), Value::String(endpoint)) => Link::Http { endpoint: address(endpoint, reach)? },
        (Some("http"), _) => {
            return Err(unusable(
                "'endpoint' must be the address that takes the requests of the link \"http\".",
            ));
        }
        _ => return Err(bad("'link' must be \"simulated\" or \"http\".")),
    };
    Ok(Warehouse { warehouse_id: id.to_owned(), name, rank, link, active, version: 0 })
}

fn unusable(detail: impl Into<String>) -> Problem {
    Problem::new(Kind::UnusableEndpoint, detail)
}

fn is_text(text: &str) -> bool {
    (1..=LONGEST_TEXT).contains(&text.chars().count()) && !text.contains(char::is_control)
}

/// Checks an address as far as can be done without asking for the addresses of its host, which may change:
/// each request checks those.
fn address(endpoint: &str, reach: Reach) -> Result<String, Problem> {
    let refused = |why: &str| unusable(format!("'endpoint' can't be used: {why}."));
    if endpoint.len() > LONGEST_ENDPOINT {
        return Err(refused(&format!("it has more than {LONGEST_ENDPOINT} characters")));
    }
    let url: Uri =
        endpoint.parse().map_err(|_| refused("it is no address such as https://warehouse.example/"))?;
    let (scheme, host) = (url.scheme_str().unwrap_or_default(), url.host().unwrap_or_default());
    if host.is_empty() || !["http", "https"].contains(&scheme) {
        return Err(refused("it must begin with https:// and a host"));
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(refused("it names a user; the requests are signed instead"));
    }
    if reach == Reach::Anywhere {
        return Ok(endpoint.to_owned());
    }
    if scheme != "https" {
        return Err(refused(
            "it must begin with https://, unless the parameter AllowPrivateWarehouses is true",
        ));
    }
    let literal = host.trim_start_matches('[').trim_end_matches(']').parse();
    let is_near = literal.is_ok_and(|address| !is_public(address))
        || host.eq_ignore_ascii_case("localhost")
        || host.to_ascii_lowercase().ends_with(".localhost");
    if is_near {
        return Err(refused(
            "its host is not on the internet; the parameter AllowPrivateWarehouses would allow it",
        ));
    }
    Ok(endpoint.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn described(id: &str, body: &Value, reach: Reach) -> Result<Warehouse, Problem> {
        let mut written = body.clone();
        if body["rank"].is_number() {
            written["rank"] = json!(body["rank"].to_string());
        }
        super::described(id, body, &written, reach)
    }

    fn refusal(body: &Value, reach: Reach) -> String {
        match described("wh-1", body, reach) {
            Err(problem) => problem.detail,
            Ok(warehouse) => panic!("{warehouse:?}"),
        }
    }

    #[test]
    fn what_is_left_out_is_as_usual_and_an_address_goes_with_its_link() {
        let usual = described("wh-1", &json!({ "link": "simulated" }), Reach::Public).unwrap();
        assert_eq!(usual, Warehouse::undescribed("wh-1"));
        let body = json!({ "name": "Nord", "rank": 3, "link": "http", "endpoint": "https://w.example/in?a=1", "active": false });
        let warehouse = described("wh-1", &body, Reach::Public).unwrap();
        assert_eq!((warehouse.name.as_str(), warehouse.rank, warehouse.active), ("Nord", 3, false));
        assert_eq!(warehouse.link, Link::Http { endpoint: "https://w.example/in?a=1".to_owned() });
        for wrong in [
            json!({}),
            json!({ "link": "ftp" }),
            json!({ "link": "http" }),
            json!({ "link": "http", "endpoint": 7 }),
            json!({ "link": "simulated", "endpoint": "https://w.example/" }),
            json!({ "link": "simulated", "rank": -1 }),
            json!({ "link": "simulated", "rank": 1.5 }),
            json!({ "link": "simulated", "rank": 1_000_001 }),
            json!({ "link": "simulated", "name": "a\nb" }),
            json!({ "link": "simulated", "active": "yes" }),
        ] {
            assert!(refusal(&wrong, Reach::Anywhere).starts_with('\''), "{wrong}");
        }
        let whole = described("wh-1", &json!({ "link": "simulated", "rank": 7.0 }), Reach::Public).unwrap();
        assert_eq!(whole.rank, 7, "as programs write it whose numbers are all floats");
        let secret = json!({ "link": "simulated", "secret": "whsec_x" });
        assert!(refusal(&secret, Reach::Anywhere).contains("WarehouseSecret"));
    }

    #[test]
    fn what_is_near_is_refused_unless_it_is_allowed() {
        for near in [
            "http://w.example/",
            "https://127.0.0.1/",
            "https://[::1]:8080/",
            "https://[::ffff:10.0.0.1]/",
            "https://169.254.169.254/latest/meta-data",
            "https://LOCALHOST/",
            "https://a.localhost/",
        ] {
            let body = json!({ "link": "http", "endpoint": near });
            assert!(refusal(&body, Reach::Public).contains("AllowPrivateWarehouses"), "{near}");
            assert!(described("wh-1", &body, Reach::Anywhere).is_ok(), "{near}");
        }
        for never in ["", "w.example", "/path", "ftp://w.example/", "https://a:b@w.example/", "https://"] {
            let body = json!({ "link": "http", "endpoint": never });
            assert!(refusal(&body, Reach::Anywhere).starts_with("'endpoint'"), "{never}");
        }
    }
}
