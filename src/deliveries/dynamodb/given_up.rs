//! What Lambda gave up: batches in the stack's bucket, with the records but not why; that is in the function's log.

use std::{collections::HashSet, sync::Arc};

use demo_workload::Id;
use serde::Deserialize;

use crate::{
    aws::told::told,
    verify::{destination::VerifyError, expected::Expected, folder::Folder, keys::KeyBag, rejections::Rejections},
};

/// What the function writes of records that failed; pages of such lines that are read.
const FAILED: &str = "failed";
const PAGES: usize = 10;

/// The documents that Lambda gave up, each object read once.
pub(super) struct GivenUp {
    pub(super) folder: Folder,
    pub(super) logs: aws_sdk_cloudwatchlogs::Client,
    pub(super) log_group: String,
    pub(super) expected: Arc<Expected>,
    pub(super) seen: HashSet<String>,
    pub(super) batches: Vec<Batch>,
    pub(super) documents: u64,
    /// Ids of the lines of those that were to be given up.
    pub(super) apart: KeyBag,
}

/// One object.
pub(super) struct Batch {
    object: String,
    condition: String,
    sequence_numbers: Vec<String>,
    /// The expected ones.
    documents: Vec<Vec<u8>>,
    /// The lines of those that were to be given up.
    apart: Vec<Id>,
}

/// Why the function's log cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("logs FilterLogEvents of {log_group}: {why}")]
struct LogError {
    log_group: String,
    why: String,
}

impl GivenUp {
    /// Reads the objects that are new since the last read; how many of the expected documents were given up so far that
    /// were not to be.
    pub(super) async fn read_new(&mut self) -> Result<u64, VerifyError> {
        for key in self.folder.list().await? {
            if !self.seen.contains(&key) {
                let data = self.folder.fetch(&key).await?;
                if let Some(mut batch) = batch(&data, self.folder.url(&key), &self.expected) {
                    self.apart.append(batch.apart.drain(..).collect());
                    self.documents += batch.documents.len() as u64;
                    self.batches.extend(Some(batch).filter(|batch| !batch.documents.is_empty()));
                }
                self.seen.insert(key);
            }
        }
        Ok(self.documents)
    }

    /// The documents by the reasons that the function's log has for them.
    pub(super) async fn rejections(&self) -> Result<Rejections, VerifyError> {
        let mut rejections = Rejections::default();
        if self.batches.is_empty() {
            return Ok(rejections);
        }
        let lines = self.lines().await.map_err(|error| VerifyError::Read(Box::new(error)))?;
        for batch in &self.batches {
            let reason = lines.iter().rev().find_map(|line| reason(line, &batch.sequence_numbers));
            let reason = reason.map_or_else(|| batch.condition.clone(), |why| format!("{why} ({})", batch.condition));
            batch.documents.iter().for_each(|document| rejections.add(&reason, &batch.object, document));
        }
        Ok(rejections)
    }

    async fn lines(&self) -> Result<Vec<String>, LogError> {
        let call = self.logs.filter_log_events().log_group_name(&self.log_group).filter_pattern(FAILED);
        let mut pages = call.into_paginator().send();
        let mut lines = Vec::new();
        for _ in 0..PAGES {
            let Some(page) = pages.next().await else { break };
            let page = page.map_err(|error| LogError { log_group: self.log_group.clone(), why: told(&error) })?;
            lines.extend(page.events.unwrap_or_default().into_iter().filter_map(|event| event.message));
        }
        Ok(lines)
    }
}

