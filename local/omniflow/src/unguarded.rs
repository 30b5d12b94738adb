//! What the SDK does to every request for the sake of the network, left out where there is none.

use aws_runtime::invocation_id::InvocationIdInterceptor;
use aws_runtime::request_info::RequestInfoInterceptor;
use aws_runtime::service_clock_skew::ServiceClockSkewInterceptor;
use aws_runtime::user_agent::UserAgentInterceptor;
use aws_smithy_runtime_api::box_error::BoxError;
use aws_smithy_runtime_api::client::interceptors::context::BeforeSerializationInterceptorContextRef;
use aws_smithy_runtime_api::client::interceptors::{Intercept, disable_interceptor, dyn_dispatch_hint};
use aws_smithy_types::config_bag::ConfigBag;

const IN_PROCESS: &str = "the request stays in this process";

/// Switches the headers off that only a server elsewhere would read.
#[derive(Debug)]
pub(crate) struct Unguarded;

#[dyn_dispatch_hint]
impl Intercept for Unguarded {
    fn name(&self) -> &'static str {
        "Unguarded"
    }

    fn read_before_execution(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let layer = config.interceptor_state();
        layer.store_put(disable_interceptor::<InvocationIdInterceptor>(IN_PROCESS));
        layer.store_put(disable_interceptor::<RequestInfoInterceptor>(IN_PROCESS));
        layer.store_put(disable_interceptor::<ServiceClockSkewInterceptor>(IN_PROCESS));
        layer.store_put(disable_interceptor::<UserAgentInterceptor>(IN_PROCESS));
        Ok(())
    }
}
