//! SplitShard, MergeShards, UpdateShardCount.

use serde::{Deserialize, Serialize};

use super::{
    Kinesis, Nothing, refuse,
    stream::{Phase, StreamMeta, shard_id},
};
use crate::{ACCOUNT, REGION, service_error::ServiceError};

/// Calls of UpdateShardCount for a stream in 24 hours (Kinesis API reference, UpdateShardCount).
const MOST_RESIZES: usize = 10;
/// Shards of one stream (Kinesis API reference, UpdateShardCount).
const MOST_SHARDS: i64 = 10_000;
const DAY_MS: u64 = 24 * 3600 * 1000;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct SplitShard {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    shard_to_split: Option<String>,
    new_starting_hash_key: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MergeShards {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    shard_to_merge: Option<String>,
    adjacent_shard_to_merge: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct UpdateShardCount {
    stream_name: Option<String>,
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    target_shard_count: Option<i64>,
    scaling_type: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct ShardCount {
    stream_name: String,
    #[serde(rename = "StreamARN")]
    stream_arn: String,
    current_shard_count: usize,
    target_shard_count: usize,
}

impl Kinesis {
    /// Two shards in the place of one.
    pub(super) fn split_shard(&self, request: SplitShard) -> Result<Nothing, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let id = refuse::required("shardToSplit", request.shard_to_split)?;
        let key = refuse::required("newStartingHashKey", request.new_starting_hash_key)?;
        let boundary = refuse::hash_key("newStartingHashKey", "NewStartingHashKey", &key)?;
        let until = self.now() + self.transition_ms();
        self.room_for(1)?;
        self.change(&name, |stream, now| {
            let shard = stream.shard(&id)?;
            provisioned(stream)?;
            stream.must_be_active(now)?;
            must_be_open(stream, shard)?;
            let keys = &stream.shards[shard as usize];
            let fits = boundary > keys.first_key.saturating_add(1) && boundary < keys.last_key;
            if !fits {
                return Err(refuse::argument(format!(
                    "NewStartingHashKey {boundary} used in SplitShard() on shard {} in stream {name} under account \
                     {ACCOUNT} is not both greater than one plus the shard's StartingHashKey {} and less than the \
                     shard's EndingHashKey {}.",
                    shard_id(shard),
                    keys.first_key,
                    keys.last_key
                )));
            }
            stream.split(shard, boundary, now);
            updating(stream, until);
            Ok(Nothing {})
        })
    }

    /// One shard in the place of two neighbours.
    pub(super) fn merge_shards(&self, request: MergeShards) -> Result<Nothing, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let one = refuse::required("shardToMerge", request.shard_to_merge)?;
        let other = refuse::required("adjacentShardToMerge", request.adjacent_shard_to_merge)?;
        let until = self.now() + self.transition_ms();
        self.change(&name, |stream, now| {
            let (one, other) = (stream.shard(&one)?, stream.shard(&other)?);
            provisioned(stream)?;
            stream.must_be_active(now)?;
            must_be_open(stream, one)?;
            must_be_open(stream, other)?;
            let (lower, upper) = neighbours(stream, one, other)?;
            stream.merge(lower, upper, now);
            updating(stream, until);
            Ok(Nothing {})
        })
    }

    /// So many even shards, at most twice and at least half as many as now.
    pub(super) fn update_shard_count(&self, request: UpdateShardCount) -> Result<ShardCount, ServiceError> {
        let name = super::stream_name(request.stream_name, request.stream_arn)?;
        let target = refuse::required("targetShardCount", request.target_shard_count)?;
        let target = refuse::within("targetShardCount", target, 1, i64::from(i32::MAX))?;
        let scaling = refuse::required("scalingType", request.scaling_type)?;
        if scaling != "UNIFORM_SCALING" {
            let set = "Member must satisfy enum value set: [UNIFORM_SCALING]";
            return Err(refuse::constraint("scalingType", Some(&scaling), set));
        }
        let current = self.find_stream(&name)?.meta.open_shards().len();
        self.room_for((target as usize).saturating_sub(current))?;
        let until = self.now() + self.transition_ms();
        self.change(&name, |stream, now| {
            provisioned(stream)?;
            stream.must_be_active(now)?;
            let current = stream.open_shards().len();
            within_reach(target, current)?;
            stream.resized.retain(|&then| now.saturating_sub(then) < DAY_MS);
            if stream.resized.len() >= MOST_RESIZES {
                let text = format!("Stream {name} has been resized {MOST_RESIZES} times in 24 hours.");
                return Err(refuse::limit(text));
            }
            stream.resized.push(now);
            stream.resize(target as usize, now);
            updating(stream, until);
            let (stream_name, stream_arn, target_shard_count) = (name.clone(), stream.arn(), target as usize);
            Ok(ShardCount { stream_name, stream_arn, current_shard_count: current, target_shard_count })
        })
    }

    fn room_for(&self, more: usize) -> Result<(), ServiceError> {
        within_account(self.ledger.read().streams.values(), more, self.shard_quota())
    }
}

/// Refuses what would take the account past its shards; those of on-demand streams do not count (Kinesis developer guide,
/// "Quotas and limits").
pub(super) fn within_account<'a>(
    streams: impl Iterator<Item = &'a StreamMeta>,
    more: usize,
    limit: usize,
) -> Result<(), ServiceError> {
    let counted = streams.filter(|stream| stream.phase != Phase::Deleting && !stream.on_demand);
    let open: usize = counted.map(|stream| stream.open_shards().len()).sum();
    if open + more <= limit {
        return Ok(());
    }
    Err(refuse::limit(format!(
        "This request would exceed the shard limit for the account {ACCOUNT} in {REGION}. Current shard count for the \
         account: {open}. Limit: {limit}. Number of additional shards that would have resulted from this request: {more}. \
         Refer to the AWS Service Limits page (http://docs.aws.amazon.com/general/latest/gr/aws_service_limits.html) \
         for current limits and how to request higher limits."
    )))
}

