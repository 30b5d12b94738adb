//! Case folding, for searches in which capital letters don't matter.

/// The combining dot above that `İ` leaves behind when it is made small.
const DOT_ABOVE: char = '\u{307}';

/// The text in a form that is the same for texts which differ in case only. It is for comparing, never for
/// showing.
///
/// This is Unicode's full case folding (The Unicode Standard, section 5.18, "Caseless Matching"), made of the
/// mappings that the standard library has anyway, so that the functions carry no further tables: small, then
/// capital, then small again. Going through the capitals makes one of the letters that share one: `ß` and `ẞ`
/// are `ss`, `ς` is `σ`, `ſ` is `s`. Letter by letter, since [`str::to_lowercase`] writes the last sigma of a
/// word in another way, and a part of a text is searched for in the middle of words, too.
///
/// It goes beyond Unicode in one thing: the four letters i of Turkish (`İ i I ı`) are one. Whoever types
/// `çelik` or `isparta` is to find `ÇELİK` and `ISPARTA`, and nothing says which language a name is in. So
/// the dot that `İ` leaves behind is dropped, and `ı` is `i` through its capital. Texts are not normalised: a
/// letter with an accent and a letter followed by a combining accent stay two.
pub fn fold(text: &str) -> String {
    let small = text.chars().flat_map(char::to_lowercase);
    let through_capitals = small.flat_map(char::to_uppercase).flat_map(char::to_lowercase);
    let mut folded = String::with_capacity(text.len());
    for letter in through_capitals {
        if letter != DOT_ABOVE || !folded.ends_with('i') {
            folded.push(letter);
        }
    }
    folded
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn texts_that_differ_in_case_only_are_one() {
        for texts in [
            &["çelik", "ÇELİK", "Çelik", "ÇELIK", "çelık", "ÇELI\u{307}K"][..],
            &["straße", "STRASSE", "STRAẞE", "Strasse"],
            &["ὀδυσσεύς", "ὈΔΥΣΣΕΎΣ", "ὀδυσσεύσ"],
            &["ısparta", "ISPARTA", "Isparta", "İSPARTA"],
            &["чай", "ЧАЙ"],
            &["ﬁne", "FINE", "fine"],
            &["ſee", "SEE", "see"],
            &["\u{212a}elvin", "kelvin", "KELVIN"],
            &["ῼ", "ωι", "ΩΙ"],
            &["Ǆ", "ǅ", "ǆ"],
        ] {
            for text in texts {
                assert_eq!(fold(text), fold(texts[0]), "{text}");
            }
        }
        for (one, other) in [("çelik", "celik"), ("и", "й"), ("ж\u{307}", "ж"), ("o", "0")] {
            assert_ne!(fold(one), fold(other));
        }
    }

    #[test]
    fn every_letter_is_one_with_its_capital_and_its_small_letter() {
        for letter in (0..=u32::from(char::MAX)).filter_map(char::from_u32) {
            let folded = fold(&letter.to_string());
            assert_eq!(fold(&folded), folded, "{letter:?} folded twice");
            for same in [letter.to_lowercase().collect::<String>(), letter.to_uppercase().collect()] {
                assert_eq!(fold(&same), folded, "{letter:?} and {same:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn a_part_is_found_in_the_whole_in_whatever_case(before in "\\PC*", part in "\\PC+", after in "\\PC*") {
            // A dot above that begins the part belongs to the letter before it.
            prop_assume!(!part.starts_with(DOT_ABOVE));
            let whole = format!("{before}{part}{after}");
            for whole in [whole.to_uppercase(), whole.to_lowercase(), whole] {
                prop_assert!(fold(&whole).contains(&fold(&part)), "{part:?} in {whole:?}");
            }
        }
    }
}
