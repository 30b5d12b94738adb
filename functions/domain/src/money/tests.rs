use proptest::prelude::*;
use proptest::sample::select;

use super::*;
use crate::language::Language;

fn currency(code: &str) -> Currency {
    code.parse().unwrap()
}

/// Reads an amount in US dollars.
fn parse(text: &str) -> Result<Money, Error> {
    Money::parse(text, Currency::USD)
}

/// Reads a JSON number in US dollars.
fn from_number(text: &str) -> Result<Money, Error> {
    Money::from_number(text, Currency::USD)
}

fn fault(read: Result<Money, Error>) -> Option<Fault> {
    read.err().map(|error| error.fault())
}

#[test]
fn a_text_is_digits_with_at_most_two_places_and_nothing_else() {
    for (text, written) in [
        ("12", "12.00"),
        ("12.5", "12.50"),
        ("0.01", "0.01"),
        ("0", "0.00"),
        ("007", "7.00"),
        ("999999999", "999999999.00"),
        ("0000000000000999999999.00", "999999999.00"),
    ] {
        assert_eq!(parse(text).unwrap().to_string(), written, "{text}");
    }
    for text in [
        "",
        " ",
        ".",
        "-",
        "1_000",
        "1,000",
        "1 000",
        "+5",
        "1e3",
        "1E2",
        ".5",
        "5.",
        "1.2.3",
        " 5",
        "5 ",
        "5\n",
        "\u{feff}5",
        "５",
        "٥",
        "0x10",
        "1.5e0",
        "NaN",
        "inf",
        "--1",
        "-+1",
        "1-",
        "12,50",
        "€5",
        "USD 5",
        "１２.50",
    ] {
        for currency in Currency::all() {
            assert_eq!(fault(Money::parse(text, currency)), Some(Fault::NotAnAmount), "{text:?}");
        }
    }
    assert_eq!(fault(parse("-1")), Some(Fault::Negative));
    for text in ["0.001", "1.000", "10000.0000000000000001"] {
        assert_eq!(fault(parse(text)), Some(Fault::TooPrecise));
    }
    for text in ["1000000000", "999999999.01"] {
        assert_eq!(fault(parse(text)), Some(Fault::TooLarge));
    }
}

#[test]
fn a_text_has_at_most_the_places_of_its_currency() {
    for (code, text, written) in [
        ("JPY", "1250", Some("1250")),
        ("JPY", "1250.0", None),
        ("JPY", "12.50", None),
        ("KWD", "1", Some("1.000")),
        ("KWD", "1.2", Some("1.200")),
        ("KWD", "1.234", Some("1.234")),
        ("KWD", "1.2340", None),
        ("USD", "1.234", None),
    ] {
        let read = Money::parse(text, currency(code));
        match written {
            Some(written) => assert_eq!(read.unwrap().to_string(), written, "{text} {code}"),
            None => assert_eq!(fault(read), Some(Fault::TooPrecise), "{text} {code}"),
        }
    }
}

#[test]
fn a_number_is_exactly_an_amount_or_refused() {
    for (number, written) in [
        ("1.50", "1.50"),
        ("1.500", "1.50"),
        ("1e3", "1000.00"),
        ("1E2", "100.00"),
        ("1.2345678E7", "12345678.00"),
        ("0.00001e+5", "1.00"),
        ("99999999900000e-5", "999999999.00"),
        ("0", "0.00"),
        ("0e99999999999999999999", "0.00"),
        ("0.000000000000000000000000000000000", "0.00"),
    ] {
        assert_eq!(from_number(number).unwrap().to_string(), written, "{number}");
    }
    for number in
        ["10000.0000000000000001", "0.001", "1e-3", "1e-99999999999999999999", "1.999999999999999999999"]
    {
        assert_eq!(fault(from_number(number)), Some(Fault::TooPrecise));
    }
    for number in
        ["1e9", "1e99999999999999999999", "999999999.001e1", "12345678901234567890123456789012345678"]
    {
        assert_eq!(fault(from_number(number)), Some(Fault::TooLarge));
    }
    for number in ["-0", "-1", "-0.0", "-1e2"] {
        assert_eq!(fault(from_number(number)), Some(Fault::Negative));
    }
    for no_number in ["", "e", "1e", "e1", "1e1e1", "1e+-1", ".5", "5.", "+5", "1_000", "NaN", "５"] {
        assert_eq!(fault(from_number(no_number)), Some(Fault::NotAnAmount));
    }
    let yen = |number| Money::from_number(number, currency("JPY"));
    assert_eq!(yen("1250.00").unwrap().to_string(), "1250");
    assert_eq!(fault(yen("1250.5")), Some(Fault::TooPrecise));
}

