//! The services as the AWS SDK reaches them.

use std::sync::Arc;

use ambient::{Clock, Randomness, SystemClock};
#[cfg(feature = "ses")]
use aws_smithy_types::retry::RetryConfig;
use aws_types::SdkConfig;

use crate::{Memory, Services};

/// The SDK's clients, made of one configuration, with the machine's clock and randomness.
pub struct Sdk {
    config: SdkConfig,
    memory: Memory,
    clock: Arc<dyn Clock>,
    randomness: Randomness,
}

impl Sdk {
    /// Makes the clients of this configuration.
    pub fn new(config: SdkConfig) -> Self {
        Self {
            config,
            memory: Memory::default(),
            clock: Arc::new(SystemClock),
            randomness: Randomness::unpredictable(),
        }
    }
}

impl Services for Sdk {
    #[cfg(feature = "dynamodb")]
    fn dynamodb(&self) -> Arc<dyn crate::DynamoDb> {
        Arc::new(aws_sdk_dynamodb::Client::new(&self.config))
    }

    #[cfg(feature = "eventbridge")]
    fn event_bridge(&self) -> Arc<dyn crate::EventBridge> {
        Arc::new(aws_sdk_eventbridge::Client::new(&self.config))
    }

    #[cfg(feature = "sfn")]
    fn step_functions(&self) -> Arc<dyn crate::StepFunctions> {
        Arc::new(self.executions())
    }

    #[cfg(feature = "sfn")]
    fn executions(&self) -> aws_sdk_sfn::Client {
        aws_sdk_sfn::Client::new(&self.config)
    }

    #[cfg(feature = "ses")]
    /// It sends nothing again by itself: Amazon SES doesn't know repeated requests, and would send the message
    /// twice. One attempt may take as long as three of the others'.
    fn ses(&self) -> aws_sdk_sesv2::Client {
        let mut config = aws_sdk_sesv2::config::Builder::from(&self.config);
        config.set_retry_config(Some(RetryConfig::disabled()));
        let timeouts = self.config.timeout_config().map(|timeouts| {
            let whole = timeouts.operation_timeout().or(timeouts.operation_attempt_timeout());
            let mut timeouts = timeouts.to_builder();
            timeouts.set_operation_attempt_timeout(whole);
            timeouts.build()
        });
        config.set_timeout_config(timeouts);
        aws_sdk_sesv2::Client::from_conf(config.build())
    }

    #[cfg(feature = "https")]
    fn web(&self) -> Arc<dyn crate::Web> {
        self.memory.of::<crate::Https>()
    }

    #[cfg(feature = "https")]
    fn metrics(
        &self,
        environment: &crate::Environment,
    ) -> Result<Arc<dyn crate::metrics::Metrics>, crate::ConfigError> {
        let (config, web) = (self.config.clone(), self.web());
        let cloudwatch = Arc::new(crate::cloudwatch::CloudWatchOnAws::new(config, web, self.clock()));
        Ok(Arc::new(crate::metrics::CloudWatchMetrics::new(cloudwatch, environment, self.clock())?))
    }

    #[cfg(feature = "https")]
    fn secrets(&self) -> Arc<dyn crate::Secrets> {
        Arc::new(crate::secrets_manager::SecretsManager::new(self.config.clone(), self.web(), self.clock()))
    }

    #[cfg(feature = "http-client")]
    fn http(&self) -> Arc<dyn omniflow_http_client::Http> {
        self.memory.of::<omniflow_http_client::Client>()
    }

    fn memory(&self) -> Memory {
        self.memory.clone()
    }

    fn clock(&self) -> Arc<dyn Clock> {
        Arc::clone(&self.clock)
    }

    fn randomness(&self) -> Randomness {
        self.randomness.clone()
    }
}
