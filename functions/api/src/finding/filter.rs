//! What must hold of the orders of a list, as the query of the request says it.

use chrono::{DateTime, Datelike, NaiveDate, NaiveTime, TimeDelta, Utc};
use omniflow_domain::catalogue::lookup;
use omniflow_domain::folding::fold;
use omniflow_domain::{Currency, Email, Money, Order, OrderId, OrderNumber, Reason, Status};
use serde::Deserialize as _;
use serde_json::json;

use super::Listed;
use crate::create::LONGEST_TEXT;
use crate::problem::{Kind, Problem};
use crate::read::LONGEST_CUSTOMER;
use crate::request::Request;

/// The parameters that a list takes. All others are refused: what is mistyped would list what nobody asked for.
pub(crate) const PARAMETERS: [&str; 15] = [
    "state",
    "reason",
    "customer",
    "email",
    "product",
    "warehouse",
    "tracking",
    "number",
    "min_amount",
    "max_amount",
    "from",
    "to",
    "search",
    "limit",
    "next",
];
/// The earliest and the latest year of a date: between them ids have 13 digits of time and sort by it.
const EARLIEST_YEAR: i32 = 1970;
const LATEST_YEAR: i32 = 2199;

/// What must hold of each order of a list.
#[derive(Debug, Clone, Default)]
pub(crate) struct Filter {
    pub customer: Option<String>,
    pub state: Option<Status>,
    pub reason: Option<Reason>,
    pub email: Option<Email>,
    /// The product's id or name, as the catalogue finds it.
    pub product: Option<String>,
    pub warehouse: Option<String>,
    /// A carrier's number, folded.
    pub tracking: Option<String>,
    pub number: Option<OrderNumber>,
    pub min_amount: Option<Money>,
    pub max_amount: Option<Money>,
    /// Orders of this moment and later.
    pub from: Option<DateTime<Utc>>,
    /// Orders before this moment.
    pub until: Option<DateTime<Utc>>,
}

/// Which ids orders between two dates have. Ids begin with the time.
pub(super) struct Ids {
    /// They begin with this text.
    pub prefix: String,
    /// They are this one or come after it.
    pub from: Option<OrderId>,
    /// They come before this one.
    pub before: Option<OrderId>,
}

impl Filter {
    /// Reads the query of a list; amounts are in `currency`. Customers see their own orders, whatever they ask for.
    pub(crate) fn read(request: &Request, currency: Currency) -> Result<Self, Problem> {
        check_names(request, &PARAMETERS)?;
        let (min_amount, max_amount) =
            (amount(request, "min_amount", currency)?, amount(request, "max_amount", currency)?);
        let is_wrong = matches!((min_amount, max_amount), (Some(min), Some(max)) if min.minor_units() > max.minor_units());
        check_ends(request, is_wrong, "min_amount", "max_amount")?;
        let (from, until) = (moment(request, "from", false)?, moment(request, "to", true)?);
        let is_wrong = matches!((from, until), (Some(from), Some(until)) if from >= until);
        check_ends(request, is_wrong, "from", "to")?;
        let own = request.caller.customer().map(str::to_owned);
        let asked = customer(request)?;
        Ok(Self {
            customer: own.or(asked),
            state: state(request)?,
            reason: reason(request)?,
            email: email(request)?,
            product: text(request, "product")?.map(lookup),
            warehouse: text(request, "warehouse")?.map(str::to_owned),
            tracking: text(request, "tracking")?.map(fold),
            number: number(request)?,
            min_amount,
            max_amount,
            from,
            until,
        })
    }

    /// Whether nothing is asked but the state, which the index answers.
    pub(super) fn asks_for_state_only(&self) -> bool {
        !self.asks_for_content() && self.customer.is_none() && self.from.is_none() && self.until.is_none()
    }

    /// Whether something is asked that only the order itself tells.
    fn asks_for_content(&self) -> bool {
        self.reason.is_some()
            || self.email.is_some()
            || self.product.is_some()
            || self.warehouse.is_some()
            || self.tracking.is_some()
            || self.number.is_some()
            || self.min_amount.is_some()
            || self.max_amount.is_some()
    }

    /// The ids that orders between the dates have.
    pub(super) fn ids(&self) -> Ids {
        let first = |at: DateTime<Utc>| OrderId::new(at, 0);
        let last = |until: DateTime<Utc>| {
            OrderId::new(until - TimeDelta::milliseconds(1), OrderId::RANDOM_BELOW - 1)
        };
        let (from, before) = (self.from.map(first), self.until.map(first));
        let prefix = match (&from, self.until.map(last)) {
            (Some(from), Some(last)) => common(from.as_str(), last.as_str()),
            _ => OrderId::PREFIX,
        };
        Ids { prefix: prefix.to_owned(), from: from.clone(), before }
    }

