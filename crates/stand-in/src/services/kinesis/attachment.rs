//! What channels and queues have in common: each is attached to one stream, under a name that is taken once in the account,
//! is found by its ARN, and keeps its stream from being deleted until it is gone itself.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    Kinesis, Nothing, milliseconds, refuse,
    stream::{Attachment, Sort, StreamMeta},
    tags, timestamp,
    token::{self, NamePage},
};
use crate::{ACCOUNT, service_error::ServiceError};

/// Entries of a page, however many are asked for (Kinesis API reference, ListChannels, ListQueues).
const PAGE: usize = 100;

/// One that is asked for.
pub(super) struct Wanted {
    pub(super) name: String,
    pub(super) stream: String,
    pub(super) tags: BTreeMap<String, String>,
}

/// One that exists, with its stream.
pub(super) struct Found<'a> {
    pub(super) stream: &'a StreamMeta,
    pub(super) name: &'a str,
    pub(super) attachment: &'a Attachment,
    pub(super) now: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct List {
    stream_filter: Option<Vec<StreamFilter>>,
    max_results: Option<i64>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct StreamFilter {
    #[serde(rename = "StreamARN")]
    stream_arn: Option<String>,
    stream_creation_timestamp: Option<f64>,
}

impl Found<'_> {
    pub(super) fn arn(&self, sort: Sort) -> String {
        sort.arn(&self.attachment.id)
    }

    /// Fields that a description and a summary share, each beginning with `Channel` or `Queue`.
    pub(super) fn named(&self, sort: Sort) -> Map<String, Value> {
        let field = |name: &str| format!("{}{name}", sort.title());
        let fields = [
            ("Name", json!(self.name)),
            ("ARN", json!(self.arn(sort))),
            ("Status", json!(self.attachment.status(self.now))),
            ("CreationTimestamp", json!(timestamp(self.attachment.created))),
        ];
        fields.into_iter().map(|(name, value)| (field(name), value)).collect()
    }

    /// Its stream, as every answer names it.
    pub(super) fn stream(&self) -> Value {
        json!({"StreamARN": self.stream.arn(), "StreamCreationTimestamp": timestamp(self.stream.created)})
    }
}

