//! Amazon EventBridge as a trait.

use aws_sdk_eventbridge::Client;
use aws_sdk_eventbridge::operation::put_events::PutEventsOutput;
use aws_sdk_eventbridge::operation::put_events::builders::PutEventsInputBuilder;

use crate::ServiceFuture;

/// EventBridge, as far as the functions use it. See the Amazon EventBridge API Reference for what a request
/// does.
#[allow(missing_docs, reason = "the reference describes the requests")]
pub trait EventBridge: Send + Sync {
    fn put_events(&self, request: PutEventsInputBuilder) -> ServiceFuture<'_, PutEventsOutput>;
}

impl EventBridge for Client {
    fn put_events(&self, request: PutEventsInputBuilder) -> ServiceFuture<'_, PutEventsOutput> {
        Box::pin(async { Ok(request.send_with(self).await?) })
    }
}
