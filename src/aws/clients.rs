//! The clients, and the only place that tells the stand-in from AWS.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_config::{BehaviorVersion, Region, SdkConfig, retry::RetryConfig, timeout::TimeoutConfig};
use aws_sdk_sts::config::{Credentials, ProvideCredentials, SharedCredentialsProvider};
use aws_smithy_runtime::client::retries::{MAXIMUM_CAPACITY, RetryPartition, TokenBucket};
use aws_smithy_runtime_api::client::http::{HttpClient, SharedHttpClient};
use aws_stand_in::ACCOUNT;
use demo_formats::partition;
use tokio::sync::OnceCell;

use super::{
    ec2::Ec2,
    endpoints::Endpoints,
    failure::failure,
    rates::{Api, Rates},
};
use crate::engine::{Cause, Fingerprint, ProviderError};

/// The region of everything on the stand-in.
const LOCAL_REGION: &str = "us-east-1";
const ATTEMPTS: u32 = 5;
/// What a read is repeated, with pauses that double from the first one to the SDK's longest, 20 s: some 45 s without an answer.
const ATTEMPTS_OF_READS: u32 = 12;
const FIRST_PAUSE_OF_READS: Duration = Duration::from_millis(100);
/// What the retries of one service's calls may cost together, 5 each, before successes have earned more: the SDK's default.
pub(super) const RETRIES: usize = 500;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// What the chain says where no provider of it has credentials (aws-credential-types, CredentialsError): the last that it
/// asks are the machine's own metadata, IMDS, which most machines have not.
const NOTHING: [&str; 2] = ["the credential provider was not enabled", "IMDS"];
/// How long credentials are looked for: where there are none, a machine's own metadata are waited for.
const LOOK: Duration = Duration::from_secs(5);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(60);

/// Where calls go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Where {
    /// The stand-in, or another one on this machine.
    Local {
        /// For example `http://127.0.0.1:49152`.
        url: String,
        /// What it takes.
        credentials: Credentials,
    },
    /// AWS, with credentials from its default chain.
    Aws {
        /// For example `us-east-1`.
        region: String,
        /// A profile of the shared configuration.
        profile: Option<String>,
        /// Another implementation at this URL. [`Clients::place`] has it too where the environment or a profile sets it.
        endpoint_url: Option<String>,
    },
}

/// Who is calling (STS API reference, GetCallerIdentity).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// The account's number.
    pub account: String,
    /// The caller's ARN.
    pub arn: String,
}

/// A client of every service. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Kinesis Data Streams.
    pub kinesis: aws_sdk_kinesis::Client,
    /// EC2.
    pub(super) ec2: Ec2,
    /// ECS.
    pub ecs: aws_sdk_ecs::Client,
    /// Data Firehose.
    pub firehose: aws_sdk_firehose::Client,
    /// S3.
    pub s3: aws_sdk_s3::Client,
    /// IAM.
    pub iam: aws_sdk_iam::Client,
    /// Glue.
    pub glue: aws_sdk_glue::Client,
    /// Athena.
    pub athena: aws_sdk_athena::Client,
    /// Redshift's Data API.
    pub redshift_data: aws_sdk_redshiftdata::Client,
    /// Redshift Serverless.
    pub redshift_serverless: aws_sdk_redshiftserverless::Client,
    /// Secrets Manager.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// DynamoDB.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Lambda.
    pub lambda: aws_sdk_lambda::Client,
    /// CloudWatch Logs.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// EventBridge Scheduler.
    pub scheduler: aws_sdk_scheduler::Client,
    /// Service Quotas.
    pub quotas: aws_sdk_servicequotas::Client,
    /// STS.
    pub sts: aws_sdk_sts::Client,
    config: SdkConfig,
    credentials: Option<SharedCredentialsProvider>,
    place: Where,
    endpoints: Endpoints,
    /// Whether a stand-in may answer as AWS.
    may_be_stand_in: bool,
    caller: Arc<OnceCell<Caller>>,
    rates: Rates,
}

