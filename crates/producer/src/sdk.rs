//! PutRecords by the AWS SDK for Rust, one attempt a call.

use std::{error::Error, io};

use aws_sdk_kinesis::{
    Client,
    config::{self, retry::RetryConfig},
    error::{ProvideErrorMetadata, SdkError},
    operation::put_records::{PutRecordsError, PutRecordsOutput, builders::PutRecordsFluentBuilder},
    primitives::Blob,
    types::PutRecordsRequestEntry,
};
use futures::{FutureExt, future::BoxFuture};

use super::{
    answer::Answer,
    body::{Body, Format},
    record::Record,
    refusal,
    transport::{Request, RequestError, Severity, Transport, Wants},
};

/// Sends by an SDK client, with the SDK's own retries off: it would send whole batches again, uncounted. It does not know
/// the stream's shards: a producer [over it](super::Producer::with_transport) has no limits by shard.
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

    fn request(&self, body: &Body) -> Result<PutRecordsFluentBuilder, RequestError> {
        let entries = body.records().map(entry).collect::<Result<_, _>>()?;
        let request = self.client.put_records().set_records(Some(entries));
        Ok(match self.stream.starts_with("arn:") {
            true => request.stream_arn(&self.stream),
            false => request.stream_name(&self.stream),
        })
    }

    async fn send(&self, body: &Body) -> Result<Answer, RequestError> {
        let one_attempt = config::Builder::new().retry_config(RetryConfig::disabled());
        let answer = self.request(body)?.customize().config_override(one_attempt).send().await;
        answer.map(|output| answer_of(&output)).map_err(|error| self.explain(error))
    }

    fn explain(&self, error: PutRecordsSdkError) -> RequestError {
        let severity = severity(&error);
        let code = error.code().unwrap_or_default().to_owned();
        let advice = match severity {
            Severity::Fatal => format!("; sending again would not change it: {}", refusal::advice(&code)),
            _ => String::new(),
        };
        let what = match &error {
            SdkError::ServiceError(service) => {
                let what = if code.is_empty() { service.raw().status().to_string() } else { code.clone() };
                format!("{what}: {}", service.err().message().unwrap_or_default())
            }
            error => error.to_string(),
        };
        let told = RequestError::new(severity, format!("PutRecords to {}: {what}{advice}", self.stream));
        let told = told.with_code(&code);
        match error {
            SdkError::ServiceError(_) => told,
            error => match error.into_source() {
                Ok(source) => told.with_source(source),
                Err(_) => told,
            },
        }
    }
}

impl Transport for SdkTransport {
    /// Whatever is decoded again with least work: the SDK writes its own bodies.
    fn wants(&self) -> Wants {
        Wants::new(Format::Cbor)
    }

    fn put_records(&self, request: Request) -> BoxFuture<'static, Result<Answer, RequestError>> {
        let transport = self.clone();
        async move { transport.send(&request.body).await }.boxed()
    }
}

type PutRecordsSdkError = SdkError<PutRecordsError, config::http::HttpResponse>;

fn entry(record: Record) -> Result<PutRecordsRequestEntry, RequestError> {
    PutRecordsRequestEntry::builder()
        .data(Blob::new(record.data))
        .partition_key(&*record.partition_key)
        .set_explicit_hash_key(record.explicit_hash_key.map(|key| key.to_string()))
        .build()
        .map_err(|error| RequestError::new(Severity::Fatal, "PutRecords: not a record").with_source(error))
}

fn answer_of(output: &PutRecordsOutput) -> Answer {
    let mut answer = Answer::builder();
    for entry in output.records() {
        match (entry.sequence_number(), entry.shard_id(), entry.error_code()) {
            (Some(sequence_number), Some(shard_id), None) => answer.written(shard_id, sequence_number),
            (_, _, code) => {
                answer.refused(code.unwrap_or("NoSequenceNumber"), entry.error_message().unwrap_or_default())
            }
        };
    }
    answer.build()
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
        // A body that could not be read, or was not understood.
        SdkError::ResponseError(_) if comes_from_connection(error) => Severity::Unknown,
        SdkError::ResponseError(response) => refusal::severity("", response.raw().status().as_u16()),
        SdkError::ServiceError(service) => {
            refusal::severity(service.err().code().unwrap_or_default(), service.raw().status().as_u16())
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

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::types::PutRecordsResultEntry;

    use super::*;
    use crate::answer::Position;

    #[test]
    fn an_entry_without_a_sequence_number_is_not_acknowledged() {
        let written = PutRecordsResultEntry::builder().shard_id("s").sequence_number("1").build();
        let empty = PutRecordsResultEntry::builder().build();
        let answer =
            answer_of(&PutRecordsOutput::builder().records(written).records(empty).build().expect("an answer"));
        let Position::Written { shard_id, sequence_number } = answer.positions()[0] else { panic!("{answer:?}") };
        assert_eq!((answer.text(shard_id), answer.text(sequence_number)), ("s", "1"));
        assert!(matches!(answer.positions()[1], Position::Refused { .. }));
    }
}
