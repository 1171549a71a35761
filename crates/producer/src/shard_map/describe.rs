//! Asks the service for a stream's open shards, and for how it places records.

use std::error::Error;

use aws_sdk_kinesis::{
    Client,
    error::{DisplayErrorContext, ProvideErrorMetadata, SdkError},
    types::{
        HashKeyRange, RecordDistributionStrategy, Shard, ShardFilter, ShardFilterType, StreamDescriptionSummary,
        StreamMode,
    },
};

use super::{OpenShard, ShardMap, ShardMapError};
use crate::limits;

const LIST_SHARDS: &str = "ListShards";
const DESCRIBE: &str = "DescribeStreamSummary";

/// What a producer has to know of a stream beside its shards.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamSummary {
    /// Whether something else than the partition key decides a record's shard: record distribution `AUTO`, which only
    /// on-demand streams have. Consumers then drop aggregated records, and shards cannot be told beforehand. Source:
    /// Kinesis developer guide, "Aggregation is not supported on service-managed streams". It can be switched at any
    /// time (UpdateStreamRecordDistributionStrategy).
    pub auto_distribution: bool,
    /// Bytes of a record, its partition key included. Source: DescribeStreamSummary, MaxRecordSizeInKiB.
    pub max_record_bytes: usize,
    /// Whether the service changes the number of shards by itself.
    pub on_demand: bool,
    /// At the moment of asking.
    pub open_shards: usize,
}

/// Why a stream's shards, or its summary, are not known. The text has the whole cause.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescribeError {
    /// The caller may not ask; a producer that needs no answer can do without.
    #[error("{call} of stream {stream} is not permitted: {reason}; allow kinesis:{call} on the stream")]
    NotPermitted {
        /// The operation.
        call: &'static str,
        /// Its name or ARN.
        stream: String,
        /// AWS's error code.
        code: String,
        /// The service's words.
        reason: String,
    },
    /// No answer, or another refusal.
    #[error("{call} of stream {stream} failed: {reason}; {advice}")]
    Failed {
        /// The operation.
        call: &'static str,
        /// Its name or ARN.
        stream: String,
        /// AWS's error code; `None` where there was no answer.
        code: Option<String>,
        /// The service's words, or the connection's.
        reason: String,
        /// What to do next.
        advice: &'static str,
    },
    /// An answer that cannot be true.
    #[error("{call} of stream {stream} answered what it must not: {reason}; ask again, and check the endpoint")]
    Answer {
        /// The operation.
        call: &'static str,
        /// Its name or ARN.
        stream: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The shards are not the stream's open shards at one moment.
    #[error("ListShards of stream {stream}: {error}; ask again: shards may have been split or merged meanwhile")]
    Shards {
        /// Its name or ARN.
        stream: String,
        /// Which of them do not fit.
        error: ShardMapError,
    },
}

/// The open shards of a stream named by its name or its ARN.
///
/// # Errors
/// When the service cannot be asked, or what it lists is not whole.
pub async fn list_open_shards(client: &Client, stream: &str) -> Result<ShardMap, DescribeError> {
    let open = ShardFilter::builder().r#type(ShardFilterType::AtLatest).build();
    let open = open.map_err(|error| DescribeError::answer(LIST_SHARDS, stream, error))?;
    let first = match is_arn(stream) {
        true => client.list_shards().stream_arn(stream),
        false => client.list_shards().stream_name(stream),
    };
    let (mut shards, mut request) = (Vec::new(), first.shard_filter(open));
    loop {
        let page = request.send().await.map_err(|error| DescribeError::call(LIST_SHARDS, stream, &error))?;
        shards.extend(page.shards.unwrap_or_default());
        match page.next_token {
            // A token says by itself whose next page it means. Source: Kinesis API reference, ListShards, NextToken.
            Some(token) => request = client.list_shards().next_token(token),
            None => return assemble(shards, stream),
        }
    }
}

/// What a producer has to know of a stream named by its name or its ARN.
///
/// # Errors
/// When the service cannot be asked.
pub async fn describe_stream(client: &Client, stream: &str) -> Result<StreamSummary, DescribeError> {
    let request = match is_arn(stream) {
        true => client.describe_stream_summary().stream_arn(stream),
        false => client.describe_stream_summary().stream_name(stream),
    };
    let answer = request.send().await.map_err(|error| DescribeError::call(DESCRIBE, stream, &error))?;
    let described = answer.stream_description_summary;
    described
        .as_ref()
        .map(StreamSummary::of)
        .ok_or_else(|| DescribeError::answer(DESCRIBE, stream, "it describes nothing"))
}

