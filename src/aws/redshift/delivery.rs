//! Firehose from the stream to a Redshift table: through the bucket, and by a COPY of its own.

use async_trait::async_trait;
use aws_sdk_firehose::types::{
    BufferingHints, CompressionFormat, CopyCommand, DeliveryStreamStatus, RedshiftDestinationConfiguration,
    RedshiftDestinationDescription, RedshiftRetryOptions, RedshiftS3BackupMode, S3DestinationConfiguration,
    SecretsManagerConfiguration,
};
use serde::{Deserialize, Serialize};

use super::workgroup;
use crate::{
    aws::{
        clients::Clients,
        delivery::{Deliveries, invalid, pairs},
        failure::{broken, desired, failure},
        mark::Mark,
    },
    engine::{Cause, Difference, Node, Observed, Owned, Progress, Provider, ProviderError, Scope},
};

/// The kind of its keys.
pub const KIND: &str = "redshift-delivery";

/// How long Firehose tries a COPY again; then it notes the batch under the error prefix and goes on (Firehose API
/// reference, RedshiftRetryOptions: 0–7,200 s).
const RETRY_SECONDS: i32 = 3600;

/// A delivery stream to Redshift as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// The stream that it reads.
    pub stream: String,
    /// The role that it assumes: path and name, `/demo/…/name`.
    pub role: String,
    /// The bucket that records go through.
    pub bucket: String,
    /// Key prefix there, with expressions.
    pub prefix: String,
    /// Key prefix of what cannot be delivered.
    pub error_prefix: String,
    /// 1–128.
    pub buffer_mib: u32,
    /// 0–900.
    pub buffer_seconds: u32,
    /// Where Firehose connects to.
    pub endpoint: Endpoint,
    /// The database.
    pub database: String,
    /// The secret with the user and its password: a name or an ARN.
    pub secret: String,
    /// `schema.table`.
    pub table: String,
    /// Its columns, separated by commas.
    pub columns: String,
    /// What follows in the COPY.
    pub options: String,
    /// Whose it is.
    pub mark: Mark,
}

/// Where Firehose connects to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// That of a workgroup, which is looked up.
    Workgroup(String),
    /// `host:port`.
    Address(String),
}

impl Default for Endpoint {
    fn default() -> Self {
        Self::Address(String::new())
    }
}

/// Knows delivery streams to Redshift.
pub struct RedshiftDeliveries(pub Clients);

#[async_trait]
impl Provider for RedshiftDeliveries {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn read(&self, node: &Node) -> Result<Observed, ProviderError> {
        let wanted: Desired = desired(node)?;
        let Some(found) = self.any().describe(&wanted.name).await? else { return Ok(Observed::Absent) };
        let tags = self.any().tags(&wanted.name).await?;
        if let Err(why) = wanted.mark.is_on(pairs(&tags)) {
            return Ok(Observed::Foreign { why });
        }
        let active = *found.delivery_stream_status() == DeliveryStreamStatus::Active;
        let to = found.destinations().first().and_then(|to| to.redshift_destination_description());
        Ok(Observed::Ours {
            identity: found.delivery_stream_arn().to_owned(),
            ready: active,
            differs: to.filter(|_| active).map(|to| differences(&wanted, to)).unwrap_or_default(),
        })
    }

    async fn create(&self, node: &Node, progress: &Progress<'_>) -> Result<String, ProviderError> {
        let wanted: Desired = desired(node)?;
        let role = self.0.iam_arn(&format!("role{}", wanted.role)).await?;
        let url = format!("jdbc:redshift://{}/{}", self.address(&wanted.endpoint).await?, wanted.database);
        let secret = secret_arn(&self.0, &wanted.secret).await?;
        let to = destination(&wanted, &role, &self.0.bucket_arn(&wanted.bucket), &url, &secret)?;
        let call = self.any().call(&wanted.name, &wanted.stream, &role, &wanted.mark).await?;
        self.any().make(call.redshift_destination_configuration(to), &wanted.name, progress).await
    }

    async fn make_ready(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = desired(node)?;
        self.any().wait_until_active(&name, progress).await
    }

    async fn delete(&self, node: &Node, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = desired(node)?;
        self.any().remove(&name, progress).await
    }

    /// None beside those that [`Deliveries`] finds, which are delivery streams to anywhere.
    async fn owned(&self, _scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        Ok(Vec::new())
    }
}

impl RedshiftDeliveries {
    fn any(&self) -> Deliveries {
        Deliveries(self.0.clone())
    }

