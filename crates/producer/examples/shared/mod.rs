//! What the examples share. A program that has the crate `aws-config` calls `aws_config::load_defaults` instead.

use std::{env, error::Error};

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_kinesis::config::BehaviorVersion;
use aws_types::{SdkConfig, region::Region};

/// The configuration that `eval "$(demo local env)"` leaves in the environment, or one's own for AWS.
pub fn config() -> Result<SdkConfig, Box<dyn Error>> {
    let var = |name: &str| env::var(name).map_err(|error| format!("{name}: {error}"));
    let token = var("AWS_SESSION_TOKEN").ok();
    let keys = Credentials::new(var("AWS_ACCESS_KEY_ID")?, var("AWS_SECRET_ACCESS_KEY")?, token, None, "environment");
    let region = var("AWS_REGION").or_else(|_| var("AWS_DEFAULT_REGION"))?;
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(region))
        .credentials_provider(SharedCredentialsProvider::new(keys));
    config.set_endpoint_url(var("AWS_ENDPOINT_URL").ok());
    Ok(config.build())
}

/// The first argument.
pub fn stream() -> Result<String, Box<dyn Error>> {
    env::args().nth(1).ok_or_else(|| "which stream? Its name or its ARN is the first argument".into())
}
