//! The order: what it is, and every decision about it.
//!
//! A decision is a method that changes the order in memory or refuses. The store then writes it on the condition that
//! nobody else wrote meanwhile; so of two decisions that race, one is made on the result of the other.

use std::fmt;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::allocation::{Line, Missing, Share};
use crate::email::Email;
use crate::money::Money;
use crate::status::{IllegalTransition, Reason, Status};
use crate::texts::Language;

/// `ORD-` and digits: milliseconds since 1970 and six random digits, so that ids sort by age.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
#[cfg_attr(feature = "schema", schemars(extend("pattern" = "^ORD-[0-9]{1,32}$")))]
pub struct OrderId(String);

/// A text that is no order id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not an order id: it is ORD- and digits")]
pub struct BadOrderId(String);

/// What all ids begin with.
const PREFIX: &str = "ORD-";
/// How many digits an id may have.
const MOST_DIGITS: usize = 32;
/// How many of the digits of a new id are its time.
const TIME_DIGITS: usize = 13;
/// How many are random.
const RANDOM_DIGITS: usize = 6;

impl OrderId {
    /// The length of the longest id.
    pub const LONGEST: usize = PREFIX.len() + MOST_DIGITS;

    /// The random number in an id is below this.
    pub const RANDOM_BELOW: u32 = 10_u32.pow(RANDOM_DIGITS as u32);

    /// A new one; `random`, which is below [`OrderId::RANDOM_BELOW`], makes it unique within its millisecond.
    pub fn new(now: DateTime<Utc>, random: u32) -> Self {
        let (time, random) = (now.timestamp_millis(), random % Self::RANDOM_BELOW);
        Self(format!("{PREFIX}{time:0TIME_DIGITS$}{random:0RANDOM_DIGITS$}"))
    }

    /// When it was made, if it was made by [`OrderId::new`].
    pub fn made_at(&self) -> Option<DateTime<Utc>> {
        let digits =
            self.0.strip_prefix(PREFIX).filter(|digits| digits.len() == TIME_DIGITS + RANDOM_DIGITS)?;
        DateTime::from_timestamp_millis(digits[..TIME_DIGITS].parse().ok()?)
    }

    /// Reads an id.
    ///
    /// # Errors
    /// [`BadOrderId`].
    pub fn parse(text: &str) -> Result<Self, BadOrderId> {
        let digits = text.strip_prefix(PREFIX).filter(|digits| (1..=MOST_DIGITS).contains(&digits.len()));
        match digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit())) {
            Some(_) => Ok(Self(text.to_owned())),
            None => Err(BadOrderId(text.to_owned())),
        }
    }

    /// Reads an id, or a workflow id of the order: the order id itself, or `order-processing-CUSTOMER-NUMBER`.
    ///
    /// # Errors
    /// [`BadOrderId`].
    pub fn parse_workflow_id(text: &str) -> Result<Self, BadOrderId> {
        match text.strip_prefix(PROCESSING).and_then(|rest| rest.rsplit_once('-')) {
            Some((_, number)) => {
                Self::parse(&format!("{PREFIX}{number}")).map_err(|_| BadOrderId(text.to_owned()))
            }
            None => Self::parse(text),
        }
    }

    /// The workflow id that names the customer as well; the number is the order's.
    pub fn processing_id(&self, customer: Option<&str>) -> String {
        let number = self.0.trim_start_matches(PREFIX);
        format!("{PROCESSING}{}-{number}", customer.unwrap_or("guest"))
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What workflow ids begin with that name the customer.
const PROCESSING: &str = "order-processing-";

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for OrderId {
    type Error = BadOrderId;

    fn try_from(text: String) -> Result<Self, BadOrderId> {
        Self::parse(&text)
    }
}

impl From<OrderId> for String {
    fn from(id: OrderId) -> Self {
        id.0
    }
}

/// Some of one product in an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// Which product.
    pub product_id: String,
    /// Its name, as the customer or the catalogue has it.
    pub name: String,
    /// How many.
    pub quantity: u32,
    /// For one, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Money>,
}

