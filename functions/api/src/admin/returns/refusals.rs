//! Decisions about returns that an order refuses, in the caller's words: what is in the way, and what can be done.

use chrono::{DateTime, Utc};
use omniflow_domain::order::returns::{MOST_LINES, MOST_RETURNS, ReturnRefusal, ReturnState};
use omniflow_domain::texts::{return_text, text};
use omniflow_domain::{Language, Order, Refusal};
use serde_json::json;

use crate::problem::{Kind, Problem};
use crate::request::Request;

/// The problem of a decision about a return that the order refused.
pub(super) fn refused(order: &Order, refusal: &Refusal, request: &Request, now: DateTime<Utc>) -> Problem {
    let language = request.language_of_problems();
    let refusal = match refusal {
        Refusal::Return(refusal) => refusal,
        Refusal::OwnOrder => {
            return Problem::told(Kind::OwnOrder, language, [
                "The order or the return is your own, and somebody else has to approve it. You may reject it.".to_owned(),
                "这是您自己的订单或退货申请，须由他人审批。您可以拒绝它。".to_owned(),
                "Это ваш собственный заказ или возврат, одобрить его должен другой человек. Отклонить его вы можете.".to_owned(),
            ])
            .with("order_id", order.id().as_str());
        }
        other => return Problem::new(Kind::WrongState, format!("{other}.")).about(order, request, now),
    };
    if let ReturnRefusal::Unknown(number) = refusal {
        return unknown(&number.to_string(), request);
    }
    let (kind, texts) = told(order, refusal, language);
    let problem = Problem::told(kind, language, texts);
    if kind == Kind::NotReturnable {
        return problem.with("order_id", order.id().as_str()).with("returnable", json!(order.returnable()));
    }
    problem.about(order, request, now)
}

/// The problem of a number that no return of the order has.
pub(super) fn unknown(number: &str, request: &Request) -> Problem {
    Problem::told(
        Kind::ReturnNotFound,
        request.language_of_problems(),
        [
            format!("The order has no return {number}. GET /api/v1/orders/ORDER/returns lists what it has."),
            format!("该订单没有编号为 {number} 的退货。GET /api/v1/orders/ORDER/returns 可列出其退货。"),
            format!("У заказа нет возврата {number}. GET /api/v1/orders/ORDER/returns покажет, какие есть."),
        ],
    )
}

