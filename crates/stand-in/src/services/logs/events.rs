//! Streams and their events: putting, getting, searching.

use std::{
    collections::{BTreeMap, VecDeque},
    ops::ControlFlow,
};

use bytes::Bytes;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Event, Logs, ServiceError, group, invalid, journal::Stored, no_group, now};
use crate::service::{Answer, Reply};

/// CloudWatch Logs API reference, GetLogEvents and FilterLogEvents: events and bytes of one answer.
const MOST_EVENTS: usize = 10_000;
const MOST_BYTES: usize = 1 << 20;
/// CloudWatch Logs API reference, DescribeLogStreams.
const LARGEST_PAGE: usize = 50;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct CreateStream {
    log_group_name: String,
    log_stream_name: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Put {
    log_group_name: String,
    log_stream_name: String,
    log_events: Vec<Event>,
    /// Ignored, as the service does (CloudWatch Logs API reference, PutLogEvents).
    #[serde(rename = "sequenceToken")]
    _sequence_token: Option<String>,
}

/// GetLogEvents, FilterLogEvents and DescribeLogStreams name the group by either field.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct OfGroup {
    log_group_name: Option<String>,
    log_group_identifier: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct DescribeStreams {
    #[serde(flatten)]
    group: OfGroup,
    log_stream_name_prefix: Option<String>,
    order_by: Option<String>,
    #[serde(default)]
    descending: bool,
    limit: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Get {
    #[serde(flatten)]
    group: OfGroup,
    log_stream_name: String,
    start_time: Option<u64>,
    end_time: Option<u64>,
    #[serde(default)]
    start_from_head: bool,
    limit: Option<usize>,
    next_token: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Filter {
    #[serde(flatten)]
    group: OfGroup,
    #[serde(default)]
    log_stream_names: Vec<String>,
    log_stream_name_prefix: Option<String>,
    start_time: Option<u64>,
    end_time: Option<u64>,
    #[serde(default)]
    filter_pattern: String,
    /// Ignored, as the service does (CloudWatch Logs API reference, FilterLogEvents).
    #[serde(rename = "interleaved")]
    _interleaved: Option<bool>,
    limit: Option<usize>,
    next_token: Option<String>,
}

impl OfGroup {
    fn name(&self) -> Result<&str, ServiceError> {
        let named = self.log_group_name.as_deref().or(self.log_group_identifier.as_deref().map(group::name_in));
        named.ok_or_else(|| invalid("Exactly one of logGroupName and logGroupIdentifier must be given"))
    }
}

/// Which moments are wanted, in milliseconds since the epoch.
struct Times {
    from: u64,
    until: u64,
}

impl Times {
    fn new(group: &group::Group, from: Option<u64>, until: Option<u64>) -> Self {
        Self { from: from.unwrap_or(0).max(group.horizon(now())), until: until.unwrap_or(u64::MAX) }
    }

    fn admits(&self, event: &Stored) -> bool {
        (self.from..self.until).contains(&event.timestamp)
    }
}

/// Events in order with their positions, up to a number and a size; the first or the last of all that are shown to it.
struct Page {
    events: VecDeque<(u64, u64, Stored)>,
    bytes: usize,
    most: usize,
}

impl Page {
    fn new(limit: Option<usize>) -> Self {
        Self { events: VecDeque::new(), bytes: 0, most: limit.unwrap_or(MOST_EVENTS).clamp(1, MOST_EVENTS) }
    }

    fn is_full(&self) -> bool {
        self.events.len() >= self.most || self.bytes >= MOST_BYTES
    }

    fn push(&mut self, event: (u64, u64, Stored)) {
        self.bytes += event.2.message.len();
        self.events.push_back(event);
    }

    fn push_out_first(&mut self, event: (u64, u64, Stored)) {
        self.push(event);
        while self.events.len() > self.most || (self.bytes > MOST_BYTES && self.events.len() > 1) {
            self.bytes -= self.events.pop_front().map_or(0, |(_, _, event)| event.message.len());
        }
    }
}

impl Logs {
    pub(super) fn create_stream(&self, request: CreateStream) -> Answer {
        self.ledger.change(|ledger| {
            let group = ledger.groups.get_mut(&request.log_group_name).ok_or_else(no_group)?;
            if group.streams.contains_key(&request.log_stream_name) {
                return Err(ServiceError::client(
                    "ResourceAlreadyExistsException",
                    "The specified log stream already exists",
                ));
            }
            group.add_stream(&request.log_stream_name, now());
            Ok(())
        })?;
        Ok(Reply::ok(Bytes::new()))
    }

    pub(super) fn put_events(&self, request: Put) -> Answer {
        let group = self.find(&request.log_group_name)?;
        check_stream(&group, &request.log_stream_name)?;
        if request.log_events.is_empty() {
            return Err(invalid("Log events must not be empty"));
        }
        if request.log_events.is_sorted_by_key(|event| event.timestamp) {
            self.journal(group.id)?.append(&request.log_stream_name, now(), &request.log_events)?;
            Reply::json(200, &json!({"nextSequenceToken": "0"}))
        } else {
            Err(invalid("Log events in a single PutLogEvents request must be in chronological order."))
        }
    }

    pub(super) fn describe_streams(&self, request: DescribeStreams) -> Answer {
        let name = request.group.name()?;
        let group = self.find(name)?;
        let mut times: BTreeMap<String, (u64, u64, u64)> = BTreeMap::new();
        self.journal(group.id)?.scan(0, |_, _, event| {
            let seen = times.entry(event.stream).or_insert((event.timestamp, event.timestamp, event.ingested));
            *seen = (seen.0.min(event.timestamp), seen.1.max(event.timestamp), event.ingested);
            ControlFlow::Continue(())
        })?;
        let prefix = request.log_stream_name_prefix.unwrap_or_default();
        let mut streams: Vec<(&String, Value)> = Vec::new();
        for (stream, created) in group.streams.iter().filter(|(stream, _)| stream.starts_with(&prefix)) {
            let arn = format!("{}:log-stream:{stream}", group::arn(name));
            let mut shown = json!({"logStreamName": stream, "creationTime": created, "arn": arn, "storedBytes": 0});
            if let Some((first, last, ingested)) = times.get(stream) {
                shown["firstEventTimestamp"] = json!(first);
                shown["lastEventTimestamp"] = json!(last);
                shown["lastIngestionTime"] = json!(ingested);
            }
            streams.push((stream, shown));
        }
        if request.order_by.as_deref() == Some("LastEventTime") {
            streams.sort_by_key(|(_, shown)| shown["lastEventTimestamp"].as_u64());
        }
        if request.descending {
            streams.reverse();
        }
        let from = request.next_token.map_or(Ok(0), |token| token.parse().map_err(|_| bad_token()))?;
        let limit = request.limit.unwrap_or(LARGEST_PAGE).clamp(1, LARGEST_PAGE);
        let page: Vec<&Value> = streams.iter().skip(from).take(limit).map(|(_, shown)| shown).collect();
        let mut described = json!({"logStreams": page});
        if from + limit < streams.len() {
            described["nextToken"] = json!((from + limit).to_string());
        }
        Reply::json(200, &described)
    }

    pub(super) fn get_events(&self, request: Get) -> Answer {
        let group = self.find(request.group.name()?)?;
        check_stream(&group, &request.log_stream_name)?;
        let times = Times::new(&group, request.start_time, request.end_time);
        let token = request.next_token.as_deref().map(read_token).transpose()?;
        let (forward, at) =
            token.unwrap_or((request.start_from_head, if request.start_from_head { 0 } else { u64::MAX }));
        let mut page = Page::new(request.limit);
        self.journal(group.id)?.scan(if forward { at } else { 0 }, |position, next, event| {
            if !forward && position >= at {
                return ControlFlow::Break(());
            }
            if event.stream != request.log_stream_name || !times.admits(&event) {
                return ControlFlow::Continue(());
            }
            match forward {
                true if page.is_full() => return ControlFlow::Break(()),
                true => page.push((position, next, event)),
                false => page.push_out_first((position, next, event)),
            }
            ControlFlow::Continue(())
        })?;
        let end = if at == u64::MAX { 0 } else { at };
        let first = page.events.front().map_or(end, |(position, _, _)| *position);
        let last = page.events.back().map_or(end, |(_, next, _)| *next);
        let events: Vec<Value> = page.events.iter().map(|(_, _, event)| shown(event)).collect();
        Reply::json(
            200,
            &json!({
                "events": events,
                "nextForwardToken": format!("f/{last}"),
                "nextBackwardToken": format!("b/{first}"),
            }),
        )
    }

    pub(super) fn filter_events(&self, request: Filter) -> Answer {
        let group = self.find(request.group.name()?)?;
        let times = Times::new(&group, request.start_time, request.end_time);
        let words = plain_words(&request.filter_pattern)?;
        let wanted = |event: &Stored| {
            let by_name = request.log_stream_names.is_empty() || request.log_stream_names.contains(&event.stream);
            let by_prefix = request.log_stream_name_prefix.as_ref().is_none_or(|p| event.stream.starts_with(p));
            by_name && by_prefix && times.admits(event) && words.iter().all(|word| event.message.contains(word))
        };
        let from = request.next_token.map_or(Ok(0), |token| token.parse().map_err(|_| bad_token()))?;
        let (mut page, mut more) = (Page::new(request.limit), None);
        self.journal(group.id)?.scan(from, |position, next, event| {
            if !wanted(&event) {
                return ControlFlow::Continue(());
            }
            if page.is_full() {
                more = Some(position);
                return ControlFlow::Break(());
            }
            page.push((position, next, event));
            ControlFlow::Continue(())
        })?;
        let events = page.events.iter().map(|(position, _, event)| {
            let mut shown = shown(event);
            shown["logStreamName"] = json!(event.stream);
            shown["eventId"] = json!(format!("{position:056}"));
            shown
        });
        let mut found = json!({"events": events.collect::<Vec<_>>(), "searchedLogStreams": []});
        if let Some(position) = more {
            found["nextToken"] = json!(position.to_string());
        }
        Reply::json(200, &found)
    }
}

fn shown(event: &Stored) -> Value {
    json!({"timestamp": event.timestamp, "ingestionTime": event.ingested, "message": event.message})
}

fn check_stream(group: &group::Group, stream: &str) -> Result<(), ServiceError> {
    let known = group.streams.contains_key(stream);
    let absent = || ServiceError::client("ResourceNotFoundException", "The specified log stream does not exist.");
    known.then_some(()).ok_or_else(absent)
}

/// The words of a filter pattern that has nothing but words, quoted or not.
fn plain_words(pattern: &str) -> Result<Vec<&str>, ServiceError> {
    let mut words = Vec::new();
    for (i, part) in pattern.split('"').enumerate() {
        let quoted = i % 2 == 1;
        if !quoted && part.contains(['{', '[', '%', '?', '-', '*', '|']) {
            return Err(invalid(format!(
                "the filter pattern {pattern:?} is not supported by the stand-in, which knows words only, all of which must occur"
            )));
        }
        match quoted {
            true => words.push(part),
            false => words.extend(part.split_whitespace()),
        }
    }
    Ok(words)
}

/// Whether a token goes forward, and from where.
fn read_token(token: &str) -> Result<(bool, u64), ServiceError> {
    let (direction, position) = token.split_once('/').ok_or_else(bad_token)?;
    let position = position.parse().map_err(|_| bad_token())?;
    match direction {
        "f" => Ok((true, position)),
        "b" => Ok((false, position)),
        _ => Err(bad_token()),
    }
}

fn bad_token() -> ServiceError {
    invalid("The specified nextToken is invalid.")
}