/// A status and when it began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The status.
    pub status: Status,
    /// Since when.
    pub at: DateTime<Utc>,
}

/// Where a shipment is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentState {
    /// Its goods are set aside.
    Pending,
    /// On its way.
    Shipped,
    /// Called back, or never sent.
    Cancelled,
}

/// What one warehouse ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Shipment {
    /// Which warehouse.
    pub warehouse: String,
    /// What.
    pub items: Vec<Line>,
    /// Where it is.
    pub state: ShipmentState,
    /// The carrier's number, once it is shipped.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
}

/// What became of the stock that was set aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Reservation {
    /// Nothing was set aside yet.
    None,
    /// Set aside.
    Held,
    /// Given back.
    Released,
    /// Sold.
    Sold,
}

/// Where the money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PaymentState {
    /// Nothing is due yet, or the customer has not paid.
    Pending,
    /// The customer gave the method to charge.
    Authorised,
    /// Taken.
    Captured,
    /// Given back.
    Refunded,
    /// It will never be taken.
    Void,
}

/// The payment of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payment {
    /// How; unknown until the customer pays.
    pub method: Option<String>,
    /// Where the money is.
    pub state: PaymentState,
    /// Until when the customer may pay.
    pub deadline: Option<DateTime<Utc>>,
    /// Whether the method came with the order, so that nobody has to wait for it.
    pub prepaid: bool,
}

/// What the reviewer said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Audit {
    /// Yes or no.
    pub approved: bool,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// When.
    pub at: DateTime<Utc>,
}

/// What the workflow must still hear. Stored with the write that decided it, cleared by the workflow's next activity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Signal {
    /// Begin.
    Start,
    /// The customer paid.
    Paid,
    /// The reviewer approved.
    Approved,
    /// The reviewer rejected.
    Rejected,
    /// Nobody paid in time.
    TimedOut,
    /// The customer cancelled.
    Cancelled,
}

impl Signal {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Start, Self::Paid, Self::Approved, Self::Rejected, Self::TimedOut, Self::Cancelled];

    /// The name that it is stored under.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Start => "START",
            Self::Paid => "PAID",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
            Self::TimedOut => "TIMED_OUT",
            Self::Cancelled => "CANCELLED",
        }
    }
}

/// An order. This is its item in the database: what it says is what is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// Its id, which is also the name of its workflow's executions.
    pub order_id: OrderId,
    /// Counts the writes; each is made on the condition that it is the next.
    pub version: u64,
    /// Where it is.
    pub status: Status,
    /// Why it was not fulfilled.
    pub reason: Option<Reason>,
    /// Whose it is, if they said; not empty.
    pub customer_id: Option<String>,
    /// Where its messages go, if the customer said.
    pub email: Option<Email>,
    /// The language that it was ordered in, and that its messages are in.
    pub language: Language,
    /// What it costs.
    pub amount: Money,
    /// What was ordered.
    pub items: Vec<Item>,
    /// Each status and when it began.
    pub timeline: Vec<Change>,
    /// One for each warehouse; empty until stock is set aside.
    pub shipments: Vec<Shipment>,
    /// What became of the stock.
    pub reservation: Reservation,
    /// The payment.
    pub payment: Payment,
    /// Whether a person must approve it.
    pub needs_audit: bool,
    /// What that person said.
    pub audit: Option<Audit>,
    /// The products of which there was too little.
    pub missing: Vec<Missing>,
    /// What went wrong, for people.
    pub failure: Option<String>,
    /// The token of the workflow's task that waits.
    pub task_token: Option<String>,
    /// The attempt of that task that the token belongs to. Attempts may overtake each other: one that Step Functions
    /// has given up may still be running, and its token is dead.
    pub token_attempt: u64,
    /// What the workflow must still hear.
    pub pending_signal: Option<Signal>,
    /// Since when, in milliseconds since 1970.
    pub pending_since: Option<i64>,
}

