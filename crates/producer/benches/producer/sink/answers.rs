//! What the sink answers, in JSON and in CBOR.

use bytes::Bytes;
use minicbor::Encoder;
use serde_json::{Value, json};

use super::shards::{self, Shards};

pub const ARN: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/bench";
pub const CBOR: &str = "application/x-amz-cbor-1.1";
pub const JSON: &str = "application/x-amz-json-1.1";

/// The answer to STS's GetCallerIdentity. Source: AWS STS API reference, GetCallerIdentity.
pub const CALLER_IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
    <GetCallerIdentityResult><Arn>arn:aws:iam::000000000000:user/bench</Arn><UserId>BENCH</UserId>\
    <Account>000000000000</Account></GetCallerIdentityResult>\
    <ResponseMetadata><RequestId>bench</RequestId></ResponseMetadata></GetCallerIdentityResponse>";

/// What became of one position.
pub enum Outcome {
    Written { shard: u64, number: u64 },
    Refused,
}

/// The answer to PutRecords.
pub fn put_records(outcomes: &[Outcome], error: &str, as_cbor: bool) -> Bytes {
    if as_cbor { put_records_cbor(outcomes, error) } else { put_records_json(outcomes, error) }
}

fn put_records_json(outcomes: &[Outcome], error: &str) -> Bytes {
    let mut text = String::with_capacity(64 + outcomes.len() * 130);
    text += &format!("{{\"FailedRecordCount\":{},\"Records\":[", refused(outcomes));
    for (at, outcome) in outcomes.iter().enumerate() {
        text += if at > 0 { "," } else { "" };
        text += &match outcome {
            Outcome::Written { shard, number } => {
                let (number, shard) = (shards::sequence_number(*number), shards::id(*shard));
                format!("{{\"SequenceNumber\":\"{number}\",\"ShardId\":\"{shard}\"}}")
            }
            Outcome::Refused => format!("{{\"ErrorCode\":\"{error}\",\"ErrorMessage\":\"refused by the sink\"}}"),
        };
    }
    (text + "]}").into()
}

fn put_records_cbor(outcomes: &[Outcome], error: &str) -> Bytes {
    let rows = outcomes.iter().map(|outcome| match outcome {
        Outcome::Written { shard, number } => {
            [("SequenceNumber", shards::sequence_number(*number)), ("ShardId", shards::id(*shard))]
        }
        Outcome::Refused => [("ErrorCode", error.to_owned()), ("ErrorMessage", "refused by the sink".to_owned())],
    });
    let mut encoder = Encoder::new(Vec::with_capacity(64 + outcomes.len() * 120));
    let written = (|| {
        encoder
            .map(2)?
            .str("FailedRecordCount")?
            .u64(refused(outcomes))?
            .str("Records")?
            .array(outcomes.len() as u64)?;
        for members in rows {
            encoder.map(2)?;
            for (name, text) in members {
                encoder.str(name)?.str(&text)?;
            }
        }
        Ok::<_, minicbor::encode::Error<std::convert::Infallible>>(())
    })();
    written.expect("memory takes what is written");
    encoder.into_writer().into()
}

fn refused(outcomes: &[Outcome]) -> u64 {
    outcomes.iter().filter(|outcome| matches!(outcome, Outcome::Refused)).count() as u64
}

/// The answer to anything else, or that there is none.
pub fn control_plane(operation: &str, request: &Value, shards: Shards) -> Option<Value> {
    let description = json!({
        "StreamName": "bench", "StreamARN": ARN, "StreamStatus": "ACTIVE", "RetentionPeriodHours": 24,
        "StreamModeDetails": {"StreamMode": "PROVISIONED"}, "EncryptionType": "NONE",
        "EnhancedMonitoring": [{"ShardLevelMetrics": []}], "StreamCreationTimestamp": 1_700_000_000,
    });
    match operation {
        "ListShards" => Some(shards.page(request)),
        "DescribeStreamSummary" => {
            let counts = json!({"OpenShardCount": shards.0, "ConsumerCount": 0});
            Some(json!({"StreamDescriptionSummary": merged(description, counts)}))
        }
        "DescribeStream" => {
            let rest = json!({"Shards": shards.all(), "HasMoreShards": false});
            Some(json!({"StreamDescription": merged(description, rest)}))
        }
        _ => None,
    }
}

fn merged(mut into: Value, from: Value) -> Value {
    if let (Value::Object(into), Value::Object(from)) = (&mut into, from) {
        into.extend(from);
    }
    into
}

/// The same in CBOR; a time stamp is milliseconds there.
pub fn to_cbor(value: &Value) -> Bytes {
    let mut encoder = Encoder::new(Vec::new());
    encode(&mut encoder, value).expect("memory takes what is written");
    encoder.into_writer().into()
}

type Written = Result<(), minicbor::encode::Error<std::convert::Infallible>>;

fn encode(encoder: &mut Encoder<Vec<u8>>, value: &Value) -> Written {
    match value {
        Value::Object(members) => {
            encoder.map(members.len() as u64)?;
            for (name, value) in members {
                encoder.str(name)?;
                if name == "StreamCreationTimestamp" {
                    encoder.tag(minicbor::data::IanaTag::Timestamp)?;
                    encoder.i64(value.as_i64().unwrap_or_default() * 1000)?;
                } else {
                    encode(encoder, value)?;
                }
            }
        }
        Value::Array(elements) => {
            encoder.array(elements.len() as u64)?;
            elements.iter().try_for_each(|element| encode(encoder, element))?;
        }
        Value::String(text) => drop(encoder.str(text)?),
        Value::Bool(truth) => drop(encoder.bool(*truth)?),
        Value::Number(number) => drop(encoder.i64(number.as_i64().unwrap_or_default())?),
        Value::Null => drop(encoder.null()?),
    }
    Ok(())
}
