//! Amounts as Stripe counts them (Stripe documentation, "Supported currencies": "Zero-decimal currencies",
//! "Three-decimal currencies", "Special cases").

use omniflow_domain::{Currency, Language, Money};

/// How many of Stripe's units are how many minor units of ISO 4217: for nearly all currencies one is one.
const fn ratio(currency: &str) -> (u64, u64) {
    match currency.as_bytes() {
        // They have no decimal places, and Stripe goes on counting them in hundredths.
        b"ISK" | b"UGX" => (100, 1),
        // ISO 4217 has two decimal places, Stripe none.
        b"MGA" => (1, 100),
        _ => (1, 1),
    }
}

/// The number of minor units that every amount of the currency must be a multiple of.
const fn grain(currency: Currency) -> u64 {
    match (currency.code().as_bytes(), currency.decimals()) {
        (b"MGA", _) => 100,
        // "To ensure compatibility with Stripe's payments providers, these API calls require the least
        // significant (last) digit to be 0."
        (_, 3) => 10,
        _ => 1,
    }
}

/// An amount that Stripe can't charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("Stripe can't charge {0}")]
pub struct Unchargeable(Money);

impl Unchargeable {
    /// What is wrong, and what to send instead, for a caller who reads this language.
    pub fn text(self, language: Language) -> String {
        let (amount, currency) = (self.0, self.0.currency());
        let example = example(amount);
        match language {
            Language::En => format!(
                "The payment provider can't charge {amount} {currency}. Send an amount such as {example}."
            ),
            Language::Zh => format!("支付平台无法收取 {amount} {currency}。请改用 {example} 这样的金额。"),
            Language::Ru => format!(
                "Платёжный провайдер не может списать {amount} {currency}. Укажите сумму, например {example}."
            ),
        }
    }
}

/// The next amount up that Stripe charges.
fn example(amount: Money) -> String {
    let grain = grain(amount.currency());
    let units = amount.minor_units().max(1).div_ceil(grain) * grain;
    Money::from_minor_units(units, amount.currency())
        .map_or_else(|error| error.to_string(), |money| money.to_string())
}

/// The amount in the units that Stripe counts the currency in.
///
/// # Errors
/// [`Unchargeable`] for an amount of nothing, and for one that is more exact than Stripe charges.
pub fn units(amount: Money) -> Result<u64, Unchargeable> {
    let minor = amount.minor_units();
    if minor == 0 || !minor.is_multiple_of(grain(amount.currency())) {
        return Err(Unchargeable(amount));
    }
    let (stripe, iso) = ratio(amount.currency().code());
    Ok(minor.saturating_mul(stripe) / iso)
}

/// The money that so many of Stripe's units are; `None` when it is more than an order may be worth.
pub fn money(units: u64, currency: Currency) -> Option<Money> {
    let (stripe, iso) = ratio(currency.code());
    Money::from_minor_units(units.checked_mul(iso)? / stripe, currency).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(text: &str, code: &str) -> Money {
        Money::parse(text, code.parse().unwrap()).unwrap()
    }

    #[test]
    fn each_currency_is_counted_as_stripe_does() {
        for (text, code, counted) in [
            ("12.50", "USD", 1250),
            ("0.01", "EUR", 1),
            ("1250", "JPY", 1250),
            ("500", "KRW", 500),
            ("12.340", "KWD", 12340),
            ("1.100", "TND", 1100),
            ("5", "ISK", 500),
            ("5", "UGX", 500),
            ("700.00", "MGA", 700),
            ("20.50", "TWD", 2050),
            ("10.00", "HUF", 1000),
        ] {
            let amount = amount(text, code);
            assert_eq!(units(amount), Ok(counted), "{text} {code}");
            assert_eq!(money(counted, amount.currency()), Some(amount), "{text} {code}");
        }
    }

    #[test]
    fn what_stripe_cannot_charge_is_refused_with_what_it_can() {
        for (text, code, instead) in [
            ("12.345", "KWD", "12.350"),
            ("0.001", "BHD", "0.010"),
            ("7.50", "MGA", "8.00"),
            ("0", "USD", "0.01"),
        ] {
            let refused = units(amount(text, code)).unwrap_err();
            for language in Language::ALL {
                let text = refused.text(language);
                assert!(text.contains(instead) && text.contains(code), "{text}");
            }
            assert!(units(amount(instead, code)).is_ok());
        }
    }
}
