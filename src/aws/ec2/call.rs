//! One call of EC2: a form goes out and XML comes back, by the SDK's machinery for signatures, retries and timeouts. EC2's own
//! crate would take longer to build than those of all other services together.

use aws_config::{Region, SdkConfig};
use aws_runtime::{
    auth::{
        SigV4OperationSigningConfig,
        sigv4::{SCHEME_ID, SigV4AuthScheme},
    },
    retries::classifiers::AwsErrorCodeClassifier,
};
use aws_smithy_runtime::client::{
    orchestrator::operation::Operation,
    retries::{
        RetryPartition,
        classifiers::{HttpStatusCodeClassifier, TransientErrorClassifier},
    },
};
use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        auth::{AuthSchemeOptionResolverParams, static_resolver::StaticAuthSchemeOptionResolver},
        orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
        result::SdkError,
        runtime_components::RuntimeComponentsBuilder,
        runtime_plugin::StaticRuntimePlugin,
    },
};
use aws_smithy_types::{body::SdkBody, config_bag::Layer, error::ErrorMetadata};
use aws_types::{SigningName, region::SigningRegion};
use demo_formats::partition;
use form_urlencoded::Serializer;
use serde::{Deserialize, de::DeserializeOwned};

use crate::{
    aws::{failure::broken, retry::Attempts},
    engine::{Cause, ProviderError},
};

/// Of the API (EC2 API reference).
const VERSION: &str = "2016-11-15";

/// Why a call failed.
pub(super) type CallError = SdkError<ErrorMetadata, HttpResponse>;

/// Fields of a form, such as `Filter.1.Name`.
pub(super) type Fields = Vec<(String, String)>;

/// A client of EC2.
#[derive(Clone, Debug)]
pub(in crate::aws) struct Ec2(Operation<Form, Answer, ErrorMetadata>);

#[derive(Debug)]
struct Form {
    action: &'static str,
    fields: Fields,
}

/// The XML of an answer.
#[derive(Debug)]
pub(super) struct Answer(String);

impl Ec2 {
    /// Its id in an SDK.
    pub(in crate::aws) const SERVICE: &str = "EC2";
    /// Its name in a signature.
    pub(in crate::aws) const SIGNED_AS: &str = "ec2";

    /// One that calls `endpoint` in place of AWS's, if there is one, and may retry as much as `retries` has.
    pub(in crate::aws) fn new(config: &SdkConfig, endpoint: Option<&str>, retries: RetryPartition) -> Self {
        let region = config.region().cloned().unwrap_or_else(|| Region::from_static("us-east-1"));
        let mut operation = Operation::builder()
            .service_name(Self::SERVICE)
            .operation_name("Call")
            .endpoint_url(&endpoint.map_or_else(|| of_aws(config, region.as_ref()), str::to_owned))
            .retry_classifier(AwsErrorCodeClassifier::<ErrorMetadata>::new())
            .retry_classifier(TransientErrorClassifier::<ErrorMetadata>::new())
            .retry_classifier(HttpStatusCodeClassifier::default())
            .retry_classifier(Attempts(Self::SIGNED_AS))
            .runtime_plugin(signed(config, region, retries));
        if let Some(version) = config.behavior_version() {
            operation = operation.behavior_version(version);
        }
        if let Some(retries) = config.retry_config() {
            operation = operation.standard_retry(retries);
        }
        if let Some(timeouts) = config.timeout_config() {
            operation = operation.timeout_config(timeouts.clone());
        }
        if let Some(http) = config.http_client() {
            operation = operation.http_client(http);
        }
        Self(operation.serializer(request).deserializer(answer).build())
    }

    /// Calls an action with these fields.
    pub(super) async fn call(&self, action: &'static str, fields: Fields) -> Result<Answer, CallError> {
        self.0.invoke(Form { action, fields }).await
    }
}

impl Answer {
    /// Reads it as the answer of `call`, such as `ec2 DescribeSubnets`.
    pub(super) fn read<T: DeserializeOwned>(&self, call: &str, resource: &str) -> Result<T, ProviderError> {
        quick_xml::de::from_str(&self.0).map_err(|error| {
            broken(Cause::Other, call, resource, format!("cannot read the answer: {error}"), "run the command again")
        })
    }
}

