//! The writes of orders.

use omniflow_domain::order::{PaymentState, Reservation};
use omniflow_domain::{Order, Status};

use super::{AT_REST, Books, Entry, Goods, Money, Promise, returns};
use crate::invariant::Invariant;

impl Books {
    /// Notes that an order was written.
    pub fn written(&mut self, order: Order, now: u64) {
        self.writes += 1;
        let id = order.id().as_str().to_owned();
        let before = self.orders.remove(&id);
        let problems = match &before {
            None => first(&order),
            Some(before) => next(&before.order, &order),
        };
        for (invariant, found) in problems.into_iter().chain(self.numbered(&order)) {
            self.violated(invariant, Some(&id), found);
        }
        let before_it = before.as_ref().map(|before| before.order.status());
        let disturbed = match order.status() {
            Status::NeedsAttention => order.failed_by_disturbance(),
            _ => before.as_ref().is_some_and(|before| before.disturbed),
        };
        if order.failed_by_disturbance() && before_it != Some(Status::NeedsAttention) {
            self.attention += 1;
            let is_taken = before.as_ref().is_some_and(|before| before.money.is_taken());
            self.attention_after_money += u64::from(is_taken);
        }
        self.stock.owned_by(before.as_ref().map(|before| &before.order), &order);
        let mut entry = match before {
            Some(before) => Entry { order, written_at: now, disturbed, ..before },
            None => {
                self.made += 1;
                Entry {
                    order,
                    written_at: now,
                    asked_to_pay: false,
                    promises: Vec::new(),
                    money: Money::default(),
                    held_since: None,
                    goods: Default::default(),
                    published: Vec::new(),
                    told: Default::default(),
                    mails: Default::default(),
                    left: Default::default(),
                    returns: Default::default(),
                    disturbed,
                    key: None,
                }
            }
        };
        if entry.order.payment().prepaid {
            entry.asked_to_pay = true;
        }
        for (invariant, found) in against_the_outside(&entry) {
            self.violated(invariant, Some(&id), found);
        }
        if has_ended(entry.order.status()) {
            self.ended.push_back((now + AT_REST, id.clone()));
        }
        self.orders.insert(id, entry);
    }

    /// Notes whose the order's number is, and what is wrong with it.
    fn numbered(&mut self, order: &Order) -> Option<(Invariant, String)> {
        let Some(number) = order.number() else {
            return Some((Invariant::OneNumber, "it was written without a number".to_owned()));
        };
        let id = order.id().as_str();
        let first = self.numbers.entry(number).or_insert_with(|| id.to_owned());
        (first != id).then(|| (Invariant::OneNumber, format!("its number {number} is that of {first}")))
    }

    /// Notes that a request with this idempotency key made an order.
    pub fn made_by_key(&mut self, key: &str, order: &str) {
        let first = self.keys.entry(key.to_owned()).or_insert_with(|| order.to_owned()).clone();
        if let Some(entry) = self.orders.get_mut(order) {
            entry.key = Some(key.to_owned());
        }
        if first != order {
            self.violated(Invariant::OneOrder, Some(order), format!("its key had made {first} before"));
        }
    }

    /// Notes that the customer of an order asks to pay it.
    pub fn asked_to_pay(&mut self, order: &str) {
        if let Some(entry) = self.orders.get_mut(order) {
            entry.asked_to_pay = true;
        }
    }

    /// Notes that a decision was answered with 2xx, and checks that it stands on the order.
    pub fn promised(&mut self, id: &str, promise: Promise) {
        let Some(entry) = self.orders.get_mut(id) else {
            let found = format!("{promise:?} was answered with 2xx, and there is no such order");
            return self.violated(Invariant::AnswersTrue, Some(id), found);
        };
        if !entry.promises.contains(&promise) {
            entry.promises.push(promise);
        }
        if !is_kept(promise, &entry.order) {
            let found = format!(
                "{promise:?} was answered with 2xx, and the order is {} ({:?})",
                entry.order.status(),
                entry.order.reason()
            );
            self.violated(Invariant::AnswersTrue, Some(id), found);
        }
    }
}

/// Whether no step follows, unless a person acts.
pub(super) fn has_ended(status: Status) -> bool {
    matches!(status, Status::Completed | Status::Cancelled | Status::Rejected)
}

/// Whether what was promised stands on the order, as far as it has come.
pub(super) fn is_kept(promise: Promise, order: &Order) -> bool {
    let has_been = |status| order.timeline().iter().any(|change| change.status == status);
    match promise {
        Promise::Created => true,
        Promise::Paid => has_been(Status::PaymentReceived),
        Promise::Cancelled => order.standing().is_undone() || is_settled(order),
        Promise::Approved => order.audit().is_some_and(|audit| audit.approved),
        Promise::Rejected => {
            order.audit().is_some_and(|audit| !audit.approved)
                && (order.standing().is_undone() || is_settled(order))
        }
    }
}

/// Whether a person has said what was done with the order by hand.
pub fn is_settled(order: &Order) -> bool {
    order.record().attention.as_ref().is_some_and(|attention| attention.resolution.is_some())
}

pub(super) type Problems = Vec<(Invariant, String)>;

/// What is wrong with a new order.
fn first(order: &Order) -> Problems {
    let mut problems = Vec::new();
    if order.version() != 0 || order.status() != Status::Received {
        problems.push((
            Invariant::VersionGrows,
            format!("it is {} at version {} and was never made", order.status(), order.version()),
        ));
    }
    problems
}

