//! How much one customer may hold without paying: so many orders, and so many pieces. Stock that is set aside for
//! orders which nobody pays can't be bought by others, so that without a limit a single customer could empty the shop.

use chrono::TimeDelta;
use omniflow_domain::{Language, OrderId};
use omniflow_services::{ConfigError, Environment};
use omniflow_store as store;

use crate::problem::{Kind, Problem};
use crate::{Api, unavailable};

/// The largest number of a customer's orders that are looked at, newest first. Orders that wait for their payment are
/// among the newest, since they are closed when their time is over; of those that wait for a review, some may be older.
const MOST_LOOKED_AT: usize = 200;
/// The number of orders that are read at once beyond those that may be unpaid.
const SPARE: usize = 10;

/// The limits of one customer.
pub(crate) struct Limits {
    orders: usize,
    pieces: u64,
    window: TimeDelta,
}

impl Limits {
    pub(crate) fn new(environment: &Environment) -> Result<Self, ConfigError> {
        Ok(Self {
            orders: environment.parse("MOST_UNPAID_ORDERS")?,
            pieces: environment.parse("MOST_UNPAID_PIECES")?,
            window: TimeDelta::seconds(environment.parse("PAYMENT_WINDOW_SECONDS")?),
        })
    }

    /// Refuses a further order over so many pieces when the customer holds too much already. The index that finds the
    /// customer's orders is eventually consistent, so that orders which are made at the same moment may all pass.
    pub(crate) async fn check(
        &self,
        api: &Api,
        customer: &str,
        wanted: u64,
        language: Language,
    ) -> Result<(), Problem> {
        if wanted > self.pieces {
            return Err(self.too_large(wanted, language));
        }
        let held = self.held(api, customer).await.map_err(|error| unavailable(&error))?;
        if held.orders >= self.orders || held.pieces + wanted > self.pieces || held.too_many_to_count {
            return Err(self.too_many(&held, language));
        }
        Ok(())
    }

    async fn held(&self, api: &Api, customer: &str) -> Result<Held, store::Error> {
        let paid_or_closed_before = OrderId::new(api.now() - self.window, 0);
        let (mut held, mut looked_at, mut after) = (Held::default(), 0, None);
        loop {
            let limit = self.orders.min(MOST_LOOKED_AT) + SPARE;
            let page = api.orders.list_of(customer, OrderId::PREFIX, limit, after.as_ref()).await?;
            looked_at += page.orders.len();
            for order in page.orders.iter().flatten().filter(|order| order.is_unpaid()) {
                held.orders += 1;
                held.pieces += order.pieces();
            }
            match page.next {
                Some(next) if next > paid_or_closed_before && looked_at < MOST_LOOKED_AT => {
                    after = Some(next)
                }
                Some(next) => {
                    held.too_many_to_count = next > paid_or_closed_before;
                    return Ok(held);
                }
                None => return Ok(held),
            }
        }
    }

    fn too_large(&self, wanted: u64, language: Language) -> Problem {
        let most = self.pieces;
        Problem::told(Kind::TooManyOpenOrders, language, [
            format!("An order takes at most {most} pieces, and this one has {wanted}. Order fewer, or ask whoever runs the shop."),
            format!("每个订单最多 {most} 件，此订单为 {wanted} 件。请减少数量，或联系店主。"),
            format!("В заказе не больше {most} штук, а в этом {wanted}. Закажите меньше или обратитесь к владельцу магазина."),
        ])
        .with("most_pieces", most)
    }

    fn too_many(&self, held: &Held, language: Language) -> Problem {
        let (orders, pieces) = (held.orders, held.pieces);
        let (most_orders, most_pieces) = (self.orders, self.pieces);
        Problem::told(Kind::TooManyOpenOrders, language, [
            format!("You have {orders} unpaid orders over {pieces} pieces; at most {most_orders} orders and {most_pieces} pieces may be unpaid at once. Pay or cancel some, then send this order again."),
            format!("您有 {orders} 个未支付订单，共 {pieces} 件；未支付的订单最多 {most_orders} 个、{most_pieces} 件。请先支付或取消部分订单，再重新下单。"),
            format!("У вас {orders} неоплаченных заказов на {pieces} штук; одновременно не оплачены могут быть не больше {most_orders} заказов и {most_pieces} штук. Оплатите или отмените часть и отправьте заказ ещё раз."),
        ])
        .with("unpaid_orders", orders)
        .with("unpaid_pieces", pieces)
        .with("most_orders", most_orders)
        .with("most_pieces", most_pieces)
    }
}

/// What a customer holds without having paid.
#[derive(Default)]
struct Held {
    orders: usize,
    pieces: u64,
    /// Whether the customer has made more orders since the beginning of the window than are looked at.
    too_many_to_count: bool,
}
