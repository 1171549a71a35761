//! Records of a stream: GetRecords as the SDK has it, in JSON, or in CBOR, where the data of a record is not in base64.

use std::{
    mem,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use aws_sdk_kinesis::{
    Client,
    config::{ConfigBag, Intercept, RuntimeComponents, interceptors::BeforeSerializationInterceptorContextRef},
    error::{BoxError, ErrorMetadata, ProvideErrorMetadata, SdkError},
    operation::get_records::{GetRecordsError, GetRecordsInput, GetRecordsOutput},
};
use aws_smithy_runtime_api::client::{
    interceptors::context::{Error, Input, Output},
    orchestrator::{HttpRequest, HttpResponse, OrchestratorError},
    ser_de::{DeserializeResponse, SerializeRequest, SharedRequestSerializer, SharedResponseDeserializer},
};
use aws_smithy_types::{body::SdkBody, byte_stream::ByteStream};
use serde::{Deserialize, Serialize};

const CBOR: &str = "application/x-amz-cbor-1.1";
const TARGET: &str = "Kinesis_20131202.GetRecords";
/// What an iterator says that was not used for five minutes (Kinesis API reference, GetShardIterator).
pub const EXPIRED: &str = "ExpiredIteratorException";

/// Reads records; in CBOR as long as the service takes that.
#[derive(Debug)]
pub struct RecordReader {
    client: Client,
    speaks_cbor: AtomicBool,
}

/// Why records cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("{why}")]
pub struct ReadError {
    /// The code of a refusal.
    pub code: Option<String>,
    is_broken_off: bool,
    why: String,
}

/// What one call of GetRecords was answered.
#[derive(Debug)]
pub enum Answer {
    /// Read by the SDK.
    Json(GetRecordsOutput),
    /// As it came in.
    Cbor(Vec<u8>),
}

/// What an answer says.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Page<'a> {
    /// The records, in their order in the shard.
    #[serde(borrow)]
    pub records: Vec<Record<'a>>,
    /// Where the next ones begin; none at the end of a closed shard.
    #[serde(borrow)]
    pub next_shard_iterator: Option<&'a str>,
    /// How old the next record is, in milliseconds.
    pub millis_behind_latest: Option<i64>,
}

/// A record.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Record<'a> {
    /// Its data.
    pub data: &'a [u8],
    /// Its place in the shard.
    pub sequence_number: &'a str,
}

impl RecordReader {
    /// One that speaks CBOR, if it shall.
    pub fn new(client: Client, speaks_cbor: bool) -> Self {
        Self { client, speaks_cbor: AtomicBool::new(speaks_cbor) }
    }

    /// The records from an iterator on; an answer in CBOR is written into `buffer`, whose memory is used again.
    ///
    /// # Errors
    /// The call failed, or its answer broke off.
    pub async fn read(&self, iterator: &str, buffer: Vec<u8>) -> Result<Answer, ReadError> {
        if self.speaks_cbor.load(Relaxed) {
            match self.read_cbor(iterator, buffer).await {
                // The SDK repeats what breaks off while it reads.
                Err(error) if error.is_broken_off => {}
                Err(error) if error.is_of_cbor() => self.speaks_cbor.store(false, Relaxed),
                answer => return answer.map(Answer::Cbor),
            }
        }
        let answer = self.client.get_records().shard_iterator(iterator).send().await;
        answer.map(Answer::Json).map_err(|error| ReadError::of(&error))
    }

    async fn read_cbor(&self, iterator: &str, mut buffer: Vec<u8>) -> Result<Vec<u8>, ReadError> {
        let body = Body::none();
        let call = self.client.get_records().shard_iterator(iterator).customize().interceptor(InCbor(body.clone()));
        call.send().await.map_err(|error| ReadError::of(&error))?;
        let mut stream = ByteStream::new(body.take());
        buffer.clear();
        while let Some(piece) = stream.next().await {
            let broken =
                |error| ReadError { code: None, is_broken_off: true, why: format!("the answer broke off: {error}") };
            buffer.extend_from_slice(&piece.map_err(broken)?);
        }
        Ok(buffer)
    }
}

impl Answer {
    /// What it says.
    ///
    /// # Errors
    /// It is not what GetRecords answers.
    pub fn page(&self) -> Result<Page<'_>, ReadError> {
        match self {
            Self::Json(output) => Ok(Page {
                records: output.records().iter().map(Record::of).collect(),
                next_shard_iterator: output.next_shard_iterator(),
                millis_behind_latest: output.millis_behind_latest(),
            }),
            Self::Cbor(body) => minicbor_serde::from_slice(body).map_err(ReadError::unreadable),
        }
    }

    /// The memory of one that was written into a buffer.
    pub fn into_buffer(self) -> Vec<u8> {
        match self {
            Self::Json(_) => Vec::new(),
            Self::Cbor(body) => body,
        }
    }
}

