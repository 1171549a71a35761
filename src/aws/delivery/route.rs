//! What every delivery stream has, wherever it delivers: from a stream, through buffers, into a bucket.

use aws_sdk_firehose::types::{BufferingHints, DeliveryStreamDescription};
use serde::{Deserialize, Serialize};

use crate::{aws::ownership::Ownership, engine::Difference};

/// The way of records from the stream into the bucket.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Route {
    /// The delivery stream's name.
    pub name: String,
    /// The stream that it reads.
    pub stream: String,
    /// The role that it assumes: path and name, `/demo/…/name`.
    pub role: String,
    /// The bucket that it writes.
    pub bucket: String,
    /// Key prefix, with expressions.
    pub prefix: String,
    /// Key prefix of what cannot be delivered; empty where the destination takes none.
    pub error_prefix: String,
    /// 1–128.
    pub buffer_mib: u32,
    /// 0–900.
    pub buffer_seconds: u32,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// What there is of it, as a destination describes it.
pub(in crate::aws) struct Found<'a> {
    pub(in crate::aws) bucket_arn: &'a str,
    pub(in crate::aws) prefix: Option<&'a str>,
    pub(in crate::aws) error_prefix: Option<&'a str>,
    pub(in crate::aws) hints: Option<&'a BufferingHints>,
}

impl Route {
    /// Both sizes, since Firehose takes neither without the other.
    pub(in crate::aws) fn hints(&self) -> BufferingHints {
        let (mib, seconds) = (self.buffer_mib as i32, self.buffer_seconds as i32);
        BufferingHints::builder().size_in_mbs(mib).interval_in_seconds(seconds).build()
    }

    /// What UpdateDestination changes. `bucket_arn` is that of the wanted bucket.
    pub(in crate::aws) fn differences(&self, found: &Found<'_>, bucket_arn: &str) -> Vec<Difference> {
        let mib = found.hints.and_then(BufferingHints::size_in_mbs).unwrap_or_default();
        let seconds = found.hints.and_then(BufferingHints::interval_in_seconds).unwrap_or_default();
        changed([
            ("bucket", found.bucket_arn.to_owned(), bucket_arn.to_owned()),
            ("prefix", found.prefix.unwrap_or_default().to_owned(), self.prefix.clone()),
            ("error prefix", found.error_prefix.unwrap_or_default().to_owned(), self.error_prefix.clone()),
            ("buffer size (MiB)", mib.to_string(), self.buffer_mib.to_string()),
            ("buffer interval (s)", seconds.to_string(), self.buffer_seconds.to_string()),
        ])
    }

    /// A delivery stream reads the stream that it was made with, as the role that it was made with.
    pub(super) fn source_differences(&self, found: &DeliveryStreamDescription) -> Vec<Difference> {
        let source = found.source().and_then(|source| source.kinesis_stream_source_description());
        let Some(source) = source else { return Vec::new() };
        let (stream, role) = (source.kinesis_stream_arn(), source.role_arn());
        let stream = stream.filter(|arn| !arn.ends_with(&format!(":stream/{}", self.stream)));
        let role = role.filter(|arn| !arn.ends_with(&format!(":role{}", self.role)));
        let differences = [
            stream.map(|is| Difference::replace("source stream", is, &self.stream)),
            role.map(|is| Difference::replace("role", is, &self.role)),
        ];
        differences.into_iter().flatten().collect()
    }
}

/// Those of `(what, is, wanted)` that are otherwise, and can be changed in place.
pub(in crate::aws) fn changed(settings: impl IntoIterator<Item = (&'static str, String, String)>) -> Vec<Difference> {
    let differing = settings.into_iter().filter(|(_, is, wanted)| is != wanted);
    differing.map(|(what, is, wanted)| Difference::in_place(what, or_none(is), or_none(wanted))).collect()
}

fn or_none(text: String) -> String {
    if text.is_empty() { "none".to_owned() } else { text }
}