fn is_arn(stream: &str) -> bool {
    stream.starts_with("arn:")
}

/// A service that does not know the filter lists closed shards too.
fn assemble(shards: Vec<Shard>, stream: &str) -> Result<ShardMap, DescribeError> {
    let is_open =
        |shard: &Shard| shard.sequence_number_range().is_none_or(|numbers| numbers.ending_sequence_number().is_none());
    let shards = shards.into_iter().filter(is_open).map(|shard| open_shard(&shard, stream));
    let shards = shards.collect::<Result<_, _>>()?;
    ShardMap::new(shards).map_err(|error| DescribeError::Shards { stream: stream.to_owned(), error })
}

fn open_shard(shard: &Shard, stream: &str) -> Result<OpenShard, DescribeError> {
    let parse =
        |range: &HashKeyRange| Some(range.starting_hash_key.parse().ok()?..=range.ending_hash_key.parse().ok()?);
    match shard.hash_key_range().and_then(parse) {
        Some(range) => Ok(OpenShard { id: shard.shard_id().into(), range }),
        None => {
            let reason = format!("{} has the hash keys {:?}", shard.shard_id(), shard.hash_key_range());
            Err(DescribeError::answer(LIST_SHARDS, stream, reason))
        }
    }
}

impl StreamSummary {
    fn of(described: &StreamDescriptionSummary) -> Self {
        let by_key = |strategy: &RecordDistributionStrategy| *strategy == RecordDistributionStrategy::UserPartitionKey;
        let kib = described.max_record_size_in_kib.and_then(|kib| usize::try_from(kib).ok());
        let mode = described.stream_mode_details.as_ref().map(|details| &details.stream_mode);
        Self {
            // Streams that do not say always place by key.
            auto_distribution: !described.record_distribution_strategy.as_ref().is_none_or(by_key),
            max_record_bytes: kib.map_or(limits::BYTES_PER_RECORD, |kib| kib * 1024),
            on_demand: mode == Some(&StreamMode::OnDemand),
            open_shards: usize::try_from(described.open_shard_count).unwrap_or_default(),
        }
    }
}

impl DescribeError {
    /// Whether nothing but a permission is missing.
    pub fn is_not_permitted(&self) -> bool {
        matches!(self, Self::NotPermitted { .. })
    }

    /// AWS's error code, for example `ResourceNotFoundException`; `None` where the service did not refuse.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::NotPermitted { code, .. } => Some(code),
            Self::Failed { code, .. } => code.as_deref(),
            Self::Answer { .. } | Self::Shards { .. } => None,
        }
    }

    fn call<E>(call: &'static str, stream: &str, error: &SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata + Error + 'static,
    {
        let reason = match (error.code(), error.message()) {
            (Some(code), Some(message)) => format!("{code}: {message}"),
            _ => DisplayErrorContext(error).to_string(),
        };
        Self::refused(call, stream, error.code().unwrap_or_default(), reason)
    }

    fn refused(call: &'static str, stream: &str, code: &str, reason: String) -> Self {
        let stream = stream.to_owned();
        match code.starts_with("AccessDenied") {
            true => Self::NotPermitted { call, stream, code: code.to_owned(), reason },
            false => {
                let advice = advice(code);
                let code = Some(code).filter(|code| !code.is_empty()).map(str::to_owned);
                Self::Failed { call, stream, code, reason, advice }
            }
        }
    }

    fn answer(call: &'static str, stream: &str, reason: impl ToString) -> Self {
        Self::Answer { call, stream: stream.to_owned(), reason: reason.to_string() }
    }
}

