//! Postal addresses, to which warehouses send goods.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The number of lines that an address has at most, between its name and its city.
pub const MOST_LINES: usize = 4;
/// The length of the longest text in an address, in characters.
pub const LONGEST_TEXT: usize = 100;

/// The codes of all countries (ISO 3166-1 alpha-2, "Officially assigned code elements"), one behind the other.
const COUNTRIES: &str = "ADAEAFAGAIALAMAOAQARASATAUAWAXAZBABBBDBEBFBGBHBIBJBLBMBNBOBQBRBSBTBVBWBYBZCACCCDCFCGCHCICKCLCMCNCOCR\
CUCVCWCXCYCZDEDJDKDMDODZECEEEGEHERESETFIFJFKFMFOFRGAGBGDGEGFGGGHGIGLGMGNGPGQGRGSGTGUGWGYHKHMHNHRHTHUIDIE\
ILIMINIOIQIRISITJEJMJOJPKEKGKHKIKMKNKPKRKWKYKZLALBLCLILKLRLSLTLULVLYMAMCMDMEMFMGMHMKMLMMMNMOMPMQMRMSMTMU\
MVMWMXMYMZNANCNENFNGNINLNONPNRNUNZOMPAPEPFPGPHPKPLPMPNPRPSPTPWPYQARERORSRURWSASBSCSDSESGSHSISJSKSLSMSNSO\
SRSSSTSVSXSYSZTCTDTFTGTHTJTKTLTMTNTOTRTTTVTWTZUAUGUMUSUYUZVAVCVEVGVIVNVUWFWSYEYTZAZMZW";

/// A country, by its code of two capital letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(with = "String"))]
#[serde(try_from = "String", into = "String")]
pub struct Country([u8; 2]);

/// A text that is no code of a country.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no code of a country: two capital letters are (ISO 3166-1 alpha-2), such as DE")]
pub struct NoCountry(String);

impl Country {
    /// All countries.
    pub fn all() -> impl Iterator<Item = Self> {
        COUNTRIES.as_bytes().chunks_exact(2).filter_map(|code| code.try_into().ok().map(Self))
    }

    /// The code.
    pub fn code(&self) -> &str {
        // Capital letters are UTF-8.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }
}

impl FromStr for Country {
    type Err = NoCountry;

    fn from_str(code: &str) -> Result<Self, NoCountry> {
        Self::all().find(|country| country.code() == code).ok_or_else(|| NoCountry(code.to_owned()))
    }
}

impl TryFrom<String> for Country {
    type Error = NoCountry;

    fn try_from(code: String) -> Result<Self, NoCountry> {
        code.parse()
    }
}

impl From<Country> for String {
    fn from(country: Country) -> Self {
        country.code().to_owned()
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// Where goods are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Address {
    /// Who gets them.
    pub name: String,
    /// Street, house, floor and the like, one or more.
    pub lines: Vec<String>,
    /// The postcode, where the country has some.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// The place.
    pub city: String,
    /// The country.
    pub country: Country,
}

/// What is wrong with an address. `field` is its member.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs, reason = "the names and texts say it")]
pub enum BadAddress {
    #[error("'{field}' must have 1 to {LONGEST_TEXT} printable characters, and not only blanks")]
    Text { field: &'static str },
    #[error("'lines' must have 1 to {MOST_LINES} entries")]
    Lines,
    #[error(transparent)]
    Country(#[from] NoCountry),
}

impl Address {
    /// Checks that the texts can be printed on a label.
    ///
    /// # Errors
    /// [`BadAddress`].
    pub fn check(&self) -> Result<(), BadAddress> {
        if !(1..=MOST_LINES).contains(&self.lines.len()) {
            return Err(BadAddress::Lines);
        }
        let texts = [("name", &self.name), ("city", &self.city)].into_iter();
        let texts = texts.chain(self.lines.iter().map(|line| ("lines", line)));
        let mut texts = texts.chain(self.postcode.iter().map(|postcode| ("postcode", postcode)));
        let is_bad = |text: &str| {
            let length = text.chars().count();
            length > LONGEST_TEXT || text.trim().is_empty() || text.contains(char::is_control)
        };
        match texts.find(|(_, text)| is_bad(text)) {
            Some((field, _)) => Err(BadAddress::Text { field }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    fn address() -> Address {
        Address {
            name: "Ann Example".to_owned(),
            lines: vec!["1 Main Street".to_owned()],
            postcode: Some("10115".to_owned()),
            city: "Berlin".to_owned(),
            country: "DE".parse().unwrap(),
        }
    }

    #[test]
    fn countries_have_the_codes_of_the_standard() {
        let all: HashSet<_> = Country::all().map(|country| country.code().to_owned()).collect();
        assert_eq!((all.len(), COUNTRIES.len()), (249, 2 * 249));
        for code in ["DE", "CN", "RU", "US", "GB", "AX", "SS", "BQ"] {
            assert_eq!(code.parse::<Country>().unwrap().to_string(), code);
        }
        for code in ["", "D", "de", "DEU", "EU", "UK", "XK", "AN", "ЯЯ"] {
            assert_eq!(code.parse::<Country>(), Err(NoCountry(code.to_owned())));
        }
    }

    #[test]
    fn what_can_not_be_printed_on_a_label_is_refused_by_its_name() {
        assert_eq!(address().check(), Ok(()));
        assert_eq!(Address { postcode: None, ..address() }.check(), Ok(()));
        for lines in [0, MOST_LINES + 1] {
            let lines = vec!["line".to_owned(); lines];
            assert_eq!(Address { lines, ..address() }.check(), Err(BadAddress::Lines));
        }
        for text in ["", " ", "a\nb", "\u{202e}\u{7}", &"x".repeat(LONGEST_TEXT + 1)] {
            let refused = |field| Err(BadAddress::Text { field });
            let text = text.to_owned();
            assert_eq!(Address { name: text.clone(), ..address() }.check(), refused("name"));
            assert_eq!(Address { city: text.clone(), ..address() }.check(), refused("city"));
            assert_eq!(Address { lines: vec![text.clone()], ..address() }.check(), refused("lines"));
            assert_eq!(Address { postcode: Some(text), ..address() }.check(), refused("postcode"));
        }
    }

    #[test]
    fn it_is_stored_and_read_with_its_country_as_a_code() {
        let stored = serde_json::to_value(address()).unwrap();
        assert_eq!(stored["country"], "DE");
        assert_eq!(serde_json::from_value::<Address>(stored).unwrap(), address());
    }
}