    pub(super) fn matches(&self, order: &Listed) -> bool {
        match order {
            Ok(order) => self.matches_readable(order),
            Err(order) => {
                !self.asks_for_content()
                    && fits(self.customer.as_deref(), order.customer_id.as_deref())
                    && (order.status.is_none() || fits(self.state, order.status))
                    && self.is_in_time(order.order_id.made_at())
            }
        }
    }

    fn matches_readable(&self, order: &Order) -> bool {
        let mut products = order.items().iter().flat_map(|item| [&item.product_id, &item.name]);
        let mut shipments = order.shipments().iter();
        let mut tracking = order.shipments().iter().filter_map(|shipment| shipment.tracking.as_deref());
        let has_email = |wanted: &Email| {
            order.email().is_some_and(|email| email.as_str().eq_ignore_ascii_case(wanted.as_str()))
        };
        fits(self.customer.as_deref(), order.customer_id())
            && fits(self.state, Some(order.shown_status()))
            && fits(self.reason, order.reason())
            && fits(self.number, order.number())
            && self.email.as_ref().is_none_or(has_email)
            && self.product.as_ref().is_none_or(|wanted| products.any(|product| lookup(product) == *wanted))
            && self.warehouse.as_ref().is_none_or(|wanted| shipments.any(|one| one.warehouse == *wanted))
            && self.tracking.as_ref().is_none_or(|wanted| tracking.any(|one| fold(one) == *wanted))
            && self.costs_as_asked(order.amount())
            && self.is_in_time(order.created_at())
    }

    /// Whether the amount is between those that are asked for. An amount in another currency can't be compared.
    fn costs_as_asked(&self, amount: Money) -> bool {
        let compared = |asked: Option<Money>, fits: fn(u64, u64) -> bool| {
            asked.is_none_or(|asked| {
                asked.currency() == amount.currency() && fits(amount.minor_units(), asked.minor_units())
            })
        };
        compared(self.min_amount, |amount, min| amount >= min)
            && compared(self.max_amount, |amount, max| amount <= max)
    }

    fn is_in_time(&self, at: Option<DateTime<Utc>>) -> bool {
        self.from.is_none_or(|from| at.is_some_and(|at| at >= from))
            && self.until.is_none_or(|until| at.is_some_and(|at| at < until))
    }
}

/// Whether the value is the one that is asked for, or none is asked for.
fn fits<T: PartialEq>(asked: Option<T>, value: Option<T>) -> bool {
    asked.is_none() || asked == value
}

/// What both texts begin with.
fn common<'a>(one: &'a str, other: &str) -> &'a str {
    let same = one.bytes().zip(other.bytes()).take_while(|(one, other)| one == other).count();
    one.get(..same).unwrap_or(OrderId::PREFIX)
}

/// The problem of a parameter, in the caller's language.
pub(crate) fn bad(request: &Request, texts: [String; 3]) -> Problem {
    Problem::told(Kind::BadRequest, request.language_of_problems(), texts)
}

/// Refuses a list's parameter that is none of the `known` ones.
pub(crate) fn check_names(request: &Request, known: &[&str]) -> Result<(), Problem> {
    let Some(unknown) = request.query_names().find(|name| !known.contains(name)) else { return Ok(()) };
    let known = known.join(", ");
    Err(bad(
        request,
        [
            format!("'{unknown}' is no parameter of this list; there are: {known}."),
            format!("此列表没有参数 '{unknown}'；可用的参数有：{known}。"),
            format!("У этого списка нет параметра '{unknown}'; есть: {known}."),
        ],
    ))
}

fn state(request: &Request) -> Result<Option<Status>, Problem> {
    let Some(name) = request.query("state") else { return Ok(None) };
    Status::parse(name).map(Some).ok_or_else(|| {
        let known = Status::ALL.map(Status::name).join(", ");
        bad(
            request,
            [
                format!("'{name}' is not a state; there are: {known}."),
                format!("没有状态 '{name}'；可用的状态有：{known}。"),
                format!("Состояния '{name}' нет; есть: {known}."),
            ],
        )
    })
}

fn reason(request: &Request) -> Result<Option<Reason>, Problem> {
    let Some(name) = request.query("reason") else { return Ok(None) };
    Reason::deserialize(json!(name)).map(Some).map_err(|_| {
        let known: Vec<_> =
            Reason::ALL.iter().filter_map(|reason| Some(json!(reason).as_str()?.to_owned())).collect();
        let known = known.join(", ");
        bad(
            request,
            [
                format!("'{name}' is not a reason; there are: {known}."),
                format!("没有原因 '{name}'；可用的原因有：{known}。"),
                format!("Причины '{name}' нет; есть: {known}."),
            ],
        )
    })
}

