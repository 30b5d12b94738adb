//! The languages that customers and operators are spoken to in.

use serde::{Deserialize, Serialize};

/// A language that customers are answered in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Language {
    /// English.
    En,
    /// Chinese, the language of the first contract.
    #[default]
    Zh,
    /// Russian.
    Ru,
}

impl Language {
    /// All languages.
    pub const ALL: [Self; 3] = [Self::En, Self::Zh, Self::Ru];

    /// The tag of the language (RFC 5646, "Tags for Identifying Languages").
    pub const fn tag(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Zh => "zh",
            Self::Ru => "ru",
        }
    }

    /// The language that an `Accept-Language` header wants most (RFC 9110, section 12.5.4), of those there
    /// are; `default` when it wants none of them, or any.
    pub fn negotiate(header: Option<&str>, default: Self) -> Self {
        let ranges: Vec<_> = header.unwrap_or_default().split(',').filter_map(range).collect();
        let named: Vec<_> =
            ranges.iter().filter_map(|(tag, weight)| Some((Self::of_tag(tag)?, *weight))).collect();
        // `*` stands for the languages that are not named; of those the default is the one to give.
        let any = ranges.iter().find(|(tag, _)| tag == "*").map(|(_, weight)| (default, *weight));
        let any = any.filter(|_| named.iter().all(|(language, _)| *language != default));
        let wanted = named.into_iter().chain(any).filter(|(_, weight)| *weight > 0.0);
        // Of equal weights the first counts.
        wanted
            .reduce(|best, next| if next.1 > best.1 { next } else { best })
            .map_or(default, |(language, _)| language)
    }

    fn of_tag(tag: &str) -> Option<Self> {
        let primary = tag.split('-').next()?;
        Self::ALL.into_iter().find(|language| language.tag() == primary)
    }
}

/// Reads a language range and its weight, which is from 0 to 1. A range whose weight is none is left out.
fn range(part: &str) -> Option<(String, f32)> {
    let mut parameters = part.split(';').map(str::trim);
    let tag = parameters.next()?.to_ascii_lowercase();
    let weight = match parameters.find_map(|parameter| parameter.strip_prefix("q=")) {
        None => 1.0,
        Some(weight) => weight.parse().ok().filter(|weight| (0.0..=1.0).contains(weight))?,
    };
    Some((tag, weight))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_wanted_language_is_chosen() {
        let choose = |header| Language::negotiate(header, Language::Zh);
        assert_eq!(choose(None), Language::Zh);
        assert_eq!(choose(Some("de-DE, fr;q=0.9")), Language::Zh);
        assert_eq!(choose(Some("de, ru-RU;q=0.7, en;q=0.8")), Language::En);
        assert_eq!(choose(Some("ru, en")), Language::Ru);
        assert_eq!(choose(Some("en;q=0, ru;q=0.1")), Language::Ru);
        assert_eq!(choose(Some("en;q=0.3, *;q=0.9")), Language::Zh);
        assert_eq!(choose(Some("en;q=0.9, *;q=0.3")), Language::En);
        assert_eq!(choose(Some("zh;q=0.1, ru;q=0.2, *")), Language::Ru);
        assert_eq!(choose(Some("en;q=NaN, ru;q=2, *;q=x")), Language::Zh);
    }
}
