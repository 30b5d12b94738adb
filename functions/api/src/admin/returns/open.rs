//! The list of the returns that are open, of all orders: what waits for those who run the shop, or soon will.

use chrono::{DateTime, Utc};
use omniflow_domain::order::returns::{Return, ReturnState};
use omniflow_domain::texts::return_text;
use omniflow_domain::{Currency, Language, Order, OrderId, OrderNumber};
use omniflow_store::ReturnsSince;
use serde::Serialize;
use serde_json::json;

use crate::admin::{Admin, bad_next, limit};
use crate::finding::{bad, check_names};
use crate::problem::Problem;
use crate::request::Request;
use crate::response::Response;
use crate::unavailable;
use crate::view::Amount;

/// The parameters that the list takes.
const PARAMETERS: [&str; 3] = ["state", "limit", "next"];
/// The largest number of returns on a page.
pub(crate) const MOST: usize = 100;
/// The largest number of orders that are looked at for a page of returns in one state.
const MOST_LOOKED_AT: usize = 500;
/// What stands between the parts of `next`; none of them has it.
const BETWEEN: char = '/';

/// The states of open returns.
pub(crate) const OPEN_STATES: [ReturnState; 4] = [
    ReturnState::AwaitingReview,
    ReturnState::AwaitingGoods,
    ReturnState::Received,
    ReturnState::NeedsAttention,
];

/// A page of the returns that are open.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "OpenReturns"))]
pub(crate) struct OpenReturnList {
    /// The returns, those first whose order has not moved for longest; those of one order stand together. They may be
    /// fewer than asked for, or none, and yet there is a next page.
    returns: Vec<OpenReturn>,
    /// The `next` to ask for the following page with; null on the last page.
    next: Option<String>,
    /// The number of orders with open returns that were looked at for this page and can't be read.
    unreadable: usize,
}

/// A return that is neither refunded nor rejected.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OpenReturn {
    order_id: OrderId,
    /// The number that people call the order by; null for orders that an earlier release made.
    #[serde(rename = "number")]
    order_number: Option<OrderNumber>,
    customer_id: Option<String>,
    /// The number of the return among those of its order, from 1.
    #[serde(rename = "return")]
    number: u32,
    /// The state as people read it, in their language.
    status: &'static str,
    /// The state as programs read it.
    #[cfg_attr(test, schemars(extend("enum" = OPEN_STATES)))]
    state: ReturnState,
    /// The moment since which the return is in this state.
    since: Option<DateTime<Utc>>,
    /// Why, in the customer's words.
    reason: String,
    /// The goods, over all warehouses that they come back to.
    items: Vec<OpenReturnItem>,
    /// The price of what was asked to be returned.
    value: Amount,
    /// What is given back; left out until the goods have come.
    #[serde(skip_serializing_if = "Option::is_none")]
    refund: Option<Amount>,
    currency: Currency,
    /// What failed, while the return needs attention.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<String>,
}

/// Pieces of one product that are asked back.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct OpenReturnItem {
    product_id: String,
    name: String,
    quantity: u32,
}

impl OpenReturn {
    fn of(order: &Order, it: &Return, language: Language) -> Self {
        let attention = it.attention.as_ref().filter(|_| it.state == ReturnState::NeedsAttention);
        Self {
            order_id: order.id().clone(),
            order_number: order.number(),
            customer_id: order.customer_id().map(str::to_owned),
            number: it.number,
            status: return_text(it.state, language),
            state: it.state,
            since: it.history.last().map(|change| change.at),
            reason: it.reason.clone(),
            items: items(order, it),
            value: Amount(it.value),
            refund: it.refund.map(Amount),
            currency: it.value.currency(),
            failure: attention.map(|attention| attention.failed.text()),
        }
    }
}