/// AWS's endpoint (botocore, `endpoint-rule-set-1.json` of EC2).
fn of_aws(config: &SdkConfig, region: &str) -> String {
    let fips = if config.use_fips() == Some(true) { "-fips" } else { "" };
    format!("https://ec2{fips}.{region}.{}", partition::suffix(region))
}

/// As all clients sign.
fn signed(config: &SdkConfig, region: Region, retries: RetryPartition) -> StaticRuntimePlugin {
    let mut settings = Layer::new(Ec2::SERVICE);
    settings.store_put(AuthSchemeOptionResolverParams::new(()));
    settings.store_put(SigningName::from_static(Ec2::SIGNED_AS));
    settings.store_put(SigningRegion::from(region));
    settings.store_put(SigV4OperationSigningConfig::default());
    settings.store_put(retries);
    let schemes = StaticAuthSchemeOptionResolver::new(vec![SCHEME_ID]);
    let mut components = RuntimeComponentsBuilder::new(Ec2::SERVICE)
        .with_auth_scheme(SigV4AuthScheme::new())
        .with_auth_scheme_option_resolver(Some(schemes));
    if let Some(credentials) = config.credentials_provider() {
        components.set_identity_resolver(SCHEME_ID, credentials);
    }
    StaticRuntimePlugin::new().with_config(settings.freeze()).with_runtime_components(components)
}

fn request(Form { action, fields }: Form) -> Result<HttpRequest, BoxError> {
    let mut form = Serializer::new(String::new());
    form.extend_pairs([("Action", action), ("Version", VERSION)]).extend_pairs(fields);
    let mut request = HttpRequest::new(SdkBody::from(form.finish()));
    request.set_method("POST")?;
    request.set_uri("/")?;
    request.headers_mut().insert("content-type", "application/x-www-form-urlencoded");
    Ok(request)
}

fn answer(response: &HttpResponse) -> Result<Answer, OrchestratorError<ErrorMetadata>> {
    let text = String::from_utf8_lossy(response.body().bytes().unwrap_or_default());
    match response.status().is_success() {
        true => Ok(Answer(text.into_owned())),
        false => Err(OrchestratorError::operation(refusal(&text))),
    }
}

/// An error as EC2 writes it (EC2 API reference, "Error codes"); without code and message where it is none of EC2's.
fn refusal(text: &str) -> ErrorMetadata {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Refusal {
        errors: Errors,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Errors {
        error: One,
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct One {
        code: String,
        #[serde(default)]
        message: String,
    }
    match quick_xml::de::from_str(text) {
        Ok(Refusal { errors: Errors { error: One { code, message } } }) => {
            ErrorMetadata::builder().code(code).message(message).build()
        }
        Err(_) => ErrorMetadata::builder().build(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_has_action_version_and_fields() {
        let fields = vec![("Filter.1.Value.1".to_owned(), "a b&c=ä".to_owned())];
        let request = request(Form { action: "DescribeSubnets", fields }).expect("a request");
        let body = String::from_utf8_lossy(request.body().bytes().expect("in memory"));
        assert_eq!(body, "Action=DescribeSubnets&Version=2016-11-15&Filter.1.Value.1=a+b%26c%3D%C3%A4");
        assert_eq!((request.method(), request.uri()), ("POST", "/"));
    }

    #[test]
    fn an_error_is_read_as_ec2_writes_it() {
        let said = refusal(
            "<?xml version=\"1.0\"?>\n<Response><Errors><Error><Code>InvalidGroup.NotFound</Code>\
             <Message>The security group 'sg-1' does not exist &amp; never did</Message></Error></Errors>\
             <RequestID>1</RequestID></Response>",
        );
        assert_eq!(said.code(), Some("InvalidGroup.NotFound"));
        assert_eq!(said.message(), Some("The security group 'sg-1' does not exist & never did"));
        assert_eq!(refusal("<html>503</html>").code(), None);
    }

    #[test]
    fn a_region_has_its_endpoint() {
        let config = SdkConfig::builder().build();
        assert_eq!(of_aws(&config, "eu-west-1"), "https://ec2.eu-west-1.amazonaws.com");
        assert_eq!(of_aws(&config, "cn-north-1"), "https://ec2.cn-north-1.amazonaws.com.cn");
        let fips = SdkConfig::builder().use_fips(true).build();
        assert_eq!(of_aws(&fips, "us-east-1"), "https://ec2-fips.us-east-1.amazonaws.com");
    }
}