/// A client whose attempts we have the last word about. It has its own allowance of retries: the SDK would let all clients
/// of a service in one process share one, so that the failures of one life would end the next.
macro_rules! client {
    ($sdk:ident, $config:expr, $retries:expr, $service:literal $(, $set:ident($to:expr))?) => {
        $sdk::Client::from_conf(
            $sdk::config::Builder::from(&$config)
                .retry_classifier($crate::aws::retry::Attempts($service))
                .retry_partition($crate::aws::clients::allowance($service, $retries))
                $(.$set($to))?
                .build(),
        )
    };
}
pub(super) use client;

/// The allowance of one client's retries.
pub(super) fn allowance(service: &'static str, retries: usize) -> RetryPartition {
    RetryPartition::custom(service).token_bucket(TokenBucket::builder().capacity(retries).build()).build()
}

impl Clients {
    /// Makes the clients; no call is made yet.
    pub async fn connect(place: Where) -> Self {
        let may_be_stand_in = !matches!(place, Where::Aws { endpoint_url: None, .. });
        Self::from_config(config(&place).await, place, may_be_stand_in, RETRIES)
    }

    /// [`Clients::connect`] with another HTTP client, which every call goes through, each of its tries for itself: for tests,
    /// and for whoever embeds this and has proxies, pools or records of their own.
    pub async fn over(place: Where, http: impl HttpClient + 'static) -> Self {
        let config = config(&place).await.into_builder().http_client(SharedHttpClient::new(http)).build();
        Self::from_config(config, place, true, RETRIES)
    }

    /// The same for whoever only reads, which may be repeated at will: a read fails once it had no answer for some 45 s,
    /// however many others fail meanwhile.
    pub fn patient(&self) -> Self {
        let retries = retries().with_max_attempts(ATTEMPTS_OF_READS).with_initial_backoff(FIRST_PAUSE_OF_READS);
        let config = self.config.clone().into_builder().retry_config(retries).build();
        let clients = Self::from_config(config, self.place.clone(), self.may_be_stand_in, MAXIMUM_CAPACITY);
        Self { caller: self.caller.clone(), rates: self.rates.clone(), ..clients }
    }

    /// Clients that reach nothing.
    #[cfg(test)]
    pub(super) async fn nowhere() -> Self {
        let credentials = Credentials::new("any", "any", None, None, "test");
        Self::connect(Where::Local { url: "http://127.0.0.1:1".to_owned(), credentials }).await
    }

    fn from_config(config: SdkConfig, place: Where, may_be_stand_in: bool, retries: usize) -> Self {
        let endpoints = Endpoints::of(&config);
        let place = match place {
            Where::Aws { region, profile, .. } => {
                Where::Aws { region, profile, endpoint_url: endpoints.general.clone() }
            }
            local => local,
        };
        // Buckets are host names on AWS only; anywhere else they are the first part of the path.
        let path_style = endpoints.has("S3");
        Self {
            kinesis: client!(aws_sdk_kinesis, config, retries, "kinesis"),
            ec2: Ec2::new(&config, endpoints.of_service(Ec2::SERVICE), allowance(Ec2::SIGNED_AS, retries)),
            ecs: client!(aws_sdk_ecs, config, retries, "ecs"),
            firehose: client!(aws_sdk_firehose, config, retries, "firehose"),
            s3: client!(aws_sdk_s3, config, retries, "s3", force_path_style(path_style)),
            iam: client!(aws_sdk_iam, config, retries, "iam"),
            glue: client!(aws_sdk_glue, config, retries, "glue"),
            athena: client!(aws_sdk_athena, config, retries, "athena"),
            redshift_data: client!(aws_sdk_redshiftdata, config, retries, "redshift-data"),
            redshift_serverless: client!(aws_sdk_redshiftserverless, config, retries, "redshift-serverless"),
            secrets: client!(aws_sdk_secretsmanager, config, retries, "secretsmanager"),
            dynamodb: client!(aws_sdk_dynamodb, config, retries, "dynamodb"),
            lambda: client!(aws_sdk_lambda, config, retries, "lambda"),
            logs: client!(aws_sdk_cloudwatchlogs, config, retries, "logs"),
            scheduler: client!(aws_sdk_scheduler, config, retries, "scheduler"),
            quotas: client!(aws_sdk_servicequotas, config, retries, "servicequotas"),
            sts: client!(aws_sdk_sts, config, retries, "sts"),
            rates: Rates::default(),
            credentials: config.credentials_provider(),
            config,
            place,
            endpoints,
            may_be_stand_in,
            caller: Arc::default(),
        }
    }

