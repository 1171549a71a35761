//! Endpoints in place of AWS's own: of all services or of single ones, from a flag, the environment or a profile.

use std::fmt;

use aws_config::SdkConfig;
use aws_types::service_config::ServiceConfigKey;

/// The services that are called, by their id in an SDK (Smithy's `aws.api#service` trait, `sdkId`).
const SERVICES: [&str; 17] = [
    "Athena",
    "CloudWatch Logs",
    "DynamoDB",
    "EC2",
    "ECS",
    "Firehose",
    "Glue",
    "IAM",
    "Kinesis",
    "Lambda",
    "Redshift Data",
    "Redshift Serverless",
    "S3",
    "Scheduler",
    "Secrets Manager",
    "Service Quotas",
    "STS",
];

/// Where calls go that do not go to AWS.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoints {
    /// The URL for every service that has none of its own.
    pub general: Option<String>,
    /// Services with a URL of their own.
    pub services: Vec<(&'static str, String)>,
    /// Whether nobody asked for them: the environment or a profile has them.
    pub is_ambient: bool,
}

impl Endpoints {
    /// Those of a configuration, as the SDK's clients take them from it.
    pub(super) fn of(config: &SdkConfig) -> Self {
        let general = config.endpoint_url().map(str::to_owned);
        if config.get_origin("endpoint_url").is_client_config() {
            return Self { general, ..Self::default() };
        }
        // Where a service has none of its own, the one for all comes back.
        let own = |service| Some((service, own_url(config, service).filter(|url| Some(url) != general.as_ref())?));
        let services: Vec<_> = SERVICES.into_iter().filter_map(own).collect();
        let is_ambient = general.is_some() || !services.is_empty();
        Self { general, services, is_ambient }
    }

    /// Where calls of this service go that do not go to AWS.
    pub(super) fn of_service(&self, service: &str) -> Option<&str> {
        let own = self.services.iter().find(|(own, _)| *own == service).map(|(_, url)| url);
        own.or(self.general.as_ref()).map(String::as_str)
    }

    /// Whether this service is not AWS's.
    pub(super) fn has(&self, service: &str) -> bool {
        self.general.is_some() || self.services.iter().any(|(own, _)| *own == service)
    }
}

fn own_url(config: &SdkConfig, service: &str) -> Option<String> {
    let key = ServiceConfigKey::builder().service_id(service).env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    config.service_config()?.load_config(key.expect("every part is given"))
}

/// `, with Kinesis at http://…`: the services that have a URL of their own.
impl fmt::Display for Endpoints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (service, url)) in self.services.iter().enumerate() {
            let before = if place == 0 { "with " } else { "" };
            write!(f, ", {before}{service} at {url}")?;
        }
        Ok(())
    }
}
