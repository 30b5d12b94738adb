//! The messages to customers, in their language.

use omniflow_domain::order::PaymentNews;
use omniflow_domain::order::returns::ReturnState;
use omniflow_domain::{Language, Money, OrderNumber, Reason, Status, texts};

/// A message to a customer.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Message {
    pub subject: String,
    pub text: String,
}

/// What a message calls the order.
#[derive(Debug, Clone, Copy)]
#[allow(missing_docs, reason = "the names say it")]
pub struct Named<'a> {
    pub order_id: &'a str,
    /// `None` for orders that an earlier release made.
    pub number: Option<OrderNumber>,
}

impl Named<'_> {
    /// In few words.
    fn short(self) -> String {
        self.number.map_or_else(|| self.order_id.to_owned(), |number| number.to_string())
    }

    /// With all that the order is found by.
    fn full(self) -> String {
        let id = self.order_id;
        self.number.map_or_else(|| id.to_owned(), |number| format!("{number} ({id})"))
    }
}

/// The message to a customer whose order has come to this status; `None` for statuses that customers are not
/// told of.
pub fn message(
    order: Named<'_>,
    status: Status,
    reason: Option<Reason>,
    amount: Money,
    language: Language,
) -> Option<Message> {
    let news = news(status, language)?;
    let (short, full) = (order.short(), order.full());
    let because =
        reason.map_or_else(String::new, |reason| format!(" ({})", texts::reason_text(reason, language)));
    let status = texts::text(status, language);
    let amount = amount.in_words(language);
    let (subject, text) = match language {
        Language::En => (
            format!("Order {short}: {status}"),
            format!(
                "Hello,\n\n{news}\n\nOrder: {full}\nAmount: {amount}\nStatus: {status}{because}\n\nOmniFlow\n"
            ),
        ),
        Language::Zh => (
            format!("订单 {short}：{status}"),
            format!(
                "您好，\n\n{news}\n\n订单：{full}\n金额：{amount}\n状态：{status}{because}\n\nOmniFlow\n"
            ),
        ),
        Language::Ru => (
            format!("Заказ {short}: {status}"),
            format!(
                "Здравствуйте!\n\n{news}\n\nЗаказ: {full}\nСумма: {amount}\nСостояние: {status}{because}\n\nOmniFlow\n"
            ),
        ),
    };
    Some(Message { subject, text })
}

/// The message to a customer about their money; `None` for news that customers are not told of.
pub fn payment_message(
    order: Named<'_>,
    news: PaymentNews,
    amount: Money,
    language: Language,
) -> Option<Message> {
    let (en, zh, ru) = match news {
        PaymentNews::LateReturned => (
            "Your payment came when the order was no longer to be paid. We do not keep it: what was reserved on your account is released, and what was charged is on its way back.",
            "您的付款到达时订单已不能支付。我们不会保留这笔款项：预留的金额将被释放，已扣的款项将原路退回。",
            "Ваш платёж пришёл, когда заказ уже нельзя было оплатить. Мы его не оставляем: удержанная сумма будет разблокирована, а списанная вернётся.",
        ),
        PaymentNews::ReturnedAtProvider => (
            "We have given money back for your order. It is on its way to the account that you paid from.",
            "我们已为您的订单退款，款项将原路退回。",
            "Мы вернули деньги за ваш заказ. Они поступят на счёт, с которого вы платили.",
        ),
        PaymentNews::Declined
        | PaymentNews::HoldLost
        | PaymentNews::DisputeOpened
        | PaymentNews::DisputeWon
        | PaymentNews::DisputeLost => return None,
    };
    let (what, amount) = (texts::news_text(news, language), amount.in_words(language));
    let (short, full) = (order.short(), order.full());
    let (subject, text) = match language {
        Language::En => (
            format!("Order {short}: {what}"),
            format!("Hello,\n\n{en}\n\nOrder: {full}\nAmount: {amount}\n\nOmniFlow\n"),
        ),
        Language::Zh => (
            format!("订单 {short}：{what}"),
            format!("您好，\n\n{zh}\n\n订单：{full}\n金额：{amount}\n\nOmniFlow\n"),
        ),
        Language::Ru => (
            format!("Заказ {short}: {what}"),
            format!("Здравствуйте!\n\n{ru}\n\nЗаказ: {full}\nСумма: {amount}\n\nOmniFlow\n"),
        ),
    };
    Some(Message { subject, text })
}

