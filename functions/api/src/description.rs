//! The description of the API as a shop with a certain currency serves it. The file `openapi.json` is that of
//! the default currency. What another one changes is put into it when it is asked for: the decimal places of
//! money, and the code.

use omniflow_domain::Currency;
use omniflow_domain::money::MOST;
use serde_json::{Value, json};

/// The schemas that the currency changes, by their names.
pub(crate) const MONEY: &str = "Money";
/// See [`MONEY`].
pub(crate) const SHOP_CURRENCY: &str = "ShopCurrency";

/// The description for this currency, made of the one for the default currency (`usual`).
pub(crate) fn of(usual: &str, currency: Currency) -> String {
    let mut document: Value = serde_json::from_str(usual).unwrap_or_default();
    let schemas = &mut document["components"]["schemas"];
    schemas[MONEY] = money(currency);
    schemas[SHOP_CURRENCY] = shop_currency(currency);
    document.to_string()
}

/// The schema of an amount or a price in a request.
pub(crate) fn money(currency: Currency) -> Value {
    let decimals = currency.decimals();
    let places = match decimals {
        0 => "without decimal places. As a text it is digits and nothing else".to_owned(),
        _ => format!(
            "with at most {decimals} decimal places. As a text it is digits, and after a point at most {decimals} more"
        ),
    };
    let step: Value = serde_json::from_str(&step(decimals)).unwrap_or_default();
    json!({
        "description": format!("More than 0, in the shop's currency ({currency}), {places}: no sign, no exponent, no separators, no blanks. As a number it is exactly such an amount, however it is written: nothing is rounded."),
        "type": ["number", "string"],
        "exclusiveMinimum": 0, "maximum": MOST, "multipleOf": step, "pattern": pattern(decimals),
        "examples": [if decimals == 0 { json!(1250) } else { json!(999.99) }],
    })
}

/// The schema of the currency that a request may name.
pub(crate) fn shop_currency(currency: Currency) -> Value {
    json!({ "description": "The shop's currency (ISO 4217).", "type": "string", "const": currency })
}

/// The smallest amount, as a JSON number: `1`, `0.01`, `0.001`.
fn step(decimals: u32) -> String {
    match decimals as usize {
        0 => "1".to_owned(),
        decimals => format!("0.{:0>decimals$}", 1),
    }
}

/// The pattern of amounts: digits, at most so many of them after a point, and not all of them 0.
fn pattern(decimals: u32) -> String {
    let decimals = decimals as usize;
    let mut choices = vec!["[1-9][0-9]{0,8}".to_owned()];
    if decimals > 0 {
        choices.push(format!("[1-9][0-9]{{0,7}}\\.[0-9]{{1,{decimals}}}"));
        choices.extend(
            (0..decimals)
                .map(|zeros| format!("0\\.{}[1-9][0-9]{{0,{}}}", "0".repeat(zeros), decimals - 1 - zeros)),
        );
    }
    format!("^({})$", choices.join("|"))
}

#[cfg(test)]
mod tests {
    use omniflow_domain::Money;

    use super::*;

    #[test]
    fn another_currency_changes_what_it_must_and_nothing_else() {
        let read = |text: &str| serde_json::from_str::<Value>(text).unwrap();
        let text = include_str!("../openapi.json");
        let usual = read(text);
        for code in ["JPY", "KWD", "EUR", "USD"] {
            let currency = code.parse().unwrap();
            let mut document = read(&of(text, currency));
            let schemas = &mut document["components"]["schemas"];
            assert_eq!(schemas[SHOP_CURRENCY]["const"], code);
            assert_eq!(schemas[MONEY], money(currency));
            for name in [MONEY, SHOP_CURRENCY] {
                schemas[name] = usual["components"]["schemas"][name].clone();
            }
            // Not by `assert_eq`, which would print both.
            assert!(document == usual, "{code}");
        }
    }

    /// Whether the schema of money takes the value.
    fn takes(currency: Currency, value: &Value) -> bool {
        let (mut schemas, mut compiler) = (boon::Schemas::new(), boon::Compiler::new());
        compiler.add_resource("http://localhost/money.json", money(currency)).unwrap();
        let index = compiler.compile("http://localhost/money.json", &mut schemas).unwrap();
        schemas.validate(value, index).is_ok()
    }

    #[test]
    fn the_schema_takes_the_texts_and_numbers_that_are_amounts() {
        for currency in ["USD", "JPY", "KWD"].map(|code| code.parse().unwrap()) {
            for text in [
                "1",
                "10",
                "1.5",
                "12.34",
                "0.5",
                "0.05",
                "0.005",
                "0.050",
                "1.234",
                "1.2345",
                "0.0005",
                "0",
                "0.00",
                "999999999",
                "1000000000",
                "1.",
                ".5",
                "1e3",
                "-1",
                "",
            ] {
                let read = Money::parse(text, currency).is_ok_and(|money| !money.is_zero());
                assert_eq!(takes(currency, &json!(text)), read, "{text:?} {currency}");
                let Ok(number) = serde_json::from_str::<Value>(text) else { continue };
                let read = Money::from_number(text, currency).is_ok_and(|money| !money.is_zero());
                assert_eq!(takes(currency, &number), read, "{text} {currency}");
            }
        }
    }
}
