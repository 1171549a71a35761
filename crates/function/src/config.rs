//! What the function is told by its environment.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Region, retry::RetryConfig, timeout::TimeoutConfig},
};

use super::TableKey;

/// The variable that names the table.
pub const TABLE: &str = "DEMO_TABLE";
/// The variable that has the table's key: the hash key and, after a comma, the range key; or a JSON object of the kinds of
/// documents and the fields that identify each.
pub const KEY: &str = "DEMO_KEY";

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// What an environment says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// The table's name.
    pub table: String,
    /// Its key.
    pub key: TableKey,
    /// AWS_REGION.
    pub region: String,
    /// Another implementation than AWS (SDKs and tools reference guide, "Service-specific endpoints").
    pub endpoint_url: Option<String>,
}

/// Why an environment is not one for this function.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A variable is missing.
    #[error("the environment has no {0}")]
    Missing(&'static str),
    /// It does not name a key.
    #[error("{KEY} is '{0}', neither one or two names with a comma between them nor a JSON object of kinds and fields")]
    Key(String),
}

impl Config {
    /// From variables, for example those of the process.
    ///
    /// # Errors
    /// When one is missing that must be there.
    pub fn read(variable: impl Fn(&str) -> Option<String>) -> Result<Self, ConfigError> {
        let must = |name| variable(name).filter(|value| !value.is_empty()).ok_or(ConfigError::Missing(name));
        let text = must(KEY)?;
        let Some(key) = TableKey::parse(&text) else { return Err(ConfigError::Key(text)) };
        let endpoint_url = variable("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| variable("AWS_ENDPOINT_URL"));
        Ok(Self { table: must(TABLE)?, key, region: must("AWS_REGION")?, endpoint_url })
    }

    /// A client with the credentials that Lambda puts into the environment. It tries once: who calls tries again, and
    /// knows until when.
    pub fn client(&self) -> Client {
        let timeouts = TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT);
        let mut config = aws_sdk_dynamodb::Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .credentials_provider(EnvironmentVariableCredentialsProvider::new())
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts.operation_attempt_timeout(ATTEMPT_TIMEOUT).build());
        config.set_endpoint_url(self.endpoint_url.clone());
        Client::from_conf(config.build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        Config::read(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_string()))
    }

    #[test]
    fn an_environment_is_read() {
        let config = read(&[
            (TABLE, "sales"),
            (KEY, "ticket, item"),
            ("AWS_REGION", "eu-central-1"),
            ("AWS_ENDPOINT_URL", "http://127.0.0.1:1"),
        ]);
        let expected = Config {
            table: "sales".to_owned(),
            key: TableKey::Fields(vec!["ticket".to_owned(), "item".to_owned()]),
            region: "eu-central-1".to_owned(),
            endpoint_url: Some("http://127.0.0.1:1".to_owned()),
        };
        assert_eq!(config, Ok(expected));
    }

    #[test]
    fn what_is_missing_is_named() {
        let region = ("AWS_REGION", "us-east-1");
        assert_eq!(read(&[(KEY, "id"), region]), Err(ConfigError::Missing(TABLE)));
        assert_eq!(read(&[(KEY, "a,b,c"), region]), Err(ConfigError::Key("a,b,c".to_owned())));
        assert_eq!(read(&[(KEY, "a,"), region]), Err(ConfigError::Key("a,".to_owned())));
    }
}