/// An object as Lambda writes it; nothing where it is none.
fn batch(data: &[u8], object: String, expected: &Expected) -> Option<Batch> {
    let given_up: Invocation = serde_json::from_slice(data).ok()?;
    let event: Event = serde_json::from_str(&given_up.payload).ok()?;
    let mut batch = Batch {
        object,
        condition: given_up.request_context.condition,
        sequence_numbers: Vec::new(),
        documents: Vec::new(),
        apart: Vec::new(),
    };
    for Record { kinesis } in event.records {
        let data = base64_simd::STANDARD.decode_to_vec(&kinesis.data).ok()?;
        let documents: Vec<Vec<u8>> = match kinesis_aggregation::contents(&data) {
            Ok(documents) => documents.into_iter().map(|document| document.into_owned()).collect(),
            Err(_) => vec![data],
        };
        let apart: Vec<Id> = documents.iter().filter_map(|document| expected.apart(document)).collect();
        // The others of an aggregated record are written all the same.
        if apart.is_empty() {
            let is_expected = |document: &Vec<u8>| !matches!(expected.id_of(document), Ok(None));
            batch.documents.extend(documents.into_iter().filter(is_expected));
        }
        batch.apart.extend(apart);
        batch.sequence_numbers.push(kinesis.sequence_number);
    }
    Some(batch)
}

/// What a line of the function says of one of these records: `… failed: WHY (… sequence number N)`.
fn reason(line: &str, sequence_numbers: &[String]) -> Option<String> {
    let (_, said) = line.trim_end().split_once(" failed: ")?;
    let (why, about) = said.rsplit_once(" (")?;
    let number = about.strip_suffix(')')?.rsplit(' ').next()?;
    sequence_numbers.iter().any(|known| known == number).then(|| why.to_owned())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    request_context: RequestContext,
    payload: String,
}

#[derive(Deserialize)]
struct RequestContext {
    condition: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Event {
    records: Vec<Record>,
}

#[derive(Deserialize)]
struct Record {
    kinesis: Kinesis,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Kinesis {
    sequence_number: String,
    data: String,
}

#[cfg(test)]
mod tests {
    use demo_workload::Identity;
    use serde_json::json;

    use super::*;
    use crate::verify::{Scope, line_id};

    #[test]
    fn a_batch_has_its_expected_documents() {
        let record = |number: &str, ticket: u64| {
            let document = format!("{{\"ss_item_sk\":7,\"ss_ticket_number\":{ticket}}}");
            json!({"kinesis": {"sequenceNumber": number, "data": base64_simd::STANDARD.encode_to_string(document)}})
        };
        let event = json!({"Records": [record("11", 1), record("12", 9)]}).to_string();
        let object = json!({"requestContext": {"condition": "RetryAttemptsExhausted"}, "payload": event}).to_string();
        let expected = Expected::new(Identity::StoreSales, Scope::Tickets(vec![1..=4]));
        let batch = batch(object.as_bytes(), "s3://b/k".into(), &expected).expect("a batch");
        assert_eq!((batch.condition.as_str(), batch.documents.len()), ("RetryAttemptsExhausted", 1));
        assert_eq!(batch.sequence_numbers, ["11", "12"]);
        assert!(super::batch(b"{}", String::new(), &expected).is_none());
        let broken =
            Expected::clone(&expected).with_apart([line_id(b"{\"ss_item_sk\":7,\"ss_ticket_number\":1}")].into());
        let batch = super::batch(object.as_bytes(), "s3://b/k".into(), &broken).expect("a batch");
        assert_eq!((batch.apart.len(), batch.documents.len()), (1, 0));
    }

    #[test]
    fn a_line_gives_the_reason_of_its_record() {
        let numbers = ["11".to_owned(), "12".to_owned()];
        let one = "1 record failed: ValidationException: Type mismatch (key id) (sequence number 12)\n";
        assert_eq!(reason(one, &numbers).as_deref(), Some("ValidationException: Type mismatch (key id)"));
        let more = "3 records failed: too large (the first is sequence number 11)";
        assert_eq!(reason(more, &numbers).as_deref(), Some("too large"));
        for other in ["1 record failed: too large (sequence number 13)", "START", "it failed: why"] {
            assert_eq!(reason(other, &numbers), None, "{other}");
        }
    }
}