fn customer(request: &Request) -> Result<Option<String>, Problem> {
    let Some(customer) = request.query("customer") else { return Ok(None) };
    if (1..=LONGEST_CUSTOMER).contains(&customer.chars().count()) {
        return Ok(Some(customer.to_owned()));
    }
    Err(bad(
        request,
        [
            format!(
                "'customer' must have from 1 to {LONGEST_CUSTOMER} characters; it is a customer's whole id."
            ),
            format!("'customer' 须为 1 到 {LONGEST_CUSTOMER} 个字符，即客户的完整 ID。"),
            format!("В 'customer' должно быть от 1 до {LONGEST_CUSTOMER} знаков: это полный id покупателя."),
        ],
    ))
}

fn email(request: &Request) -> Result<Option<Email>, Problem> {
    let Some(text) = request.query("email") else { return Ok(None) };
    text.parse().map(Some).map_err(|_| {
        bad(
            request,
            [
                format!("'email' must be a whole address such as ann@example.com, not '{text}'; 'search' finds a part of one."),
                format!("'email' 须为完整的地址，例如 ann@example.com，而不是 '{text}'；要按部分地址查找，请用 'search'。"),
                format!("В 'email' должен быть полный адрес, например ann@example.com, а не '{text}'; часть адреса находит 'search'."),
            ],
        )
    })
}

fn text<'a>(request: &'a Request, name: &str) -> Result<Option<&'a str>, Problem> {
    let Some(text) = request.query(name) else { return Ok(None) };
    if (1..=LONGEST_TEXT).contains(&text.chars().count()) {
        return Ok(Some(text));
    }
    Err(bad(
        request,
        [
            format!("'{name}' must have from 1 to {LONGEST_TEXT} characters."),
            format!("'{name}' 须为 1 到 {LONGEST_TEXT} 个字符。"),
            format!("В '{name}' должно быть от 1 до {LONGEST_TEXT} знаков."),
        ],
    ))
}

fn number(request: &Request) -> Result<Option<OrderNumber>, Problem> {
    let Some(text) = request.query("number") else { return Ok(None) };
    OrderNumber::parse(text).map(Some).ok_or_else(|| {
        bad(
            request,
            [
                format!("'number' must be an order's number such as 10042, not '{text}'."),
                format!("'number' 须为订单编号，例如 10042，而不是 '{text}'。"),
                format!("В 'number' должен быть номер заказа, например 10042, а не '{text}'."),
            ],
        )
    })
}

fn amount(request: &Request, name: &str, currency: Currency) -> Result<Option<Money>, Problem> {
    let Some(text) = text(request, name)? else { return Ok(None) };
    Money::parse(text, currency).map(Some).map_err(|error| {
        let why = error.text(request.language_of_problems());
        bad(
            request,
            [
                format!("'{name}' is no amount of money: {why}."),
                format!("'{name}' 不是有效金额：{why}。"),
                format!("'{name}' — не сумма денег: {why}."),
            ],
        )
    })
}

/// A moment (RFC 3339), or a date, which is the beginning of that day (UTC), or its end where the list goes up to it.
fn moment(request: &Request, name: &str, is_end: bool) -> Result<Option<DateTime<Utc>>, Problem> {
    let Some(text) = request.query(name) else { return Ok(None) };
    let is_known = |year: i32| (EARLIEST_YEAR..=LATEST_YEAR).contains(&year);
    let of_day = || {
        let day = text.parse::<NaiveDate>().ok().filter(|day| is_known(day.year()))?;
        let day = if is_end { day.succ_opt()? } else { day };
        Some(day.and_time(NaiveTime::MIN).and_utc())
    };
    let of_moment = || {
        let at = DateTime::parse_from_rfc3339(text).ok()?.to_utc();
        is_known(at.year()).then_some(at)
    };
    of_day().or_else(of_moment).map(Some).ok_or_else(|| {
        bad(
            request,
            [
                format!("'{name}' must be a date such as 2026-11-26, or a moment such as 2026-11-26T09:30:00Z, of the years {EARLIEST_YEAR} to {LATEST_YEAR}, not '{text}'."),
                format!("'{name}' 须为日期（如 2026-11-26）或时刻（如 2026-11-26T09:30:00Z），年份为 {EARLIEST_YEAR} 至 {LATEST_YEAR}，而不是 '{text}'。"),
                format!("В '{name}' должна быть дата, например 2026-11-26, или момент, например 2026-11-26T09:30:00Z, с {EARLIEST_YEAR} по {LATEST_YEAR} год, а не '{text}'."),
            ],
        )
    })
}

/// Refuses a range whose ends are the wrong way round, in which there is nothing.
fn check_ends(request: &Request, is_wrong: bool, lower: &str, upper: &str) -> Result<(), Problem> {
    if !is_wrong {
        return Ok(());
    }
    Err(bad(
        request,
        [
            format!("'{lower}' is past '{upper}', so that nothing is between them. Exchange them."),
            format!("'{lower}' 大于 '{upper}'，其间没有任何内容。请对调两者。"),
            format!("'{lower}' больше, чем '{upper}', и между ними ничего нет. Поменяйте их местами."),
        ],
    ))
}
