//! What the shop sells. The sample catalogue also holds products that misbehave in transit, so that anyone
//! can see each path of an order with curl.
//!
//! | product | what happens |
//! | --- | --- |
//! | `fragile-lamp` | its shipment fails twice, then it ships |
//! | `fragile-vase` | its shipment fails for good: the order is undone |
//! | `stuck-crate` | its shipment can't be called back: undoing it needs attention |
//! | `macbook-air`, `magic-mouse` | one only in wh-east, one only in wh-west: together, two shipments |
//! | `slow-boat` | its warehouse ships it after five seconds |
//! | `limited-edition` | 100 in stock |

use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::folding::fold;
use crate::money::{self, Money};

/// A product that the shop sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredProduct", into = "StoredProduct")]
#[allow(missing_docs, reason = "the names say it")]
pub struct Product {
    pub product_id: String,
    pub name: String,
    /// The price of one piece, in the currency that it was set in.
    pub price: Money,
}

impl Product {
    /// The price of one piece in this currency; `None` when the price was set in another one.
    pub fn price_in(&self, currency: Currency) -> Option<Money> {
        (self.price.currency() == currency).then_some(self.price)
    }
}

/// A product as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredProduct {
    product_id: String,
    name: String,
    price: String,
    /// Left out by earlier releases, all of whose prices were in the default currency.
    #[serde(default)]
    currency: Currency,
}

impl TryFrom<StoredProduct> for Product {
    type Error = money::Error;

    fn try_from(stored: StoredProduct) -> Result<Self, money::Error> {
        let price = Money::parse(&stored.price, stored.currency)?;
        Ok(Self { product_id: stored.product_id, name: stored.name, price })
    }
}

impl From<Product> for StoredProduct {
    fn from(product: Product) -> Self {
        Self {
            product_id: product.product_id,
            name: product.name,
            price: product.price.to_string(),
            currency: product.price.currency(),
        }
    }
}

/// The key that a product with this id or name is found under: its letters and digits, whatever their case
/// ([`fold`]), so that `iPhone 15`, `iPhone15` and `iphone-15` are one.
pub fn lookup(id_or_name: &str) -> String {
    fold(&letters_and_digits(id_or_name).collect::<String>())
}

/// The key that release 0.1 stored products under, made of small letters. It differs from that of [`lookup`]
/// for the few letters that are folded otherwise, such as `ß` and `İ`. What was stored under it must be found
/// as before.
pub fn lookup_in_small_letters(id_or_name: &str) -> String {
    letters_and_digits(id_or_name).flat_map(char::to_lowercase).collect()
}

fn letters_and_digits(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|c| c.is_alphanumeric())
}

/// A sample product and its stock.
#[allow(missing_docs, reason = "the names say it")]
pub struct Sample {
    pub product_id: &'static str,
    pub name: &'static str,
    /// The price of one piece in the smallest units of whatever currency the shop has: 79,900 are 799.00 USD,
    /// 79,900 JPY or 79.900 KWD, which each can be asked for a telephone.
    pub minor_units: u32,
    /// The pieces in each of the [`WAREHOUSES`]; a warehouse with none doesn't have the product.
    pub stock: [u32; 3],
}

/// The ids of the sample warehouses.
pub const WAREHOUSES: [&str; 3] = ["wh-east", "wh-west", "wh-north"];

const fn sample(product_id: &'static str, name: &'static str, minor_units: u32, stock: [u32; 3]) -> Sample {
    Sample { product_id, name, minor_units, stock }
}

