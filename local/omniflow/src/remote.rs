//! Functions outside this process, which are invoked through another Lambda endpoint (`--lambda-endpoint`).

use reqwest::Url;
use serde_json::Value;

use crate::lambda::{Error, FunctionError, Invoked};

/// A Lambda endpoint.
pub struct RemoteFunctions {
    endpoint: Url,
    client: reqwest::Client,
}

impl RemoteFunctions {
    /// Invokes functions at `endpoint`, such as `http://127.0.0.1:4690`.
    pub fn at(endpoint: Url) -> Self {
        Self { endpoint, client: reqwest::Client::new() }
    }

    pub(crate) async fn invoke(&self, name: &str, event: &Value) -> Result<Invoked, Error> {
        let failed = |error: reqwest::Error| Error::Endpoint(error.to_string());
        let mut url = self.endpoint.clone();
        url.set_path(&format!("/2015-03-31/functions/{name}/invocations"));
        let response = self.client.post(url).json(event).send().await.map_err(failed)?;
        if !response.status().is_success() {
            return Err(refusal(name, response).await);
        }
        let failed_function = response.headers().contains_key("x-amz-function-error");
        let text = response.text().await.map_err(failed)?;
        let payload: Value = serde_json::from_str(&text)
            .map_err(|error| Error::Endpoint(format!("its answer is not JSON: {error}")))?;
        Ok(if failed_function {
            let error_type = payload["errorType"].as_str().unwrap_or("Unhandled").to_owned();
            Err(FunctionError { error_type, payload: text })
        } else {
            Ok(payload)
        })
    }
}

/// Why an endpoint has not invoked a function. Lambda names the exception in the header `x-amzn-errortype`.
async fn refusal(name: &str, response: reqwest::Response) -> Error {
    let status = response.status();
    let header = response.headers().get("x-amzn-errortype").and_then(|value| value.to_str().ok());
    let code = header.and_then(exception);
    let body = response.text().await.unwrap_or_default();
    refused(name, status.as_u16(), code, &body)
}

/// The exception that a header names: some services write `prefix#Name` or `Name:address`.
fn exception(header: &str) -> Option<String> {
    let name = header.split(':').next()?.rsplit('#').next()?.trim();
    (!name.is_empty()).then(|| name.to_owned())
}

fn refused(name: &str, status: u16, code: Option<String>, body: &str) -> Error {
    let is_missing = code.as_deref().is_none_or(|code| code == "ResourceNotFoundException");
    if status == 404 && is_missing {
        return Error::NotFound(name.to_owned());
    }
    let body: Value = serde_json::from_str(body).unwrap_or_default();
    let message = body["message"].as_str().or(body["Message"].as_str());
    let message = message.map_or_else(|| format!("the Lambda endpoint answered {status}"), str::to_owned);
    Error::Refused { status, code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_names_the_exception() {
        assert_eq!(exception("ServiceException").as_deref(), Some("ServiceException"));
        assert_eq!(
            exception("com.amazonaws.lambda#ServiceException:http://a/").as_deref(),
            Some("ServiceException")
        );
        assert_eq!(exception(""), None);
    }

    #[test]
    fn a_refusal_tells_what_the_endpoint_said() {
        let busy =
            refused("f", 429, exception("TooManyRequestsException"), r#"{"message": "Rate Exceeded."}"#);
        let Error::Refused { status, code, message } = busy else { panic!("{busy:?}") };
        assert_eq!(
            (status, code.as_deref(), message.as_str()),
            (429, Some("TooManyRequestsException"), "Rate Exceeded.")
        );
        assert!(matches!(refused("f", 404, None, ""), Error::NotFound(name) if name == "f"));
        let Error::Refused { message, .. } = refused("f", 502, None, "<html>") else { panic!("no refusal") };
        assert_eq!(message, "the Lambda endpoint answered 502");
    }
}
