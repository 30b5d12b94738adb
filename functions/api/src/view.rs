//! An order as the routes show it. `status` is a text for people, `state` the name for programs.

use chrono::{DateTime, Utc};
use omniflow_domain::Language;
use omniflow_domain::allocation::Missing;
use omniflow_domain::order::{Actor, Audit, Change, Item, Order, Shipment};
use omniflow_domain::texts::{open_texts, status_text, text, unreadable_text};
use omniflow_domain::{Address, Currency, Email, Money, OrderId, OrderNumber, Reason, Status};
use omniflow_store::Unreadable;
use serde::{Serialize, Serializer};

use crate::caller::Caller;
use crate::payment_view::PaymentView;
use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::return_view::ReturnView;

/// Money that is shown as a JSON number. The database has it as a text.
#[derive(Debug)]
pub(crate) struct Amount(pub Money);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.0.to_json().serialize(serializer)
    }
}

/// An order as it is at this moment.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Order"))]
pub(crate) struct OrderView<'a> {
    order_id: &'a OrderId,
    /// The number that people call the order by; null for orders that an earlier release made.
    number: Option<OrderNumber>,
    /// The order id again; at the other doors `order-processing-`, the customer and the digits of the id. All
    /// calls take either.
    workflow_id: String,
    /// The state as people read it, in their language and with the seconds that are left to pay.
    status: String,
    /// The state as programs read it.
    state: Status,
    /// Why the order was not fulfilled; null for one that was, or may still be.
    reason: Option<Reason>,
    customer_id: Option<&'a str>,
    amount: Amount,
    /// The currency of the amount and of the prices, which the order keeps whatever the shop sells in later.
    currency: Currency,
    items: Vec<ItemView<'a>>,
    created_at: Option<DateTime<Utc>>,
    /// Each state that the order came to, oldest first.
    timeline: Vec<TimelineEntry>,
    /// A shipment for each warehouse; none until stock is set aside.
    shipments: &'a [Shipment],
    payment: PaymentView<'a>,
    /// The address that messages about the order go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a Email>,
    /// The address that the goods go to.
    #[serde(skip_serializing_if = "Option::is_none")]
    address: Option<&'a Address>,
    /// The verdict of the reviewer.
    #[serde(skip_serializing_if = "Option::is_none")]
    audit: Option<AuditView<'a>>,
    /// The products of which there was too little.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    missing: &'a [Missing],
    /// What is sent back of it, oldest first; left out when nothing is.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    returns: Vec<ReturnView<'a>>,
    /// What went wrong, as people read it. Of an order that needs attention only operators are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    failure: Option<&'a str>,
    /// Why the order needs attention and what is open; only in that state, and only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    attention: Option<AttentionView<'a>>,
}

/// One product in an order, and how many pieces of it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Item"))]
struct ItemView<'a> {
    product_id: &'a str,
    name: &'a str,
    quantity: u32,
    /// The price of one piece; null when the order came with an amount and without prices.
    price: Option<Amount>,
}

/// A state of an order, and the moment at which it began.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
struct TimelineEntry {
    state: Status,
    /// The state as people read it.
    status: &'static str,
    at: DateTime<Utc>,
    /// Who decided that the order comes to this state; left out where its workflow brought it there, and where an
    /// earlier release did not note it. Only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<Actor>,
    /// What they wrote about it; only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<String>,
}

/// The verdict of the person who reviewed an order.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Audit"))]
struct AuditView<'a> {
    /// Whether the order may go on.
    approved: bool,
    /// What the reviewer wrote about it, if anything.
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'a str>,
    /// The moment of the verdict.
    at: DateTime<Utc>,
    /// The reviewer; left out where an earlier release took the verdict. Only for operators.
    #[serde(skip_serializing_if = "Option::is_none")]
    by: Option<&'a Actor>,
}

impl<'a> AuditView<'a> {
    fn of(audit: &'a Audit, for_operators: bool) -> Self {
        Self {
            approved: audit.approved,
            note: audit.note.as_deref(),
            at: audit.at,
            by: audit.by.as_ref().filter(|_| for_operators),
        }
    }
}

/// Why an order needs attention, and what is open about it.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "Attention"))]
struct AttentionView<'a> {
    /// The moment since which it does.
    since: Option<DateTime<Utc>>,
    /// The state that it had before, to which a retry brings it back.
    was: Status,
    /// The state of the workflow that failed; null when it is not known.
    failed_state: Option<&'a str>,
    /// The error of the workflow; null when it has none.
    error: Option<&'a str>,
    /// What the workflow says about the error; null when it says nothing.
    cause: Option<&'a str>,
    /// How often the system has had it go on by itself since it first failed there.
    tries: u32,
    /// Whether the money was taken and not given back; null when only the payment gateway knows.
    money_taken: Option<bool>,
    /// Whether stock is set aside for the order.
    stock_held: bool,
    /// The warehouses whose shipments have left.
    shipments_out: Vec<&'a str>,
    /// What is open, in sentences for people.
    open: Vec<String>,
}

impl<'a> AttentionView<'a> {
    fn of(order: &'a Order, language: Language) -> Self {
        let (attention, open) = (order.attention(), order.open());
        let failed = attention.map(|attention| &attention.failed);
        Self {
            since: order.timeline().last().map(|change| change.at),
            was: order.standing(),
            failed_state: failed.and_then(|failed| failed.state.as_deref()),
            error: failed.and_then(|failed| failed.error.as_deref()),
            cause: failed.and_then(|failed| failed.cause.as_deref()),
            tries: attention.map_or(0, |attention| attention.tries),
            money_taken: open.money_taken,
            stock_held: open.stock_held,
            open: open_texts(&open, language),
            shipments_out: open.shipments_out,
        }
    }
}

