//! Money in requests: amounts and prices are read in the shop's currency, exactly, and compared. What is wrong
//! with them is told in the caller's language.

use omniflow_domain::catalogue::Product;
use omniflow_domain::order::Item;
use omniflow_domain::{Currency, Language, Money};
use serde_json::Value;

use crate::problem::{Kind, Problem};

/// The currency of a shop, and the language that a caller is told about money in.
#[derive(Clone, Copy)]
pub(crate) struct Prices {
    pub currency: Currency,
    pub language: Language,
}

impl Prices {
    /// Reads an amount over 0, which may be a text or a number. A number is read from the text that it was
    /// `written` as, since a float may round what is no amount to one.
    pub(crate) fn amount(self, field: &str, value: &Value, written: &Value) -> Result<Money, Problem> {
        let read = match (value, written) {
            (Value::String(text), _) => Money::parse(text, self.currency),
            (Value::Number(_), Value::String(number)) => Money::from_number(number, self.currency),
            (other, _) => {
                return Err(self.bad(
                    format!("'{field}' must be an amount of money, not {other}."),
                    format!("'{field}' 必须是金额，而不是 {other}。"),
                    format!("'{field}' должно быть суммой денег, а не {other}."),
                ));
            }
        };
        let money = read.map_err(|error| {
            let why = error.text(self.language);
            self.bad(
                format!("'{field}' is no amount of money: {why}."),
                format!("'{field}' 不是有效金额：{why}。"),
                format!("'{field}' — не сумма денег: {why}."),
            )
        })?;
        if money.is_zero() {
            return Err(self.bad(
                format!("'{field}' must be more than 0."),
                format!("'{field}' 必须大于 0。"),
                format!("'{field}' должно быть больше 0."),
            ));
        }
        Ok(money)
    }

    /// Checks the currency that a request names, which it need not.
    pub(crate) fn check_currency(self, value: &Value) -> Result<(), Problem> {
        let ours = self.currency;
        match value {
            Value::Null => Ok(()),
            Value::String(code) if code == ours.code() => Ok(()),
            other => Err(self.bad(
                format!("'currency' is {other}, and this shop sells in {ours} only. Give the prices in {ours}, with \"{ours}\" as the currency or with none."),
                format!("'currency' 为 {other}，而本店仅以 {ours} 结算。请以 {ours} 给出价格，并将货币填为 \"{ours}\" 或留空。"),
                format!("'currency' — {other}, а магазин продаёт только за {ours}. Укажите цены в {ours}, а валюту \"{ours}\" или никакую."),
            )),
        }
    }

    /// The amount of an order over these items, of which the request gave `amount` or not.
    pub(crate) fn of_order(self, amount: Option<Money>, items: &[Item]) -> Result<Money, Problem> {
        match (amount, self.sum(items)?) {
            (Some(amount), Some(sum)) if amount != sum => Err(self.mismatch(
                format!("'amount' is {amount}, but the items cost {sum}. Correct it or leave it out."),
                format!("'amount' 为 {amount}，但商品合计 {sum}。请更正或省略。"),
                format!("'amount' — {amount}, а товары стоят {sum}. Исправьте сумму или не указывайте её."),
            )),
            (Some(amount), _) | (None, Some(amount)) => Ok(amount),
            (None, None) => Err(self.mismatch(
                "'amount' is missing, and only some of the items have a price. Add the others.".to_owned(),
                "缺少 'amount'，且只有部分商品有价格。请补全其余价格。".to_owned(),
                "Нет 'amount', а цена есть не у всех товаров. Укажите остальные цены.".to_owned(),
            )),
        }
    }

    /// The price of one piece of the product.
    pub(crate) fn of_product(self, product: &Product) -> Result<Money, Problem> {
        product.price_in(self.currency).ok_or_else(|| self.unpriced(&product.product_id))
    }