    /// What they are made from, for a client of another kind.
    pub fn config(&self) -> &SdkConfig {
        &self.config
    }

    /// Where they call.
    pub fn place(&self) -> &Where {
        &self.place
    }

    /// Where they call in place of AWS.
    pub fn endpoints(&self) -> &Endpoints {
        &self.endpoints
    }

    /// The region of every call.
    pub fn region(&self) -> &str {
        match &self.place {
            Where::Local { .. } => LOCAL_REGION,
            Where::Aws { region, .. } => region,
        }
    }

    /// Who is calling; asked once.
    pub async fn caller(&self) -> Result<&Caller, ProviderError> {
        self.caller.get_or_try_init(|| self.ask_caller()).await
    }

    /// When the credentials end; none where they do not, or there are none.
    pub async fn expiry(&self) -> Option<SystemTime> {
        self.credentials.as_ref()?.provide_credentials().await.ok()?.expiry()
    }

    /// Who is calling, where that was asked already.
    pub(super) fn known_caller(&self) -> Option<&Caller> {
        self.caller.get()
    }

    /// Waits until this API may be asked again.
    pub(super) async fn turn(&self, api: Api) {
        self.rates.turn(api).await;
    }

    /// What a journal records and compares about where a stack lives.
    pub async fn fingerprint(&self) -> Result<Fingerprint, ProviderError> {
        let endpoint = match &self.place {
            // Its port may be another after a restart; its data are the same.
            Where::Local { .. } => Some("local".to_owned()),
            Where::Aws { endpoint_url, .. } => endpoint_url.clone(),
        };
        let account = self.caller().await?.account.clone();
        Ok(Fingerprint { account, region: self.region().to_owned(), endpoint })
    }

    /// An ARN in this account and region, for example of service `kinesis` and resource `stream/name`.
    pub(super) async fn arn(&self, service: &str, resource: &str) -> Result<String, ProviderError> {
        let account = &self.caller().await?.account;
        Ok(format!("arn:{}:{service}:{}:{account}:{resource}", self.partition(), self.region()))
    }

    /// An IAM ARN, which has no region, for example of `role/path/name`.
    pub(super) async fn iam_arn(&self, resource: &str) -> Result<String, ProviderError> {
        Ok(format!("arn:{}:iam::{}:{resource}", self.partition(), self.caller().await?.account))
    }

    /// An S3 ARN, which has neither account nor region.
    pub(super) fn bucket_arn(&self, bucket: &str) -> String {
        format!("arn:{}:s3:::{bucket}", self.partition())
    }

    /// The AWS CLI, pointed at the same place.
    pub(super) fn cli(&self, command: &str) -> String {
        let (url, profile) = match &self.place {
            Where::Local { url, .. } => (Some(url), None),
            Where::Aws { profile, endpoint_url, .. } => (endpoint_url.as_ref(), profile.as_ref()),
        };
        let url = url.map(|url| format!(" --endpoint-url {url}")).unwrap_or_default();
        let profile = profile.map(|profile| format!(" --profile {profile}")).unwrap_or_default();
        format!("aws --region {}{profile}{url} {command}", self.region())
    }

