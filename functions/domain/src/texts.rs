//! Statuses in words, in three languages. The Chinese texts are the contract of the v1 routes.

use chrono::{DateTime, Utc};

use crate::language::Language;
use crate::order::returns::ReturnState;
use crate::order::{Open, Order, PaymentNews};
use crate::payment_gateway::Decline;
use crate::status::{Reason, Status};

/// The order's status as people read it, with the seconds that are left to pay at `now`.
pub fn status_text(order: &Order, language: Language, now: DateTime<Utc>) -> String {
    match (order.shown_status(), order.deadline()) {
        (Status::AwaitingPayment, Some(deadline)) => {
            // A started second still counts: 30 s are shown when 29.6 are left.
            let seconds = ((deadline - now).num_milliseconds().max(0) + 999) / 1000;
            match language {
                Language::Zh => format!("待支付 (超时倒计时: {seconds}s)"),
                Language::En => format!("Awaiting payment ({seconds} s left)"),
                Language::Ru => format!("Ожидает оплаты (осталось {seconds} с)"),
            }
        }
        (Status::Cancelled | Status::Rejected, _) => match order.reason() {
            Some(reason) => {
                let (status, reason) = (text(order.status(), language), reason_text(reason, language));
                format!("{status} ({reason})")
            }
            None => text(order.status(), language).to_owned(),
        },
        (status, _) => text(status, language).to_owned(),
    }
}

/// A status as people read it, without what depends on the order.
pub const fn text(status: Status, language: Language) -> &'static str {
    let (en, zh, ru) = match status {
        Status::Received => ("Received", "已接收", "Принят"),
        Status::Reserved => ("Stock reserved", "已锁定库存", "Товар зарезервирован"),
        Status::AwaitingAudit => (
            "⚠️ Awaiting review (large order)",
            "⚠️ 待风控审核 (大额订单)",
            "⚠️ Ожидает проверки (крупный заказ)",
        ),
        Status::AwaitingPayment => ("Awaiting payment", "待支付", "Ожидает оплаты"),
        Status::PaymentReceived => ("Payment received", "已收到付款", "Оплата получена"),
        Status::Paid => ("Paid", "已支付", "Оплачен"),
        Status::Shipping => ("Shipping", "发货中", "Отправляется"),
        Status::Completed => ("Completed", "已完成", "Выполнен"),
        Status::Compensating => ("Being cancelled", "取消中", "Отменяется"),
        Status::Cancelled => ("Cancelled", "已取消", "Отменён"),
        Status::Rejected => ("Rejected", "已拒绝", "Отклонён"),
        Status::NeedsAttention => ("Needs attention", "需人工处理", "Требует внимания"),
    };
    match language {
        Language::En => en,
        Language::Zh => zh,
        Language::Ru => ru,
    }
}

/// The state of a return as people read it.
pub const fn return_text(state: ReturnState, language: Language) -> &'static str {
    let (en, zh, ru) = match state {
        ReturnState::Requested => ("Return requested", "已申请退货", "Запрошен возврат"),
        ReturnState::AwaitingReview => ("Return under review", "退货待审核", "Возврат на рассмотрении"),
        ReturnState::AwaitingGoods => ("Waiting for the goods", "等待收到退货", "Ожидается товар"),
        ReturnState::Received => ("Goods received", "已收到退货", "Товар получен"),
        ReturnState::Refunded => ("Refunded", "已退款", "Деньги возвращены"),
        ReturnState::Rejected => ("Return rejected", "退货被拒绝", "В возврате отказано"),
        ReturnState::NeedsAttention => {
            ("Return needs attention", "退货需人工处理", "Возврат требует внимания")
        }
    };
    in_language(language, en, zh, ru)
}