fn within_reach(target: i64, current: usize) -> Result<(), ServiceError> {
    let current = current as i64;
    let refuse = |what: String| {
        let text = format!("UpdateShardCount cannot scale {what}. Current open shard count: {current}.");
        Err(refuse::limit(text))
    };
    if target > 2 * current {
        return refuse(format!("up over double your current open shard count, to {target}"));
    }
    if 2 * target < current {
        return refuse(format!("down below half your current open shard count, to {target}"));
    }
    if target > MOST_SHARDS {
        return refuse(format!("to {target}, more than {MOST_SHARDS} shards in a stream"));
    }
    Ok(())
}

fn provisioned(stream: &StreamMeta) -> Result<(), ServiceError> {
    if !stream.on_demand {
        return Ok(());
    }
    Err(ServiceError::client(
        "ValidationException",
        format!("Request is invalid. Stream {} under account {ACCOUNT} is in On-Demand mode.", stream.name),
    ))
}

fn must_be_open(stream: &StreamMeta, shard: u32) -> Result<(), ServiceError> {
    if stream.shards[shard as usize].closed.is_none() {
        return Ok(());
    }
    let (shard, name) = (shard_id(shard), &stream.name);
    Err(refuse::argument(format!("Shard {shard} in stream {name} under account {ACCOUNT} is closed.")))
}

/// The two shards, lower hash keys first.
fn neighbours(stream: &StreamMeta, one: u32, other: u32) -> Result<(u32, u32), ServiceError> {
    let keys = |shard: u32| &stream.shards[shard as usize];
    let follows = |lower: u32, upper: u32| keys(lower).last_key.checked_add(1) == Some(keys(upper).first_key);
    if follows(one, other) {
        return Ok((one, other));
    }
    if follows(other, one) {
        return Ok((other, one));
    }
    Err(refuse::argument(format!(
        "Shards {} and {} in stream {} under account {ACCOUNT} are not an adjacent pair of shards eligible for merging",
        shard_id(one),
        shard_id(other),
        stream.name
    )))
}

fn updating(stream: &mut StreamMeta, until: u64) {
    (stream.phase, stream.until) = (Phase::Updating, until);
}