/// Why a decision was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The order is not in a status in which this can be done.
    #[error(transparent)]
    Illegal(#[from] IllegalTransition),
    /// The order is being undone or is closed; the workflow must turn to its compensation.
    #[error("the order is {0}")]
    Undone(Status),
    /// The reviewer has said something already.
    #[error("the order was reviewed already")]
    ReviewedAlready,
    /// The deadline for the payment has passed.
    #[error("the payment window closed at {0}")]
    TooLate(DateTime<Utc>),
    /// The deadline for the payment has not passed yet.
    #[error("the payment window is open until {0}")]
    TooEarly(DateTime<Utc>),
    /// A shipment is not on its way yet.
    #[error("the shipment from {0} is not on its way")]
    NotShipped(String),
}

/// What an order waits for that has come to its payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Awaits {
    /// The customer's money.
    Payment,
    /// A person, who must approve it before it can be paid.
    Review,
    /// It brought its payment.
    Nothing,
}

/// A task token, and which attempt of its task it was given to.
#[derive(Debug, Clone)]
pub struct Token {
    /// The token.
    pub token: String,
    /// Counts from 0.
    pub attempt: u64,
}

/// What a customer orders.
#[derive(Debug, Clone)]
pub struct NewOrder {
    /// Who.
    pub customer_id: Option<String>,
    /// Where messages go.
    pub email: Option<Email>,
    /// The language of the messages.
    pub language: Language,
    /// What.
    pub items: Vec<Item>,
    /// For how much.
    pub amount: Money,
    /// How it is paid, when that is known already.
    pub method: Option<String>,
    /// Whether a person must approve it.
    pub needs_audit: bool,
}

impl Order {
    /// A new order, which its workflow has still to be started for.
    pub fn receive(order_id: OrderId, new: NewOrder, now: DateTime<Utc>) -> Self {
        let mut order = Self {
            order_id,
            version: 0,
            status: Status::Received,
            reason: None,
            customer_id: new.customer_id.filter(|customer| !customer.is_empty()),
            email: new.email,
            language: new.language,
            amount: new.amount,
            items: new.items,
            timeline: vec![Change { status: Status::Received, at: now }],
            shipments: Vec::new(),
            reservation: Reservation::None,
            payment: Payment {
                prepaid: new.method.is_some(),
                method: new.method,
                state: PaymentState::Pending,
                deadline: None,
            },
            needs_audit: new.needs_audit,
            audit: None,
            missing: Vec::new(),
            failure: None,
            task_token: None,
            token_attempt: 0,
            pending_signal: None,
            pending_since: None,
        };
        order.signal(Signal::Start, now);
        order
    }

    /// Until when the customer may pay.
    pub fn deadline(&self) -> Option<DateTime<Utc>> {
        self.payment.deadline
    }

    /// Whether it stays as it is until a person does something or the time for that is over; or for ever.
    pub fn rests(&self) -> bool {
        self.status.is_final() || (self.status.awaits_person() && self.pending_signal.is_none())
    }

    /// When it was created.
    pub fn created_at(&self) -> Option<DateTime<Utc>> {
        self.timeline.first().map(|change| change.at)
    }

    /// The products wanted, each once.
    pub fn wanted(&self) -> Vec<Line> {
        let mut wanted: Vec<Line> = Vec::new();
        for item in &self.items {
            match wanted.iter_mut().find(|line| line.product_id == item.product_id) {
                Some(line) => line.quantity = line.quantity.saturating_add(item.quantity),
                None => wanted.push(Line { product_id: item.product_id.clone(), quantity: item.quantity }),
            }
        }
        wanted
    }

    fn become_(&mut self, status: Status, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.status.is_undone() && !status.is_undone() {
            return Err(Refusal::Undone(self.status));
        }
        self.status.check(status)?;
        self.status = status;
        self.timeline.push(Change { status, at: now });
        Ok(())
    }

    fn signal(&mut self, signal: Signal, now: DateTime<Utc>) {
        self.pending_signal = Some(signal);
        self.pending_since = Some(now.timestamp_millis());
    }

