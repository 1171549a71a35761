//! Firehose from the stream to a Redshift table: through the bucket, and by a COPY of its own.

use async_trait::async_trait;
use aws_sdk_firehose::{
    operation::update_destination::builders::UpdateDestinationFluentBuilder,
    types::{
        CompressionFormat, CopyCommand, RedshiftDestinationConfiguration, RedshiftDestinationDescription,
        RedshiftDestinationUpdate, RedshiftRetryOptions, RedshiftS3BackupMode, S3DestinationConfiguration,
        S3DestinationUpdate, SecretsManagerConfiguration,
    },
};
use serde::{Deserialize, Serialize};

use super::workgroup;
use crate::{
    aws::{
        clients::Clients,
        delivery::{self, Deliveries, Found, Route, changed, invalid},
        failure::{broken, failure},
        kind::{Kind, Layer},
        ownership::Ownership,
        permission::{On, Statement},
    },
    engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId},
};

/// How long Firehose tries a COPY again; then it notes the batch under the error prefix and goes on (Firehose API
/// reference, RedshiftRetryOptions: 0–7,200 s).
const RETRY_SECONDS: i32 = 3600;

/// A delivery stream to Redshift as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// From the stream into the bucket that records go through.
    #[serde(flatten)]
    pub route: Route,
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
impl Kind for RedshiftDeliveries {
    type Desired = Desired;

    const KIND: &'static str = "redshift-delivery";
    const LAYER: Layer = Layer::Flow;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.route.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        let mut statements = delivery::permissions(&wanted.route.name);
        statements.push(Statement::new(&["secretsmanager:DescribeSecret"], [On::secret(&wanted.secret)]));
        statements
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        self.any()
            .observe(&wanted.route, |found| {
                let to = found.destinations().first().and_then(|to| to.redshift_destination_description());
                to.map(|to| differences(wanted, to, &self.0))
            })
            .await
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let role = self.any().role(&wanted.route).await?;
        let to = self.destination(wanted, &role).await?;
        let call = self.any().call(&wanted.route, &role).await?;
        self.any().make(call.redshift_destination_configuration(to), &wanted.route.name).await
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let name = &wanted.route.name;
        self.any().wait_until_active(name, progress).await
    }

    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let role = self.any().role(&wanted.route).await?;
        let to = update(&self.destination(wanted, &role).await?);
        let fill = |call: UpdateDestinationFluentBuilder, _: &_| call.redshift_destination_update(to.clone());
        self.any().bring(&wanted.route, differs, fill).await
    }

    async fn delete(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let name = &wanted.route.name;
        self.any().remove(name, progress).await
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

    async fn destination(
        &self,
        wanted: &Desired,
        role: &str,
    ) -> Result<RedshiftDestinationConfiguration, ProviderError> {
        let url = format!("jdbc:redshift://{}/{}", self.address(&wanted.endpoint).await?, wanted.database);
        let secret = secret_arn(&self.0, &wanted.secret).await?;
        destination(wanted, role, &self.0.bucket_arn(&wanted.route.bucket), &url, &secret)
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
            let message = "no such workgroup, or it has no endpoint".to_owned();
            let advice = "name a workgroup that is available (`aws redshift-serverless list-workgroups`)";
            broken(Cause::Other, "redshift-serverless GetWorkgroup", name, message, advice)
        })
    }
}

