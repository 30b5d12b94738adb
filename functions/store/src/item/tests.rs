use aws_sdk_dynamodb::primitives::Blob;
use chrono::DateTime;
use omniflow_domain::Address;
use omniflow_domain::Currency;
use omniflow_domain::Language;
use omniflow_domain::Reason;
use omniflow_domain::address::Country;
use omniflow_domain::allocation::{Line, Missing};
use omniflow_domain::money::Money;
use omniflow_domain::order::{
    Actor, Announcements, Attention, Audit, Change, Failed, Item, OrderNumber, OrderRecord, Payment,
    PaymentEntry, PaymentNews, PaymentState, Reservation, Resolution, Role, Said, SettledMoney, SettledStock,
    Shipment, ShipmentSignal, ShipmentState, Token, WarehouseEvent,
};
use omniflow_domain::payment_gateway::{Decline, Dispute};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;
use serde_json::json;

use super::returns_tests::returns;
use super::*;

const ID: &str = "ORD-1800000000000000007";

fn stored(document: &str) -> AttributeMap {
    let text = |text: &str| AttributeValue::S(text.to_owned());
    HashMap::from([
        ("order_id".to_owned(), text(ID)),
        ("version".to_owned(), AttributeValue::N("4".to_owned())),
        ("status".to_owned(), text("PAYMENT_RECEIVED")),
        ("customer_id".to_owned(), text("ann")),
        ("pending_signal".to_owned(), text("PAID")),
        ("pending_since".to_owned(), AttributeValue::N("1800000002000".to_owned())),
        ("document".to_owned(), text(document)),
    ])
}

/// As it is written now.
const OF_NOW: &str = r#"{
    "v": 1,
    "amount": "499.00",
    "items": [{ "product_id": "p", "name": "P", "quantity": 2, "price": "249.50" }],
    "timeline": [["RECEIVED", 1800000000000], ["PAYMENT_RECEIVED", 1800000002000]],
    "announce_from": 1,
    "shipments": [{ "warehouse": "w", "items": [["p", 2]], "state": "PENDING" }],
    "reservation": "HELD",
    "payment": { "method": "pm_card", "state": "AUTHORISED", "deadline": 1800000030000 },
    "task_token": "token"
}"#;

/// As release 0.1 wrote it.
const OF_RELEASE_0_1: &str = r#"{
    "amount": "499.00",
    "items": [{ "product_id": "p", "name": "P", "quantity": 2, "price": "249.50" }],
    "timeline": [["RECEIVED", 1800000000000], ["PAYMENT_RECEIVED", 1800000002000]],
    "shipments": [{ "warehouse": "w", "items": [["p", 2]], "state": "PENDING" }],
    "reservation": "HELD",
    "payment": { "method": "pm_card", "state": "AUTHORISED", "deadline": 1800000030000 },
    "task_token": "token"
}"#;

/// As it was written at first.
const EARLIEST: &str = r#"{
    "order_id": "ORD-1800000000000000007", "version": 4, "status": "PAYMENT_RECEIVED", "customer_id": "ann",
    "language": "zh",
    "amount": "499.00",
    "items": [{ "product_id": "p", "name": "P", "quantity": 2, "price": "249.50" }],
    "timeline": [
        { "status": "RECEIVED", "at": "2027-01-15T08:00:00Z" },
        { "status": "PAYMENT_RECEIVED", "at": "2027-01-15T08:00:02.000Z" }
    ],
    "shipments": [{ "warehouse": "w", "items": [{ "product_id": "p", "quantity": 2 }], "state": "PENDING" }],
    "reservation": "HELD",
    "payment": {
        "method": "pm_card", "state": "AUTHORISED", "deadline": "2027-01-15T08:00:30Z", "prepaid": false
    },
    "needs_audit": false, "task_token": "token", "token_attempt": 0,
    "pending_signal": "PAID", "pending_since": 1800000002000
}"#;

fn read(item: AttributeMap) -> Result<Order, Unreadable> {
    super::read(&OrderId::parse(ID).unwrap(), item)
}

fn parsed(document: &str) -> Value {
    serde_json::from_str(document).unwrap()
}

/// The document of the item that the order is stored as.
fn written(order: &Order) -> Value {
    parsed(of(order, IndexKeys::Plain).unwrap()[DOCUMENT].as_s().unwrap())
}