impl Kinesis {
    /// Attaches one to an on-demand stream. `settings` refuses, or says what a description shows.
    pub(super) fn attach<R>(
        &self,
        sort: Sort,
        wanted: Wanted,
        settings: impl FnOnce(&StreamMeta, &str) -> Result<Map<String, Value>, ServiceError>,
        shown: impl FnOnce(Found<'_>) -> R,
    ) -> Result<R, ServiceError> {
        let Wanted { name, stream, tags } = wanted;
        tags::check(&name, &tags)?;
        let (now, transition) = (self.now(), self.transition_ms());
        self.change_ledger(&stream, |ledger| {
            let names = ledger.streams.values().flat_map(|stream| stream.attached(sort));
            if names.into_iter().any(|(taken, attachment)| *taken == name && !attachment.is_gone(now)) {
                let title = sort.title();
                return Err(refuse::in_use(format!("{title} {name} under account {ACCOUNT} already exists.")));
            }
            ledger.attached += 1;
            // AWS's ids are letters and digits too, and name a host.
            let id = format!("a{:016x}", ledger.attached);
            let meta = ledger.streams.get_mut(&stream).ok_or_else(|| refuse::no_stream(&stream))?;
            meta.must_be_active(now)?;
            if !meta.on_demand {
                let text = format!("Stream {stream} is not in on-demand capacity mode, which a {} needs.", sort.word());
                return Err(refuse::argument(text));
            }
            meta.attached_mut(sort).retain(|_, attachment| !attachment.is_gone(now));
            let settings = settings(meta, &id)?;
            let attachment = Attachment::new(id, now, now + transition, tags, settings);
            let answer = shown(Found { stream: meta, name: &name, attachment: &attachment, now });
            meta.attached_mut(sort).insert(name, attachment);
            Ok(answer)
        })
    }

    pub(super) fn describe<R>(
        &self,
        sort: Sort,
        arn: Option<String>,
        shown: impl FnOnce(Found<'_>) -> R,
    ) -> Result<R, ServiceError> {
        let arn = arn_of(sort, arn)?;
        let (stream, name) = self.holder(sort, &arn)?;
        let (ledger, now) = (self.ledger.read(), self.now());
        let found = ledger.streams.get(&stream).and_then(|stream| Some((stream, stream.attached(sort).get(&name)?)));
        let (stream, attachment) = found.ok_or_else(|| sort.not_found(&arn))?;
        Ok(shown(Found { stream, name: &name, attachment, now }))
    }

    /// Deletes one: DELETING for a moment, then gone.
    pub(super) fn detach(&self, sort: Sort, arn: Option<String>) -> Result<Nothing, ServiceError> {
        let arn = arn_of(sort, arn)?;
        let (stream, name) = self.holder(sort, &arn)?;
        let transition = self.transition_ms();
        self.change(&stream, |meta, now| {
            let attachment = meta.attached_mut(sort).get_mut(&name).ok_or_else(|| sort.not_found(&arn))?;
            attachment.delete(now + transition);
            Ok(Nothing {})
        })
    }

    /// A page in the order of their names, and the token of the next one.
    pub(super) fn list_attached(
        &self,
        sort: Sort,
        request: List,
        shown: impl Fn(Found<'_>) -> Value,
    ) -> Result<(Vec<Value>, Option<String>), ServiceError> {
        let most = refuse::within("maxResults", request.max_results.unwrap_or(100), 1, 10_000)? as usize;
        let resolved =
            |filters: Vec<StreamFilter>| filters.into_iter().map(StreamFilter::resolve).collect::<Result<Vec<_>, _>>();
        let filter = request.stream_filter.map(resolved).transpose()?;
        let after = request.next_token.map(|text| self.name_page(&text)).transpose()?.map(|page| page.after);
        let (ledger, now) = (self.ledger.read(), self.now());
        let covered = |stream: &StreamMeta| {
            let is = |(name, created): &(String, Option<u64>)| {
                *name == stream.name && created.is_none_or(|created| created == stream.created)
            };
            !stream.is_gone(now) && filter.as_ref().is_none_or(|filter| filter.iter().any(is))
        };
        let streams = ledger.streams.values().filter(|stream| covered(stream));
        let all = streams.flat_map(|stream| stream.attached(sort).iter().map(move |one| (one, stream)));
        let all = all.filter(|((_, attachment), _)| !attachment.is_gone(now));
        let all: BTreeMap<_, _> = all.map(|((name, attachment), stream)| (name, (attachment, stream))).collect();
        let rest: Vec<_> =
            all.into_iter().filter(|(name, _)| after.as_ref().is_none_or(|after| *name > after)).collect();
        let page = &rest[..rest.len().min(most.min(PAGE))];
        let last = page.last().filter(|_| page.len() < rest.len());
        let next = last.map(|(name, _)| token::seal(&NamePage { after: (*name).clone(), issued: now }));
        let show = |(name, (attachment, stream)): &(&String, (&Attachment, &StreamMeta))| {
            shown(Found { stream, name, attachment, now })
        };
        Ok((page.iter().map(show).collect(), next))
    }

    /// The names of the stream that has it, and of itself.
    pub(super) fn holder(&self, sort: Sort, arn: &str) -> Result<(String, String), ServiceError> {
        let id = sort.id(arn).ok_or_else(|| sort.not_found(arn))?;
        let (ledger, now) = (self.ledger.read(), self.now());
        let streams = ledger.streams.values().filter(|stream| !stream.is_gone(now));
        let mut all = streams.flat_map(|stream| stream.attached(sort).iter().map(move |one| (stream, one)));
        let found = all.find(|(_, (_, attachment))| attachment.id == id && !attachment.is_gone(now));
        let (stream, (name, _)) = found.ok_or_else(|| sort.not_found(arn))?;
        Ok((stream.name.clone(), name.clone()))
    }
}

impl StreamFilter {
    fn resolve(self) -> Result<(String, Option<u64>), ServiceError> {
        let name = super::name_in_arn(&refuse::required("streamFilter.streamARN", self.stream_arn)?)?;
        Ok((name, self.stream_creation_timestamp.map(milliseconds)))
    }
}

/// The one stream of a list of configurations, and its configuration.
pub(super) fn one_stream(configurations: Option<Vec<Value>>) -> Result<(String, Value), ServiceError> {
    let configurations = refuse::required("streamConfigurationList", configurations)?;
    let [configuration] = configurations.as_slice() else {
        return Err(refuse::argument("StreamConfigurationList must have exactly one stream."));
    };
    let arn = configuration["StreamARN"].as_str().map(str::to_owned);
    let name = super::name_in_arn(&refuse::required("streamConfigurationList.1.member.streamARN", arn)?)?;
    Ok((name, configuration.clone()))
}

fn arn_of(sort: Sort, arn: Option<String>) -> Result<String, ServiceError> {
    refuse::required(&format!("{}ARN", sort.word()), arn)
}
