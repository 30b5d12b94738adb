//! The access token of this runtime: how it is given, which texts are accepted, and how a request carries
//! it.

use std::fmt;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use http::HeaderMap;
use subtle::ConstantTimeEq as _;

/// A token with fewer characters can be guessed. It is accepted, and the log warns that it is weak.
const WEAK_BELOW: usize = 16;

/// The secret that every request must carry, except on routes that the template leaves open.
#[derive(Clone, PartialEq, Eq)]
pub struct AccessToken(String);

/// Why the access token that was given can't be used. Each message says what to do.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Error {
    /// The token is empty. If that were accepted, an empty environment variable would open the server to
    /// everybody.
    #[error(
        "the token is empty: give --token (OMNIFLOW_TOKEN) or --token-file (OMNIFLOW_TOKEN_FILE) at least one \
         character, such as from `openssl rand -hex 16`, or leave it out"
    )]
    Empty,
    /// The token has a character that RFC 6750 doesn't allow in `Authorization: Bearer`.
    #[error(
        "the token holds {0:?}: use letters, digits and - . _ ~ + / = only, such as from `openssl rand -hex 16`"
    )]
    Character(char),
    /// The token and a file were both given, and one of them would silently be ignored.
    #[error("--token (OMNIFLOW_TOKEN) and --token-file (OMNIFLOW_TOKEN_FILE) are both given: leave one out")]
    Twice,
    /// The file of `--token-file` can't be read.
    #[error("the token file {}: {source}; make it, or choose another with --token-file", path.display())]
    File { path: PathBuf, source: std::io::Error },
}

impl AccessToken {
    /// The token that was given as a text or in a file; `None` when neither was given.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn given(text: Option<&str>, file: Option<&Path>) -> Result<Option<Self>, Error> {
        match (text, file) {
            (Some(_), Some(_)) => Err(Error::Twice),
            (Some(text), None) => Self::parse(text).map(Some),
            (None, Some(path)) => Self::read(path).map(Some),
            (None, None) => Ok(None),
        }
    }

    fn parse(text: &str) -> Result<Self, Error> {
        let strange = |c: &char| !(c.is_ascii_alphanumeric() || "-._~+/=".contains(*c));
        match text.chars().find(strange) {
            _ if text.is_empty() => Err(Error::Empty),
            Some(character) => Err(Error::Character(character)),
            None => Ok(Self(text.to_owned())),
        }
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::File { path: path.to_owned(), source };
        let text = std::fs::read_to_string(path).map_err(failed)?;
        let mode = path.metadata().map_err(failed)?.permissions().mode();
        if mode & 0o077 != 0 {
            tracing::warn!(path = %path.display(), "other users may read the token file: chmod 600 keeps it secret");
        }
        Self::parse(text.trim_end_matches(['\r', '\n']))
    }

    /// The text of the token, to be sent and never to be shown.
    pub(crate) fn secret(&self) -> &str {
        &self.0
    }

    /// Whether the token is so short that it can be guessed.
    pub fn is_weak(&self) -> bool {
        self.0.len() < WEAK_BELOW
    }

    /// Whether the request carries this token, as `Authorization: Bearer TOKEN` or as the access key id of
    /// an AWS signature. The name of the scheme may be in any case (RFC 9110, section 11.1).
    pub(crate) fn is_carried_by(&self, headers: &HeaderMap) -> bool {
        let authorization = headers.get("authorization").and_then(|value| value.to_str().ok());
        let Some((scheme, credentials)) = authorization.and_then(|text| text.split_once(' ')) else {
            return false;
        };
        let given = match scheme.to_ascii_lowercase().as_str() {
            "bearer" => Some(credentials.trim()),
            "aws4-hmac-sha256" => access_key_id(credentials),
            _ => None,
        };
        // The comparison takes the same time wherever the first wrong character is, so its duration reveals
        // nothing about the token.
        given.is_some_and(|given| bool::from(given.as_bytes().ct_eq(self.0.as_bytes())))
    }
}

/// The access key id in `Credential=KEY/20261125/us-east-1/dynamodb/aws4_request, SignedHeaders=…,
/// Signature=…`. The key may contain slashes. Source: IAM User Guide, "Elements of an AWS API request
/// signature".
fn access_key_id(credentials: &str) -> Option<&str> {
    let scope = credentials.split(',').find_map(|part| part.trim().strip_prefix("Credential="))?;
    scope.rsplitn(5, '/').nth(4)
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AccessToken(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn carried(token: &str, authorization: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert("authorization", authorization.parse().unwrap());
        AccessToken::parse(token).unwrap().is_carried_by(&headers)
    }

    #[test]
    fn a_token_is_taken_in_each_form_and_case() {
        let signature = "SignedHeaders=host, Signature=0";
        for form in [
            "Bearer a/b".to_owned(),
            "bearer a/b".to_owned(),
            "BEARER   a/b".to_owned(),
            format!("AWS4-HMAC-SHA256 Credential=a/b/20261125/us-east-1/dynamodb/aws4_request, {signature}"),
            format!("aws4-hmac-sha256 {signature}, Credential=a/b/20261125/us-east-1/states/aws4_request"),
        ] {
            assert!(carried("a/b", &form), "{form}");
        }
        for form in
            ["a/b", "Bearer", "Bearer ", "Bearer a/", "Bearer a/bc", "Basic a/b", "AWS4-HMAC-SHA256 a/b"]
        {
            assert!(!carried("a/b", form), "{form}");
        }
    }

    #[test]
    fn what_can_be_no_token_is_refused_by_name() {
        assert!(matches!(AccessToken::given(Some(""), None), Err(Error::Empty)));
        assert!(matches!(AccessToken::given(Some("let me in"), None), Err(Error::Character(' '))));
        assert!(matches!(AccessToken::given(Some("schlüssel"), None), Err(Error::Character('ü'))));
        assert!(matches!(AccessToken::given(Some("a"), Some(Path::new("b"))), Err(Error::Twice)));
        assert!(matches!(AccessToken::given(None, Some(Path::new("/nowhere"))), Err(Error::File { .. })));
    }

    #[test]
    fn a_file_holds_the_token_and_perhaps_the_end_of_its_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        std::fs::write(&path, "0123456789abcdef\r\n").unwrap();
        let token = AccessToken::given(None, Some(&path)).unwrap().unwrap();
        assert_eq!((token.0.as_str(), token.is_weak()), ("0123456789abcdef", false));
        std::fs::write(&path, "\n").unwrap();
        assert!(matches!(AccessToken::given(None, Some(&path)), Err(Error::Empty)));
    }

    #[test]
    fn it_is_not_shown() {
        assert!(!format!("{:?}", AccessToken::parse("secret").unwrap()).contains("secret"));
    }
}
