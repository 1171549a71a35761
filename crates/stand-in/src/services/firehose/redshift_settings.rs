//! The settings of a Redshift destination: `RedshiftDestinationConfiguration` of the Firehose API, less its S3 part.

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{Iam, S3, ServiceError, refuse, settings::S3Settings};
use crate::services::redshift::{Destination, Login, Redshift};

const SERVICE: &str = "firehose.amazonaws.com";
/// Firehose API reference, RedshiftRetryOptions.
const MOST_RETRIES: u64 = 7_200;

/// Firehose's own words, as hashicorp/terraform-provider-aws#13416 quotes them (Firehose developer guide, "Custom prefixes
/// for Amazon S3 objects").
const NO_EXPRESSIONS: &str = "Ths supplied prefix(es) do not satisfy the following constraint: Prefix Expressions or \
                              ErrorOutputPrefix is currently not supported for this destination";

/// A Redshift destination.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct RedshiftSettings {
    #[serde(rename = "RoleARN")]
    role_arn: String,
    #[serde(rename = "ClusterJDBCURL")]
    url: String,
    copy_command: CopyCommand,
    #[serde(default)]
    retry_options: RetryOptions,
    #[serde(skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    password: Option<Password>,
    #[serde(skip_serializing_if = "Option::is_none")]
    secrets_manager_configuration: Option<SecretsManager>,
}

