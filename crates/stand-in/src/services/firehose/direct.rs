//! PutRecord and PutRecordBatch.

use std::time::SystemTime;

use serde::Deserialize;
use serde_json::json;

use super::{Firehose, ServiceError, refuse, source::RecordSource, stream::Status};
use crate::service::{Answer, Reply};

/// Firehose API reference, PutRecord and PutRecordBatch.
const LARGEST_RECORD: usize = 1000 << 10;
const MOST_RECORDS: usize = 500;
const LARGEST_BATCH: usize = 4 << 20;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Put {
    delivery_stream_name: String,
    record: Record,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct PutBatch {
    delivery_stream_name: String,
    records: Vec<Record>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Record {
    data: String,
}

impl Record {
    fn decode(&self) -> Result<Vec<u8>, ServiceError> {
        let data = base64_simd::STANDARD.decode_to_vec(&self.data);
        let data = data.map_err(|e| refuse::serialization(format!("Data is not base64: {e}")))?;
        if data.len() > LARGEST_RECORD {
            let rule = format!("Member must have length less than or equal to {LARGEST_RECORD}");
            return Err(refuse::constraint("record.data", "(binary)", &rule));
        }
        Ok(data)
    }
}

impl Firehose {
    pub(super) fn put_record(&self, request: Put) -> Answer {
        self.append(&request.delivery_stream_name, &[request.record.decode()?])?;
        Reply::json(200, &json!({"RecordId": super::uuid(), "Encrypted": false}))
    }

    pub(super) fn put_record_batch(&self, request: PutBatch) -> Answer {
        if !(1..=MOST_RECORDS).contains(&request.records.len()) {
            let rule = format!("Member must have length of 1 to {MOST_RECORDS}");
            return Err(refuse::constraint("records", format!("({} records)", request.records.len()), &rule));
        }
        let records = request.records.iter().map(Record::decode).collect::<Result<Vec<_>, _>>()?;
        if records.iter().map(Vec::len).sum::<usize>() > LARGEST_BATCH {
            return Err(refuse::argument("Records size exceeds 4 MB limit"));
        }
        self.append(&request.delivery_stream_name, &records)?;
        let answers: Vec<_> = records.iter().map(|_| json!({"RecordId": super::uuid()})).collect();
        Reply::json(200, &json!({"FailedPutCount": 0, "Encrypted": false, "RequestResponses": answers}))
    }

    fn append(&self, name: &str, records: &[Vec<u8>]) -> Result<(), ServiceError> {
        let stream = self.find(name)?;
        if stream.status != Status::Active {
            return Err(refuse::not_found(name));
        }
        let source = self.running().get(&stream.id).map(|running| running.source.clone());
        let Some(RecordSource::Spool(spool)) = source else {
            return Err(refuse::argument(
                "This operation is not permitted on KinesisStreamAsSource delivery stream type.",
            ));
        };
        if spool.append(records, SystemTime::now())? { Ok(()) } else { Err(refuse::unavailable()) }
    }
}
