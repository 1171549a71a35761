//! Reads an answer in JSON, whatever its layout.

use serde::Deserialize;

use super::{Answer, AnswerBuilder, AnswerError, Fields};

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Written {
    records: Vec<Entry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Entry {
    sequence_number: Option<String>,
    shard_id: Option<String>,
    error_code: Option<String>,
    error_message: Option<String>,
}

pub(super) fn answer(body: &[u8]) -> Result<Answer, AnswerError> {
    let written: Written = serde_json::from_slice(body)?;
    let mut answer = AnswerBuilder::default();
    for entry in written.records {
        let mut add = |text: Option<String>| text.map(|text| answer.add(&text));
        let fields = Fields {
            sequence_number: add(entry.sequence_number),
            shard_id: add(entry.shard_id),
            error_code: add(entry.error_code),
            error_message: add(entry.error_message),
        };
        answer.push(fields);
    }
    Ok(answer.build())
}
