//! A shipment: the goods that one warehouse ships for an order, and what the warehouse said about them.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::allocation::{Line, Share};
use crate::order::{Token, Unknown};

/// The number of entries that the history of a shipment keeps, which are the latest: a warehouse may report a
/// delay every hour, and an order's item is billed by its length.
const MOST_SAID: usize = 20;
/// The length of the longest text that a warehouse may say, in characters.
pub const LONGEST_SAID: usize = 200;
/// The length of the longest address of a page of a carrier, in characters.
pub const LONGEST_URL: usize = 500;
/// A task that has timed out may be called again a moment before the time that was noted a moment after its
/// beginning; the shipment is overdue then, too.
const SLACK: TimeDelta = TimeDelta::minutes(1);

/// The goods that one warehouse ships for an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Shipment {
    /// The id of the warehouse.
    pub warehouse: String,
    /// The goods.
    pub items: Vec<Line>,
    /// How far the shipment has come.
    pub state: ShipmentState,
    /// The carrier's number, once the shipment is on its way and the warehouse has told it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking: Option<String>,
    /// The carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub carrier: Option<String>,
    /// The page at which the carrier shows where the shipment is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tracking_url: Option<String>,
    /// The warehouse that was to ship these goods before and did not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instead_of: Option<String>,
    /// The moment at which the warehouse was first asked, when it doesn't answer at once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dispatched_at: Option<DateTime<Utc>>,
    /// What the warehouse said after it was asked, oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<Said>,
    /// The task of the workflow that waits for the warehouse.
    #[serde(skip)]
    pub task: Option<Token>,
    /// What that task must still be told.
    #[serde(skip)]
    pub pending: Option<ShipmentSignal>,
    /// What a later release stored with the shipment.
    #[serde(skip)]
    pub unknown: Unknown,
}

/// How far a shipment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentState {
    /// The goods are set aside in the warehouse.
    Pending,
    /// The warehouse was asked to ship, and says later what becomes of it.
    Dispatched,
    /// The goods are on their way.
    Shipped,
    /// The customer has the goods.
    Delivered,
    /// The warehouse does not ship the goods: it said so, or it said nothing in time.
    Rejected,
    /// The goods were called back, or were never sent.
    Cancelled,
}

impl ShipmentState {
    /// Whether the goods have left the warehouse.
    pub const fn is_out(self) -> bool {
        matches!(self, Self::Shipped | Self::Delivered)
    }

    /// Whether the warehouse may still say either that it ships or that it doesn't.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Dispatched)
    }
}

/// What the task of a shipment must be told. It is stored by the write that decided it, as
/// [`Signal`](crate::order::Signal) is for the order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ShipmentSignal {
    /// The goods are on their way.
    Shipped,
    /// The warehouse does not ship.
    Rejected,
}

/// Something that a warehouse can say about a shipment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum WarehouseEvent {
    /// It has the request and will ship.
    Accepted,
    /// The goods are on their way.
    Shipped,
    /// It will not ship.
    Rejected,
    /// It will ship later than expected.
    Delayed,
    /// The customer has the goods.
    Delivered,
}

impl WarehouseEvent {
    /// All events.
    pub const ALL: [Self; 5] =
        [Self::Accepted, Self::Shipped, Self::Rejected, Self::Delayed, Self::Delivered];

    /// The name that programs use.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accepted => "ACCEPTED",
            Self::Shipped => "SHIPPED",
            Self::Rejected => "REJECTED",
            Self::Delayed => "DELAYED",
            Self::Delivered => "DELIVERED",
        }
    }

    /// The event of this name, if there is one.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == name)
    }
}

/// Something that a warehouse said about a shipment, and when the shop heard it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Said {
    /// What it said.
    pub event: WarehouseEvent,
    /// When the shop heard it.
    pub at: DateTime<Utc>,
    /// Why, in the warehouse's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A parcel on its way, as far as the warehouse tells.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parcel {
    /// The carrier's number.
    pub tracking: Option<String>,
    /// The carrier.
    pub carrier: Option<String>,
    /// The page at which the carrier shows where it is.
    pub tracking_url: Option<String>,
}

/// What is wrong with what a warehouse says. `field` is its member.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the names and texts say it")]
pub enum BadReport {
    #[error("'{field}' must have 1 to {LONGEST_SAID} printable characters")]
    Text { field: &'static str },
    #[error(
        "'tracking_url' must be an address that begins with https:// and has at most {LONGEST_URL} characters"
    )]
    Url,
}