/// The message to a customer about a return; `None` for states that customers are not told of.
pub fn return_message(
    order: Named<'_>,
    number: u32,
    state: ReturnState,
    amount: Money,
    language: Language,
) -> Option<Message> {
    let (en, zh, ru) = match state {
        ReturnState::AwaitingReview => (
            "We have received your request to return goods and look at it. Please keep the goods until we write to you.",
            "我们已收到您的退货申请，正在审核。在收到我们的通知之前，请先保留商品。",
            "Мы получили ваш запрос на возврат и рассматриваем его. Пожалуйста, не отправляйте товар, пока мы не напишем.",
        ),
        ReturnState::AwaitingGoods => (
            "Your return is accepted. Please send the goods; the money is given back when they are here.",
            "您的退货申请已通过。请寄回商品，我们收到后将退款。",
            "Возврат принят. Пожалуйста, отправьте товар; деньги мы вернём, когда он придёт.",
        ),
        ReturnState::Refunded => (
            "Your return has arrived. The money is on its way to the account that you paid from.",
            "我们已收到您的退货，款项将原路退回。",
            "Мы получили ваш возврат. Деньги поступят на счёт, с которого вы платили.",
        ),
        ReturnState::Rejected => (
            "We can't accept your return. Please ask us if you want to know more.",
            "很抱歉，我们无法接受您的退货。如有疑问请与我们联系。",
            "К сожалению, мы не можем принять возврат. Если есть вопросы, напишите нам.",
        ),
        ReturnState::Requested | ReturnState::Received | ReturnState::NeedsAttention => return None,
    };
    let (what, amount) = (texts::return_text(state, language), amount.in_words(language));
    let (short, full) = (order.short(), order.full());
    let (subject, text) = match language {
        Language::En => (
            format!("Order {short}: {what}"),
            format!("Hello,\n\n{en}\n\nOrder: {full}\nReturn: {number}\nAmount: {amount}\n\nOmniFlow\n"),
        ),
        Language::Zh => (
            format!("订单 {short}：{what}"),
            format!("您好，\n\n{zh}\n\n订单：{full}\n退货：{number}\n金额：{amount}\n\nOmniFlow\n"),
        ),
        Language::Ru => (
            format!("Заказ {short}: {what}"),
            format!(
                "Здравствуйте!\n\n{ru}\n\nЗаказ: {full}\nВозврат: {number}\nСумма: {amount}\n\nOmniFlow\n"
            ),
        ),
    };
    Some(Message { subject, text })
}

/// The sentence for a status that customers are told of. The rule in the template lets events about the same
/// ones through.
const fn news(status: Status, language: Language) -> Option<&'static str> {
    let (en, zh, ru) = match status {
        Status::AwaitingPayment => {
            ("Your order is ready to be paid.", "您的订单已确认，请尽快付款。", "Ваш заказ ждёт оплаты.")
        }
        Status::AwaitingAudit => (
            "Your order is large, so we look at it before you pay. You need do nothing.",
            "您的订单金额较大，我们需要先审核，您无需操作。",
            "Заказ на крупную сумму, поэтому сначала мы его проверим. От вас ничего не требуется.",
        ),
        Status::Shipping => (
            "Your payment has arrived and your order is being shipped.",
            "我们已收到付款，您的订单正在发货。",
            "Оплата получена, заказ отправляется.",
        ),
        Status::Completed => (
            "Everything you ordered is on its way.",
            "您订购的商品已全部发出。",
            "Все товары заказа отправлены.",
        ),
        Status::Cancelled => (
            "Your order was cancelled. If you have paid, the money is on its way back.",
            "您的订单已取消。如已付款，款项将原路退回。",
            "Ваш заказ отменён. Если вы его оплатили, деньги вернутся.",
        ),
        Status::Rejected => (
            "We are sorry: what you ordered is not in stock. Nothing was charged.",
            "非常抱歉，您订购的商品库存不足，我们没有扣款。",
            "К сожалению, товара нет в наличии. Деньги не списаны.",
        ),
        Status::Received
        | Status::Reserved
        | Status::PaymentReceived
        | Status::Paid
        | Status::Compensating
        | Status::NeedsAttention => return None,
    };
    Some(match language {
        Language::En => en,
        Language::Zh => zh,
        Language::Ru => ru,
    })
}