fn advice(code: &str) -> &'static str {
    match code {
        "ResourceNotFoundException" => "check the stream's name, the region and the account",
        "ResourceInUseException" => "ask again when the stream is ACTIVE",
        "LimitExceededException" | "ExpiredNextTokenException" => "ask again in a second",
        "InvalidArgumentException" | "ValidationException" => "check the stream's name or ARN",
        _ => "check the credentials, the endpoint and the network",
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_kinesis::types::{
        SequenceNumberRange, StreamModeDetails, StreamStatus, builders::StreamDescriptionSummaryBuilder,
    };

    use super::*;

    fn shard(id: &str, keys: Option<(&str, &str)>, ends: Option<&str>) -> Shard {
        let range = |(start, end)| HashKeyRange::builder().starting_hash_key(start).ending_hash_key(end).build();
        let numbers = SequenceNumberRange::builder()
            .starting_sequence_number("1")
            .set_ending_sequence_number(ends.map(str::to_owned));
        Shard::builder()
            .shard_id(id)
            .set_hash_key_range(keys.map(|keys| range(keys).expect("both ends")))
            .sequence_number_range(numbers.build().expect("a start"))
            .build()
            .expect("an id")
    }

    const LAST: &str = "340282366920938463463374607431768211455";

    #[test]
    fn closed_shards_are_left_out() {
        let listed = vec![
            shard("parent", Some(("0", LAST)), Some("2")),
            shard("right", Some(("100", LAST)), None),
            shard("left", Some(("0", "99")), None),
        ];
        let map = assemble(listed, "s").expect("whole");
        assert_eq!(map.shards().iter().map(|shard| &*shard.id).collect::<Vec<_>>(), ["left", "right"]);
        assert_eq!((map.index_of(99), map.index_of(100), map.index_of(u128::MAX)), (0, 1, 1));
    }

    #[test]
    fn what_does_not_fit_says_which_stream_and_what_to_do() {
        let torn = assemble(vec![shard("left", Some(("0", "99")), None)], "orders").expect_err("half a stream");
        let text = torn.to_string();
        assert!(
            text.contains("orders: no open shard takes the hash keys 100 to 3402823") && text.contains("ask again")
        );
        for keys in [None, Some(("0", "many")), Some(("-1", "5"))] {
            let error = assemble(vec![shard("odd", keys, None)], "orders").expect_err("no range");
            assert!(error.to_string().contains("odd has the hash keys"), "{error}");
        }
    }

    #[test]
    fn only_a_missing_permission_can_be_done_without() {
        let refused = |code| DescribeError::refused(LIST_SHARDS, "orders", code, format!("{code}: no"));
        let denied = refused("AccessDeniedException");
        assert!(denied.is_not_permitted());
        assert_eq!(denied.code(), Some("AccessDeniedException"));
        let expected = "ListShards of stream orders is not permitted: AccessDeniedException: no; allow kinesis:ListShards on the stream";
        assert_eq!(denied.to_string(), expected);
        for code in ["ResourceNotFoundException", "LimitExceededException", "UnrecognizedClientException", ""] {
            let failed = refused(code);
            assert!(!failed.is_not_permitted(), "{code}");
            assert_eq!(failed.code().unwrap_or_default(), code);
            assert!(failed.to_string().ends_with(advice(code)), "{failed}");
        }
    }

    fn described() -> StreamDescriptionSummaryBuilder {
        StreamDescriptionSummary::builder()
            .stream_name("s")
            .stream_arn("arn:aws:kinesis:us-east-1:1:stream/s")
            .stream_status(StreamStatus::Active)
            .retention_period_hours(24)
            .stream_creation_timestamp(aws_sdk_kinesis::primitives::DateTime::from_secs(1))
            .set_enhanced_monitoring(Some(Vec::new()))
            .open_shard_count(4)
    }

    #[test]
    fn a_stream_that_says_nothing_places_by_key_and_takes_a_mebibyte() {
        let plain = StreamSummary::of(&described().build().expect("whole"));
        let expected =
            StreamSummary { auto_distribution: false, max_record_bytes: 1 << 20, on_demand: false, open_shards: 4 };
        assert_eq!(plain, expected);
    }

    #[test]
    fn whoever_does_not_place_by_key_places_by_itself() {
        let mode = StreamModeDetails::builder().stream_mode(StreamMode::OnDemand).build().expect("a mode");
        for (strategy, auto_distribution) in [("AUTO", true), ("USER_PARTITION_KEY", false), ("SOMETHING_NEW", true)] {
            let on_demand = described()
                .stream_mode_details(mode.clone())
                .max_record_size_in_kib(10_240)
                .record_distribution_strategy(strategy.into());
            let summary = StreamSummary::of(&on_demand.build().expect("whole"));
            let expected =
                StreamSummary { auto_distribution, max_record_bytes: 10 << 20, on_demand: true, open_shards: 4 };
            assert_eq!(summary, expected, "{strategy}");
        }
    }
}