impl Parcel {
    /// Checks that the texts can be shown, and that the page can be linked to.
    ///
    /// # Errors
    /// [`BadReport`].
    pub fn check(&self) -> Result<(), BadReport> {
        check_text("tracking", self.tracking.as_deref())?;
        check_text("carrier", self.carrier.as_deref())?;
        match self.tracking_url.as_deref() {
            Some(url) if !is_page(url) => Err(BadReport::Url),
            _ => Ok(()),
        }
    }
}

impl Report {
    /// As [`Parcel::check`], for all of it.
    ///
    /// # Errors
    /// [`BadReport`].
    pub fn check(&self) -> Result<(), BadReport> {
        self.parcel.check()?;
        check_text("reason", self.reason.as_deref())
    }
}

fn check_text(field: &'static str, text: Option<&str>) -> Result<(), BadReport> {
    let is_good =
        |text: &str| (1..=LONGEST_SAID).contains(&text.chars().count()) && !text.contains(char::is_control);
    if text.is_none_or(is_good) { Ok(()) } else { Err(BadReport::Text { field }) }
}

/// Whether the text is the address of a page that browsers may be led to, in the characters of addresses (RFC 3986,
/// section 2). Other schemes than `https` could run a script.
fn is_page(url: &str) -> bool {
    let host = url.strip_prefix("https://").and_then(|rest| rest.chars().next());
    let is_odd = |c: char| !c.is_ascii_graphic() || "\"<>\\^`{|}".contains(c);
    host.is_some_and(|c| c.is_ascii_alphanumeric() || c == '[')
        && url.len() <= LONGEST_URL
        && !url.contains(is_odd)
}

impl From<&str> for Parcel {
    fn from(tracking: &str) -> Self {
        Self { tracking: Some(tracking.to_owned()), ..Self::default() }
    }
}

/// What a warehouse says about a shipment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// What it says.
    pub event: WarehouseEvent,
    /// The parcel, with events that say that it is on its way.
    pub parcel: Parcel,
    /// Why, in the warehouse's words.
    pub reason: Option<String>,
}

impl From<Share> for Shipment {
    fn from(share: Share) -> Self {
        Self {
            warehouse: share.warehouse,
            items: share.items,
            state: ShipmentState::Pending,
            tracking: None,
            carrier: None,
            tracking_url: None,
            instead_of: None,
            dispatched_at: None,
            history: Vec::new(),
            task: None,
            pending: None,
            unknown: Unknown::default(),
        }
    }
}

impl Shipment {
    /// Whether the warehouse has had the request for this long and said neither that it ships nor that it
    /// doesn't.
    pub fn is_overdue(&self, deadline: TimeDelta, now: DateTime<Utc>) -> bool {
        let due = self.dispatched_at.map(|asked| asked + deadline);
        self.state == ShipmentState::Dispatched && due.is_some_and(|due| due <= now + SLACK)
    }

    /// Notes where the parcel is, without forgetting what was told before.
    pub(super) fn note_parcel(&mut self, parcel: &Parcel) {
        let fill = |known: &mut Option<String>, told: &Option<String>| {
            if known.is_none() {
                known.clone_from(told);
            }
        };
        fill(&mut self.tracking, &parcel.tracking);
        fill(&mut self.carrier, &parcel.carrier);
        fill(&mut self.tracking_url, &parcel.tracking_url);
    }

    /// Forgets what leads to the customer: the carrier shows by the parcel's number where it went, and a warehouse may
    /// have named a person in its reasons. What was shipped from where, and when, stays for the books.
    pub(super) fn forget_customer(&mut self) {
        self.tracking = None;
        self.tracking_url = None;
        for said in &mut self.history {
            said.reason = None;
        }
    }

    /// Notes what the warehouse said, unless it has said just that before.
    pub(super) fn note_said(&mut self, event: WarehouseEvent, reason: Option<&str>, now: DateTime<Utc>) {
        let before = self.history.iter().rev().find(|said| said.event == event);
        if before.is_some_and(|said| said.reason.as_deref() == reason) {
            return;
        }
        if self.history.len() >= MOST_SAID {
            self.history.remove(0);
        }
        self.history.push(Said { event, at: now, reason: reason.map(str::to_owned) });
    }

    /// Keeps the task, unless a later attempt of it came before this one; see
    /// [`Order::keep_token`](super::Order).
    pub(super) fn keep_task(&mut self, task: Token) {
        let is_later = |known: &Token| (task.redrive, task.attempt) >= (known.redrive, known.attempt);
        if self.task.as_ref().is_none_or(is_later) {
            self.task = Some(task);
            self.pending = None;
        }
    }

    /// Notes what the task that waits must be told, if one does.
    pub(super) fn tell(&mut self, signal: ShipmentSignal) {
        self.pending = self.task.is_some().then_some(signal);
    }

    pub(super) fn stop_waiting(&mut self) {
        self.task = None;
        self.pending = None;
    }
}
