//! What Firehose wrote under a delivery stream's error prefix: for each record that it gave up a line of JSON, with its
//! reason and the record itself.

use std::{collections::HashSet, io::BufRead, sync::Arc};

use bytes::Bytes;
use demo_workload::Id;
use serde::Deserialize;

use super::{
    contents,
    expected::Expected,
    folder::{Folder, ObjectsError},
    keys::KeyBag,
    rejections::Rejections,
};

/// The rejected documents of a delivery stream, each object read once.
pub struct RejectedObjects {
    folder: Folder,
    expected: Arc<Expected>,
    /// Objects under it hold what was delivered.
    delivered: String,
    seen: HashSet<String>,
    found: Rejections,
    /// Ids of the lines of those that were to be rejected.
    pub apart: KeyBag,
}

/// A record as Firehose gives it up (Firehose developer guide, "Handle data transformation failure" and "Handle errors for
/// data format conversion": the latter says `lastErrorCode`).
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rejected {
    #[serde(alias = "lastErrorCode")]
    error_code: String,
    #[serde(alias = "lastErrorMessage", default)]
    error_message: String,
    raw_data: String,
}

impl RejectedObjects {
    /// Those in `folder`, which is not the one of the delivered objects.
    pub fn new(folder: Folder, delivered: &str, expected: &Arc<Expected>) -> Self {
        let (expected, delivered) = (expected.clone(), delivered.to_owned());
        Self {
            folder,
            expected,
            delivered,
            seen: HashSet::new(),
            found: Rejections::default(),
            apart: KeyBag::default(),
        }
    }

    /// Reads the objects that are new since the last read; how many of the expected documents were rejected so far that
    /// were not to be.
    pub async fn read_new(&mut self) -> Result<u64, ObjectsError> {
        for key in self.folder.list().await? {
            if self.seen.contains(&key) || (!self.delivered.is_empty() && key.starts_with(&self.delivered)) {
                continue;
            }
            let data = self.folder.fetch(&key).await?;
            let apart = note(data, &self.folder.url(&key), &self.expected, &mut self.found);
            self.apart.append(apart.into_iter().collect());
            self.seen.insert(key);
        }
        Ok(self.found.documents())
    }

    /// Those that were not to be rejected.
    pub fn found(&self) -> &Rejections {
        &self.found
    }
}

/// Notes the expected documents of an object, and returns the lines of those that were to be there; a line that is no
/// rejected record says nothing.
fn note(data: Bytes, object: &str, expected: &Expected, found: &mut Rejections) -> Vec<Id> {
    let mut apart = Vec::new();
    let Ok(lines) = contents::lines(data, &[]) else { return apart };
    let records = lines.split(b'\n').map_while(Result::ok);
    for record in records.filter_map(|line| serde_json::from_slice::<Rejected>(&line).ok()) {
        let Rejected { error_code, error_message, raw_data } = record;
        let document = base64_simd::STANDARD.decode_to_vec(&raw_data).unwrap_or_else(|_| raw_data.into_bytes());
        if let Some(id) = expected.apart(&document) {
            apart.push(id);
            continue;
        }
        // What has no id was not delivered for this very reason.
        if matches!(expected.id_of(&document), Ok(None)) {
            continue;
        }
        let reason = if error_message.is_empty() { error_code } else { format!("{error_code}: {error_message}") };
        found.add(&reason, object, &document);
    }
    apart
}

#[cfg(test)]
mod tests {
    use demo_workload::Identity;

    use super::*;
    use crate::verify::{Scope, line_id};

    fn line(record: &str, code: (&str, &str), message: (&str, &str)) -> String {
        let raw = base64_simd::STANDARD.encode_to_string(record);
        let fields = [code, message, ("rawData", &raw)].map(|(name, value)| (name, value.to_owned()));
        serde_json::to_string(&std::collections::BTreeMap::from(fields)).expect("JSON") + "\n"
    }

    #[test]
    fn the_expected_documents_are_told_with_their_reasons() {
        let sale = |ticket: u64| format!("{{\"ss_item_sk\":7,\"ss_ticket_number\":{ticket}}}");
        let code = ("lastErrorCode", "DataFormatConversion.MalformedData");
        let why = ("lastErrorMessage", "a text where a number is expected");
        let object = [
            line(&sale(1), code, why),
            line(&sale(9), code, why),
            "no JSON\n".to_owned(),
            line("no document", ("errorCode", "DynamicPartitioning.MetadataExtractionFailed"), ("errorMessage", "")),
        ];
        let expected = Expected::new(Identity::StoreSales, Scope::Tickets(vec![1..=4]));
        let mut found = Rejections::default();
        assert!(note(object.concat().into(), "s3://b/errors/1", &expected, &mut found).is_empty());
        let meant = line_id(b"no document");
        let apart = expected.clone().with_apart([meant].into());
        assert_eq!(note(object.concat().into(), "s3://b/errors/1", &apart, &mut Rejections::default()), [meant]);
        let told: Vec<_> = found.by_reason().iter().map(|one| (one.documents, one.reason.as_str())).collect();
        let malformed = "DataFormatConversion.MalformedData: a text where a number is expected";
        assert_eq!(told, [(1, malformed), (1, "DynamicPartitioning.MetadataExtractionFailed")]);
        assert_eq!(found.by_reason()[0].document, sale(1));
    }
}