#[test]
fn minor_units_are_those_of_payment_providers() {
    for (code, text, minor_units) in [
        ("JPY", "1000", 1000),
        ("USD", "10.00", 1000),
        ("KWD", "1.234", 1234),
        ("KWD", "999999999", 999_999_999_000),
    ] {
        let money = Money::parse(text, currency(code)).unwrap();
        assert_eq!(money.minor_units(), minor_units, "{text} {code}");
    }
}

#[test]
fn amounts_of_two_currencies_are_neither_compared_nor_added() {
    let [yen, dollars] = ["JPY", "USD"].map(|code| Money::parse("5", currency(code)).unwrap());
    assert_ne!(yen, dollars);
    assert!(yen.partial_cmp(&dollars).is_none());
    assert_eq!(yen.plus(dollars), None);
    assert_eq!(dollars.plus(dollars), Some(parse("10").unwrap()));
}

#[test]
fn what_no_order_may_be_worth_is_refused_however_it_came_about() {
    let most = parse("999999999").unwrap();
    assert_eq!(most.bounded(), Ok(most));
    let fils = Money::parse("999999999", currency("KWD")).unwrap().times(u32::MAX);
    for too_much in [most.times(2), most.plus(parse("0.01").unwrap()).unwrap(), fils, fils.times(u32::MAX)] {
        assert_eq!(fault(too_much.bounded()), Some(Fault::TooLarge), "{too_much}");
    }
}

#[test]
fn an_error_repeats_no_more_than_the_beginning_of_a_long_text() {
    for (text, beginning) in [("9".repeat(100_000), "9".repeat(40)), ("-".repeat(1_000_000), "-".repeat(40))]
    {
        let error = parse(&text).unwrap_err();
        for language in Language::ALL {
            let told = error.text(language);
            assert!(told.contains(&format!("{beginning}…")) && told.len() < 500, "{told}");
        }
    }
}

#[test]
fn an_error_says_what_to_send_in_each_language() {
    let told = |text, code| {
        let error = Money::parse(text, currency(code)).unwrap_err();
        Language::ALL.map(|language| error.text(language))
    };
    for (code, text, example) in [
        ("JPY", "12.50", "1250"),
        ("JPY", "twelve", "1250"),
        ("USD", "1.234", "12.50"),
        ("USD", "-1", "12.50"),
        ("KWD", "1.2345", "12.500"),
    ] {
        let told = told(text, code);
        for told in &told {
            assert!(told.contains(text) && told.contains(example), "{told}");
        }
        assert!(told[0] != told[1] && told[1] != told[2] && told[0] != told[2], "{told:?}");
        assert_eq!(told[0], Money::parse(text, currency(code)).unwrap_err().to_string());
    }
    assert_eq!(
        told("12.50", "JPY")[0],
        "12.50 has decimal places, and JPY has none; send an amount such as 1250"
    );
    assert_eq!(
        told("1.2345", "KWD")[0],
        "1.2345 has more than 3 decimal places, which is all that KWD has; send an amount such as 12.500"
    );
}

#[test]
fn in_words_it_is_as_the_language_writes_it() {
    for (code, text, words) in [
        (
            "USD",
            "1234567.5",
            ["USD\u{a0}1,234,567.50", "USD\u{a0}1,234,567.50", "1\u{a0}234\u{a0}567,50\u{a0}USD"],
        ),
        ("JPY", "79900", ["JPY\u{a0}79,900", "JPY\u{a0}79,900", "79\u{a0}900\u{a0}JPY"]),
        ("KWD", "0.5", ["KWD\u{a0}0.500", "KWD\u{a0}0.500", "0,500\u{a0}KWD"]),
        ("USD", "999", ["USD\u{a0}999.00", "USD\u{a0}999.00", "999,00\u{a0}USD"]),
    ] {
        let money = Money::parse(text, currency(code)).unwrap();
        assert_eq!(Language::ALL.map(|language| money.in_words(language)), words);
    }
}

fn any_currency() -> impl Strategy<Value = Currency> {
    select(Currency::all().collect::<Vec<_>>())
}

/// An amount that an order may have, in any currency.
fn any_money() -> impl Strategy<Value = Money> {
    any_currency().prop_flat_map(|currency| {
        let most = Money::most(currency).minor_units();
        (0..=most).prop_map(move |units| Money::from_minor_units(units, currency).unwrap())
    })
}

