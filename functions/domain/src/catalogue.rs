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

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::currency::Currency;
use crate::folding::fold;
use crate::money::{self, Money};
use crate::order::{Actor, Unknown};

/// The largest number of other names that a product may have. Each name is an item of its own, and all of them
/// are written in one transaction.
pub const MOST_NAMES: usize = 20;
/// The length of the longest id of a product, in characters.
pub const LONGEST_ID: usize = 100;
/// The number of the form that products are stored in. Form 0 doesn't say its number: it has the id, the name
/// and the price. A new member needs no new form, since what a release doesn't know it keeps.
const FORM: u32 = 1;

/// A product that the shop sells, or sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "StoredProduct", into = "StoredProduct")]
pub struct Product {
    /// The id, which never changes.
    pub product_id: String,
    /// The name, by which the product is found as well.
    pub name: String,
    /// Further names that it is found by.
    pub names: Vec<String>,
    /// The price of one piece, in the currency that it was set in.
    pub price: Money,
    /// Whether it is sold. What is not stays known for the sake of its orders and its stock.
    pub active: bool,
    /// The number of available pieces, in all warehouses together, at which its stock is low; `None` when
    /// nobody wants to know.
    pub low_stock: Option<u32>,
    /// The number of changes that people made to it; 0 for a product that only the seeding wrote.
    pub version: u64,
    /// Who changed it last, and when; `None` for a product that only the seeding wrote.
    pub changed: Option<Changed>,
    /// What a later release stored with it.
    pub unknown: Unknown,
}

/// The last change of a product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Changed {
    /// Who made it.
    pub by: Actor,
    /// When it was made.
    pub at: DateTime<Utc>,
}

impl Product {
    /// A product that is sold and that nobody has changed yet.
    pub fn new(product_id: impl Into<String>, name: impl Into<String>, price: Money) -> Self {
        Self {
            product_id: product_id.into(),
            name: name.into(),
            names: Vec::new(),
            price,
            active: true,
            low_stock: None,
            version: 0,
            changed: None,
            unknown: Unknown::default(),
        }
    }

    /// The price of one piece in this currency; `None` when the price was set in another one.
    pub fn price_in(&self, currency: Currency) -> Option<Money> {
        (self.price.currency() == currency).then_some(self.price)
    }

    /// The keys that the product is found under: that of its id, and those of its names.
    pub fn keys(&self) -> BTreeSet<String> {
        let names = [&self.product_id, &self.name].into_iter().chain(&self.names);
        names.map(|name| lookup(name)).collect()
    }

    /// Whether so many available pieces are few for this product.
    pub fn is_low_at(&self, available: u64) -> bool {
        self.low_stock.is_some_and(|threshold| available <= u64::from(threshold))
    }
}

/// Why a text can't be the id of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an id has 1 to {LONGEST_ID} letters, digits, '-', '_' and '.', and at least one letter or digit")]
pub struct BadId;

/// Checks the id of a new product. Ids stand in paths, in keys and in files, so that they have no
/// blanks and no slashes; letters and digits may be of any script.
///
/// # Errors
/// [`BadId`].
pub fn check_id(id: &str) -> Result<(), BadId> {
    let fits = id.chars().all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.'));
    let is_found = id.chars().any(char::is_alphanumeric);
    if fits && is_found && id.chars().count() <= LONGEST_ID { Ok(()) } else { Err(BadId) }
}

/// Why a stored product can't be read.
#[derive(Debug, thiserror::Error)]
pub enum BadProduct {
    /// Its price is no amount of money.
    #[error(transparent)]
    Price(#[from] money::Error),
    /// A later release wrote it, in this form.
    #[error("a later release wrote the product, in form {0}: that release, or a later one, has to read it")]
    Later(u32),
}

/// A product as it is stored.
#[derive(Serialize, Deserialize)]
struct StoredProduct {
    #[serde(default, skip_serializing_if = "is_default")]
    v: u32,
    product_id: String,
    name: String,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    names: Vec<String>,
    price: String,
    /// Left out by earlier releases, all of whose prices were in the default currency.
    #[serde(default)]
    currency: Currency,
    #[serde(default, skip_serializing_if = "is_default")]
    withdrawn: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    low_stock: Option<u32>,
    #[serde(default, skip_serializing_if = "is_default")]
    version: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    changed: Option<Changed>,
    #[serde(flatten)]
    unknown: Unknown,
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl TryFrom<StoredProduct> for Product {
    type Error = BadProduct;

    fn try_from(stored: StoredProduct) -> Result<Self, BadProduct> {
        if stored.v > FORM {
            return Err(BadProduct::Later(stored.v));
        }
        Ok(Self {
            price: Money::parse(&stored.price, stored.currency)?,
            product_id: stored.product_id,
            name: stored.name,
            names: stored.names,
            active: !stored.withdrawn,
            low_stock: stored.low_stock,
            version: stored.version,
            changed: stored.changed,
            // The key of the item that it was read from.
            unknown: stored.unknown.without(&["lookup"]),
        })
    }
}

impl From<Product> for StoredProduct {
    fn from(product: Product) -> Self {
        Self {
            v: FORM,
            price: product.price.to_string(),
            currency: product.price.currency(),
            product_id: product.product_id,
            name: product.name,
            names: product.names,
            withdrawn: !product.active,
            low_stock: product.low_stock,
            version: product.version,
            changed: product.changed,
            unknown: product.unknown,
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
        Ok(Product::new(self.product_id, self.name, price))
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

    #[test]
    fn what_a_later_release_adds_is_kept_and_a_later_form_is_refused() {
        let later =
            r#"{ "v": 1, "lookup": "p", "product_id": "p", "name": "P", "price": "1", "colour": "red" }"#;
        let product: Product = serde_json::from_str(later).unwrap();
        let stored = serde_json::to_value(&product).unwrap();
        assert_eq!((&stored["colour"], stored.get("lookup")), (&serde_json::json!("red"), None));
        let form = r#"{ "v": 2, "product_id": "p", "name": "P", "price": "1" }"#;
        assert!(serde_json::from_str::<Product>(form).unwrap_err().to_string().contains("later release"));
    }

    #[test]
    fn ids_have_letters_and_digits_of_any_script_and_nothing_that_paths_and_keys_use() {
        for id in ["p", "a.b-c_1", "чайник-2", "电视55"] {
            assert_eq!(check_id(id), Ok(()), "{id}");
        }
        for id in ["", "-", "a b", "a/b", "a#b", "a\nb", "%2F", &"x".repeat(101)] {
            assert_eq!(check_id(id), Err(BadId), "{id:?}");
        }
    }
}
