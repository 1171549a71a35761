//! Where the requests for a stream go, as the SDK would find it.

use aws_sdk_kinesis::config::endpoint::{DefaultResolver, Params, ResolveEndpoint};
use aws_types::{SdkConfig, service_config::ServiceConfigKey};
use futures::FutureExt;
use http::{HeaderValue, Uri};

use super::WireError;

/// Where to send, and for which region to sign.
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) uri: Uri,
    pub(super) host: HeaderValue,
    pub(super) region: String,
}

impl Endpoint {
    pub(super) fn of(config: &SdkConfig, stream: &str) -> Result<Self, WireError> {
        let region = config.region().ok_or(WireError::NoRegion)?.to_string();
        let url = resolve(config, &region, stream)?;
        let wrong = |why: String| WireError::Endpoint { url: url.clone(), why };
        let uri: Uri = format!("{}/", url.trim_end_matches('/')).parse().map_err(|e| wrong(format!("{e}")))?;
        let authority = uri.authority().filter(|_| matches!(uri.scheme_str(), Some("http" | "https")));
        let authority = authority.ok_or_else(|| wrong("it begins with neither https:// nor http://".to_owned()))?;
        let host = match (uri.scheme_str(), authority.port_u16()) {
            (Some("https"), Some(443)) | (Some("http"), Some(80)) | (_, None) => authority.host().to_owned(),
            (_, Some(port)) => format!("{}:{port}", authority.host()),
        };
        let host = HeaderValue::try_from(host).map_err(|e| wrong(format!("{e}")))?;
        Ok(Self { uri, host, region })
    }

    pub(super) fn is_tls(&self) -> bool {
        self.uri.scheme_str() == Some("https")
    }
}

fn resolve(config: &SdkConfig, region: &str, stream: &str) -> Result<String, WireError> {
    let given = given_url(config);
    let wrong = |why: String| WireError::Endpoint { url: given.clone().unwrap_or_default(), why };
    let params = Params::builder()
        .region(region)
        .set_use_dual_stack(config.use_dual_stack())
        .set_use_fips(config.use_fips())
        .set_endpoint(given.clone())
        .set_account_id_endpoint_mode(Some(config.account_id_endpoint_mode().cloned().unwrap_or_default().to_string()))
        .operation_type("data")
        .set_stream_arn(stream.starts_with("arn:").then(|| stream.to_owned()))
        .build()
        .map_err(|e| wrong(e.to_string()))?;
    let resolver = DefaultResolver::new();
    let resolved = ResolveEndpoint::resolve_endpoint(&resolver, &params);
    let endpoint = resolved.now_or_never().expect("the rules are looked up without waiting");
    endpoint.map(|endpoint| endpoint.url().to_owned()).map_err(|e| wrong(e.to_string()))
}

/// The URL that was set in code, or for this service in the environment or a profile, or for all services.
fn given_url(config: &SdkConfig) -> Option<String> {
    let general = config.endpoint_url().map(str::to_owned);
    if config.get_origin("endpoint_url").is_client_config() {
        return general;
    }
    let key = ServiceConfigKey::builder().service_id("Kinesis").env("AWS_ENDPOINT_URL").profile("endpoint_url").build();
    let key = key.expect("every part is given");
    config.service_config().and_then(|services| services.load_config(key)).or(general)
}

#[cfg(test)]
mod tests {
    use aws_types::region::Region;

    use super::*;

    const ARN: &str = "arn:aws:kinesis:eu-west-1:123456789012:stream/orders";

    fn endpoint(config: aws_types::sdk_config::Builder, stream: &str) -> Result<Endpoint, WireError> {
        Endpoint::of(&config.region(Region::new("eu-west-1")).build(), stream)
    }

    #[test]
    fn the_rules_of_the_sdk_are_followed() {
        for (config, stream, uri) in [
            (SdkConfig::builder(), "orders", "https://kinesis.eu-west-1.amazonaws.com/"),
            (SdkConfig::builder(), ARN, "https://123456789012.data-kinesis.eu-west-1.amazonaws.com/"),
            (SdkConfig::builder().use_dual_stack(true), "orders", "https://kinesis.eu-west-1.api.aws/"),
            (SdkConfig::builder().endpoint_url("http://127.0.0.1:4567"), ARN, "http://127.0.0.1:4567/"),
            (SdkConfig::builder().endpoint_url("http://host/base/"), "orders", "http://host/base/"),
        ] {
            let endpoint = endpoint(config, stream).expect("an endpoint");
            assert_eq!((endpoint.uri.to_string().as_str(), endpoint.region.as_str()), (uri, "eu-west-1"));
        }
    }

    #[test]
    fn the_host_has_a_port_when_it_is_not_the_usual_one() {
        for (url, host) in [("http://a:80", "a"), ("https://a:443", "a"), ("https://a:80", "a:80"), ("http://a", "a")] {
            let endpoint = endpoint(SdkConfig::builder().endpoint_url(url), "orders").expect("an endpoint");
            assert_eq!(
                (&endpoint.host, endpoint.is_tls()),
                (&HeaderValue::from_static(host), url.starts_with("https")),
                "{url}"
            );
        }
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let error = Endpoint::of(&SdkConfig::builder().build(), "orders").expect_err("no region");
        assert!(error.to_string().contains("AWS_REGION"), "{error}");
        for url in ["ftp://a", "a b", "/only/a/path"] {
            let error = endpoint(SdkConfig::builder().endpoint_url(url), "orders").expect_err("no endpoint");
            assert!(error.to_string().contains(url), "{error}");
        }
    }
}