    /// What so many pieces of these products are worth by the catalogue. A product without a price in the shop's
    /// currency counts for nothing.
    pub(crate) fn value<'a>(self, lines: impl Iterator<Item = (&'a Product, u32)>) -> Money {
        let worth =
            lines.filter_map(|(product, quantity)| Some(product.price_in(self.currency)?.times(quantity)));
        worth.fold(Money::zero(self.currency), |sum, worth| sum.plus(worth).unwrap_or(sum))
    }

    /// The problem of a customer who named another price than the catalogue's.
    pub(crate) fn changed(self, product: &Product, named: Money, price: Money) -> Problem {
        let (id, ours) = (&product.product_id, self.currency);
        Problem::told(Kind::PriceChanged, self.language, [
            format!("'{id}' costs {price} {ours}, not {named}. Send the order again with this price, or without any."),
            format!("'{id}' 的价格是 {price} {ours}，而不是 {named}。请以此价格重新下单，或不填写价格。"),
            format!("'{id}' стоит {price} {ours}, а не {named}. Отправьте заказ ещё раз с этой ценой или без цены."),
        ])
        .with("product", id.as_str())
        .with("price", price.to_json())
    }

    /// The problem of a customer who named another amount than the catalogue's prices come to.
    pub(crate) fn amount_changed(self, named: Money, amount: Money) -> Problem {
        let ours = self.currency;
        Problem::told(Kind::PriceChanged, self.language, [
            format!("The order costs {amount} {ours}, not {named}. Send it again with this amount, or without any."),
            format!("订单金额是 {amount} {ours}，而不是 {named}。请以此金额重新下单，或不填写金额。"),
            format!("Заказ стоит {amount} {ours}, а не {named}. Отправьте его ещё раз с этой суммой или без суммы."),
        ])
        .with("amount", amount.to_json())
    }

    /// The problem of a product that is sold no more.
    pub(crate) fn withdrawn(self, product: &str) -> Problem {
        Problem::told(
            Kind::UnknownProduct,
            self.language,
            [
                format!("'{product}' is not sold any more. GET /api/v1/products lists what is."),
                format!("'{product}' 已停售。GET /api/v1/products 列出在售商品。"),
                format!("'{product}' больше не продаётся. GET /api/v1/products показывает, что продаётся."),
            ],
        )
        .with("product", product)
    }

    /// The problem of a product that is to be sold at the catalogue's price and has none in the shop's
    /// currency.
    pub(crate) fn unpriced(self, product: &str) -> Problem {
        let ours = self.currency;
        self.mismatch(
            format!("'{product}' has no price in {ours}, the currency of this shop. Give the amount of the order or a price for each item, or ask whoever runs the shop to price it."),
            format!("'{product}' 没有以本店货币 {ours} 标注的价格。请给出订单金额或每件商品的价格，或联系店主定价。"),
            format!("У '{product}' нет цены в валюте магазина, {ours}. Укажите сумму заказа или цену каждого товара, либо попросите владельца магазина назначить цену."),
        )
    }

    /// The price of all items together, if each has one.
    fn sum(self, items: &[Item]) -> Result<Option<Money>, Problem> {
        let sum = items
            .iter()
            .try_fold(Money::zero(self.currency), |sum, item| sum.plus(item.price?.times(item.quantity)));
        let bounded = sum.map(Money::bounded).transpose();
        bounded.map_err(|error| {
            let why = error.text(self.language);
            self.mismatch(
                format!("The items cost too much: {why}."),
                format!("商品总价过高：{why}。"),
                format!("Товары стоят слишком много: {why}."),
            )
        })
    }

    fn bad(self, en: String, zh: String, ru: String) -> Problem {
        Problem::new(Kind::BadRequest, self.told(en, zh, ru))
    }

    /// The problem of a request that is clear in all its parts, which contradict each other.
    fn mismatch(self, en: String, zh: String, ru: String) -> Problem {
        Problem::new(Kind::AmountMismatch, self.told(en, zh, ru))
    }

    fn told(self, en: String, zh: String, ru: String) -> String {
        match self.language {
            Language::En => en,
            Language::Zh => zh,
            Language::Ru => ru,
        }
    }
}