#[test]
fn an_order_is_written_as_it_was_read() {
    let order = read(stored(OF_NOW)).unwrap();
    assert_eq!(written(&order), parsed(OF_NOW));
    assert_eq!(read(of(&order, IndexKeys::Plain).unwrap()).unwrap(), order);
}

#[test]
fn earlier_documents_are_read_and_written_as_now() {
    for document in [OF_RELEASE_0_1, EARLIEST] {
        let order = read(stored(document)).unwrap();
        assert_eq!(order, read(stored(OF_NOW)).unwrap());
        assert_eq!(written(&order), parsed(OF_NOW));
    }
}

/// The present document of an order in another currency than the default one.
fn in_yen() -> String {
    OF_NOW
        .replace(r#""amount": "499.00""#, r#""currency": "JPY", "amount": "49900""#)
        .replace(r#""price": "249.50""#, r#""price": "24950""#)
}

#[test]
fn an_order_keeps_its_currency() {
    let order = read(stored(OF_NOW)).unwrap();
    assert_eq!(order.amount(), Money::parse("499.00", Currency::USD).unwrap());
    assert_eq!(order.items()[0].price.map(Money::currency), Some(Currency::USD));
    let mut order = read(stored(&in_yen())).unwrap();
    let yen = "JPY".parse().unwrap();
    assert_eq!(order.amount(), Money::parse("49900", yen).unwrap());
    assert_eq!(order.items()[0].price, Some(Money::parse("24950", yen).unwrap()));
    assert_eq!(written(&order), parsed(&in_yen()));
    order.capture(DateTime::UNIX_EPOCH).unwrap();
    let again = read(of(&order, IndexKeys::Plain).unwrap()).unwrap();
    assert_eq!((again.amount(), again.items()), (order.amount(), order.items()));
}

/// An order that needs attention and goes on in its second execution, as it is written now.
const NEEDING_ATTENTION: &str = r#"{
    "v": 2,
    "amount": "499.00",
    "items": [{ "product_id": "p", "name": "P", "quantity": 2, "price": "249.50" }],
    "timeline": [["RECEIVED", 1800000000000], ["PAYMENT_RECEIVED", 1800000002000]],
    "announce_from": 1,
    "reservation": "HELD",
    "payment": { "method": "pm_card", "state": "AUTHORISED" },
    "signed": [{ "entry": 1, "by": { "role": "OPERATOR", "id": "op-1" }, "note": "again" }],
    "attention": {
        "since": 1800000003000, "was": "PAYMENT_RECEIVED", "state": "CapturePayment",
        "error": "StoreUnavailable", "cause": "no answer", "first": 1800000002000, "tries": 2,
        "retried": { "role": "SYSTEM" }
    },
    "execution": 2
}"#;

#[test]
fn only_an_order_that_once_needed_attention_is_of_a_form_that_earlier_releases_refuse() {
    let order = read(stored(NEEDING_ATTENTION)).unwrap();
    assert_eq!(written(&order), parsed(NEEDING_ATTENTION));
    let mut signed = read(stored(OF_NOW)).unwrap().record().clone();
    signed.timeline[1].by = Some(Actor::named(Role::Operator, "ann"));
    let written = written(&Order::restore(signed));
    assert_eq!((&written["v"], &written["timeline"]), (&json!(1), &parsed(OF_NOW)["timeline"]));
}

#[test]
fn those_who_decide_usually_are_told_shortly_and_read_as_they_were() {
    let mut record = read(stored(OF_NOW)).unwrap().record().clone();
    let customer = record.customer_id.clone().unwrap();
    for (by, member) in [
        (Actor::named(Role::Customer, customer), "by_customer"),
        (Actor::nameless(Role::Operator), "by_operator"),
        (Actor::SYSTEM, "by_system"),
    ] {
        record.timeline[1].by = Some(by);
        let order = Order::restore(record.clone());
        assert_eq!((&written(&order)[member], written(&order).get("signed")), (&json!([1]), None));
        assert_eq!(read(of(&order, IndexKeys::Plain).unwrap()).unwrap(), order);
    }
}

#[test]
fn a_document_of_a_later_form_is_refused_as_what_it_is() {
    let mut understood = parsed(OF_NOW);
    understood["v"] = json!(5);
    let mut otherwise = understood.clone();
    otherwise["timeline"] = json!({ "received": 1_800_000_000_000_i64 });
    let mut of_another_status = stored(&understood.to_string());
    of_another_status.insert("status".to_owned(), AttributeValue::S("RETURNED".to_owned()));
    for item in [stored(&understood.to_string()), stored(&otherwise.to_string()), of_another_status] {
        let refused = read(item).unwrap_err();
        assert!(refused.is_of_a_later_release());
        assert_eq!(
            refused.to_string(),
            "the item of order ORD-1800000000000000007 can't be read: a later release wrote it (form 5 of the \
             document, of which this release reads 4 and lower); run that release or a later one"
        );
    }
    let mut damaged = parsed(OF_NOW);
    damaged["timeline"] = json!({});
    assert!(!read(stored(&damaged.to_string())).unwrap_err().is_of_a_later_release());
}

#[test]
fn of_a_damaged_item_what_its_attributes_say_is_known() {
    let money = |amount: &str| OF_NOW.replace("499.00", amount);
    let cents_of_yen = in_yen().replace("49900", "499.00");
    let unknown_currency = in_yen().replace("JPY", "ABC");
    for document in [
        "",
        "{}",
        "no document",
        &OF_NOW[..100],
        &money("4e2"),
        &money("-1.00"),
        &money("4_9.00"),
        &cents_of_yen,
        &unknown_currency,
    ] {
        let unreadable = read(stored(document)).unwrap_err();
        assert_eq!(unreadable.order_id.as_str(), ID);
        assert_eq!(unreadable.customer_id.as_deref(), Some("ann"));
        assert_eq!(unreadable.status, Some(Status::PaymentReceived));
    }
    let mut item = stored(OF_NOW);
    item.insert("status".to_owned(), AttributeValue::S("LOST".to_owned()));
    item.insert("customer_id".to_owned(), AttributeValue::Bool(true));
    let unreadable = read(item).unwrap_err();
    assert_eq!((unreadable.customer_id, unreadable.status), (None, None));
    let mut item = stored(OF_NOW);
    item.remove(DOCUMENT);
    assert!(read(item).unwrap_err().to_string().ends_with("it has no document"));
}

/// An attribute of each type that DynamoDB has.
fn of_every_type() -> AttributeMap {
    let bytes = || Blob::new([0, 159, 255]);
    let number = || AttributeValue::N("12345678901234567890123456789012345678".to_owned());
    let map = HashMap::from([("n".to_owned(), number()), ("none".to_owned(), AttributeValue::Null(true))]);
    let values = [
        AttributeValue::S("text".to_owned()),
        number(),
        AttributeValue::B(bytes()),
        AttributeValue::Bool(false),
        AttributeValue::Null(true),
        AttributeValue::L(vec![number(), AttributeValue::L(Vec::new())]),
        AttributeValue::M(map),
        AttributeValue::Ss(vec!["a".to_owned(), "b".to_owned()]),
        AttributeValue::Ns(vec!["1".to_owned()]),
        AttributeValue::Bs(vec![bytes()]),
    ];
    values.into_iter().enumerate().map(|(index, value)| (format!("later_{index}"), value)).collect()
}

#[test]
fn what_a_later_release_stored_outlives_the_decisions_of_this_one() {
    let mut document = parsed(OF_NOW);
    document["audit"] = json!({ "approved": true, "at": "2027-01-15T08:00:01Z" });
    let later = json!({ "by": ["ann", 1.5, null], "empty": {} });
    let places = ["", "/payment", "/audit", "/items/0", "/shipments/0"];
    for place in places {
        document.pointer_mut(place).unwrap()["later"] = later.clone();
    }
    let mut item = stored(&document.to_string());
    item.extend(of_every_type());

    let mut order = read(item).unwrap();
    order.capture(DateTime::UNIX_EPOCH).unwrap();
    order.ship("w", "T-1", DateTime::UNIX_EPOCH).unwrap();
    order.complete(DateTime::UNIX_EPOCH).unwrap();
    let mut item = of(&order, IndexKeys::Plain).unwrap();
    assert_eq!(item["status"], AttributeValue::S("COMPLETED".to_owned()));
    let written = parsed(item[DOCUMENT].as_s().unwrap());
    for place in places {
        assert_eq!(written.pointer(place).unwrap()["later"], later, "{place}");
    }
    assert_eq!(written["shipments"][0]["tracking"], "T-1");
    item.retain(|name, _| name.starts_with("later_"));
    assert_eq!(item, of_every_type());
}

pub(super) fn unknown() -> impl Strategy<Value = Unknown> {
    let values = select(vec![json!(null), json!(1), json!("x"), json!([1.5, {}]), json!({ "v": true })]);
    // No name that this release knows, or knew.
    let members = proptest::collection::vec(("later_[a-z]", values), 0..3);
    members.prop_map(|members| members.into_iter().collect::<Map<_, _>>().into())
}

fn unknown_attributes() -> impl Strategy<Value = Unknown> {
    let attribute = select(of_every_type().into_values().collect::<Vec<_>>());
    let attributes = proptest::collection::hash_map("later_[a-z]", attribute, 0..3);
    attributes.prop_map(|attributes| super::unknown(attributes).unwrap())
}

pub(super) fn moment() -> impl Strategy<Value = DateTime<chrono::Utc>> {
    (0i64..4_000_000_000_000).prop_map(|millis| DateTime::from_timestamp_millis(millis).unwrap())
}

fn money(currency: Currency) -> impl Strategy<Value = Money> {
    (0u64..999_999_999).prop_map(move |units| Money::from_minor_units(units, currency).unwrap())
}

/// The amount of an order and its items, in any currency.
fn priced() -> impl Strategy<Value = (Money, Vec<Item>)> {
    let currencies = select(Currency::all().collect::<Vec<_>>());
    currencies.prop_flat_map(|currency| (money(currency), items(currency)))
}

fn items(currency: Currency) -> impl Strategy<Value = Vec<Item>> {
    let item = (".{0,5}", "\\PC{0,5}", any::<u32>(), option::of(money(currency)), unknown());
    let item = item.prop_map(|(product_id, name, quantity, price, unknown)| Item {
        product_id,
        name,
        quantity,
        price,
        unknown,
    });
    proptest::collection::vec(item, 0..4)
}

fn shipments() -> impl Strategy<Value = Vec<Shipment>> {
    let line = (".{0,5}", any::<u32>()).prop_map(|(product_id, quantity)| Line { product_id, quantity });
    let state = select(vec![
        ShipmentState::Pending,
        ShipmentState::Dispatched,
        ShipmentState::Shipped,
        ShipmentState::Delivered,
        ShipmentState::Rejected,
        ShipmentState::Cancelled,
    ]);
    let lines = proptest::collection::vec(line, 0..3);
    let text = || option::of(".{0,5}");
    let said = (select(WarehouseEvent::ALL.to_vec()), moment(), text());
    let said = said.prop_map(|(event, at, reason)| Said { event, at, reason });
    let task = (".{0,5}", any::<u64>(), any::<u64>());
    let task = task.prop_map(|(token, redrive, attempt)| Token { token, redrive, attempt });
    let signal = select(vec![ShipmentSignal::Shipped, ShipmentSignal::Rejected]);
    let shipment = (
        (".{0,5}", lines, state, unknown()),
        (text(), text(), text(), text()),
        (option::of(moment()), proptest::collection::vec(said, 0..3), option::of(task), option::of(signal)),
    );
    let shipment = shipment.prop_map(
        |(
            (warehouse, items, state, unknown),
            (tracking, carrier, tracking_url, instead_of),
            (dispatched_at, history, task, pending),
        )| Shipment {
            warehouse,
            items,
            state,
            tracking,
            carrier,
            tracking_url,
            instead_of,
            dispatched_at,
            history,
            task,
            pending,
            unknown,
        },
    );
    proptest::collection::vec(shipment, 0..3)
}

fn address() -> impl Strategy<Value = Address> {
    let countries = select(Country::all().collect::<Vec<_>>());
    let lines = proptest::collection::vec(".{0,5}", 0..3);
    (".{0,5}", lines, option::of(".{0,5}"), ".{0,5}", countries)
        .prop_map(|(name, lines, postcode, city, country)| Address { name, lines, postcode, city, country })
}

fn payment() -> impl Strategy<Value = Payment> {
    let states = vec![
        PaymentState::Pending,
        PaymentState::Authorised,
        PaymentState::Captured,
        PaymentState::Refunded,
        PaymentState::Void,
    ];
    let payment = (option::of(".{0,5}"), select(states), option::of(moment()), any::<bool>(), unknown());
    (payment, at_provider()).prop_map(|((method, state, deadline, prepaid, unknown), provider)| {
        let (provider_id, returned, dispute, history) = provider;
        Payment { method, state, deadline, prepaid, provider_id, returned, dispute, history, unknown }
    })
}

type AtProvider = (Option<String>, Option<Money>, Option<Dispute>, Vec<PaymentEntry>);

/// What the payment provider may have said of a payment; the amounts are in US dollars, whatever the order's currency.
fn at_provider() -> impl Strategy<Value = AtProvider> {
    let returned =
        || option::of((0u64..9_999).prop_map(|cents| Money::from_minor_units(cents, Currency::USD).unwrap()));
    let dispute = option::of(select(vec![Dispute::Open, Dispute::Won, Dispute::Lost]));
    let news = select(PaymentNews::ALL.to_vec());
    let decline = option::of(select(Decline::ALL.to_vec()));
    let entry = (news, moment(), returned(), decline, option::of(".{0,5}"));
    let entry = entry.prop_map(|(news, at, amount, declined, event)| PaymentEntry {
        news,
        at,
        amount,
        declined,
        event,
    });
    (option::of(".{0,5}"), returned(), dispute, proptest::collection::vec(entry, 0..3))
}

fn audit() -> impl Strategy<Value = Audit> {
    (any::<bool>(), option::of(".{0,5}"), moment(), option::of(actor()), unknown())
        .prop_map(|(approved, note, at, by, unknown)| Audit { approved, note, at, by, unknown })
}

pub(super) fn actor() -> impl Strategy<Value = Actor> {
    let roles = select(vec![Role::Customer, Role::Operator, Role::System]);
    (roles, option::of(".{0,5}"), option::of(".{0,5}")).prop_map(|(role, id, email)| Actor {
        role,
        id,
        email,
    })
}

fn attention() -> impl Strategy<Value = Attention> {
    let failed = (option::of(".{0,5}"), option::of(".{0,5}"), option::of(".{0,5}"))
        .prop_map(|(state, error, cause)| Failed { state, error, cause });
    let money = select(vec![SettledMoney::Refunded, SettledMoney::Kept, SettledMoney::None]);
    let stock = select(vec![SettledStock::Released, SettledStock::Sold, SettledStock::Lost]);
    let resolution =
        (money, stock, ".{0,5}").prop_map(|(money, stock, note)| Resolution { money, stock, note });
    (
        (moment(), status(), failed, moment()),
        (any::<u32>(), option::of(actor()), option::of(resolution), unknown()),
    )
        .prop_map(|((since, was, failed, first), (tries, retried, resolution, unknown))| Attention {
            since,
            was,
            failed,
            first,
            tries,
            retried,
            resolution,
            unknown,
        })
}

fn writes() -> impl Strategy<Value = Writes> {
    let name = "[0-9a-f]{12}";
    let decisions = proptest::collection::vec(name, 0..3);
    option::of((name, decisions)).prop_map(|writes| match writes {
        None => Writes::default(),
        Some((latest, decisions)) => Writes::parse(&format!("{latest} {}", decisions.join(" "))),
    })
}

fn status() -> impl Strategy<Value = Status> {
    select(Status::ALL.to_vec())
}

/// Orders of all kinds, also such as no decisions lead to.
fn record() -> impl Strategy<Value = OrderRecord> {
    let signature = option::of((actor(), option::of(".{0,5}")));
    let change = (status(), moment(), signature).prop_map(|(status, at, signature)| {
        let (by, note) = signature.unzip();
        Change { status, at, by, note: note.flatten() }
    });
    let missing = (".{0,5}", any::<u32>(), any::<u32>());
    let missing =
        missing.prop_map(|(product_id, wanted, available)| Missing { product_id, wanted, available });
    let reservations = vec![
        Reservation::None,
        Reservation::Held,
        Reservation::Released,
        Reservation::Sold,
        Reservation::Lost,
    ];
    let head = (
        any::<u64>(),
        status(),
        option::of(select(Reason::ALL.to_vec())),
        option::of(".{1,5}"),
        option::of(select(vec!["ann@example.com".parse().unwrap()])),
        (select(Language::ALL.to_vec()), option::of(address())),
        priced(),
    );
    let body = (
        proptest::collection::vec(change, 0..5),
        shipments(),
        select(reservations),
        payment(),
        any::<bool>(),
        option::of(audit()),
    );
    let tail = (
        proptest::collection::vec(missing, 0..3),
        option::of(".{0,9}"),
        option::of(".{0,9}"),
        any::<u64>(),
        option::of(select(Signal::ALL.to_vec())),
        option::of(any::<i64>()),
        (unknown(), unknown_attributes(), writes(), 0usize..9, any::<bool>(), any::<u64>()),
        (
            option::of(attention()),
            1u32..3,
            returns(),
            option::of((0..9u64).prop_map(OrderNumber::after_first)),
        ),
    );
    (head, body, tail).prop_map(|(head, body, tail)| {
        let (version, status, reason, customer_id, email, (language, address), (amount, items)) = head;
        let (timeline, shipments, reservation, mut payment, needs_audit, audit) = body;
        // What the provider says of an order's money is in the order's currency.
        let of_the_order =
            |money: Money| Money::from_minor_units(money.minor_units(), amount.currency()).unwrap();
        payment.returned = payment.returned.map(of_the_order);
        for entry in &mut payment.history {
            entry.amount = entry.amount.map(of_the_order);
        }
        let (missing, failure, task_token, token_attempt, pending_signal, pending_since, unknown, attention) =
            tail;
        let (unknown, unknown_attributes, writes, from, late, token_redrive) = unknown;
        let (attention, execution, mut returns, number) = attention;
        for it in &mut returns {
            it.value = of_the_order(it.value);
            it.refund = it.refund.map(of_the_order);
        }
        OrderRecord {
            order_id: OrderId::parse(ID).unwrap(),
            number,
            version,
            writes,
            status,
            reason,
            customer_id,
            email,
            language,
            address,
            amount,
            items,
            timeline,
            announcements: Announcements { from, late },
            shipments,
            reservation,
            payment,
            needs_audit,
            audit,
            missing,
            failure,
            task_token,
            token_redrive,
            token_attempt,
            attention,
            execution,
            returns,
            pending_signal,
            pending_since,
            unknown,
            unknown_attributes,
        }
    })
}

#[test]
fn orders_with_returns_are_of_a_form_that_earlier_releases_refuse() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = returns().prop_filter("some", |returns| !returns.is_empty());
    let tree = Strategy::new_tree(&strategy, &mut runner).unwrap();
    let mut record = read(stored(OF_NOW)).unwrap().record().clone();
    record.returns = proptest::strategy::ValueTree::current(&tree);
    let order = Order::restore(record);
    assert_eq!(parsed(of(&order, IndexKeys::Plain).unwrap()[DOCUMENT].as_s().unwrap())["v"], 4);
    assert_eq!(read(of(&order, IndexKeys::Plain).unwrap()).unwrap(), order);
}

