//! PutRecords by the AWS SDK for Rust, one attempt a call.

use std::{error::Error, io};

use aws_sdk_kinesis::{
    Client,
    config::{self, retry::RetryConfig},
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    operation::put_records::{PutRecordsError, PutRecordsOutput, builders::PutRecordsFluentBuilder},
    primitives::Blob,
    types::{PutRecordsRequestEntry, PutRecordsResultEntry},
};
use futures::{FutureExt, future::BoxFuture};

use super::{
    record::Record,
    transport::{Answer, Position, RequestError, Severity, Transport},
};

/// Sends by an SDK client, with the SDK's own retries off: it would send whole batches again, uncounted.
#[derive(Clone, Debug)]
pub struct SdkTransport {
    client: Client,
    stream: String,
}

impl SdkTransport {
    /// To a stream named by its name or its ARN.
    pub fn new(client: Client, stream_name_or_arn: impl Into<String>) -> Self {
        Self { client, stream: stream_name_or_arn.into() }
    }

    fn request(&self, records: &[Record]) -> Result<PutRecordsFluentBuilder, RequestError> {
        let entries = records.iter().map(entry).collect::<Result<_, _>>()?;
        let request = self.client.put_records().set_records(Some(entries));
        Ok(match self.stream.starts_with("arn:") {
            true => request.stream_arn(&self.stream),
            false => request.stream_name(&self.stream),
        })
    }

    async fn send(&self, records: &[Record]) -> Answer {
        let one_attempt = config::Builder::new().retry_config(RetryConfig::disabled());
        let answer = self.request(records)?.customize().config_override(one_attempt).send().await;
        answer.map(positions).map_err(|error| self.explain(&error))
    }

    fn explain(&self, error: &PutRecordsSdkError) -> RequestError {
        let severity = severity(error);
        let advice = match severity {
            Severity::Fatal => "; sending again would not change it: check that the stream exists, and the credentials",
            Severity::Throttled | Severity::Unavailable | Severity::Unknown => "",
        };
        let message = format!("PutRecords to {}: {}{advice}", self.stream, DisplayErrorContext(error));
        RequestError { severity, message }
    }
}

impl Transport for SdkTransport {
    fn put_records<'a>(&'a self, records: &'a [Record]) -> BoxFuture<'a, Answer> {
        self.send(records).boxed()
    }
}

type PutRecordsSdkError = SdkError<PutRecordsError, config::http::HttpResponse>;

fn entry(record: &Record) -> Result<PutRecordsRequestEntry, RequestError> {
    PutRecordsRequestEntry::builder()
        .data(Blob::new(record.data.to_vec()))
        .partition_key(&*record.partition_key)
        .set_explicit_hash_key(record.explicit_hash_key.map(|key| key.to_string()))
        .build()
        .map_err(|error| RequestError { severity: Severity::Fatal, message: format!("PutRecords: {error}") })
}

fn positions(output: PutRecordsOutput) -> Vec<Position> {
    output.records.into_iter().map(position).collect()
}

fn position(entry: PutRecordsResultEntry) -> Position {
    match entry {
        PutRecordsResultEntry {
            sequence_number: Some(sequence_number),
            shard_id: Some(shard_id),
            error_code: None,
            ..
        } => Position::Written { shard_id, sequence_number },
        refused => Position::Refused {
            code: refused.error_code.unwrap_or_else(|| "NoSequenceNumber".to_owned()),
            message: refused.error_message.unwrap_or_default(),
        },
    }
}

fn severity(error: &PutRecordsSdkError) -> Severity {
    match error {
        SdkError::TimeoutError(_) => Severity::Unknown,
        SdkError::DispatchFailure(_) if was_not_let_in(error) => Severity::Unavailable,
        SdkError::DispatchFailure(failure) if failure.is_io() || failure.is_timeout() => Severity::Unknown,
        SdkError::DispatchFailure(failure) if failure.as_other().is_some() => Severity::Unknown,
        // The SDK does not know every error of the connection; one that is not of the connection came before it, as
        // for want of credentials.
        SdkError::DispatchFailure(_) if comes_from_connection(error) => Severity::Unknown,
        SdkError::ResponseError(response) => severity_without_code(response.raw().status().as_u16()),
        SdkError::ServiceError(service) => {
            severity_of(service.err().code().unwrap_or_default(), service.raw().status().as_u16())
        }
        _ => Severity::Fatal,
    }
}

fn comes_from_connection(error: &(dyn Error + 'static)) -> bool {
    causes(error).any(|cause| cause.is::<hyper::Error>())
}

fn was_not_let_in(error: &(dyn Error + 'static)) -> bool {
    let is_refusal = |error: &io::Error| error.kind() == io::ErrorKind::ConnectionRefused;
    causes(error).any(|cause| cause.downcast_ref().is_some_and(is_refusal))
}

fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error| (*error).source())
}

fn severity_of(code: &str, status: u16) -> Severity {
    match (code, status) {
        (_, 429) | ("ProvisionedThroughputExceededException" | "LimitExceededException", _) => Severity::Throttled,
        (code, _) if code.contains("Throttling") || code.contains("RequestLimitExceeded") => Severity::Throttled,
        ("ServiceUnavailable" | "ServiceUnavailableException" | "RequestTimeout" | "RequestTimeoutException", _) => {
            Severity::Unavailable
        }
        // A gateway speaks for a service that may have done the work.
        (_, 502 | 504) => Severity::Unknown,
        (_, 500..) => Severity::Unavailable,
        _ => Severity::Fatal,
    }
}

/// A body that could not be read, or was not understood.
fn severity_without_code(status: u16) -> Severity {
    match status {
        200..300 => Severity::Unknown,
        status => severity_of("", status),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_statuses_are_told_apart() {
        for (code, status, severity) in [
            ("ProvisionedThroughputExceededException", 400, Severity::Throttled),
            ("KMSThrottlingException", 400, Severity::Throttled),
            ("ThrottlingException", 400, Severity::Throttled),
            ("", 429, Severity::Throttled),
            ("InternalFailureException", 500, Severity::Unavailable),
            ("", 503, Severity::Unavailable),
            ("", 504, Severity::Unknown),
            ("ResourceNotFoundException", 400, Severity::Fatal),
            ("AccessDeniedException", 400, Severity::Fatal),
            ("ExpiredTokenException", 400, Severity::Fatal),
            ("ValidationException", 400, Severity::Fatal),
            ("InvalidArgumentException", 400, Severity::Fatal),
        ] {
            assert_eq!(severity_of(code, status), severity, "{code} {status}");
        }
        assert_eq!(severity_without_code(200), Severity::Unknown);
        assert_eq!(severity_without_code(503), Severity::Unavailable);
    }

    #[test]
    fn an_entry_without_a_sequence_number_is_not_acknowledged() {
        let written = PutRecordsResultEntry::builder().shard_id("s").sequence_number("1").build();
        assert_eq!(position(written), Position::Written { shard_id: "s".into(), sequence_number: "1".into() });
        let empty = PutRecordsResultEntry::builder().build();
        assert!(matches!(position(empty), Position::Refused { .. }));
    }
}