/// What is open about an order that needs attention, a sentence each: its money, its stock, its shipments.
pub fn open_texts(open: &Open<'_>, language: Language) -> Vec<String> {
    let (en, zh, ru) = match open.money_taken {
        Some(true) => ("The money was taken.", "款项已扣。", "Деньги списаны."),
        Some(false) => ("No money was taken.", "未扣款。", "Деньги не списаны."),
        None => (
            "Only the payment gateway knows whether money was taken.",
            "是否已扣款只有支付网关知道。",
            "Списаны ли деньги, знает только платёжный шлюз.",
        ),
    };
    let money = in_language(language, en, zh, ru).to_owned();
    let (en, zh, ru) = if open.stock_held {
        ("Stock is set aside.", "库存已锁定。", "Товар зарезервирован.")
    } else {
        ("No stock is set aside.", "没有锁定库存。", "Товар не зарезервирован.")
    };
    let stock = in_language(language, en, zh, ru).to_owned();
    let warehouses = open.shipments_out.join(", ");
    let shipments = match (open.shipments_out.is_empty(), language) {
        (true, Language::En) => "No shipment has left.".to_owned(),
        (true, Language::Zh) => "没有已发出的货物。".to_owned(),
        (true, Language::Ru) => "Ничего не отправлено.".to_owned(),
        (false, Language::En) => format!("Shipments have left from: {warehouses}."),
        (false, Language::Zh) => format!("已从以下仓库发货：{warehouses}。"),
        (false, Language::Ru) => format!("Отправлено со складов: {warehouses}."),
    };
    vec![money, stock, shipments]
}

const fn in_language<'a>(language: Language, en: &'a str, zh: &'a str, ru: &'a str) -> &'a str {
    match language {
        Language::En => en,
        Language::Zh => zh,
        Language::Ru => ru,
    }
}

/// The text that stands in place of a status when an order can't be read.
pub const fn unreadable_text(language: Language) -> &'static str {
    match language {
        Language::En => "⚠️ Can't be read",
        Language::Zh => "⚠️ 无法读取",
        Language::Ru => "⚠️ Не удаётся прочитать",
    }
}

/// A reason as people read it.
pub const fn reason_text(reason: Reason, language: Language) -> &'static str {
    let (en, zh, ru) = match reason {
        Reason::PaymentTimeout => ("payment timed out", "超时", "истекло время оплаты"),
        Reason::AuditRejected => ("review rejected", "审核拒绝", "проверка не пройдена"),
        Reason::Customer => ("by the customer", "客户取消", "по просьбе покупателя"),
        Reason::PaymentFailed => ("payment failed", "支付失败", "ошибка оплаты"),
        Reason::ShipmentFailed => ("shipment failed", "发货失败", "ошибка отправки"),
        Reason::OutOfStock => ("out of stock", "库存不足", "нет в наличии"),
        Reason::InternalError => ("internal error", "系统错误", "внутренняя ошибка"),
    };
    match language {
        Language::En => en,
        Language::Zh => zh,
        Language::Ru => ru,
    }
}

/// Why a bank declined, as the customer reads it, and what they can do.
pub const fn decline_text(decline: Decline, language: Language) -> &'static str {
    let (en, zh, ru) = match decline {
        Decline::Refused => (
            "Your bank declined the payment. Try another card, or ask your bank.",
            "银行拒绝了付款。请换一张卡，或咨询您的银行。",
            "Банк отклонил платёж. Попробуйте другую карту или обратитесь в банк.",
        ),
        Decline::InsufficientFunds => (
            "There is not enough money on the card. Try another one.",
            "卡内余额不足。请换一张卡。",
            "На карте недостаточно средств. Попробуйте другую карту.",
        ),
        Decline::CardExpired => (
            "The card has expired. Try another one.",
            "该卡已过期。请换一张卡。",
            "Срок действия карты истёк. Попробуйте другую карту.",
        ),
        Decline::WrongDetails => (
            "A number or code of the card is wrong. Check them and try again.",
            "卡号或验证码有误。请核对后重试。",
            "Номер или код карты указан неверно. Проверьте их и попробуйте снова.",
        ),
        Decline::NotAuthenticated => (
            "Your bank could not confirm that the card is yours. Try again and confirm the payment as it asks.",
            "银行未能确认该卡属于您。请重试并按银行提示确认付款。",
            "Банк не смог подтвердить, что карта ваша. Попробуйте снова и подтвердите платёж, как просит банк.",
        ),
        Decline::HoldExpired => (
            "Your bank no longer holds the money for this order. Nothing was charged.",
            "银行已不再为此订单预留款项，未扣款。",
            "Банк больше не удерживает деньги для этого заказа. Ничего не списано.",
        ),
        Decline::TryAgain => (
            "Something went wrong at your bank. Try again in a moment, or use another card.",
            "银行处理出错。请稍后重试，或换一张卡。",
            "В банке что-то пошло не так. Попробуйте ещё раз чуть позже или другой картой.",
        ),
    };
    in_language(language, en, zh, ru)
}

