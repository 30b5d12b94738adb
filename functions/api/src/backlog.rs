//! Turning new orders away while those that were accepted wait too long to be started.

use chrono::TimeDelta;
use omniflow_domain::Language;
use omniflow_services::{ConfigError, Environment, Services};
use omniflow_store::{Backlog, Orders};

use crate::problem::{Kind, Problem};

/// The number of seconds after which it is worth sending the order again (RFC 9110, section 10.2.3).
const RETRY_AFTER: u32 = 15;

/// The backlog of these orders, which may be as old as `BACKLOG_SECONDS` says.
pub(crate) fn new(
    orders: &Orders,
    services: &impl Services,
    environment: &Environment,
) -> Result<Backlog, ConfigError> {
    let longest: u32 = environment.parse("BACKLOG_SECONDS")?;
    Ok(Backlog::new(orders.clone(), services.clock(), TimeDelta::seconds(longest.into())))
}

/// Refuses a new order while others wait too long to be started.
pub(crate) async fn check(backlog: &Backlog, language: Language) -> Result<(), Problem> {
    if !backlog.is_too_old().await {
        return Ok(());
    }
    let texts = [
        format!(
            "More orders come than can be started at the moment. This one was not taken; send it again in {RETRY_AFTER} seconds."
        ),
        format!("目前订单过多，暂时无法处理。此订单未被接受；请在 {RETRY_AFTER} 秒后重试。"),
        format!(
            "Сейчас заказов больше, чем удаётся обработать. Этот заказ не принят; отправьте его ещё раз через {RETRY_AFTER} с."
        ),
    ];
    Err(Problem::told(Kind::Overloaded, language, texts).with("retry_after", RETRY_AFTER))
}