    /// The workflow has heard what there was to hear, and waits no more.
    fn heard(&mut self) {
        self.pending_signal = None;
        self.pending_since = None;
        self.task_token = None;
    }

    /// Notes that nobody waits for the signal that `read`, this order as it was read, has pending. A token that was
    /// registered, or a signal that was given, since then keeps it.
    pub fn settle(&mut self, read: &Self) {
        if self.pending_signal == read.pending_signal && self.task_token == read.task_token {
            self.pending_signal = None;
            self.pending_since = None;
        }
    }

    /// Keeps the token, unless a later attempt of the same task brought a newer one.
    fn keep_token(&mut self, Token { token, attempt }: Token) {
        if self.task_token.is_none() || attempt >= self.token_attempt {
            self.task_token = Some(token);
            self.token_attempt = attempt;
        }
    }

    /// Whether the workflow's next step has still to find this order as it wants it: undone orders turn it away.
    ///
    /// # Errors
    /// [`Refusal::Undone`].
    pub fn check_wanted(&self) -> Result<(), Refusal> {
        if self.status.is_undone() { Err(Refusal::Undone(self.status)) } else { Ok(()) }
    }

    /// Stock is set aside in these warehouses.
    ///
    /// # Errors
    /// When it isn't new any more.
    pub fn reserve(&mut self, shares: Vec<Share>, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.become_(Status::Reserved, now)?;
        self.heard();
        self.reservation = Reservation::Held;
        let shipment = |share: Share| Shipment {
            warehouse: share.warehouse,
            items: share.items,
            state: ShipmentState::Pending,
            tracking: None,
        };
        self.shipments = shares.into_iter().map(shipment).collect();
        Ok(())
    }

    /// There is too little of these products.
    ///
    /// # Errors
    /// When it isn't new any more.
    pub fn miss(&mut self, missing: Vec<Missing>, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.status != Status::Received {
            return Err(IllegalTransition { from: self.status, to: Status::Compensating }.into());
        }
        self.undo(Reason::OutOfStock, None, now)?;
        self.missing = missing;
        Ok(())
    }

    /// A person must look at it; the verdict answers this token.
    ///
    /// # Errors
    /// When it is past that.
    pub fn request_audit(&mut self, token: Token, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.status != Status::AwaitingAudit {
            self.become_(Status::AwaitingAudit, now)?;
            self.heard();
        }
        // Approved between the first try and this one: the new token must hear of it.
        if self.is_approved() {
            self.signal(Signal::Approved, now);
        }
        self.keep_token(token);
        Ok(())
    }

    fn is_approved(&self) -> bool {
        self.audit.as_ref().is_some_and(|audit| audit.approved)
    }

    /// The reviewer's verdict.
    ///
    /// # Errors
    /// When nobody waits for one, or there is one.
    pub fn review(
        &mut self,
        approved: bool,
        note: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if self.audit.is_some() {
            return Err(Refusal::ReviewedAlready);
        }
        if self.status != Status::AwaitingAudit {
            let to = if approved { Status::AwaitingPayment } else { Status::Compensating };
            return Err(IllegalTransition { from: self.status, to }.into());
        }
        self.audit = Some(Audit { approved, note, at: now });
        if approved {
            self.signal(Signal::Approved, now);
            return Ok(());
        }
        self.become_(Status::Compensating, now)?;
        self.reason = Some(Reason::AuditRejected);
        self.signal(Signal::Rejected, now);
        Ok(())
    }