/// The ARN of a secret that may be named.
pub(crate) async fn secret_arn(clients: &Clients, name: &str) -> Result<String, ProviderError> {
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
    let name = &wanted.route.name;
    let through = S3DestinationConfiguration::builder()
        .role_arn(role)
        .bucket_arn(bucket)
        .prefix(&wanted.route.prefix)
        .buffering_hints(wanted.route.hints())
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

/// What UpdateDestination is given: the same; the role stays.
fn update(to: &RedshiftDestinationConfiguration) -> RedshiftDestinationUpdate {
    let through = to.s3_configuration.as_ref().map(|through| {
        S3DestinationUpdate::builder()
            .bucket_arn(&through.bucket_arn)
            .set_prefix(through.prefix.clone())
            .set_error_output_prefix(through.error_output_prefix.clone())
            .set_buffering_hints(through.buffering_hints.clone())
            .build()
    });
    RedshiftDestinationUpdate::builder()
        .cluster_jdbcurl(&to.cluster_jdbcurl)
        .set_copy_command(to.copy_command.clone())
        .set_s3_update(through)
        .set_secrets_manager_configuration(to.secrets_manager_configuration.clone())
        .build()
}

fn differences(wanted: &Desired, found: &RedshiftDestinationDescription, clients: &Clients) -> Vec<Difference> {
    let copy = found.copy_command();
    let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
    let mut differences = Vec::new();
    if let Some(through) = found.s3_destination_description() {
        let landing = Found {
            bucket_arn: through.bucket_arn(),
            prefix: through.prefix(),
            error_prefix: through.error_output_prefix(),
            hints: through.buffering_hints(),
        };
        differences.extend(wanted.route.differences(&landing, &clients.bucket_arn(&wanted.route.bucket)));
    }
    differences.extend(changed([
        ("table", text(copy.map(|copy| copy.data_table_name())), wanted.table.clone()),
        ("column list", text(copy.and_then(|copy| copy.data_table_columns())), wanted.columns.clone()),
        ("COPY's options", text(copy.and_then(|copy| copy.copy_options())), wanted.options.clone()),
    ]));
    if !wanted.is_at(found.cluster_jdbcurl()) {
        differences.push(Difference::in_place("database", found.cluster_jdbcurl(), wanted.place()));
    }
    let secret = found.secrets_manager_configuration().and_then(|secret| secret.secret_arn()).unwrap_or_default();
    if !is_secret(secret, &wanted.secret) {
        differences.push(Difference::in_place("secret", secret, &wanted.secret));
    }
    differences
}

impl Desired {
    /// Whether a JDBC URL leads to the wanted database. A workgroup is the first label of its endpoint's name (Redshift
    /// management guide, "Connecting to Amazon Redshift Serverless"), so nothing need be looked up.
    fn is_at(&self, url: &str) -> bool {
        let rest = url.strip_prefix("jdbc:redshift://").unwrap_or(url);
        let Some((address, database)) = rest.split_once('/') else { return false };
        let same = match &self.endpoint {
            Endpoint::Workgroup(name) => address.split('.').next() == Some(name),
            Endpoint::Address(wanted) => address == wanted,
        };
        same && database == self.database
    }

    fn place(&self) -> String {
        match &self.endpoint {
            Endpoint::Workgroup(name) => format!("{} of workgroup {name}", self.database),
            Endpoint::Address(address) => format!("{} at {address}", self.database),
        }
    }
}

/// A secret's ARN ends in six characters of its own (Secrets Manager user guide, "What's in a secret").
fn is_secret(arn: &str, wanted: &str) -> bool {
    const OWN: usize = "-123456".len();
    let name = arn.split_once(":secret:").map_or("", |(_, name)| name);
    arn == wanted || name.len().checked_sub(OWN).and_then(|end| name.get(..end)) == Some(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_and_a_secret_are_known_without_a_call() {
        let wanted = |endpoint| Desired { endpoint, database: "dev".to_owned(), ..Desired::default() };
        let demo = wanted(Endpoint::Workgroup("demo".to_owned()));
        let url = "jdbc:redshift://demo.000000000000.us-east-1.redshift-serverless.amazonaws.com:5439/dev";
        assert!(demo.is_at(url));
        assert!(!demo.is_at(&url.replace("demo", "demo2")) && !demo.is_at(&url.replace("/dev", "/sales")));
        let cluster = wanted(Endpoint::Address("c.example:5439".to_owned()));
        assert!(cluster.is_at("jdbc:redshift://c.example:5439/dev") && !cluster.is_at(url));
        let arn = "arn:aws:secretsmanager:us-east-1:000000000000:secret:demo/redshift-a1B2c3";
        assert!(is_secret(arn, "demo/redshift") && is_secret(arn, arn));
        assert!(!is_secret(arn, "demo/red") && !is_secret("", "demo/redshift"));
    }
}