#[test]
fn only_orders_whose_warehouses_answer_later_are_of_the_form_that_earlier_releases_refuse() {
    let form =
        |order: &Order| parsed(of(order, IndexKeys::Plain).unwrap()[DOCUMENT].as_s().unwrap())["v"].clone();
    let mut order = read(stored(OF_NOW)).unwrap();
    order.capture(DateTime::UNIX_EPOCH).unwrap();
    let mut at_once = order.clone();
    at_once.ship("w", "T-1", DateTime::UNIX_EPOCH).unwrap();
    assert_eq!(form(&at_once), 1);
    order.dispatch("w", None, DateTime::UNIX_EPOCH).unwrap();
    assert_eq!(form(&order), 3);
    order.ship("w", "T-1", DateTime::UNIX_EPOCH).unwrap();
    assert_eq!(form(&order), 1, "what is left of it, an earlier release understands");
}

#[test]
fn an_item_tells_by_which_writes_it_came_about_also_when_it_is_unreadable() {
    let (mine, latest, other) = (WriteId::new(1), WriteId::new(2), WriteId::new(3));
    let mut item = stored("no document");
    assert!(!was_written_by(&item, mine));
    item.insert("writes".to_owned(), AttributeValue::S(format!("{latest} {mine}")));
    assert_eq!([mine, latest, other].map(|id| was_written_by(&item, id)), [true, true, false]);
}

proptest! {
    #[test]
    fn what_is_written_is_read(record in record()) {
        let order = Order::restore(record);
        for keys in [IndexKeys::Plain, IndexKeys::Sharded] {
            prop_assert_eq!(read(of(&order, keys).unwrap()).unwrap(), order.clone());
        }
    }
}
