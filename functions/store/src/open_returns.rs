//! The orders with open returns, found by the index of pending signals: each of them has one of two signals pending for
//! as long as a return of it is open ([`omniflow_domain::order::returns`]).

use aws_sdk_dynamodb::operation::query::QueryInput;
use aws_sdk_dynamodb::types::AttributeValue;
use futures::future::try_join_all;
use omniflow_domain::order::{Order, OrderId, Signal};

use crate::lists::{BY_PENDING_SIGNAL, id_in, id_of, since_of};
use crate::{Counted, Error, Orders, Unreadable};

/// The signals of orders with open returns: somebody must be told of something that was decided about one, or nothing is
/// to be told, so that a person, a customer or the return's own workflow is waited for.
const SIGNALS: [Signal; 2] = [Signal::Returns, Signal::ReturnsOpen];

/// The place of an order in the list: those come first whose returns have not moved for longest, and those that moved in
/// the same millisecond by their ids.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ReturnsSince {
    /// The moment since which the order has its signal, in milliseconds since 1970: the last change of any of its
    /// returns, or a few seconds after it.
    pub since: i64,
    /// The order.
    pub order: OrderId,
}

/// A page of the orders with open returns.
#[derive(Debug)]
pub struct OpenReturns {
    /// The orders with their places, in the order of these. One that can't be read has its place among the others.
    pub orders: Vec<(ReturnsSince, Result<Order, Unreadable>)>,
    /// The place of the first order of the next page; `None` on the last page.
    pub next: Option<ReturnsSince>,
}

impl Orders {
    /// The orders with open returns, `limit` of them at most, from this place on and with the order at it. The index is
    /// eventually consistent: an order may be on the list a moment after its last return was closed, and is missing for
    /// one after its first was asked for.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn with_open_returns(
        &self,
        limit: usize,
        from: Option<&ReturnsSince>,
    ) -> Result<OpenReturns, Error> {
        let keys = SIGNALS.into_iter().flat_map(|signal| self.keys.to_read(signal.name()));
        let of_keys = keys.map(|key| self.pending_from(key, from, limit));
        let mut places: Vec<_> = try_join_all(of_keys).await?.into_iter().flatten().collect();
        places.sort_unstable();
        // An order may have changed its signal between two queries and been seen twice.
        let mut seen = std::collections::HashSet::new();
        places.retain(|place| seen.insert(place.order.clone()));
        let next = places.get(limit).cloned();
        places.truncate(limit);
        let ids: Vec<_> = places.iter().map(|place| place.order.clone()).collect();
        let mut orders = self.get_all(&ids).await?.into_iter().peekable();
        // An order that is there no more is left out of what was read.
        let with_order = |place: ReturnsSince| {
            let order = orders.next_if(|order| *id_in(order) == place.order)?;
            Some((place, order))
        };
        Ok(OpenReturns { orders: places.into_iter().filter_map(with_order).collect(), next })
    }

    /// The number of orders with open returns, of which `most` are counted at most.
    ///
    /// # Errors
    /// A failure of DynamoDB.
    pub async fn count_open_returns(&self, most: i32) -> Result<Counted, Error> {
        let keys = SIGNALS.into_iter().flat_map(|signal| self.keys.to_read(signal.name()));
        self.count_of_keys(BY_PENDING_SIGNAL, "pending_signal", keys, most).await
    }

    /// The places of the orders with this key from one place on: all of them, or more than `most`.
    async fn pending_from(
        &self,
        key: String,
        from: Option<&ReturnsSince>,
        most: usize,
    ) -> Result<Vec<ReturnsSince>, Error> {
        let since = from.map_or(0, |from| from.since);
        let (mut found, mut after) = (Vec::new(), None);
        loop {
            let query = QueryInput::builder()
                .table_name(&self.table)
                .index_name(BY_PENDING_SIGNAL)
                .key_condition_expression("pending_signal = :signal AND pending_since >= :since")
                .expression_attribute_values(":signal", AttributeValue::S(key.clone()))
                .expression_attribute_values(":since", AttributeValue::N(since.to_string()))
                // One more says that there is a next page, and another one that the last millisecond is complete.
                .limit(i32::try_from(most + 2).unwrap_or(i32::MAX))
                .set_exclusive_start_key(after);
            let answer = self.dynamodb.query(query).await?;
            let place = |item: &_| Some(ReturnsSince { since: since_of(item)?, order: id_of(item)? });
            let read = answer.items.unwrap_or_default();
            let read = read.iter().filter_map(place);
            found.extend(read.filter(|place| from.is_none_or(|from| place >= from)));
            after = answer.last_evaluated_key;
            if after.is_none() {
                return Ok(found);
            }
            // Those of one millisecond are in an order of the index's own, so that more of the last one may be to come.
            let last = found.last().map_or(since, |place| place.since);
            let complete = |place: &ReturnsSince| place.since < last;
            if found.iter().filter(|place| complete(place)).count() > most {
                found.retain(complete);
                return Ok(found);
            }
        }
    }
}
