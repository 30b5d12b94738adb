//! Files without what only their authors read.

/// A script or a style sheet without its comments and its indentation, as far as both are lines of their own: what is
/// code stays as it was written.
#[must_use]
pub fn slim(text: &str) -> String {
    let mut slim = String::new();
    let mut in_comment = false;
    for line in text.lines().map(str::trim) {
        let begins = line.starts_with("/*");
        let is_comment = in_comment || line.starts_with("//") || (begins && !has_code_behind(line));
        in_comment = (in_comment || begins) && !line.contains("*/");
        if !is_comment && !line.is_empty() {
            slim.push_str(line);
            slim.push('\n');
        }
    }
    slim
}

/// Whether anything follows the comment that the line begins with.
fn has_code_behind(line: &str) -> bool {
    line.split_once("*/").is_some_and(|(_, rest)| !rest.is_empty())
}

/// A JSON document without the blanks between its tokens (RFC 8259, section 2).
#[must_use]
pub fn slim_json(text: &str) -> String {
    let (mut in_text, mut escaped) = (false, false);
    text.chars()
        .filter(|letter| {
            let was_in_text = in_text;
            match letter {
                '"' if !escaped => in_text = !in_text,
                _ => {}
            }
            escaped = was_in_text && *letter == '\\' && !escaped;
            was_in_text || !letter.is_ascii_whitespace()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_and_indentation_go_and_code_stays() {
        let text = "// head\n/** One. */\nexport const a = 1; // kept\n\n/**\n * Two\n */\nfunction b() {\n  return \"/* no */ // comment\";\n}\n/* x */ c();\n";
        assert_eq!(
            slim(text),
            "export const a = 1; // kept\nfunction b() {\nreturn \"/* no */ // comment\";\n}\n/* x */ c();\n"
        );
    }

    #[test]
    fn blanks_in_the_texts_of_a_document_are_kept() {
        let text = "{\n  \"a b\": [1, 2 ],\n  \"c\": \"d \\\" e \\\\\", \"f\" : true\n}\n";
        assert_eq!(slim_json(text), "{\"a b\":[1,2],\"c\":\"d \\\" e \\\\\",\"f\":true}");
    }
}
