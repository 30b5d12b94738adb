//! Decisions that an order refuses, in the caller's words: what happened, when and by whom, and what can be done now.

use omniflow_domain::order::{Actor, Contradiction, Role};
use omniflow_domain::{Language, Order, Refusal, Status, texts};

use crate::problem::{Kind, Problem};
use crate::request::Request;
use crate::{Decisions, attention};

/// A text in English, Chinese and Russian.
type Texts = [&'static str; 3];

/// The problem of a decision that the order refused.
pub(crate) fn refused(order: &Order, refusal: &Refusal, request: &Request, api: &Decisions) -> Problem {
    let language = request.language_of_problems();
    if *refusal == Refusal::OwnOrder {
        return Problem::told(
            Kind::OwnOrder,
            language,
            [
                "The order is your own, and somebody else has to approve it. You may reject it.".to_owned(),
                "这是您自己的订单，须由他人审批。您可以拒绝它。".to_owned(),
                "Это ваш собственный заказ, одобрить его должен другой человек. Отклонить его вы можете."
                    .to_owned(),
            ],
        )
        .with("order_id", order.id().as_str());
    }
    let is_operator = request.caller.is_operator();
    let mut sentences = vec![why(order, refusal, language), since(order, language)];
    sentences.push(Some(in_language(possible(order.shown_status(), is_operator), language).to_owned()));
    let detail = sentences.into_iter().flatten().collect::<Vec<_>>().join(" ");
    let problem = Problem::new(Kind::WrongState, detail).about(order, request, api.now());
    if order.status() == Status::NeedsAttention && is_operator {
        return problem.with("open", attention::facts(order));
    }
    problem
}

fn in_language(texts: Texts, language: Language) -> &'static str {
    let [en, zh, ru] = texts;
    match language {
        Language::En => en,
        Language::Zh => zh,
        Language::Ru => ru,
    }
}

/// Why the decision was refused, where the order's state alone does not say it.
fn why(order: &Order, refusal: &Refusal, language: Language) -> Option<String> {
    let texts = match refusal {
        Refusal::TooLate(deadline) => {
            let at = deadline.format("%Y-%m-%d %H:%M:%S UTC");
            let texts = [
                format!("The time to pay was over at {at}."),
                format!("支付时间已于 {at} 截止。"),
                format!("Время оплаты истекло {at}."),
            ];
            return texts.into_iter().nth(place(language));
        }
        Refusal::ReviewedAlready => {
            let audit = order.audit()?;
            let by = by(audit.by.as_ref(), language);
            let at = audit.at.format("%Y-%m-%d %H:%M:%S UTC");
            let verdict: Texts = if audit.approved {
                ["approved", "批准", "одобрен"]
            } else {
                ["rejected", "拒绝", "отклонён"]
            };
            let verdict = in_language(verdict, language);
            let texts = [
                format!("The order was {verdict} at {at}{by}."),
                format!("该订单已于 {at} 被{verdict}{by}。"),
                format!("Заказ {verdict} {at}{by}."),
            ];
            return texts.into_iter().nth(place(language));
        }
        Refusal::NeedsNoAttention(_) => [
            "The order does not need attention: there is nothing to retry or to resolve.",
            "该订单无需人工处理：没有可重试或可了结的事项。",
            "Заказ не требует внимания: повторять или улаживать нечего.",
        ],
        Refusal::Contradiction(contradiction) => contradicted(contradiction),
        Refusal::CalledBack(_)
        | Refusal::RejectedBefore(_)
        | Refusal::OnItsWay(_)
        | Refusal::NotShipped(_)
        | Refusal::Delivered(_)
        | Refusal::NoShipment(_) => return of_shipment(refusal, language),
        Refusal::ReallocatedBefore(_)
        | Refusal::NotRejected(_)
        | Refusal::OwnOrder
        | Refusal::StillOpen(_)
        | Refusal::Return(_)
        | Refusal::ReturnOpen
        | Refusal::Illegal(_)
        | Refusal::Undone(_)
        | Refusal::NotCompensating(_)
        | Refusal::TooEarly(_) => return None,
    };
    Some(in_language(texts, language).to_owned())
}

/// Why a decision about the goods from one warehouse was refused.
pub(crate) fn of_shipment(refusal: &Refusal, language: Language) -> Option<String> {
    let texts = match refusal {
        Refusal::CalledBack(warehouse) => [
            format!(
                "The shipment from {warehouse} was called back: do not send it, and stop it if it has left."
            ),
            format!("{warehouse} 的货件已被召回：请勿发出；若已发出，请截回。"),
            format!(
                "Отправление со склада {warehouse} отозвано: не отправляйте его, а если оно ушло, остановите."
            ),
        ],
        Refusal::RejectedBefore(warehouse) => [
            format!(
                "The shipment from {warehouse} was rejected or overdue: do not send it, and stop it if it has left."
            ),
            format!("{warehouse} 的货件已被拒绝或逾期：请勿发出；若已发出，请截回。"),
            format!(
                "Склад {warehouse} отказался от отправления или просрочил его: не отправляйте его, а если оно ушло, остановите."
            ),
        ],
        Refusal::OnItsWay(warehouse) => [
            format!("The shipment from {warehouse} is on its way already."),
            format!("{warehouse} 的货件已在途中。"),
            format!("Отправление со склада {warehouse} уже в пути."),
        ],
        Refusal::NotShipped(warehouse) => [
            format!("The shipment from {warehouse} is not on its way."),
            format!("{warehouse} 的货件尚未发出。"),
            format!("Отправление со склада {warehouse} ещё не в пути."),
        ],
        Refusal::Delivered(warehouse) => [
            format!("The shipment from {warehouse} was delivered."),
            format!("{warehouse} 的货件已送达。"),
            format!("Отправление со склада {warehouse} доставлено."),
        ],
        Refusal::NoShipment(warehouse) => [
            format!("The order has no shipment from {warehouse}."),
            format!("该订单没有来自 {warehouse} 的货件。"),
            format!("У заказа нет отправления со склада {warehouse}."),
        ],
        _ => return None,
    };
    texts.into_iter().nth(place(language))
}