fn items(order: &Order, it: &Return) -> Vec<OpenReturnItem> {
    let mut items: Vec<OpenReturnItem> = Vec::new();
    for line in &it.lines {
        match items.iter_mut().find(|item| item.product_id == line.product_id) {
            Some(item) => item.quantity = item.quantity.saturating_add(line.quantity),
            None => {
                let known = order.items().iter().find(|item| item.product_id == line.product_id);
                items.push(OpenReturnItem {
                    product_id: line.product_id.clone(),
                    name: known.map_or_else(|| line.product_id.clone(), |item| item.name.clone()),
                    quantity: line.quantity,
                });
            }
        }
    }
    items
}

/// The beginning of a page: a place in the list of orders, and the number of the last return of the order there that the
/// pages before had; 0 for none.
#[derive(Debug, Clone)]
struct Beginning {
    place: ReturnsSince,
    behind: u32,
}

impl Beginning {
    fn of(request: &Request) -> Result<Option<Self>, Problem> {
        let parse = |text: &str| Self::parse(text).ok_or_else(|| bad_next(text));
        request.query("next").map(parse).transpose()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, BETWEEN);
        let since = parts.next()?.parse().ok().filter(|since| *since >= 0)?;
        let order = OrderId::parse(parts.next()?).ok()?;
        Some(Self { place: ReturnsSince { since, order }, behind: parts.next()?.parse().ok()? })
    }

    fn text(&self) -> String {
        let ReturnsSince { since, order } = &self.place;
        format!("{since}{BETWEEN}{order}{BETWEEN}{}", self.behind)
    }

    /// Whether the pages before had this return of the order at this place.
    fn is_behind(&self, place: &ReturnsSince, number: u32) -> bool {
        self.place == *place && number <= self.behind
    }
}

/// `GET /api/v1/returns?state=&limit=&next=`
pub(crate) async fn list(admin: &Admin, request: &Request) -> Result<Response, Problem> {
    check_names(request, &PARAMETERS)?;
    let wanted = state(request)?;
    let most = limit(request, MOST)?;
    let mut from = Beginning::of(request)?;
    let mut list = OpenReturnList { returns: Vec::new(), next: None, unreadable: 0 };
    let mut looked_at = 0;
    loop {
        let place = from.as_ref().map(|from| &from.place);
        let page = admin.orders.with_open_returns(most, place).await.map_err(|error| unavailable(&error))?;
        looked_at += page.orders.len();
        for (place, order) in page.orders {
            let Ok(order) = order else {
                list.unreadable += 1;
                continue;
            };
            let returns = order.returns().iter().filter(|it| {
                !it.state.is_final()
                    && wanted.is_none_or(|wanted| it.state == wanted)
                    && !from.as_ref().is_some_and(|from| from.is_behind(&place, it.number))
            });
            for it in returns {
                if list.returns.len() == most {
                    let behind = it.number.saturating_sub(1);
                    list.next = Some(Beginning { place, behind }.text());
                    return Ok(Response::json_unless_known(request, &json!(list)));
                }
                list.returns.push(OpenReturn::of(&order, it, request.language()));
            }
        }
        from = page.next.map(|place| Beginning { place, behind: 0 });
        let is_full = list.returns.len() == most || looked_at >= MOST_LOOKED_AT;
        if from.is_none() || is_full {
            list.next = from.as_ref().map(Beginning::text);
            return Ok(Response::json_unless_known(request, &json!(list)));
        }
    }
}

fn state(request: &Request) -> Result<Option<ReturnState>, Problem> {
    let Some(name) = request.query("state") else { return Ok(None) };
    let known = OPEN_STATES.into_iter().find(|state| state.name() == name);
    known.map(Some).ok_or_else(|| {
        let states = OPEN_STATES.map(ReturnState::name).join(", ");
        bad(
            request,
            [
                format!("'{name}' is not a state of an open return; there are: {states}."),
                format!("'{name}' 不是未结束退货的状态；可用的状态有：{states}。"),
                format!("'{name}' не состояние открытого возврата; есть: {states}."),
            ],
        )
    })
}