/// The kind of the problem, and its text in English, Chinese and Russian.
fn told(order: &Order, refusal: &ReturnRefusal, language: Language) -> (Kind, [String; 3]) {
    let texts = match refusal {
        ReturnRefusal::NotCompleted(status) => {
            let state = text(*status, language);
            [
                format!("The order is {status} ({state}), and only of a completed order goods can be returned. An order that is still open can be cancelled."),
                format!("订单状态为 {status}（{state}），只有已完成的订单才能退货。未结束的订单可以取消。"),
                format!("Заказ в состоянии {status} ({state}), а вернуть товар можно только из выполненного заказа. Открытый заказ можно отменить."),
            ]
        }
        ReturnRefusal::TooLate(until) => {
            let at = until.format("%Y-%m-%d %H:%M:%S UTC");
            [
                format!("The time for returns was over at {at}. Ask the shop: it may take goods back by hand."),
                format!("退货期限已于 {at} 截止。请联系店方，店方可以人工处理。"),
                format!("Срок возврата истёк {at}. Обратитесь в магазин: он может принять товар вручную."),
            ]
        }
        ReturnRefusal::NothingPaid => [
            "The money of this order was given back already, so that there is nothing to refund.".to_owned(),
            "该订单的款项已退还，没有可退的金额。".to_owned(),
            "Деньги за этот заказ уже возвращены, возвращать больше нечего.".to_owned(),
        ],
        ReturnRefusal::TooMany { product_id, asked, left } => [
            format!("{asked} of '{product_id}' are to be returned, and {left} can be: those that were shipped and are not on their way back. Ask for at most {left}."),
            format!("申请退回 '{product_id}' {asked} 件，最多可退 {left} 件：已发货且尚未申请退回的数量。请不要超过 {left} 件。"),
            format!("Запрошен возврат товара '{product_id}': {asked} шт., а вернуть можно {left}: отправленное и ещё не возвращаемое. Укажите не больше {left}."),
        ],
        ReturnRefusal::TooManyReturns => [
            format!("The order has {MOST_RETURNS} returns already, and no more are possible. Ask the shop."),
            format!("该订单已有 {MOST_RETURNS} 次退货，不能再申请。请联系店方。"),
            format!("У заказа уже {MOST_RETURNS} возвратов, больше нельзя. Обратитесь в магазин."),
        ],
        ReturnRefusal::TooManyLines => [
            format!("A return may be of {MOST_LINES} products and warehouses. Ask for several smaller returns."),
            format!("一次退货最多涉及 {MOST_LINES} 个商品和仓库。请分多次申请。"),
            format!("Возврат может быть не более чем из {MOST_LINES} товаров и складов. Разделите его на несколько."),
        ],
        ReturnRefusal::MoreThanAsked { product_id, came, asked } => [
            format!("{came} of '{product_id}' are said to have come, and {asked} were to be returned. Count at most {asked}; ask for another return for the rest."),
            format!("'{product_id}' 登记收到 {came} 件，而申请退回 {asked} 件。请不要超过 {asked} 件；其余请另行申请退货。"),
            format!("Товара '{product_id}' пришло {came} шт., а вернуть должны были {asked}. Укажите не больше {asked}; на остальное оформите ещё один возврат."),
        ],
        ReturnRefusal::NothingCame => [
            "Nothing has come: say of a product how many pieces to restock or to write off. If the goods never come, reject the return.".to_owned(),
            "没有收到任何商品：请填写重新入库或报废的数量。若商品一直未到，请拒绝该退货。".to_owned(),
            "Ничего не пришло: укажите, сколько штук вернуть на склад или списать. Если товар так и не придёт, отклоните возврат.".to_owned(),
        ],
        ReturnRefusal::WrongState { .. } | ReturnRefusal::Rejected(_) | ReturnRefusal::Unknown(_) => {
            return (Kind::WrongState, wrong_state(order, refusal, language));
        }
    };
    (Kind::NotReturnable, texts)
}

fn wrong_state(order: &Order, refusal: &ReturnRefusal, language: Language) -> [String; 3] {
    let number = match refusal {
        ReturnRefusal::WrongState { number, .. } | ReturnRefusal::Rejected(number) => *number,
        _ => 0,
    };
    let last = order.return_of(number).ok().and_then(|it| it.history.last());
    let state = last.map_or(ReturnState::Rejected, |change| change.state);
    let (name, status) = (state.name(), return_text(state, language));
    let at = last.map(|change| change.at.format("%Y-%m-%d %H:%M:%S UTC").to_string()).unwrap_or_default();
    let [en, zh, ru] = possible(state);
    [
        format!("Return {number} is {name} ({status}) since {at}. {en}"),
        format!("退货 {number} 自 {at} 起为 {name}（{status}）。{zh}"),
        format!("Возврат {number} с {at} в состоянии {name} ({status}). {ru}"),
    ]
}

/// What can be done about a return in this state.
const fn possible(state: ReturnState) -> [&'static str; 3] {
    match state {
        ReturnState::Requested | ReturnState::AwaitingReview => [
            "It can be approved or rejected now.",
            "现在可以批准或拒绝。",
            "Сейчас его можно одобрить или отклонить.",
        ],
        ReturnState::AwaitingGoods => [
            "Its goods can be received now, or it can be rejected.",
            "现在可以登记收货，或拒绝该退货。",
            "Сейчас можно принять товар или отклонить возврат.",
        ],
        ReturnState::Received => [
            "Its money is being given back by itself.",
            "正在自动退款。",
            "Деньги возвращаются автоматически.",
        ],
        ReturnState::NeedsAttention => [
            "Have it go on (retry), or say that its money was given back by hand (resolve).",
            "请使其继续（retry），或说明已人工退款（resolve）。",
            "Продолжите его (retry) или укажите, что деньги возвращены вручную (resolve).",
        ],
        ReturnState::Refunded | ReturnState::Rejected => [
            "It is closed; another return can be asked for.",
            "该退货已结束；可以另行申请。",
            "Он закрыт; можно запросить другой возврат.",
        ],
    }
}
