//! The clients of whoever does nothing but send a load, which a worker in a task is: those of Kinesis and S3. All clients
//! together would make its program larger than what it does.

use aws_config::{
    Region, SdkConfig, ecs::EcsCredentialsProvider, environment::EnvironmentVariableCredentialsProvider,
    meta::credentials::CredentialsProviderChain,
};
use aws_sdk_sts::config::SharedCredentialsProvider;

use super::clients::{Clients, RETRIES, behavior, client, retries, timeouts};

/// Clients of Kinesis and S3.
#[derive(Clone, Debug)]
pub struct SendingClients {
    /// Kinesis Data Streams.
    pub kinesis: aws_sdk_kinesis::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// What they are made from, for a producer.
    pub config: SdkConfig,
}

impl SendingClients {
    /// Those among all clients.
    pub fn of(clients: &Clients) -> Self {
        Self { kinesis: clients.kinesis.clone(), s3: clients.s3.clone(), config: clients.config().clone() }
    }

    /// Those of a task: with the credentials in its environment, else those of its role, which the environment says where to ask
    /// for (ECS developer guide, "Task IAM role").
    pub fn of_task(region: &str, endpoint_url: Option<&str>) -> Self {
        let credentials =
            CredentialsProviderChain::first_try("Environment", EnvironmentVariableCredentialsProvider::new())
                .or_else("Task role", EcsCredentialsProvider::builder().build());
        let mut config = SdkConfig::builder()
            .behavior_version(behavior())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .retry_config(retries())
            .timeout_config(timeouts());
        config.set_endpoint_url(endpoint_url.map(str::to_owned));
        let config = config.build();
        Self {
            kinesis: client!(aws_sdk_kinesis, config, RETRIES, "kinesis"),
            s3: client!(aws_sdk_s3, config, RETRIES, "s3", force_path_style(endpoint_url.is_some())),
            config,
        }
    }
}