/// As many of the currency's smallest units as the amount is, as digits with a point.
fn with_point(money: Money) -> String {
    let decimals = money.currency().decimals() as usize;
    let digits = format!("{:0>width$}", money.minor_units(), width = decimals + 1);
    let (whole, places) = digits.split_at(digits.len() - decimals);
    if decimals == 0 { digits } else { format!("{whole}.{places}") }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(money in any_money()) {
        let currency = money.currency();
        prop_assert_eq!(money.to_string(), with_point(money));
        prop_assert_eq!(Money::parse(&money.to_string(), currency), Ok(money));
        prop_assert_eq!(Money::from_number(&money.to_json().to_string(), currency), Ok(money));
        prop_assert_eq!(Money::from_minor_units(money.minor_units(), currency), Ok(money));
    }

    #[test]
    fn in_words_nothing_is_lost(money in any_money()) {
        for language in Language::ALL {
            let words = money.in_words(language);
            prop_assert!(words.contains(money.currency().code()));
            let digits: String = words.chars().filter(char::is_ascii_digit).collect();
            prop_assert_eq!(digits, money.to_string().replace('.', ""));
        }
    }

    #[test]
    fn one_place_more_than_the_currency_has_is_refused_and_not_rounded(
        money in any_money(),
        zeros in 0usize..60,
        digit in 1u8..10,
    ) {
        let currency = money.currency();
        let point = if currency.decimals() == 0 { "." } else { "" };
        let zeroed = format!("{money}{point}0");
        prop_assert_eq!(fault(Money::parse(&zeroed, currency)), Some(Fault::TooPrecise), "{}", zeroed);
        prop_assert_eq!(Money::from_number(&zeroed, currency), Ok(money), "a number's zeros say nothing");
        let number = format!("{money}{point}{}{digit}", "0".repeat(zeros));
        prop_assert_eq!(fault(Money::parse(&number, currency)), Some(Fault::TooPrecise), "{}", number);
        prop_assert_eq!(fault(Money::from_number(&number, currency)), Some(Fault::TooPrecise), "{}", number);
    }

    #[test]
    fn one_character_that_does_not_belong_there_makes_it_no_amount(
        money in any_money(),
        alien in select(vec!['_', '+', '-', ',', ' ', '\t', 'e', 'E', '\'', '５', '\u{a0}', '\0', '¥', '$']),
        place in any::<proptest::sample::Index>(),
    ) {
        let text = money.to_string();
        let at = place.index(text.len() + 1);
        let spoiled = format!("{}{alien}{}", &text[..at], &text[at..]);
        prop_assert!(Money::parse(&spoiled, money.currency()).is_err(), "{spoiled:?}");
    }

    #[test]
    fn a_number_is_the_same_amount_however_it_is_written(
        money in any_money(),
        shift in 0usize..40,
        zeros in 0usize..40,
    ) {
        let (currency, units) = (money.currency(), money.minor_units());
        let decimals = currency.decimals();
        let nothing = "0".repeat(zeros);
        let point = if decimals == 0 { "." } else { "" };
        for number in [
            format!("{units}{nothing}e-{}", zeros + decimals as usize),
            format!("{units}e-000000000000000000000000000000{decimals}"),
            format!("{money}{point}0{nothing}"),
            format!("0.{}{units}{nothing}E{:+}", "0".repeat(shift), shift as i64 + length(&units.to_string()) - i64::from(decimals)),
        ] {
            prop_assert_eq!(Money::from_number(&number, currency), Ok(money), "{}", number);
        }
    }

    #[test]
    fn sums_are_exact(
        (currency, units) in any_currency().prop_flat_map(|currency| {
            (Just(currency), proptest::collection::vec((0u64..=1_000_000_000_000, 0u32..1000), 0..9))
        }),
    ) {
        let priced = |units| Money::from_minor_units(units, currency);
        let lines: Vec<_> = units.iter().filter_map(|(units, quantity)| Some((priced(*units).ok()?, *quantity))).collect();
        let sum = lines.iter().try_fold(Money::zero(currency), |sum, (price, quantity)| sum.plus(price.times(*quantity)));
        let expected: u64 = lines.iter().map(|(price, quantity)| price.minor_units() * u64::from(*quantity)).sum();
        prop_assert_eq!(sum.map(Money::minor_units), Some(expected));
    }

    #[test]
    fn no_text_makes_reading_panic(currency in any_currency(), text in "\\PC*", digits in "[0-9.eE+-]*") {
        for text in [text, digits] {
            let (parsed, number) = (Money::parse(&text, currency), Money::from_number(&text, currency));
            if let (Ok(parsed), Ok(number)) = (parsed, number) {
                prop_assert_eq!(parsed, number);
            }
        }
    }
}
