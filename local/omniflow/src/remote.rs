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
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Err(Error::NotFound(name.to_owned()));
        }
        if !response.status().is_success() {
            return Err(Error::Endpoint(format!("it answered {}", response.status())));
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
