//! The call that splits the stock of a product in a warehouse, and puts it together.

use omniflow_domain::shelf::MOST_BUCKETS;
use omniflow_store::Split;
use serde::Serialize;
use serde_json::json;

use crate::admin::{Admin, of_path, product_of_path};
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;
use crate::whole::{as_written, whole};

/// Into how many buckets the stock of a product in a warehouse is split.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
pub(crate) struct Buckets<'a> {
    product_id: &'a str,
    warehouse: &'a str,
    /// Their number; 1 when it is not split.
    buckets: u8,
}

/// `PUT /api/v1/stock/{product}/{warehouse}/buckets`
pub(crate) async fn split_stock(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    let product_id = &product_of_path(admin, request).await?.product_id;
    let warehouse = of_path(request, "warehouse");
    let (body, written) = request.json_and_as_written()?;
    let (given, written) = (&body["buckets"], &written["buckets"]);
    let wanted = whole(given, written).and_then(|number| u8::try_from(number).ok());
    let wanted = wanted.filter(|wanted| (1..=MOST_BUCKETS).contains(wanted)).ok_or_else(|| {
        let detail = format!(
            "'buckets' must be a whole number from 1, which puts all together, to {MOST_BUCKETS}, not {}.",
            as_written(given, written)
        );
        Problem::new(Kind::BadRequest, detail)
    })?;
    let place = (product_id.clone(), warehouse.to_owned());
    let split =
        admin.stock.split(&place, wanted, Split::Wanted).await.map_err(|error| unavailable(&error))?;
    let buckets = split.ok_or_else(|| {
        let detail = format!(
            "There never was stock of '{product_id}' in {warehouse}. GET /api/v1/stock/{product_id} says where there is."
        );
        Problem::new(Kind::ProductNotFound, detail)
    })?;
    Ok(Response::json(200, &json!(Buckets { product_id, warehouse, buckets })))
}