/// What became known of an order's money, as people read it.
pub const fn news_text(news: PaymentNews, language: Language) -> &'static str {
    let (en, zh, ru) = match news {
        PaymentNews::Declined => ("Payment attempt declined", "付款尝试被拒", "Попытка оплаты отклонена"),
        PaymentNews::LateReturned => (
            "Paid too late, and given back",
            "付款过晚，已退回",
            "Оплачено слишком поздно, деньги возвращены",
        ),
        PaymentNews::ReturnedAtProvider => {
            ("Refunded at the payment provider", "已在支付平台退款", "Возврат через платёжного провайдера")
        }
        PaymentNews::HoldLost => {
            ("The bank no longer holds the money", "银行已不再预留款项", "Банк больше не удерживает деньги")
        }
        PaymentNews::DisputeOpened => ("The payment is disputed", "付款被争议", "Платёж оспаривается"),
        PaymentNews::DisputeWon => ("The dispute was won", "争议胜诉", "Спор выигран"),
        PaymentNews::DisputeLost => ("The dispute was lost", "争议败诉", "Спор проигран"),
    };
    in_language(language, en, zh, ru)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn every_status_and_reason_has_its_own_words_in_every_language() {
        for language in Language::ALL {
            let mut statuses: HashSet<_> =
                Status::ALL.into_iter().map(|status| text(status, language)).collect();
            statuses.insert(unreadable_text(language));
            assert_eq!(statuses.len(), Status::ALL.len() + 1);
            let reasons: HashSet<_> =
                Reason::ALL.into_iter().map(|reason| reason_text(reason, language)).collect();
            assert_eq!(reasons.len(), Reason::ALL.len());
            let declines: HashSet<_> =
                Decline::ALL.into_iter().map(|decline| decline_text(decline, language)).collect();
            assert_eq!(declines.len(), Decline::ALL.len());
            let returns: HashSet<_> =
                ReturnState::ALL.into_iter().map(|state| return_text(state, language)).collect();
            assert_eq!(returns.len(), ReturnState::ALL.len());
            let news: HashSet<_> =
                PaymentNews::ALL.into_iter().map(|news| news_text(news, language)).collect();
            assert_eq!(news.len(), PaymentNews::ALL.len());
        }
        let open = |money_taken, stock_held, shipments_out| Open { money_taken, stock_held, shipments_out };
        let mut opens = HashSet::new();
        for language in Language::ALL {
            for money in [None, Some(true), Some(false)] {
                opens.extend(open_texts(&open(money, true, vec!["wh-east"]), language));
                opens.extend(open_texts(&open(money, false, Vec::new()), language));
            }
        }
        assert_eq!(
            opens.len(),
            Language::ALL.len() * 7,
            "three of the money, two of the stock, two of shipments"
        );
        let unreadable: HashSet<_> = Language::ALL.into_iter().map(unreadable_text).collect();
        assert_eq!(unreadable.len(), Language::ALL.len());
    }
}
