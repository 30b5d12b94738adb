//! Why a text or a number is no amount of money, told in three languages.

use std::fmt;

use super::MOST;
use crate::currency::Currency;
use crate::language::Language;

/// The length of what an error repeats of a text that is no amount, in characters.
const SHOWN: usize = 40;

/// A text or number that is no amount of money in its currency.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    fault: Fault,
    /// The beginning of what was to be read.
    text: String,
    currency: Currency,
}

/// What is wrong with a text or number that is no amount of money.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It is not digits, with or without decimal places.
    NotAnAmount,
    /// It is below zero.
    Negative,
    /// It has more decimal places than the currency.
    TooPrecise,
    /// It is above [`MOST`].
    TooLarge,
}

impl Error {
    pub(super) fn new(fault: Fault, text: &str, currency: Currency) -> Self {
        Self { fault, text: beginning(text), currency }
    }

    /// What is wrong.
    pub fn fault(&self) -> Fault {
        self.fault
    }

    /// What is wrong and what to send instead, as a clause of a sentence.
    pub fn text(&self, language: Language) -> String {
        match language {
            Language::En => self.english(),
            Language::Zh => self.chinese(),
            Language::Ru => self.russian(),
        }
    }

    /// An amount with all decimal places that the currency has.
    fn example(&self) -> String {
        match self.currency.decimals() as usize {
            0 => "1250".to_owned(),
            decimals => format!("12.{:0<decimals$}", 5),
        }
    }

    fn english(&self) -> String {
        let Self { fault, text, currency } = self;
        let (decimals, example) = (currency.decimals(), self.example());
        match (fault, decimals) {
            (Fault::NotAnAmount, 0) => {
                format!("'{text}' is not digits alone ({currency} has no decimal places), such as {example}")
            }
            (Fault::NotAnAmount, _) => {
                format!(
                    "'{text}' is not digits with at most {decimals} decimal places, such as 12 or {example}"
                )
            }
            (Fault::Negative, _) => format!("{text} is negative; send an amount such as {example}"),
            (Fault::TooPrecise, 0) => {
                format!(
                    "{text} has decimal places, and {currency} has none; send an amount such as {example}"
                )
            }
            (Fault::TooPrecise, _) => format!(
                "{text} has more than {decimals} decimal places, which is all that {currency} has; send an amount such as {example}"
            ),
            (Fault::TooLarge, _) => format!("{text} is more than an order may be worth ({MOST})"),
        }
    }

    fn chinese(&self) -> String {
        let Self { fault, text, currency } = self;
        let (decimals, example) = (currency.decimals(), self.example());
        match (fault, decimals) {
            (Fault::NotAnAmount, 0) => {
                format!("“{text}”不是纯数字（{currency} 没有小数位），请填写如 {example} 的金额")
            }
            (Fault::NotAnAmount, _) => {
                format!("“{text}”不是最多带 {decimals} 位小数的数字，请填写如 12 或 {example} 的金额")
            }
            (Fault::Negative, _) => format!("{text} 是负数，请填写如 {example} 的金额"),
            (Fault::TooPrecise, 0) => {
                format!("{text} 带有小数，而 {currency} 没有小数位，请填写如 {example} 的金额")
            }
            (Fault::TooPrecise, _) => {
                format!("{text} 的小数超过 {currency} 允许的 {decimals} 位，请填写如 {example} 的金额")
            }
            (Fault::TooLarge, _) => format!("{text} 超过单个订单的最高金额（{MOST}）"),
        }
    }

    fn russian(&self) -> String {
        let Self { fault, text, currency } = self;
        let (decimals, example) = (currency.decimals(), self.example());
        match (fault, decimals) {
            (Fault::NotAnAmount, 0) => format!(
                "«{text}» — не просто цифры (у {currency} нет дробной части); укажите сумму вроде {example}"
            ),
            (Fault::NotAnAmount, _) => format!(
                "«{text}» — не цифры, после которых не более {decimals} знаков дробной части; укажите сумму вроде 12 или {example}"
            ),
            (Fault::Negative, _) => format!("{text} меньше нуля; укажите сумму вроде {example}"),
            (Fault::TooPrecise, 0) => {
                format!("у {text} есть дробная часть, а у {currency} её нет; укажите сумму вроде {example}")
            }
            (Fault::TooPrecise, _) => format!(
                "у {text} больше {decimals} знаков дробной части, чем есть у {currency}; укажите сумму вроде {example}"
            ),
            (Fault::TooLarge, _) => format!("{text} больше, чем может стоить заказ ({MOST})"),
        }
    }
}

/// In English, for the log and for errors that are told in English only.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.english())
    }
}

impl std::error::Error for Error {}

/// The first [`SHOWN`] characters of a text.
fn beginning(text: &str) -> String {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
