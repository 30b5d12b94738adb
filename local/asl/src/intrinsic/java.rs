//! What Java's standard library makes of values. AWS runs intrinsic functions on it, and some of it shows: in
//! the text of an object, in the order of a set, and in seeded random numbers.

use serde_json::{Number, Value};

/// The text that Java gives a value: text as it is, objects as `{a=1, b=[]}`, arrays as `[1, 2]`.
pub(super) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<_> = items.iter().map(text).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(map) => {
            let members: Vec<_> = map.iter().map(|(name, value)| format!("{name}={}", text(value))).collect();
            format!("{{{}}}", members.join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// The distinct values of a list, in the order of Java's HashSet. Values of one hash are compared with each other, and
/// `spend` takes a step for each comparison. `None` means that it had none left.
pub(super) fn distinct(items: Vec<Value>, spend: &dyn Fn(u64) -> bool) -> Option<Vec<Value>> {
    // `new HashSet<>(list)` makes room for the whole list with a load of three quarters.
    let capacity = (items.len() * 4 / 3 + 1).max(16).next_power_of_two();
    let mut buckets: Vec<Vec<Value>> = vec![Vec::new(); capacity];
    for item in items {
        let hash = hash(&item) as u32;
        let place = (hash ^ (hash >> 16)) as usize & (capacity - 1);
        let Some(bucket) = buckets.get_mut(place) else { continue };
        if !spend(bucket.len() as u64) {
            return None;
        }
        if !bucket.contains(&item) {
            bucket.push(item);
        }
    }
    Some(buckets.into_iter().flatten().collect())
}

/// Java's hashCode of a value in the classes to which AWS reads JSON.
fn hash(value: &Value) -> i32 {
    match value {
        Value::Null => 0,
        Value::Bool(true) => 1231,
        Value::Bool(false) => 1237,
        Value::Number(number) => hash_of_number(number),
        Value::String(text) => hash_of_text(text),
        Value::Array(items) => {
            items.iter().fold(1_i32, |sum, item| sum.wrapping_mul(31).wrapping_add(hash(item)))
        }
        Value::Object(map) => {
            map.iter().fold(0_i32, |sum, (name, value)| sum.wrapping_add(hash_of_text(name) ^ hash(value)))
        }
    }
}

fn hash_of_text(text: &str) -> i32 {
    text.encode_utf16().fold(0_i32, |sum, unit| sum.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

fn hash_of_number(number: &Number) -> i32 {
    let folded = |bits: u64| (bits ^ (bits >> 32)) as i32;
    match (number.as_i64(), number.as_f64()) {
        (Some(whole), _) => i32::try_from(whole).unwrap_or_else(|_| folded(whole as u64)),
        (None, Some(fraction)) => folded(fraction.to_bits()),
        (None, None) => 0,
    }
}

/// java.util.Random, which gives the same numbers for the same seed.
pub(crate) struct Random(u64);

const MASK: u64 = (1 << 48) - 1;

impl Random {
    pub(crate) fn seeded(seed: i64) -> Self {
        Self((seed as u64 ^ 0x0005_DEEC_E66D) & MASK)
    }

    /// The next so many bits, 32 at the most.
    fn bits(&mut self, count: u32) -> u64 {
        self.0 = self.0.wrapping_mul(0x0005_DEEC_E66D).wrapping_add(0xB) & MASK;
        self.0 >> (48 - count)
    }

    /// nextInt(bound): a number from 0 up to, but without, a bound of at least 1.
    pub(crate) fn below(&mut self, bound: i32) -> i64 {
        let (bound, limit) = (i64::from(bound.max(1)), 1_i64 << 31);
        if bound & (bound - 1) == 0 {
            return (bound * self.bits(31) as i64) >> 31;
        }
        loop {
            let drawn = self.bits(31) as i64;
            let rest = drawn % bound;
            // The last, incomplete stretch of numbers is not used, since it would favour small ones.
            if drawn - rest + (bound - 1) < limit {
                return rest;
            }
        }
    }

    /// nextDouble(): a number from 0 up to, but without, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        let high = self.bits(26) << 27;
        (high + self.bits(27)) as f64 / (1_u64 << 53) as f64
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn seeded_numbers_are_those_of_java() {
        assert_eq!(Random::seeded(42).unit(), 0.727_563_680_032_868_1);
        // What AWS answers to States.MathRandom(1, 100, 42), (1, 1000, 1) and (1, 1000, 2).
        let drawn = [(42, 99), (1, 999), (2, 999)].map(|(seed, bound)| Random::seeded(seed).below(bound) + 1);
        assert_eq!(drawn, [63, 106, 806]);
        assert_eq!(Random::seeded(42).below(16), 11, "a power of two takes the high bits");
    }

    #[test]
    fn text_and_order_are_those_of_java() {
        assert_eq!(text(&json!({"a": 1, "b": [], "c": {"d": null}})), "{a=1, b=[], c={d=null}}");
        assert_eq!(text(&json!(["x", true, 2.5])), "[x, true, 2.5]");
        let set =
            |items: Value| Value::Array(distinct(items.as_array().cloned().unwrap(), &|_| true).unwrap());
        assert_eq!(set(json!([true, false, true])), json!([false, true]));
        assert_eq!(set(json!([[1, 2], [1, 2], [2, 1]])), json!([[2, 1], [1, 2]]));
        assert_eq!(set(json!([null, null, 1])), json!([null, 1]));
        assert_eq!(set(json!([{"a": 1, "b": 2}, {"b": 2, "a": 1}])), json!([{"a": 1, "b": 2}]));
    }
}