/// What is wrong with a write of an order.
fn next(before: &Order, after: &Order) -> Problems {
    let mut problems = Vec::new();
    if after.version() != before.version() + 1 {
        let found = format!("version {} follows version {}", after.version(), before.version());
        problems.push((Invariant::VersionGrows, found));
    }
    let (old, new) = (before.timeline(), after.timeline());
    if !new.starts_with(old) {
        problems.push((Invariant::LegalTransition, "its timeline was written anew".to_owned()));
    }
    for step in new.windows(2).skip(old.len().saturating_sub(1)) {
        if !step[0].status.next().contains(&step[1].status) {
            let found = format!("{} follows {}", step[1].status, step[0].status);
            problems.push((Invariant::LegalTransition, found));
        }
    }
    if new.last().map(|change| change.status) != Some(after.status()) {
        problems.push((Invariant::LegalTransition, "its status is not the last of its timeline".to_owned()));
    }
    if before.number() != after.number() {
        problems.push((Invariant::OneNumber, "its number has changed".to_owned()));
    }
    if before.amount() != after.amount() || before.customer_id() != after.customer_id() {
        problems.push((Invariant::LegalTransition, "its amount or its customer has changed".to_owned()));
    }
    if let (Some(old), Some(new)) = (before.audit(), after.audit())
        && old != new
    {
        problems.push((Invariant::AnswersTrue, "its verdict has changed".to_owned()));
    }
    problems.extend(returns::next(before, after));
    problems
}

/// What contradicts the payment gateway and the warehouses.
pub(super) fn against_the_outside(entry: &Entry) -> Problems {
    let Entry { order, money, goods, .. } = entry;
    // What was done by hand is in no ledger.
    if is_settled(order) {
        return settled(entry);
    }
    let mut problems = Vec::new();
    let mut wrong = |invariant, found: &str| problems.push((invariant, found.to_owned()));
    match order.payment().state {
        PaymentState::Captured => {
            // What the gateway gives back minutes after it was asked to, the step that asks again will note.
            let is_given_back = order.standing() == Status::Compensating && money.refunds > 0;
            let is_there = money.is_shops() || is_given_back;
            if !is_there || money.captured != Some(order.amount().to_string()) {
                wrong(Invariant::MoneyMatches, "it is said to be paid, and the gateway has no such money");
            }
            if order.payment().method.is_none() || !entry.asked_to_pay {
                wrong(Invariant::MoneyAskedFor, "money was taken, and the customer has not asked to pay");
            }
        }
        PaymentState::Refunded
            if money.refunds == 0
                && !money.returned_by_hand
                && returns::given_back(entry) < order.amount().minor_units() =>
        {
            wrong(Invariant::MoneyMatches, "it is said to be refunded, and the gateway has not done it");
        }
        PaymentState::Void if money.is_taken() => {
            wrong(Invariant::MoneyMatches, "it is said to be void, and the gateway has taken the money");
        }
        _ => {}
    }
    let on_their_way = goods.values().any(Goods::is_on_its_way);
    match order.status() {
        Status::Completed => {
            if !money.is_shops() {
                wrong(Invariant::MoneyMatches, "it is completed, and not paid for");
            }
            let is_out = |warehouse: &str| goods.get(warehouse).is_some_and(Goods::is_on_its_way);
            if !order.held_shipments().all(|one| one.state.is_out() && is_out(&one.warehouse)) {
                wrong(Invariant::GoodsMatch, "it is completed, and not all its goods are on their way");
            }
            let held = order.held_shipments().count();
            if goods.values().filter(|goods| goods.is_on_its_way()).count() > held {
                wrong(Invariant::EffectOnce, "goods have left that another warehouse sent in place of it");
            }
            if order.reservation() != Reservation::Sold {
                wrong(Invariant::StockOwned, "it is completed, and its stock is not sold");
            }
        }
        Status::Cancelled | Status::Rejected => {
            if money.is_taken() {
                wrong(Invariant::MoneyMatches, "it is undone, and its money was taken and not given back");
            }
            if on_their_way {
                wrong(Invariant::GoodsMatch, "it is undone, and goods are on their way");
            }
            if order.reservation() == Reservation::Held {
                wrong(Invariant::StockOwned, "it is undone, and holds stock");
            }
        }
        _ => {}
    }
    problems
}

/// What contradicts the outside of an order that a person has settled.
fn settled(Entry { order, money, goods, .. }: &Entry) -> Problems {
    let mut problems = Vec::new();
    let is_wrong = match order.payment().state {
        PaymentState::Captured => !money.is_shops(),
        PaymentState::Refunded => money.captures == 0,
        PaymentState::Void => money.is_taken(),
        PaymentState::Pending | PaymentState::Authorised => true,
    };
    if is_wrong {
        let found = format!("it was settled as {:?}, and the gateway says otherwise", order.payment().state);
        problems.push((Invariant::MoneyMatches, found));
    }
    if order.reservation() == Reservation::Held {
        problems.push((Invariant::StockOwned, "it was settled, and holds stock".to_owned()));
    }
    // What was written off as lost may leave: a warehouse that doesn't answer can't be asked to keep it.
    let is_written_off = order.reservation() == Reservation::Lost
        && !order.shipments().iter().any(|shipment| shipment.state.is_out());
    let is_kept =
        |warehouse: &str| order.held_shipments().any(|one| one.warehouse == warehouse && !one.state.is_out());
    for (warehouse, _) in
        goods.iter().filter(|(warehouse, goods)| goods.is_on_its_way() && is_kept(warehouse))
    {
        if !is_written_off {
            let found = format!("it was settled, and goods have left {warehouse} that can be ordered again");
            problems.push((Invariant::GoodsMatch, found));
        }
    }
    problems
}