    async fn address(&self, endpoint: &Endpoint) -> Result<String, ProviderError> {
        let name = match endpoint {
            Endpoint::Address(address) => return Ok(address.clone()),
            Endpoint::Workgroup(name) => name,
        };
        let found = workgroup::get(&self.0, name).await?;
        let endpoint = found.as_ref().and_then(|workgroup| workgroup.endpoint());
        let address = endpoint.and_then(|endpoint| Some(format!("{}:{}", endpoint.address()?, endpoint.port()?)));
        address.ok_or_else(|| {
            let message = "there is no such workgroup, or it has no endpoint".to_owned();
            let advice = "name a workgroup that is available (`aws redshift-serverless list-workgroups`)";
            broken(Cause::Other, "redshift-serverless GetWorkgroup", name, message, advice)
        })
    }
}

/// The ARN of a secret that may be named.
pub(in crate::aws) async fn secret_arn(clients: &Clients, name: &str) -> Result<String, ProviderError> {
    const CALL: &str = "secretsmanager DescribeSecret";
    match clients.secrets.describe_secret().secret_id(name).send().await {
        Ok(answer) => Ok(answer.arn.unwrap_or_default()),
        Err(error) => {
            let failed = failure(CALL, name, &error);
            let advice = "deliver.redshift.secret names a secret of Secrets Manager in this account and region, which \
                          who is calling may describe (`aws secretsmanager list-secrets`)";
            Err(ProviderError { advice: advice.to_owned(), ..failed })
        }
    }
}

fn destination(
    wanted: &Desired,
    role: &str,
    bucket: &str,
    url: &str,
    secret: &str,
) -> Result<RedshiftDestinationConfiguration, ProviderError> {
    let name = &wanted.name;
    let buffer = BufferingHints::builder()
        .size_in_mbs(wanted.buffer_mib as i32)
        .interval_in_seconds(wanted.buffer_seconds as i32)
        .build();
    let through = S3DestinationConfiguration::builder()
        .role_arn(role)
        .bucket_arn(bucket)
        .prefix(&wanted.prefix)
        .error_output_prefix(&wanted.error_prefix)
        .buffering_hints(buffer)
        .compression_format(CompressionFormat::Gzip)
        .build()
        .map_err(|error| invalid(name, &error))?;
    let copy = CopyCommand::builder()
        .data_table_name(&wanted.table)
        .data_table_columns(&wanted.columns)
        .copy_options(&wanted.options)
        .build()
        .map_err(|error| invalid(name, &error))?;
    let credentials = SecretsManagerConfiguration::builder().enabled(true).secret_arn(secret).role_arn(role).build();
    let credentials = credentials.map_err(|error| invalid(name, &error))?;
    RedshiftDestinationConfiguration::builder()
        .role_arn(role)
        .cluster_jdbcurl(url)
        .copy_command(copy)
        .s3_configuration(through)
        .secrets_manager_configuration(credentials)
        .retry_options(RedshiftRetryOptions::builder().duration_in_seconds(RETRY_SECONDS).build())
        .s3_backup_mode(RedshiftS3BackupMode::Disabled)
        .build()
        .map_err(|error| invalid(name, &error))
}

fn differences(wanted: &Desired, found: &RedshiftDestinationDescription) -> Vec<Difference> {
    let copy = found.copy_command();
    let through = found.s3_destination_description();
    let hints = through.and_then(|through| through.buffering_hints());
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let number = |number: Option<i32>| number.unwrap_or_default().to_string();
    [
        ("prefix", text(through.and_then(|through| through.prefix())), wanted.prefix.clone()),
        ("error prefix", text(through.and_then(|through| through.error_output_prefix())), wanted.error_prefix.clone()),
        ("buffer size in MiB", number(hints.and_then(|hints| hints.size_in_mbs())), wanted.buffer_mib.to_string()),
        (
            "buffer interval in s",
            number(hints.and_then(|hints| hints.interval_in_seconds())),
            wanted.buffer_seconds.to_string(),
        ),
        ("table", text(copy.map(|copy| copy.data_table_name())), wanted.table.clone()),
        ("column list", text(copy.and_then(|copy| copy.data_table_columns())), wanted.columns.clone()),
        ("COPY's options", text(copy.and_then(|copy| copy.copy_options())), wanted.options.clone()),
    ]
    .into_iter()
    .filter(|(_, is, want)| is != want)
    .map(|(what, is, want)| Difference::replace(what, is, want))
    .collect()
}