    /// The customer may pay from now on, until `deadline`; payment or timeout answer this token. Doing it again changes
    /// the token and nothing else. An order that waits for something else, or for nothing, stays as it is.
    ///
    /// # Errors
    /// When it is past that.
    pub fn open_window(
        &mut self,
        token: Token,
        deadline: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Result<Awaits, Refusal> {
        self.check_wanted()?;
        if self.needs_audit && !self.is_approved() {
            return Ok(Awaits::Review);
        }
        if self.payment.prepaid {
            self.status.check(Status::PaymentReceived)?;
            return Ok(Awaits::Nothing);
        }
        match self.status {
            // Paid between the first try and this one: the new token must hear of it.
            Status::PaymentReceived => self.signal(Signal::Paid, now),
            Status::AwaitingPayment => {}
            _ => {
                self.become_(Status::AwaitingPayment, now)?;
                self.heard();
                self.payment.deadline = Some(deadline);
            }
        }
        self.keep_token(token);
        Ok(Awaits::Payment)
    }

    /// The customer pays.
    ///
    /// # Errors
    /// When nobody waits for it any more.
    pub fn pay(&mut self, method: &str, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.status != Status::AwaitingPayment {
            return Err(IllegalTransition { from: self.status, to: Status::PaymentReceived }.into());
        }
        if let Some(deadline) = self.deadline()
            && now >= deadline
        {
            return Err(Refusal::TooLate(deadline));
        }
        self.become_(Status::PaymentReceived, now)?;
        self.payment.method = Some(method.to_owned());
        self.payment.state = PaymentState::Authorised;
        self.signal(Signal::Paid, now);
        Ok(())
    }

    /// Nobody paid in time.
    ///
    /// # Errors
    /// When somebody did, or the time is not over.
    pub fn expire(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.status != Status::AwaitingPayment {
            return Err(IllegalTransition { from: self.status, to: Status::Compensating }.into());
        }
        if let Some(deadline) = self.deadline()
            && now < deadline
        {
            return Err(Refusal::TooEarly(deadline));
        }
        self.become_(Status::Compensating, now)?;
        self.reason = Some(Reason::PaymentTimeout);
        self.signal(Signal::TimedOut, now);
        Ok(())
    }

    /// The customer cancels.
    ///
    /// # Errors
    /// When it is too late for that, or done.
    pub fn cancel(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.status == Status::Compensating {
            return Err(Refusal::Undone(self.status));
        }
        let waits = self.status.awaits_person();
        self.become_(Status::Compensating, now)?;
        self.reason = Some(Reason::Customer);
        if waits {
            self.signal(Signal::Cancelled, now);
        }
        // A step that is running finds out by itself: its own write fails. A workflow that was never started still
        // has to be, and will.
        Ok(())
    }

    /// The money is taken, and the warehouses may begin: one write for both, since nothing comes between.
    ///
    /// # Errors
    /// When the order was undone meanwhile.
    pub fn capture(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        if self.status != Status::PaymentReceived {
            self.become_(Status::PaymentReceived, now)?;
        }
        self.become_(Status::Paid, now)?;
        self.become_(Status::Shipping, now)?;
        self.heard();
        self.payment.state = PaymentState::Captured;
        Ok(())
    }

    /// A shipment is on its way.
    ///
    /// # Errors
    /// When the order was undone meanwhile.
    pub fn ship(&mut self, warehouse: &str, tracking: &str) -> Result<(), Refusal> {
        if self.status != Status::Shipping {
            return Err(if self.status.is_undone() {
                Refusal::Undone(self.status)
            } else {
                IllegalTransition { from: self.status, to: Status::Shipping }.into()
            });
        }
        for shipment in self.shipments.iter_mut().filter(|shipment| shipment.warehouse == warehouse) {
            shipment.state = ShipmentState::Shipped;
            shipment.tracking = Some(tracking.to_owned());
        }
        Ok(())
    }

    /// All is on its way: the stock is sold.
    ///
    /// # Errors
    /// When something is not, or the order was undone meanwhile.
    pub fn complete(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.check_wanted()?;
        if let Some(shipment) =
            self.shipments.iter().find(|shipment| shipment.state != ShipmentState::Shipped)
        {
            return Err(Refusal::NotShipped(shipment.warehouse.clone()));
        }
        self.become_(Status::Completed, now)?;
        self.reservation = Reservation::Sold;
        Ok(())
    }

    /// Turns to undoing what was done, if that hasn't begun; what was decided first is the reason.
    ///
    /// # Errors
    /// When it is completed or closed.
    pub fn undo(
        &mut self,
        reason: Reason,
        failure: Option<String>,
        now: DateTime<Utc>,
    ) -> Result<(), Refusal> {
        if self.status != Status::Compensating {
            self.become_(Status::Compensating, now)?;
            self.reason = Some(reason);
            self.failure = failure;
        }
        self.heard();
        Ok(())
    }

    /// No shipment is on its way any more, and none will be.
    pub fn cancel_shipments(&mut self) {
        for shipment in &mut self.shipments {
            shipment.state = ShipmentState::Cancelled;
        }
    }

    /// The money is back, or was never taken.
    pub fn refund(&mut self, money_moved: bool) {
        self.payment.state = if money_moved { PaymentState::Refunded } else { PaymentState::Void };
    }

    /// The stock is back. `false` when there was none to give back.
    pub fn release(&mut self) -> bool {
        let held = self.reservation == Reservation::Held;
        if held {
            self.reservation = Reservation::Released;
        }
        for shipment in self.shipments.iter_mut().filter(|shipment| shipment.state == ShipmentState::Pending)
        {
            shipment.state = ShipmentState::Cancelled;
        }
        held
    }

    /// All is undone.
    ///
    /// # Errors
    /// When it wasn't being undone.
    pub fn close(&mut self, now: DateTime<Utc>) -> Result<(), Refusal> {
        let status = match self.reason {
            Some(Reason::OutOfStock) => Status::Rejected,
            _ => Status::Cancelled,
        };
        self.heard();
        if matches!(self.payment.state, PaymentState::Pending | PaymentState::Authorised) {
            self.payment.state = PaymentState::Void;
        }
        self.become_(status, now)
    }

    /// A compensation failed for good: a person must look.
    ///
    /// # Errors
    /// When it wasn't being undone.
    pub fn need_attention(&mut self, failure: String, now: DateTime<Utc>) -> Result<(), Refusal> {
        self.heard();
        self.failure = Some(failure);
        self.become_(Status::NeedsAttention, now)
    }
}

#[cfg(test)]
mod tests {
    use chrono::Duration;

