//! The problems that a request can have, as `application/problem+json` (RFC 9457, "Problem Details for HTTP
//! APIs").

use chrono::{DateTime, Utc};
use omniflow_domain::texts::status_text;
use omniflow_domain::{Language, Order};
use serde_json::{Value, json};

use crate::request::Request;

/// The kind of a problem, which its stable type names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is not JSON, or not what this call takes.
    BadRequest,
    /// The body is too large.
    BodyTooLarge,
    /// The request doesn't say who calls, or not in a way that is believed.
    Unauthorized,
    /// The caller may not do this.
    Forbidden,
    /// The shop doesn't sell a product that the order names.
    UnknownProduct,
    /// The amount and the prices of the items don't go together.
    AmountMismatch,
    /// No order has this id.
    OrderNotFound,
    /// No product has this id or name.
    ProductNotFound,
    /// Nobody has described a warehouse of this id.
    WarehouseNotFound,
    /// The address of a warehouse can't be used.
    UnusableEndpoint,
    /// The order has no shipment from this warehouse.
    ShipmentNotFound,
    /// The order has no return of this number.
    ReturnNotFound,
    /// These goods can't be returned, or not so many of them.
    NotReturnable,
    /// The list has no such page, or no longer.
    PageNotFound,
    /// No route has this path.
    RouteNotFound,
    /// The path is served, with another method.
    MethodNotAllowed,
    /// The order is not in a status in which this can be done.
    WrongState,
    /// The price or the amount that a customer named is not that of the catalogue.
    PriceChanged,
    /// The customer has too many orders, or too many pieces, that are not paid yet.
    TooManyOpenOrders,
    /// The reviewer would approve an order of their own.
    OwnOrder,
    /// A movement would take more pieces than are available, or bring more than a row holds.
    NotEnoughStock,
    /// Another product is found by an id or name of this one.
    NameTaken,
    /// What is to be changed is not as the caller knows it (RFC 9110, section 13).
    ChangedMeanwhile,
    /// A customer can't be forgotten while an order of theirs is open.
    CustomerHasOpenOrders,
    /// The bank declined. The customer may try again, also by another method.
    PaymentDeclined,
    /// The customer has to confirm the payment on a page first.
    PaymentActionRequired,
    /// The idempotency key was used for another request.
    IdempotencyKeyReused,
    /// The request was not complete in time.
    RequestTimeout,
    /// The request is addressed to a host that is not this one.
    HostNotServed,
    /// A page of another website sent the request.
    ForeignSite,
    /// The order is stored and can't be read. Repeating the request doesn't help.
    OrderUnreadable,
    /// The system failed. The same request may succeed later.
    Unavailable,
    /// More orders come than can be started. The same request may succeed later.
    Overloaded,
}

