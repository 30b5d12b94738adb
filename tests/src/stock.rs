//! The stock as the API returns it.

use serde_json::Value;

/// The stock of one product in all warehouses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stock {
    /// The product's id.
    pub product: String,
    /// The stock in each warehouse, sorted by the names of the warehouses.
    pub places: Vec<Place>,
}

/// The stock of one product in one warehouse.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The warehouse's name.
    pub warehouse: String,
    /// The pieces that can still be ordered.
    pub available: i64,
    /// The pieces that are set aside for orders that are under way.
    pub reserved: i64,
    /// The pieces that were sold to customers.
    pub sold: i64,
}

impl Stock {
    /// Reads the stock of one product from the body of an answer.
    #[track_caller]
    pub fn read(body: &Value) -> Self {
        let places = body["warehouses"].as_array().unwrap_or_else(|| unreadable(body));
        let mut places: Vec<_> = places
            .iter()
            .map(|place| Place {
                warehouse: place["warehouse"].as_str().unwrap_or_else(|| unreadable(body)).to_owned(),
                available: place["available"].as_i64().unwrap_or_else(|| unreadable(body)),
                reserved: place["reserved"].as_i64().unwrap_or_else(|| unreadable(body)),
                sold: place["sold"].as_i64().unwrap_or_else(|| unreadable(body)),
            })
            .collect();
        places.sort();
        let negative = places.iter().any(|place| place.available < 0 || place.reserved < 0 || place.sold < 0);
        assert!(!negative, "stock below nothing: {body:#}");
        let product = body["product_id"].as_str().unwrap_or_else(|| unreadable(body)).to_owned();
        let stock = Self { product, places };
        let totals = (stock.available(), stock.reserved(), stock.sold());
        let told = ["available", "reserved", "sold"].map(|column| body[column].as_i64());
        assert_eq!(told, [Some(totals.0), Some(totals.1), Some(totals.2)], "wrong totals: {body:#}");
        stock
    }

    /// The pieces that can be ordered, in all warehouses together.
    pub fn available(&self) -> i64 {
        self.places.iter().map(|place| place.available).sum()
    }

    /// The pieces that are set aside for orders, in all warehouses together.
    pub fn reserved(&self) -> i64 {
        self.places.iter().map(|place| place.reserved).sum()
    }

    /// The pieces that were sold to customers, from all warehouses together.
    pub fn sold(&self) -> i64 {
        self.places.iter().map(|place| place.sold).sum()
    }

    /// Panics unless this is `before` after selling `quantity` pieces, with nothing else changed.
    #[track_caller]
    pub fn is_after_selling(&self, quantity: i64, before: &Self) {
        let now = (self.available(), self.reserved(), self.sold());
        let expected = (before.available() - quantity, before.reserved(), before.sold() + quantity);
        assert_eq!(now, expected, "{} (available, reserved, sold) after {quantity} were sold", self.product);
    }
}

#[track_caller]
fn unreadable(body: &Value) -> ! {
    panic!("not the stock of a product: {body:#}")
}