    use super::*;

    fn now() -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000, 0).unwrap()
    }

    fn token(token: &str, attempt: u64) -> Token {
        Token { token: token.to_owned(), attempt }
    }

    fn reserved(method: Option<&str>, needs_audit: bool) -> Order {
        let new = NewOrder {
            customer_id: None,
            email: None,
            language: Language::default(),
            items: Vec::new(),
            amount: Money::default(),
            method: method.map(str::to_owned),
            needs_audit,
        };
        let mut order = Order::receive(OrderId::new(now(), 7), new, now());
        order.reserve(Vec::new(), now()).unwrap();
        order
    }

    fn awaiting_payment() -> Order {
        let mut order = reserved(None, false);
        order.open_window(token("t1", 0), now() + Duration::seconds(30), now()).unwrap();
        order
    }

    #[test]
    fn signals_have_the_names_that_they_are_stored_under() {
        for signal in Signal::ALL {
            assert_eq!(serde_json::to_value(signal).unwrap(), signal.name());
        }
    }

    #[test]
    fn ids_sort_by_age_and_are_checked() {
        let (old, new) = (OrderId::new(now(), 999_999), OrderId::new(now() + Duration::milliseconds(1), 0));
        assert!(old < new);
        assert_eq!(OrderId::parse(old.as_str()).unwrap(), old);
        assert_eq!(old.made_at(), Some(now()));
        assert_eq!(OrderId::parse("ORD-17").unwrap().made_at(), None);
        assert_eq!(
            OrderId::parse(&format!("ORD-{}", "9".repeat(32))).unwrap().as_str().len(),
            OrderId::LONGEST
        );
        for bad in ["", "ORD-", "ORD-1x", "1", "ORD-1;drop", &format!("ORD-{}", "9".repeat(33))] {
            assert!(OrderId::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_late_payment_is_refused() {
        let mut order = awaiting_payment();
        let late = now() + Duration::seconds(30);
        assert!(matches!(order.pay("pm_card", late), Err(Refusal::TooLate(_))));
        assert!(matches!(order.expire(now()), Err(Refusal::TooEarly(_))));
        order.expire(late).unwrap();
        assert_eq!((order.status, order.pending_signal), (Status::Compensating, Some(Signal::TimedOut)));
        assert!(order.pay("pm_card", now()).is_err());
    }

    #[test]
    fn a_window_that_is_opened_again_keeps_its_deadline_and_a_payment_made_meanwhile() {
        let mut order = awaiting_payment();
        order.open_window(token("t2", 1), now() + Duration::seconds(99), now()).unwrap();
        assert_eq!(order.deadline(), Some(now() + Duration::seconds(30)));
        order.pay("pm_card", now()).unwrap();
        order.open_window(token("t3", 2), now(), now()).unwrap();
        assert_eq!((order.status, order.pending_signal), (Status::PaymentReceived, Some(Signal::Paid)));
        assert_eq!(order.task_token.as_deref(), Some("t3"));
    }

    #[test]
    fn an_order_that_must_be_reviewed_is_not_payable_before() {
        for method in [None, Some("pm_card")] {
            let mut order = reserved(method, true);
            assert_eq!(order.open_window(token("t1", 0), now(), now()), Ok(Awaits::Review));
            assert_eq!(order.status, Status::Reserved);
            order.request_audit(token("t2", 0), now()).unwrap();
            assert_eq!(order.open_window(token("t1", 0), now(), now()), Ok(Awaits::Review));
            assert_eq!(order.task_token.as_deref(), Some("t2"));
            order.review(true, None, now()).unwrap();
            let awaits = if method.is_some() { Awaits::Nothing } else { Awaits::Payment };
            assert_eq!(order.open_window(token("t3", 0), now(), now()), Ok(awaits));
        }
        let mut cancelled = reserved(None, true);
        cancelled.cancel(now()).unwrap();
        assert!(matches!(cancelled.open_window(token("t1", 0), now(), now()), Err(Refusal::Undone(_))));
    }

    #[test]
    fn an_order_that_brought_its_payment_has_no_window() {
        let before = reserved(Some("pm_card"), false);
        let mut order = before.clone();
        assert_eq!(order.open_window(token("t1", 0), now(), now()), Ok(Awaits::Nothing));
        assert_eq!(order, before);
        order.capture(now()).unwrap();
        assert!(order.open_window(token("t1", 0), now(), now()).is_err(), "it is past that");
    }

    #[test]
    fn an_attempt_that_was_given_up_does_not_bring_its_dead_token_back() {
        let mut order = awaiting_payment();
        order.open_window(token("t2", 1), now(), now()).unwrap();
        order.open_window(token("t1", 0), now(), now()).unwrap();
        assert_eq!(order.task_token.as_deref(), Some("t2"));
    }

    #[test]
    fn a_cancelled_order_turns_every_step_away() {
        let mut order = awaiting_payment();
        order.cancel(now()).unwrap();
        assert!(matches!(order.capture(now()), Err(Refusal::Undone(_))));
        assert!(matches!(order.ship("wh-east", "t"), Err(Refusal::Undone(_))));
        assert!(matches!(order.complete(now()), Err(Refusal::Undone(_))));
        assert!(order.cancel(now()).is_err());
        order.undo(Reason::PaymentFailed, None, now()).unwrap();
        assert_eq!(order.reason, Some(Reason::Customer));
        order.close(now()).unwrap();
        assert_eq!(order.status, Status::Cancelled);
    }

    #[test]
    fn a_verdict_is_given_once() {
        let mut order = Order::receive(
            OrderId::new(now(), 1),
            NewOrder {
                customer_id: None,
                email: None,
                language: Language::default(),
                items: vec![],
                amount: Money::default(),
                method: None,
                needs_audit: true,
            },
            now(),
        );
        order.reserve(Vec::new(), now()).unwrap();
        assert!(order.review(true, None, now()).is_err());
        order.request_audit(token("t", 0), now()).unwrap();
        order.review(true, None, now()).unwrap();
        assert_eq!(order.review(false, None, now()), Err(Refusal::ReviewedAlready));
    }
}