    /// What the region's ARNs begin with, after `arn:`.
    pub(super) fn partition(&self) -> &'static str {
        partition::of(self.region())
    }

    async fn ask_caller(&self) -> Result<Caller, ProviderError> {
        let answer = self.sts.get_caller_identity().send().await;
        let failed = |error| self.with_profile(failure("sts GetCallerIdentity", "the caller", &error));
        let answer = answer.map_err(failed)?;
        let caller = Caller {
            account: answer.account().unwrap_or_default().to_owned(),
            arn: answer.arn().unwrap_or_default().to_owned(),
        };
        self.refuse_stand_in(&caller).map(|()| caller)
    }

    /// The same error, and of credentials whose they are: of which profile, and who names it.
    pub(super) fn with_profile(&self, error: ProviderError) -> ProviderError {
        let Where::Aws { profile, .. } = &self.place else { return error };
        let of_file = profile.clone().map(|profile| (profile, "target.aws.profile"));
        let of_shell =
            || Some((std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty())?, "AWS_PROFILE"));
        match of_file.or_else(of_shell).filter(|_| error.cause == Cause::Permission) {
            Some((profile, named_by)) => {
                ProviderError { message: format!("profile `{profile}` ({named_by}): {}", error.message), ..error }
            }
            None => error,
        }
    }

    /// What is meant for AWS is not sent to a stand-in that only the environment names: all that follows would look as if it
    /// were of AWS.
    pub(super) fn refuse_stand_in(&self, caller: &Caller) -> Result<(), ProviderError> {
        if self.may_be_stand_in || caller.account != ACCOUNT {
            return Ok(());
        }
        let url = self.endpoints.general.as_deref().unwrap_or("the endpoint");
        Err(ProviderError {
            cause: Cause::Other,
            call: "sts GetCallerIdentity".to_owned(),
            resource: "the caller".to_owned(),
            message: format!("{url} is a stand-in, with account {ACCOUNT}, and the target is AWS"),
            advice: "unset AWS_ENDPOINT_URL, or the profile's endpoint_url, to reach AWS; use `target: local` for the \
                     stand-in; or pass --endpoint-url to use this one as AWS"
                .to_owned(),
        })
    }
}

async fn config(place: &Where) -> SdkConfig {
    match place {
        Where::Local { url, credentials } => local(url, credentials.clone()),
        Where::Aws { region, profile, endpoint_url } => aws(region, profile.as_deref(), endpoint_url.as_deref()).await,
    }
}

/// What the default chain finds on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// No credentials.
    Nothing,
    /// Credentials that cannot be had, and why.
    Broken(String),
    /// Credentials, and the region to call.
    Region(String),
}

/// Looks for the credentials and the region that every AWS tool would take.
pub async fn usual() -> Found {
    let config = tokio::time::timeout(LOOK, aws_config::defaults(behavior()).load()).await;
    let Some((provider, config)) = config.ok().and_then(|config| Some((config.credentials_provider()?, config))) else {
        return Found::Nothing;
    };
    match tokio::time::timeout(LOOK, provider.provide_credentials()).await {
        Ok(Ok(_)) => Found::Region(config.region().map_or(LOCAL_REGION, Region::as_ref).to_owned()),
        Err(_) => Found::Nothing,
        Ok(Err(error)) => match told(&error) {
            why if NOTHING.iter().any(|text| why.contains(text)) => Found::Nothing,
            why => Found::Broken(why),
        },
    }
}

/// An error and what it comes from, in one line.
fn told(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// Nothing of the user's own AWS configuration reaches the stand-in.
fn local(url: &str, credentials: Credentials) -> SdkConfig {
    SdkConfig::builder()
        .behavior_version(behavior())
        .region(Region::new(LOCAL_REGION))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .endpoint_url(url)
        .retry_config(retries())
        .timeout_config(timeouts())
        .build()
}

async fn aws(region: &str, profile: Option<&str>, endpoint_url: Option<&str>) -> SdkConfig {
    let mut loader = aws_config::defaults(behavior())
        .region(Region::new(region.to_owned()))
        .retry_config(retries())
        .timeout_config(timeouts());
    if let Some(profile) = profile {
        loader = loader.profile_name(profile);
    }
    if let Some(url) = endpoint_url {
        loader = loader.endpoint_url(url);
    }
    loader.load().await
}

pub(super) fn behavior() -> BehaviorVersion {
    BehaviorVersion::v2026_01_12()
}

pub(super) fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(ATTEMPTS)
}

pub(super) fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder().connect_timeout(CONNECT_TIMEOUT).operation_attempt_timeout(ATTEMPT_TIMEOUT).build()
}
