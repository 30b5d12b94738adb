//! What a change may be tied to: that the thing is still what the caller has read (RFC 9110, section 13.1).

use omniflow_domain::Language;

use crate::problem::{Kind, Problem};
use crate::request::Request;

/// The things that have an `ETag` for their changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Thing {
    Product,
    Warehouse,
}

/// The `ETag` of a version.
pub(crate) fn etag(version: u64) -> String {
    format!("\"{version}\"")
}

impl Thing {
    /// Checks `If-Match` and `If-None-Match` against the version that there is; `None` when there is nothing yet.
    pub(crate) fn check(self, version: Option<u64>, request: &Request) -> Result<(), Problem> {
        let matches = |wanted: &str| {
            version.is_some_and(|version| {
                wanted.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag(version))
            })
        };
        let is_as_known = request.header("if-match").is_none_or(matches);
        let is_not_there = !request.header("if-none-match").is_some_and(matches);
        if is_as_known && is_not_there {
            Ok(())
        } else {
            Err(self.changed_meanwhile(request.language_of_problems()))
        }
    }

    /// The problem of a change that would overwrite another one.
    pub(crate) fn changed_meanwhile(self, language: Language) -> Problem {
        let (english, chinese, russian) = match self {
            Self::Product => ("the product", "商品", "Товар"),
            Self::Warehouse => ("the warehouse", "仓库", "Склад"),
        };
        Problem::told(
            Kind::ChangedMeanwhile,
            language,
            [
                format!(
                    "Somebody changed {english} meanwhile. Read it again, and send your change with its new ETag."
                ),
                format!("{chinese}已被他人更改。请重新读取，并以新的 ETag 提交更改。"),
                format!(
                    "{russian} тем временем изменили. Прочтите его снова и отправьте изменение с новым ETag."
                ),
            ],
        )
    }
}