impl Kind {
    /// All kinds.
    pub const ALL: [Self; 33] = [
        Self::BadRequest,
        Self::BodyTooLarge,
        Self::Unauthorized,
        Self::Forbidden,
        Self::UnknownProduct,
        Self::AmountMismatch,
        Self::OrderNotFound,
        Self::ProductNotFound,
        Self::WarehouseNotFound,
        Self::UnusableEndpoint,
        Self::ShipmentNotFound,
        Self::ReturnNotFound,
        Self::NotReturnable,
        Self::PageNotFound,
        Self::RouteNotFound,
        Self::MethodNotAllowed,
        Self::WrongState,
        Self::PriceChanged,
        Self::TooManyOpenOrders,
        Self::OwnOrder,
        Self::NotEnoughStock,
        Self::NameTaken,
        Self::ChangedMeanwhile,
        Self::CustomerHasOpenOrders,
        Self::PaymentDeclined,
        Self::PaymentActionRequired,
        Self::IdempotencyKeyReused,
        Self::RequestTimeout,
        Self::HostNotServed,
        Self::ForeignSite,
        Self::OrderUnreadable,
        Self::Unavailable,
        Self::Overloaded,
    ];

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::PaymentDeclined | Self::PaymentActionRequired => 402,
            Self::Forbidden | Self::ForeignSite => 403,
            Self::BodyTooLarge => 413,
            Self::UnknownProduct
            | Self::AmountMismatch
            | Self::PriceChanged
            | Self::UnusableEndpoint
            | Self::IdempotencyKeyReused => 422,
            Self::TooManyOpenOrders => 429,
            Self::ChangedMeanwhile => 412,
            Self::OrderNotFound
            | Self::ProductNotFound
            | Self::WarehouseNotFound
            | Self::ShipmentNotFound
            | Self::ReturnNotFound
            | Self::PageNotFound
            | Self::RouteNotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::WrongState
            | Self::OwnOrder
            | Self::NotEnoughStock
            | Self::NotReturnable
            | Self::NameTaken
            | Self::CustomerHasOpenOrders => 409,
            Self::HostNotServed => 421,
            Self::OrderUnreadable => 500,
            Self::Unavailable | Self::Overloaded => 503,
        }
    }

    /// The last part of the `type`, which no release changes.
    pub const fn slug(self) -> &'static str {
        match self {
            Self::BadRequest => "bad-request",
            Self::BodyTooLarge => "body-too-large",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::UnknownProduct => "unknown-product",
            Self::AmountMismatch => "amount-mismatch",
            Self::OrderNotFound => "order-not-found",
            Self::ProductNotFound => "product-not-found",
            Self::WarehouseNotFound => "warehouse-not-found",
            Self::UnusableEndpoint => "unusable-endpoint",
            Self::ShipmentNotFound => "shipment-not-found",
            Self::ReturnNotFound => "return-not-found",
            Self::NotReturnable => "not-returnable",
            Self::PageNotFound => "page-not-found",
            Self::RouteNotFound => "route-not-found",
            Self::MethodNotAllowed => "method-not-allowed",
            Self::WrongState => "wrong-state",
            Self::PriceChanged => "price-changed",
            Self::TooManyOpenOrders => "too-many-open-orders",
            Self::OwnOrder => "own-order",
            Self::NotEnoughStock => "not-enough-stock",
            Self::NameTaken => "name-taken",
            Self::ChangedMeanwhile => "changed-meanwhile",
            Self::CustomerHasOpenOrders => "customer-has-open-orders",
            Self::PaymentDeclined => "payment-declined",
            Self::PaymentActionRequired => "payment-action-required",
            Self::IdempotencyKeyReused => "idempotency-key-reused",
            Self::RequestTimeout => "request-timeout",
            Self::HostNotServed => "host-not-served",
            Self::ForeignSite => "foreign-site",
            Self::OrderUnreadable => "order-unreadable",
            Self::Unavailable => "unavailable",
            Self::Overloaded => "overloaded",
        }
    }

    /// The `type`, which is a name (URN) and no address. The documentation explains it at `/docs#` and the
    /// type.
    pub fn uri(self) -> String {
        format!("urn:omniflow:problem:{}", self.slug())
    }

    /// A title for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "The request is not valid",
            Self::BodyTooLarge => "The body is too large",
            Self::Unauthorized => "Not signed in",
            Self::Forbidden => "You may not do this",
            Self::UnknownProduct => "A product is not sold here",
            Self::AmountMismatch => "The amount and the prices do not go together",
            Self::OrderNotFound => "There is no such order",
            Self::ProductNotFound => "There is no such product",
            Self::WarehouseNotFound => "There is no such warehouse",
            Self::UnusableEndpoint => "The warehouse can't be reached there",
            Self::ShipmentNotFound => "There is no such shipment",
            Self::ReturnNotFound => "There is no such return",
            Self::NotReturnable => "This can't be returned",
            Self::PageNotFound => "There is no such page of the list",
            Self::RouteNotFound => "There is nothing here",
            Self::MethodNotAllowed => "The method is not allowed here",
            Self::WrongState => "The order's state does not allow this",
            Self::PriceChanged => "The price is another one",
            Self::TooManyOpenOrders => "Too many orders are unpaid",
            Self::OwnOrder => "Nobody approves an order of their own",
            Self::NotEnoughStock => "There is too little in stock",
            Self::NameTaken => "Another product has this name",
            Self::ChangedMeanwhile => "Somebody changed it meanwhile",
            Self::CustomerHasOpenOrders => "The customer has open orders",
            Self::PaymentDeclined => "The payment was declined",
            Self::PaymentActionRequired => "The customer must confirm the payment",
            Self::IdempotencyKeyReused => "The idempotency key was used for another request",
            Self::RequestTimeout => "The request took too long",
            Self::HostNotServed => "This server does not have that name",
            Self::ForeignSite => "Other websites may not call this server",
            Self::OrderUnreadable => "The order's record can't be read",
            Self::Unavailable => "Temporarily unavailable",
            Self::Overloaded => "More orders come than can be started",
        }
    }
}

/// A problem, and what to do about it.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Problem {
    pub kind: Kind,
    /// What is wrong, and what to do.
    pub detail: String,
    /// Further members of the answer.
    pub more: Vec<(&'static str, Value)>,
}

impl Problem {
    /// Makes a problem without further members.
    pub fn new(kind: Kind, detail: impl Into<String>) -> Self {
        Self { kind, detail: detail.into(), more: Vec::new() }
    }

    /// Makes a problem whose detail is told in this language, of the texts in English, Chinese and Russian.
    pub(crate) fn told(kind: Kind, language: Language, [en, zh, ru]: [String; 3]) -> Self {
        let detail = match language {
            Language::En => en,
            Language::Zh => zh,
            Language::Ru => ru,
        };
        Self::new(kind, detail)
    }

    /// Adds a member.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        self.more.push((name, value.into()));
        self
    }

    /// Adds the order that the problem is about, with its state in the language of the request.
    #[must_use]
    pub(crate) fn about(self, order: &Order, request: &Request, now: DateTime<Utc>) -> Self {
        self.with("order_id", order.id().as_str())
            .with("state", order.shown_status().name())
            .with("order_status", status_text(order, request.language(), now))
    }

    /// The problem as the body of an answer.
    pub fn to_json(&self) -> Value {
        let mut body = json!({
            "type": self.kind.uri(),
            "title": self.kind.title(),
            "status": self.kind.status(),
            "detail": self.detail,
        });
        for (name, value) in &self.more {
            body[*name] = value.clone();
        }
        body
    }
}

/// The text of an error as the beginning of a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().collect::<String>() + chars.as_str())
}