/// The sample products.
pub const SAMPLES: &[Sample] = &[
    sample("iphone-15", "iPhone 15", 79_900, [500, 300, 200]),
    sample("prod-001", "iPhone 15 Pro", 99_999, [200, 150, 150]),
    sample("prod-002", "iPad Air", 59_900, [150, 100, 50]),
    sample("prod-003", "AirPods Pro", 24_900, [300, 300, 300]),
    sample("mac-pro", "Mac Pro", 699_900, [30, 20, 10]),
    sample("macbook-pro", "MacBook Pro", 249_900, [60, 40, 20]),
    sample("macbook-air", "MacBook Air", 119_900, [100, 0, 0]),
    sample("magic-mouse", "Magic Mouse", 7_900, [0, 100, 0]),
    sample("limited-edition", "Limited Edition", 149_900, [40, 35, 25]),
    sample("fragile-lamp", "Fragile Lamp", 4_900, [50, 0, 0]),
    sample("fragile-vase", "Fragile Vase", 8_900, [0, 50, 0]),
    sample("slow-boat", "Slow Boat", 12_900, [20, 20, 20]),
    sample("stuck-crate", "Stuck Crate", 19_900, [0, 0, 50]),
];

impl Sample {
    /// The product that the sample is in a shop with this currency.
    ///
    /// # Errors
    /// Never for the [`SAMPLES`], whose prices are amounts of money.
    pub fn product(&self, currency: Currency) -> Result<Product, money::Error> {
        let price = Money::from_minor_units(self.minor_units.into(), currency)?;
        Ok(Product { product_id: self.product_id.to_owned(), name: self.name.to_owned(), price })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn the_contracts_names_are_found() {
        for (name, id) in [
            ("iPhone 15", "iphone-15"),
            ("iPhone15", "iphone-15"),
            ("Mac Pro", "mac-pro"),
            ("MacPro", "mac-pro"),
            ("prod-001", "prod-001"),
            ("iPhone 15 Pro", "prod-001"),
        ] {
            let found = SAMPLES
                .iter()
                .find(|s| lookup(s.product_id) == lookup(name) || lookup(s.name) == lookup(name));
            assert_eq!(found.map(|sample| sample.product_id), Some(id), "{name}");
        }
    }

    #[test]
    fn a_name_is_found_whatever_its_case_and_punctuation() {
        for (one, other) in [
            ("ÇELİK Kapı", "çelik-kapı"),
            ("Straßenkarte", "STRASSENKARTE"),
            ("ΟΔΟΣ", "οδος"),
            ("Чай", "ЧАЙ!"),
            ("电视 55", "电视55"),
        ] {
            assert_eq!(lookup(one), lookup(other), "{one}");
        }
    }

    #[test]
    fn no_two_samples_are_found_under_one_key() {
        let mut keys = HashSet::new();
        for sample in SAMPLES {
            let own: HashSet<_> = [lookup(sample.product_id), lookup(sample.name)].into();
            for key in own {
                assert!(keys.insert(key), "{}", sample.product_id);
            }
        }
    }

    #[test]
    fn every_sample_has_a_price_in_every_currency() {
        for currency in Currency::all() {
            for sample in SAMPLES {
                let product = sample.product(currency).unwrap();
                assert_eq!(product.price_in(currency), Some(product.price));
                assert!(!product.price.is_zero(), "{}", sample.product_id);
            }
        }
        let price = |code: &str| SAMPLES[0].product(code.parse().unwrap()).unwrap().price.to_string();
        assert_eq!(["USD", "JPY", "KWD"].map(price), ["799.00", "79900", "79.900"]);
    }

    #[test]
    fn a_product_is_stored_with_its_currency_and_an_earlier_one_is_priced_in_dollars() {
        for code in ["USD", "JPY", "KWD"] {
            let product = SAMPLES[0].product(code.parse().unwrap()).unwrap();
            let stored = serde_json::to_value(&product).unwrap();
            assert_eq!(stored["currency"], code);
            assert_eq!(serde_json::from_value::<Product>(stored).unwrap(), product);
        }
        let earlier = r#"{ "product_id": "p", "name": "P", "price": "12.50" }"#;
        let product: Product = serde_json::from_str(earlier).unwrap();
        assert_eq!((product.price.currency(), product.price.minor_units()), (Currency::USD, 1250));
        assert_eq!(product.price_in("JPY".parse().unwrap()), None);
        let wrong = r#"{ "product_id": "p", "name": "P", "price": "12.50", "currency": "JPY" }"#;
        assert!(serde_json::from_str::<Product>(wrong).is_err());
    }
}