/// An order in a list.
#[derive(Debug, Serialize)]
#[serde(untagged)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "ListedOrder"))]
pub(crate) enum ListedView<'a> {
    Order(Box<OrderView<'a>>),
    Unreadable(UnreadableView<'a>),
}

/// An order that is stored and whose record can't be read: it is damaged, or a later release wrote it. It has
/// the fields of an order, with nothing in those that the record doesn't tell. Asked for alone, it is the
/// problem `order-unreadable`.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "UnreadableOrder"))]
pub(crate) struct UnreadableView<'a> {
    order_id: &'a OrderId,
    number: (),
    /// The order id again.
    workflow_id: &'a OrderId,
    /// A text for people, in their language.
    status: &'static str,
    /// A name that is none of the states of an order.
    state: UnreadableState,
    reason: (),
    customer_id: Option<&'a str>,
    amount: (),
    currency: (),
    items: [(); 0],
    /// The moment that the id tells; null for an id that tells none.
    created_at: Option<DateTime<Utc>>,
    timeline: [(); 0],
    shipments: [(); 0],
    payment: UnreadablePayment,
}

/// The state that stands for those of orders that can't be read.
#[derive(Debug, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(inline))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum UnreadableState {
    Unreadable,
}

/// The payment of an order that can't be read.
#[derive(Debug, Default, Serialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(inline))]
struct UnreadablePayment {
    method: (),
    state: (),
    deadline: (),
}

/// An order as the doors of OrderFlow and of the order page show it: with the names of both for its ids.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[cfg_attr(test, schemars(rename = "OrderAtOtherDoors"))]
pub(crate) struct OtherDoorsView<'a> {
    #[serde(flatten)]
    order: OrderView<'a>,
    order_id: &'a OrderId,
    workflow_id: String,
}

/// The order in JSON, as the door shows it that the request came to.
pub(crate) fn answer(order: &Order, request: &Request, now: DateTime<Utc>) -> Result<String, Problem> {
    if request.is_v1() {
        return written(&OrderView::of(order, &request.caller, request.language(), now));
    }
    let workflow_id = order.id().processing_id(order.customer_id());
    written(&OtherDoorsView {
        order: OrderView::new(order, workflow_id.clone(), &request.caller, request.language(), now),
        order_id: order.id(),
        workflow_id,
    })
}

fn written(view: &impl Serialize) -> Result<String, Problem> {
    serde_json::to_string(view).map_err(|error| {
        tracing::error!(%error, "an order can't be shown");
        Problem::new(Kind::Unavailable, "The order can't be shown. Tell whoever runs this.")
    })
}

impl<'a> OrderView<'a> {
    /// The order as the v1 routes show it.
    pub(crate) fn of(order: &'a Order, caller: &Caller, language: Language, now: DateTime<Utc>) -> Self {
        Self::new(order, order.id().to_string(), caller, language, now)
    }

    fn new(
        order: &'a Order,
        workflow_id: String,
        caller: &Caller,
        language: Language,
        now: DateTime<Utc>,
    ) -> Self {
        let for_operators = caller.is_operator();
        let step = |change: &Change| TimelineEntry {
            state: change.status,
            status: text(change.status, language),
            at: change.at,
            by: change.by.clone().filter(|_| for_operators),
            note: change.note.clone().filter(|_| for_operators),
        };
        let needs_attention = order.status() == Status::NeedsAttention;
        Self {
            order_id: order.id(),
            number: order.number(),
            workflow_id,
            status: status_text(order, language, now),
            state: order.shown_status(),
            reason: order.reason(),
            customer_id: order.customer_id(),
            amount: Amount(order.amount()),
            currency: order.amount().currency(),
            items: order.items().iter().map(ItemView::new).collect(),
            created_at: order.created_at(),
            timeline: order.timeline().iter().map(step).collect(),
            shipments: order.shipments(),
            payment: PaymentView::of(order.payment(), for_operators, language),
            email: order.email(),
            address: order.address(),
            audit: order.audit().map(|audit| AuditView::of(audit, for_operators)),
            missing: order.missing(),
            returns: order.returns().iter().map(|it| ReturnView::of(it, for_operators, language)).collect(),
            failure: order.failure().filter(|_| for_operators || !needs_attention),
            attention: (for_operators && needs_attention).then(|| AttentionView::of(order, language)),
        }
    }
}

impl<'a> ListedView<'a> {
    pub(crate) fn of(
        order: &'a Result<Order, Unreadable>,
        caller: &Caller,
        language: Language,
        now: DateTime<Utc>,
    ) -> Self {
        match order {
            Ok(order) => Self::Order(Box::new(OrderView::of(order, caller, language, now))),
            Err(unreadable) => Self::Unreadable(UnreadableView::of(unreadable, language)),
        }
    }
}

impl<'a> UnreadableView<'a> {
    fn of(order: &'a Unreadable, language: Language) -> Self {
        Self {
            order_id: &order.order_id,
            number: (),
            workflow_id: &order.order_id,
            status: unreadable_text(language),
            state: UnreadableState::Unreadable,
            reason: (),
            customer_id: order.customer_id.as_deref(),
            amount: (),
            currency: (),
            items: [],
            created_at: order.order_id.made_at(),
            timeline: [],
            shipments: [],
            payment: UnreadablePayment::default(),
        }
    }
}

impl<'a> ItemView<'a> {
    fn new(item: &'a Item) -> Self {
        Self {
            product_id: &item.product_id,
            name: &item.name,
            quantity: item.quantity,
            price: item.price.map(Amount),
        }
    }
}
