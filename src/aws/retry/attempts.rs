//! Which failures the SDK tries again by itself: all that it would, but for quotas, which its list of throttling codes
//! has among them (LimitExceededException) and which no later attempt finds otherwise.

use aws_smithy_runtime_api::client::{
    interceptors::context::InterceptorContext,
    orchestrator::HttpResponse,
    retries::classifiers::{ClassifyRetry, RetryAction, RetryClassifierPriority},
};
use serde_json::Value;

use super::classify::{Failure, classify};

/// Has the last word about the attempts of one service's calls.
#[derive(Debug)]
pub(in crate::aws) struct Attempts(pub &'static str);

impl ClassifyRetry for Attempts {
    fn classify_retry(&self, context: &InterceptorContext) -> RetryAction {
        let failed = context.output_or_error().is_some_and(|answer| answer.is_err());
        let said = context.response().filter(|_| failed).and_then(said);
        match said.map(|(code, message)| classify(self.0, &code, &message)) {
            Some(Failure::Quota) => RetryAction::RetryForbidden,
            _ => RetryAction::NoActionIndicated,
        }
    }

    fn name(&self) -> &'static str {
        "Quotas"
    }

    /// After every one that the SDK brings for each operation.
    fn priority(&self) -> RetryClassifierPriority {
        RetryClassifierPriority::run_after(RetryClassifierPriority::transient_error_classifier())
    }
}

/// Code and message of an error, whatever the operation: a classifier for all of them knows no operation's type.
fn said(answer: &HttpResponse) -> Option<(String, String)> {
    let body = answer.body().bytes().unwrap_or_default();
    let text = String::from_utf8_lossy(body);
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |names: &[&str]| names.iter().find_map(|name| json[*name].as_str()).map(str::to_owned);
    let header = answer.headers().get("x-amzn-errortype").map(str::to_owned);
    let code = header.or_else(|| field(&["__type", "code", "Code"])).or_else(|| element(&text, "Code"))?;
    let message = field(&["message", "Message"]).or_else(|| element(&text, "Message"));
    // `com.amazonaws.kinesis#LimitExceededException:http://internal.amazon.com/`
    let code = code.split(':').next().and_then(|code| code.rsplit('#').next()).unwrap_or_default();
    Some((code.to_owned(), message.unwrap_or_default()))
}

/// The text of the first element of this name; the errors of IAM, STS and S3 nest none of the same name.
fn element(xml: &str, name: &str) -> Option<String> {
    let (_, rest) = xml.split_once(&format!("<{name}>"))?;
    let (text, _) = rest.split_once(&format!("</{name}>"))?;
    Some(text.to_owned())
}

#[cfg(test)]
mod tests {
    use aws_smithy_types::body::SdkBody;

    use super::*;

    fn answer(header: Option<&str>, body: &str) -> Option<(String, String)> {
        let mut answer = HttpResponse::new(400.try_into().expect("a status"), SdkBody::from(body));
        header.map(|code| answer.headers_mut().insert("x-amzn-errortype", code.to_owned()));
        said(&answer)
    }

    #[test]
    fn code_and_message_are_read_of_every_protocol() {
        let expected = |code: &str, text: &str| Some((code.to_owned(), text.to_owned()));
        let json = r#"{"__type": "com.amazonaws.kinesis#LimitExceededException", "message": "too many"}"#;
        assert_eq!(answer(None, json), expected("LimitExceededException", "too many"));
        let rest = answer(Some("ServiceQuotaExceededException:http://internal/"), r#"{"Message": "m"}"#);
        assert_eq!(rest, expected("ServiceQuotaExceededException", "m"));
        let xml = "<ErrorResponse><Error><Code>LimitExceeded</Code><Message>roles</Message></Error></ErrorResponse>";
        assert_eq!(answer(None, xml), expected("LimitExceeded", "roles"));
        assert_eq!(answer(None, "<html>503</html>"), None);
    }
}