impl<'a> Record<'a> {
    fn of(record: &'a aws_sdk_kinesis::types::Record) -> Self {
        Self { data: record.data().as_ref(), sequence_number: record.sequence_number() }
    }
}

impl ReadError {
    fn of(error: &SdkError<GetRecordsError>) -> Self {
        Self { code: error.code().map(str::to_owned), is_broken_off: false, why: super::told::told(error) }
    }

    fn unreadable(error: minicbor_serde::error::DecodeError) -> Self {
        Self { code: None, is_broken_off: false, why: format!("the answer cannot be read as CBOR: {error}") }
    }

    /// Whether it may be that CBOR was refused: then the same call in JSON says what else it is.
    fn is_of_cbor(&self) -> bool {
        self.code.as_deref().is_some_and(|code| code != EXPIRED && !code.contains("Throughput"))
    }
}

/// Where an answer's body waits to be read.
#[derive(Clone, Debug)]
struct Body(Arc<Mutex<SdkBody>>);

impl Body {
    fn none() -> Self {
        Self(Arc::new(Mutex::new(SdkBody::taken())))
    }

    fn take(&self) -> SdkBody {
        mem::replace(&mut *self.lock(), SdkBody::taken())
    }

    fn lock(&self) -> MutexGuard<'_, SdkBody> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Has a call of the SDK speak CBOR, and leaves the body of its answer to whoever called.
#[derive(Debug)]
struct InCbor(Body);

impl Intercept for InCbor {
    fn name(&self) -> &'static str {
        "InCbor"
    }

    fn read_before_serialization(
        &self,
        _: &BeforeSerializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        config: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let layer = config.interceptor_state();
        layer.store_put(SharedRequestSerializer::new(Asking));
        layer.store_put(SharedResponseDeserializer::new(Answering(self.0.clone())));
        Ok(())
    }
}

#[derive(Debug)]
struct Asking;

impl SerializeRequest for Asking {
    fn serialize_input(&self, input: Input, _: &mut ConfigBag) -> Result<HttpRequest, BoxError> {
        #[derive(Serialize)]
        #[serde(rename_all = "PascalCase")]
        struct Asked {
            shard_iterator: Option<String>,
        }
        let input = input.downcast::<GetRecordsInput>().map_err(|_| "the input is not that of GetRecords")?;
        let body = minicbor_serde::to_vec(Asked { shard_iterator: input.shard_iterator })?;
        let mut request = HttpRequest::new(SdkBody::empty());
        request.set_method("POST")?;
        request.set_uri("/")?;
        let headers = request.headers_mut();
        headers.insert("content-type", CBOR);
        headers.insert("content-length", body.len().to_string());
        headers.insert("x-amz-target", TARGET);
        *request.body_mut() = SdkBody::from(body);
        Ok(request)
    }
}

#[derive(Debug)]
struct Answering(Body);

impl DeserializeResponse for Answering {
    fn deserialize_streaming_with_config(
        &self,
        response: &mut HttpResponse,
        _: &ConfigBag,
    ) -> Option<Result<Output, OrchestratorError<Error>>> {
        if !response.status().is_success() {
            return None;
        }
        *self.0.lock() = mem::replace(response.body_mut(), SdkBody::taken());
        let output = GetRecordsOutput::builder().set_records(Some(Vec::new())).build();
        Some(output.map(Output::erase).map_err(OrchestratorError::other))
    }

    fn deserialize_nonstreaming_with_config(
        &self,
        response: &HttpResponse,
        _: &ConfigBag,
    ) -> Result<Output, OrchestratorError<Error>> {
        let body = response.body().bytes().unwrap_or_default();
        Err(OrchestratorError::operation(Error::erase(GetRecordsError::generic(refusal(body)))))
    }
}

/// Code and message of a refusal, in CBOR or in JSON.
fn refusal(body: &[u8]) -> ErrorMetadata {
    #[derive(Default, Deserialize)]
    struct Refused {
        #[serde(rename = "__type", default)]
        code: String,
        #[serde(alias = "Message", default)]
        message: String,
    }
    let read = minicbor_serde::from_slice(body).ok().or_else(|| serde_json::from_slice(body).ok());
    let Refused { code, message } = read.unwrap_or_default();
    let code = code.rsplit('#').next().unwrap_or_default();
    ErrorMetadata::builder().code(code).message(message).build()
}