const fn place(language: Language) -> usize {
    match language {
        Language::En => 0,
        Language::Zh => 1,
        Language::Ru => 2,
    }
}

const fn contradicted(contradiction: &Contradiction) -> Texts {
    match contradiction {
        Contradiction::NothingHeld => [
            "No stock is set aside for the order: say RELEASED.",
            "没有为该订单锁定库存：请填写 RELEASED。",
            "Для заказа ничего не зарезервировано: укажите RELEASED.",
        ],
        Contradiction::ShipmentsOut => [
            "Shipments have left: say SOLD or LOST.",
            "货物已发出：请填写 SOLD 或 LOST。",
            "Товары отправлены: укажите SOLD или LOST.",
        ],
        Contradiction::NothingOut => [
            "No shipment has left: say RELEASED or LOST.",
            "没有货物发出：请填写 RELEASED 或 LOST。",
            "Ничего не отправлено: укажите RELEASED или LOST.",
        ],
        Contradiction::PartlyOut => [
            "Some shipments have not left: the money for them can't be kept.",
            "部分货物未发出：不能保留其款项。",
            "Часть товаров не отправлена: деньги за них оставить нельзя.",
        ],
        Contradiction::NothingTaken => {
            ["No money was taken: say NONE.", "未扣款：请填写 NONE。", "Деньги не списаны: укажите NONE."]
        }
        Contradiction::MoneyTaken => [
            "Money was taken: say REFUNDED or KEPT.",
            "已扣款：请填写 REFUNDED 或 KEPT。",
            "Деньги списаны: укажите REFUNDED или KEPT.",
        ],
        Contradiction::GivenBack => [
            "The money was given back: say REFUNDED.",
            "款项已退还：请填写 REFUNDED。",
            "Деньги возвращены: укажите REFUNDED.",
        ],
    }
}

/// What the order is, since when, and by whom; `None` for one that was approved and waits for its workflow, of which the
/// time of the approval says more.
fn since(order: &Order, language: Language) -> Option<String> {
    let change = order.timeline().last().filter(|_| order.shown_status() == order.status())?;
    let status = texts::text(order.status(), language);
    let (name, at) = (order.status(), change.at.format("%Y-%m-%d %H:%M:%S UTC"));
    let by = by(change.by.as_ref(), language);
    let texts = [
        format!("The order is {name} ({status}) since {at}{by}."),
        format!("订单自 {at} 起为 {name}（{status}）{by}。"),
        format!("Заказ с {at} в состоянии {name} ({status}){by}."),
    ];
    texts.into_iter().nth(place(language))
}

/// Who decided, as everybody may know it.
fn by(actor: Option<&Actor>, language: Language) -> &'static str {
    let texts = match actor.map(|actor| actor.role) {
        Some(Role::Customer) => [", by the customer", "，由客户决定", ", решил покупатель"],
        Some(Role::Operator) => [", by the shop", "，由店方决定", ", решил магазин"],
        Some(Role::System) => [", by the system", "，由系统决定", ", решила система"],
        None => ["", "", ""],
    };
    in_language(texts, language)
}

/// What can be done to an order in this state.
const fn possible(status: Status, is_operator: bool) -> Texts {
    match status {
        Status::AwaitingPayment => [
            "It can be paid or cancelled now.",
            "现在可以支付或取消。",
            "Сейчас его можно оплатить или отменить.",
        ],
        Status::AwaitingAudit if is_operator => [
            "It can be approved, rejected or cancelled now.",
            "现在可以批准、拒绝或取消。",
            "Сейчас его можно одобрить, отклонить или отменить.",
        ],
        Status::AwaitingAudit => [
            "It waits for a review, and can be cancelled now.",
            "正在等待审核，现在可以取消。",
            "Он ждёт проверки; сейчас его можно отменить.",
        ],
        Status::Received | Status::Reserved => [
            "It goes on by itself: ask again in a moment. It can be cancelled now.",
            "订单会自动继续：请稍后再试。现在可以取消。",
            "Он продолжится сам: повторите чуть позже. Сейчас его можно отменить.",
        ],
        Status::PaymentReceived | Status::Paid | Status::Shipping => [
            "It goes on by itself, and can be cancelled until all of it is shipped.",
            "订单会自动继续，在全部发货之前可以取消。",
            "Он продолжится сам; отменить его можно, пока не всё отправлено.",
        ],
        Status::NeedsAttention if is_operator => [
            "It needs attention: have it go on (retry), or say what was done by hand (resolve).",
            "需人工处理：请使其继续（retry），或说明人工处理结果（resolve）。",
            "Он требует внимания: продолжите его (retry) или укажите, что сделано вручную (resolve).",
        ],
        Status::NeedsAttention => [
            "It needs attention, and whoever runs the shop looks at it.",
            "需人工处理，店方会查看。",
            "Он требует внимания, магазин им занимается.",
        ],
        Status::Compensating => [
            "It is being undone, and nothing else can be done to it.",
            "正在撤销，无法再做其他操作。",
            "Он отменяется, и больше с ним ничего сделать нельзя.",
        ],
        Status::Completed | Status::Cancelled | Status::Rejected => [
            "It is closed and can't be changed any more; make a new order instead.",
            "订单已结束，无法再更改；请重新下单。",
            "Он закрыт, и изменить его нельзя; оформите новый заказ.",
        ],
    }
}
