//! Finding orders: what a list is asked for, where the orders come from, and which of them are in it.
//!
//! ```text
//!   query ──► filter (what must hold) and search (what a person typed)
//!               └──► source: the register (number, e-mail) or an index (customer, state)
//!                      └──► find: pages of the source, of which those that match stay
//! ```
//!
//! A source gives few orders for what has few, and for all else the orders themselves are looked at:
//! [`MOST_LOOKED_AT`] for one answer at most. docs/finding.md says what each costs.

mod filter;
mod search;

use omniflow_domain::{Order, OrderId, OrderNumber, Status};
use omniflow_store as store;
use omniflow_store::{Page, Unreadable, id_in};

use crate::Api;
#[cfg(test)]
pub(crate) use filter::PARAMETERS;
pub(crate) use filter::{Filter, bad, check_names};
use search::Search;

/// The most orders of a page.
pub(crate) const MOST: usize = 100;
/// The largest number of orders that one answer looks at.
pub(crate) const MOST_LOOKED_AT: usize = 500;

/// An order of a list, or what is known of one that can't be read.
pub(crate) type Listed = Result<Order, Unreadable>;

/// The orders that were found.
#[derive(Default)]
pub(crate) struct Found {
    pub orders: Vec<Listed>,
    /// The order after which the next page begins; `None` on the last page.
    pub next: Option<OrderId>,
    /// How many of the orders that were looked at can't be read.
    pub unreadable: usize,
}

/// Where orders come from before they are looked at.
enum Source<'a> {
    Customer(&'a str),
    Email(&'a omniflow_domain::Email),
    State(Option<Status>),
}

impl<'a> Source<'a> {
    fn of(filter: &'a Filter) -> Self {
        match (&filter.customer, &filter.email) {
            (Some(customer), _) => Self::Customer(customer),
            (None, Some(email)) => Self::Email(email),
            (None, None) => Self::State(filter.state),
        }
    }

    async fn page(
        &self,
        api: &Api,
        prefix: &str,
        limit: usize,
        after: Option<&OrderId>,
    ) -> Result<Page, store::Error> {
        match self {
            Self::Customer(customer) => api.orders.list_of(customer, prefix, limit, after).await,
            Self::Email(email) => {
                let ids = api.register.orders_of(email, prefix, limit + 1, after).await?;
                api.orders.page(ids, limit).await
            }
            Self::State(state) => api.orders.list(*state, prefix, limit, after).await,
        }
    }
}

/// Finds a page of the orders that are searched for: what was typed is taken in each way that it may be meant, until
/// one finds something.
pub(crate) async fn find(
    api: &Api,
    filter: &Filter,
    typed: &str,
    limit: usize,
    after: Option<&OrderId>,
) -> Result<Found, store::Error> {
    let mut found = Found::default();
    for search in Search::readings(typed) {
        found = found_as(api, filter, &search, limit, after).await?;
        if !found.orders.is_empty() || found.next.is_some() {
            break;
        }
    }
    Ok(found)
}

async fn found_as(
    api: &Api,
    filter: &Filter,
    search: &Search,
    limit: usize,
    after: Option<&OrderId>,
) -> Result<Found, store::Error> {
    let is_first_page = after.is_none();
    if let Some(number) = filter.number.or(search.number()) {
        let order = if is_first_page { numbered(api, number).await? } else { None };
        let orders: Vec<_> =
            order.into_iter().filter(|order| filter.matches(order) && search.matches(order)).collect();
        let unreadable = orders.iter().filter(|order| order.is_err()).count();
        return Ok(Found { orders, next: None, unreadable });
    }
    // Digits that may be a number are looked for as such, beside all else that they may be: that order comes first.
    let Some(first) = maybe_numbered(api, filter, search).await? else {
        return looked_for(api, filter, search, None, limit, after).await;
    };
    let without = Some(id_in(&first));
    if !is_first_page {
        return looked_for(api, filter, search, without, limit, after).await;
    }
    let mut found = match limit - 1 {
        0 => Found { next: Some(OrderId::highest()), ..Found::default() },
        room => looked_for(api, filter, search, without, room, None).await?,
    };
    found.unreadable += usize::from(first.is_err());
    found.orders.insert(0, first);
    Ok(found)
}

async fn maybe_numbered(api: &Api, filter: &Filter, search: &Search) -> Result<Option<Listed>, store::Error> {
    let Some(number) = search.maybe_number() else { return Ok(None) };
    Ok(numbered(api, number).await?.filter(|order| filter.matches(order)))
}

/// The order that has this number.
async fn numbered(api: &Api, number: OrderNumber) -> Result<Option<Listed>, store::Error> {
    let Some(id) = api.register.order_of(number).await? else { return Ok(None) };
    match api.orders.get(&id).await {
        Ok(order) => Ok(Some(order).filter(|order| order.number() == Some(number)).map(Ok)),
        Err(store::Error::Unreadable(unreadable)) => Ok(Some(Err(unreadable))),
        Err(store::Error::NoOrder(_)) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Looks through pages of the source. The answer may have fewer orders than fit, or none, and yet be followed by
/// another page.
async fn looked_for(
    api: &Api,
    filter: &Filter,
    search: &Search,
    without: Option<&OrderId>,
    limit: usize,
    after: Option<&OrderId>,
) -> Result<Found, store::Error> {
    let (mut found, source) = (Found::default(), Source::of(filter));
    let dates = filter.ids();
    let prefix = search.prefix().unwrap_or(&dates.prefix);
    let mut after = after.cloned().into_iter().chain(dates.before).min();
    let is_by_index =
        matches!(source, Source::State(_)) && search.prefix().is_some() && filter.asks_for_state_only();
    let chunk = if is_by_index { limit } else { MOST };
    let wanted = |order: &Listed| {
        Some(id_in(order)) != without && filter.matches_of(order, &source) && search.matches(order)
    };
    for _ in 0..MOST_LOOKED_AT / MOST {
        let page = source.page(api, prefix, chunk, after.as_ref()).await?;
        let mut orders = page.orders.into_iter();
        let mut is_past = false;
        while found.orders.len() < limit
            && let Some(order) = orders.next()
        {
            is_past = dates.from.as_ref().is_some_and(|from| id_in(&order) < from);
            if is_past {
                break;
            }
            found.unreadable += usize::from(order.is_err());
            if wanted(&order) {
                found.orders.push(order);
            }
        }
        if is_past {
            // All that follow are older still.
            return Ok(found);
        }
        if found.orders.len() == limit {
            let left_over = orders.any(|order| wanted(&order));
            found.next = found.orders.last().map(id_in).filter(|_| left_over || page.next.is_some()).cloned();
            return Ok(found);
        }
        after = page.next;
        if after.is_none() {
            break;
        }
    }
    found.next = after;
    Ok(found)
}

impl Filter {
    /// Whether the order, which came from this source, is in the list. A list that was made by state may hold an order
    /// that has gone on since; that is no reason to leave it out.
    fn matches_of(&self, order: &Listed, source: &Source<'_>) -> bool {
        match (source, self.state, order) {
            (Source::State(_), Some(state), Ok(found)) if found.status() != state => {
                Self { state: None, ..self.clone() }.matches(order)
            }
            _ => self.matches(order),
        }
    }
}