/// As it comes in.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Configuration {
    #[serde(flatten)]
    settings: RedshiftSettings,
    s3_configuration: Map<String, Value>,
    processing_configuration: Option<Value>,
    s3_backup_mode: Option<String>,
    cloud_watch_logging_options: Option<Value>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct CopyCommand {
    data_table_name: String,
    #[serde(default)]
    data_table_columns: String,
    #[serde(default)]
    copy_options: String,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct RetryOptions {
    duration_in_seconds: u64,
}

impl Default for RetryOptions {
    fn default() -> Self {
        Self { duration_in_seconds: 3_600 }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct SecretsManager {
    enabled: bool,
    #[serde(rename = "SecretARN")]
    secret_arn: Option<String>,
    #[serde(rename = "RoleARN", skip_serializing_if = "Option::is_none")]
    role_arn: Option<String>,
}

/// A password that no `Debug` text shows.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Password(String);

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

impl RedshiftSettings {
    /// Reads and checks a configuration; with it the settings of the intermediate objects.
    pub(super) fn new(
        configuration: Value,
        s3: &S3,
        iam: &Iam,
        redshift: &Redshift,
    ) -> Result<(Self, S3Settings), ServiceError> {
        let configuration: Configuration = serde_json::from_value(configuration).map_err(|e| refuse::unreadable(&e))?;
        configuration.check()?;
        let Configuration { settings, s3_configuration, processing_configuration, .. } = configuration;
        settings.check(iam, redshift)?;
        let mut intermediate = s3_configuration;
        if let Some(processing) = processing_configuration {
            intermediate.insert("ProcessingConfiguration".into(), processing);
        }
        Ok((settings, S3Settings::new(Value::Object(intermediate), s3, iam)?))
    }

    /// These settings, and those of the intermediate objects, with what a `RedshiftDestinationUpdate` names put over them.
    pub(super) fn updated(
        &self,
        mut update: Map<String, Value>,
        intermediate: &S3Settings,
        s3: &S3,
        iam: &Iam,
        redshift: &Redshift,
    ) -> Result<(Self, S3Settings), ServiceError> {
        let mut of_objects = match update.remove("S3Update") {
            Some(Value::Object(of_objects)) => of_objects,
            _ => Map::new(),
        };
        of_objects.extend(update.remove("ProcessingConfiguration").map(|one| ("ProcessingConfiguration".into(), one)));
        let mut whole = json!(self);
        whole.as_object_mut().into_iter().for_each(|settings| settings.extend(update.clone()));
        whole["S3Configuration"] = json!(of_objects);
        let configuration: Configuration = serde_json::from_value(whole)
            .map_err(|e| refuse::serialization(format!("RedshiftDestinationUpdate: {e}")))?;
        configuration.check()?;
        configuration.settings.check(iam, redshift)?;
        Ok((configuration.settings, intermediate.updated(of_objects, s3, iam)?))
    }

    fn check(&self, iam: &Iam, redshift: &Redshift) -> Result<(), ServiceError> {
        if !iam.may_assume(&self.role_arn, SERVICE) {
            return Err(refuse::role(&self.role_arn));
        }
        if !self.url.starts_with("jdbc:redshift://") || self.url.matches('/').count() < 3 {
            let rule =
                "Member must satisfy regular expression pattern: jdbc:(redshift|postgresql)://host:port/database";
            return Err(refuse::constraint("clusterJDBCURL", &self.url, rule));
        }
        if self.retry_options.duration_in_seconds > MOST_RETRIES {
            let rule = format!("Member must have value less than or equal to {MOST_RETRIES}");
            let field = "retryOptions.durationInSeconds";
            return Err(refuse::constraint(field, self.retry_options.duration_in_seconds, &rule));
        }
        self.check_login(redshift)?;
        self.destination().check().map_err(|trouble| refuse::argument(format!("CopyCommand is not valid: {trouble}")))
    }

    fn check_login(&self, redshift: &Redshift) -> Result<(), ServiceError> {
        match self.login() {
            Some(Login::Secret(secret)) if !redshift.has_login(&secret) => Err(refuse::argument(format!(
                "The secret {secret} cannot be read, or holds no username and password in JSON."
            ))),
            Some(_) => Ok(()),
            None => Err(refuse::argument("Either SecretsManagerConfiguration or Username and Password must be given.")),
        }
    }

    /// Where COPY goes.
    pub(super) fn destination(&self) -> Destination {
        Destination {
            url: self.url.clone(),
            table: self.copy_command.data_table_name.clone(),
            columns: self.copy_command.data_table_columns.clone(),
            options: self.copy_command.copy_options.clone(),
        }
    }

    /// Who COPY goes as.
    pub(super) fn login(&self) -> Option<Login> {
        let manager = self.secrets_manager_configuration.as_ref().filter(|manager| manager.enabled);
        if let Some(manager) = manager {
            return manager.secret_arn.clone().map(Login::Secret);
        }
        let (username, Password(password)) = (self.username.clone()?, self.password.clone()?);
        Some(Login::Password { username, password })
    }

    /// How long a COPY is tried again.
    pub(super) fn retries(&self) -> Duration {
        Duration::from_secs(self.retry_options.duration_in_seconds)
    }

    /// As `RedshiftDestinationDescription` shows them: without the password.
    pub(super) fn describe(&self, intermediate: &S3Settings) -> Value {
        let mut description = json!(Self { password: None, ..self.clone() });
        description["S3DestinationDescription"] = intermediate.describe_basics();
        description["S3BackupMode"] = json!("Disabled");
        description
    }
}

impl Configuration {
    fn check(&self) -> Result<(), ServiceError> {
        let text = |name: &str| self.s3_configuration.get(name).and_then(Value::as_str).unwrap_or_default();
        if text("Prefix").contains("!{") || !text("ErrorOutputPrefix").is_empty() {
            return Err(refuse::argument(NO_EXPRESSIONS));
        }
        let format = text("CompressionFormat");
        if !matches!(format, "" | "UNCOMPRESSED" | "GZIP") {
            return Err(refuse::argument(format!(
                "CompressionFormat {format} cannot be specified in RedshiftDestinationConfiguration.S3Configuration because the Amazon Redshift COPY operation does not support it."
            )));
        }
        let logs = self.cloud_watch_logging_options.as_ref().is_some_and(|options| options["Enabled"] != json!(false));
        match self.s3_backup_mode.as_deref() {
            None | Some("Disabled") if logs => Err(refuse::not_covered("CloudWatchLoggingOptions")),
            None | Some("Disabled") => Ok(()),
            Some(mode) => Err(refuse::not_covered(&format!("S3BackupMode {mode}"))),
        }
    }
}
