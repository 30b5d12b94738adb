//! The description of the calls about the system itself: its health, its console, and this description.

use serde_json::json;

use super::calls::{etag, unless_known};
use super::operations::Operation;
use super::responses::json_answer;
use crate::problem::Kind;
use crate::routes::ApiCall;

pub(super) fn described(call: ApiCall) -> Operation {
    match call {
        ApiCall::Health => health(),
        ApiCall::Home => page("The first page", "It leads to the web console.", 307, "web/"),
        ApiCall::Icon => page("The icon", "For pages that name none.", 307, "web/00f1e2d3c4b5a697/icon.svg"),
        ApiCall::Console => page("The web console", "Its page is at `/web/`.", 308, "web/"),
        ApiCall::Documentation => page("This documentation", "For people.", 308, "web/docs.html"),
        ApiCall::ConsolePage => console_page(),
        ApiCall::ConsoleFile => console_file(),
        _ => openapi(),
    }
}

/// A call that leads to a page elsewhere.
fn page(summary: &'static str, description: &'static str, status: u16, place: &str) -> Operation {
    let there = json!({
        "description": "It is there.",
        "headers": { "Location": { "required": true, "schema": { "type": "string" }, "example": place } },
    });
    Operation::new("System", summary, description).answers(status, there)
}

fn console_page() -> Operation {
    let page = json!({
        "description": "The page.",
        "headers": etag(),
        "content": { "text/html": { "schema": { "type": "string" } } },
    });
    let description = "Without a sign-in: it asks for one where it is needed.";
    unless_known(Operation::new("System", "The page of the web console", description).answers(200, page))
}

fn console_file() -> Operation {
    let text = json!({ "schema": { "type": "string" } });
    let file = json!({
        "description": "The file.",
        "headers": etag(),
        "content": { "text/html": text, "text/css": text, "text/javascript": text, "image/svg+xml": text },
    });
    let description = "Without a sign-in: the files hold nothing of anybody's. All but the pages lie in a folder that is named after their content; browsers keep them for ever.";
    let operation = Operation::new("System", "A file of the web console", description).answers(200, file);
    unless_known(operation).refuses(&[Kind::RouteNotFound])
}

fn openapi() -> Operation {
    let mut document = json_answer("The document.", &json!({ "type": "object" }), None);
    document["headers"] = etag();
    unless_known(
        Operation::new("System", "This description of the API", "In OpenAPI 3.1.").answers(200, document),
    )
}

fn health() -> Operation {
    let health = json!({
        "type": "object", "required": ["status"],
        "properties": { "status": { "type": "string", "const": "ok" } },
    });
    let says = "Answers when the function does. The local runtime answers 503, with the reason, while orders can't \
                proceed in its process.";
    Operation::new("System", "Health", says)
        .answers(200, json_answer("It is well.", &health, Some(json!({ "status": "ok" }))))
        .refuses(&[Kind::Unavailable])
}
