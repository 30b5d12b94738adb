//! An amount of money as people read it in a text.

use super::Money;
use crate::language::Language;

/// Keeps the parts of an amount on one line.
const NO_BREAK_SPACE: char = '\u{a0}';

impl Money {
    /// The amount with its currency's code, as the language writes it (Unicode CLDR, "Number patterns" and
    /// "Number symbols" of the locales `en`, `zh` and `ru`): `USD 1,234.50`, in Russian `1 234,50 USD`. The code
    /// stands in place of a symbol, since several currencies share one: `$`, `¥`, `kr`.
    pub fn in_words(self, language: Language) -> String {
        let digits = self.to_string();
        let (whole, places) = digits.split_once('.').unwrap_or((&digits, ""));
        let (between_thousands, point) = match language {
            Language::En | Language::Zh => (',', '.'),
            Language::Ru => (NO_BREAK_SPACE, ','),
        };
        let mut number = String::with_capacity(digits.len() + 4);
        for (at, digit) in whole.char_indices() {
            if at > 0 && (whole.len() - at) % 3 == 0 {
                number.push(between_thousands);
            }
            number.push(digit);
        }
        if !places.is_empty() {
            number.push(point);
            number.push_str(places);
        }
        let currency = self.currency();
        match language {
            Language::En | Language::Zh => format!("{currency}{NO_BREAK_SPACE}{number}"),
            Language::Ru => format!("{number}{NO_BREAK_SPACE}{currency}"),
        }
    }
}
