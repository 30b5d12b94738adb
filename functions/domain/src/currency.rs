//! Currencies: their codes, and the number of decimal places that each has.

use std::fmt;
use std::str::FromStr;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// The codes of each number of decimal places: the alphabetic codes and minor units of ISO 4217, list one
/// ("Current currency & funds code list", SIX Financial Information, the standard's maintenance agency), as of
/// 2026. Left out is what nobody pays with: codes of funds (`CHW`, `CLF`, `USN`), metals, and units of account
/// (`XDR`), and the codes for tests and for no currency (`XTS`, `XXX`).
///
/// The list stands here instead of coming from a crate because it is part of each function's zip, which must
/// stay small; the tests compare it with the crate `iso_currency`.
const CODES: [(u32, &str); 3] = [
    (0, "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF"),
    (
        2,
        "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CNY \
         COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF \
         IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR \
         MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG \
         SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD UYU UZS VED VES \
         WST XCD XCG YER ZAR ZMW ZWG",
    ),
    (3, "BHD IQD JOD KWD LYD OMR TND"),
];

/// A currency that can be paid with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(
    feature = "schema",
    schemars(into = "String", try_from = "String", extend("pattern" = "^[A-Z]{3}$", "examples" = ["USD"]))
)]
pub struct Currency {
    code: &'static str,
    decimals: u32,
}

/// A text that is the code of no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is the code of no currency; ISO 4217 has codes such as USD, JPY and KWD")]
pub struct UnknownCurrency(String);

impl Currency {
    /// The currency of whatever names none: of a stack whose parameter `Currency` nobody has set, and of the
    /// orders and products that were stored before there was that parameter.
    pub const USD: Self = Self { code: "USD", decimals: 2 };

    /// All currencies, in no particular order.
    pub fn all() -> impl Iterator<Item = Self> {
        CODES.iter().flat_map(|&(decimals, codes)| codes.split(' ').map(move |code| Self { code, decimals }))
    }

    /// The code (ISO 4217): three capital letters.
    pub const fn code(self) -> &'static str {
        self.code
    }

    /// The number of decimal places that an amount has: 2 for `USD`, none for `JPY`, 3 for `KWD`.
    pub const fn decimals(self) -> u32 {
        self.decimals
    }

    /// The number of minor units, such as cents, in one unit of the currency.
    pub(crate) const fn minor_units_in_one(self) -> u64 {
        10_u64.pow(self.decimals)
    }
}

impl Default for Currency {
    fn default() -> Self {
        Self::USD
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code)
    }
}

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(text: &str) -> Result<Self, UnknownCurrency> {
        Self::all()
            .find(|currency| currency.code == text)
            .ok_or_else(|| UnknownCurrency(text.chars().take(10).collect()))
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code)
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use iso_currency::Currency as Listed;

    use super::*;

    /// All texts of three capital letters.
    fn codes() -> impl Iterator<Item = String> {
        let letters = || b'A'..=b'Z';
        let pairs = letters().flat_map(move |one| letters().map(move |two| (one, two)));
        pairs.flat_map(move |(one, two)| {
            letters().map(move |three| [one, two, three].map(char::from).iter().collect())
        })
    }

    /// Whether the crate has this code for money that people pay with now.
    fn is_in_use(listed: Listed) -> bool {
        // Venezuela has two codes for the same unit, and the crate takes the older one for superseded.
        listed == Listed::VES || listed.flags().is_empty()
    }

    #[test]
    fn the_codes_and_their_decimal_places_are_those_of_the_crate() {
        let listed = codes().filter_map(|code| Listed::from_code(&code)).filter(|listed| is_in_use(*listed));
        let listed: BTreeSet<_> =
            listed.map(|listed| (listed.code().to_owned(), listed.exponent().map(u32::from))).collect();
        let ours: BTreeSet<_> =
            Currency::all().map(|currency| (currency.code().to_owned(), Some(currency.decimals()))).collect();
        assert_eq!(ours, listed);
        assert_eq!(Currency::all().count(), ours.len(), "no code stands twice");
    }

    #[test]
    fn a_currency_is_known_by_its_code_and_nothing_else() {
        for (code, decimals) in [("USD", 2), ("EUR", 2), ("CNY", 2), ("JPY", 0), ("KWD", 3)] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!((currency.code(), currency.decimals()), (code, decimals));
        }
        let no_money =
            codes().filter(|code| Listed::from_code(code).is_some_and(|listed| !is_in_use(listed)));
        let wrong =
            ["", "usd", "US", "USD ", " USD", "USDT", "ABC", "XXX", "XAU", "XTS", "$", "ＵＳＤ", "USD EUR"];
        for wrong in no_money.chain(wrong.map(str::to_owned)) {
            assert!(wrong.parse::<Currency>().is_err(), "{wrong:?}");
        }
        assert_eq!("USD".parse(), Ok(Currency::default()));
    }

    #[test]
    fn it_is_its_code_in_json() {
        for currency in Currency::all() {
            let json = serde_json::to_string(&currency).unwrap();
            assert_eq!(json, format!("\"{currency}\""));
            assert_eq!(serde_json::from_str::<Currency>(&json).unwrap(), currency);
        }
        assert!(serde_json::from_str::<Currency>("\"usd\"").is_err());
        assert!(serde_json::from_str::<Currency>("840").is_err());
    }
}
