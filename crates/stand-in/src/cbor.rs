//! Kinesis in CBOR, which the SDK for Java speaks, and so its producer and consumer libraries: the same calls and answers
//! as in JSON, with blobs as byte strings and timestamps as tagged milliseconds.
//!
//! Source: AWS SDK for Java 2.x, `StructuredCborGenerator` (`application/x-amz-cbor-1.1`).

use std::io::Write;

use base64_simd::STANDARD;
use minicbor::{
    Decoder, Encoder,
    data::{IanaTag, Type},
    decode,
};
use serde_json::{Map, Value};

use crate::service_error::ServiceError;

/// How deep values may lie in each other; the model's go down to five.
const DEEPEST: usize = 32;

/// A request in CBOR as the JSON that it stands for.
///
/// # Errors
/// `SerializationException` when it is not CBOR, or of types that JSON has not.
pub(crate) fn to_json(body: &[u8]) -> Result<Vec<u8>, ServiceError> {
    let mut reader = Reader { decoder: Decoder::new(body), json: Vec::with_capacity(body.len() / 3 * 4 + 64) };
    let read = reader.value(0).and_then(|()| match body.len() - reader.decoder.position() {
        0 => Ok(()),
        _ => Err(decode::Error::message("there is more after the end")),
    });
    read.map_err(|error| {
        ServiceError::client("SerializationException", format!("the request cannot be read as CBOR: {error}"))
    })?;
    Ok(reader.json)
}

struct Reader<'b> {
    decoder: Decoder<'b>,
    json: Vec<u8>,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<(), decode::Error> {
        if depth > DEEPEST {
            return Err(decode::Error::message("values lie too deep in each other"));
        }
        match self.decoder.datatype()? {
            Type::Map | Type::MapIndef => self.object(depth),
            Type::Array | Type::ArrayIndef => self.array(depth),
            Type::String | Type::StringIndef => self.text(),
            Type::Bytes | Type::BytesIndef => self.blob(),
            Type::Tag => self.timestamp(),
            Type::Bool => self.decoder.bool().map(|value| self.write(value)),
            Type::Null | Type::Undefined => self.decoder.skip().map(|()| self.write(Value::Null)),
            Type::F16 | Type::F32 | Type::F64 => self.decoder.f64().map(|value| self.write(value)),
            _ => {
                let number = self.decoder.int()?;
                let number = i64::try_from(number).map_err(|_| decode::Error::message("an integer of over 64 bits"))?;
                self.write(number);
                Ok(())
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), decode::Error> {
        let length = self.decoder.map()?;
        self.between(b'{', b'}', length, |reader| {
            reader.text()?;
            reader.json.push(b':');
            reader.value(depth + 1)
        })
    }

    fn array(&mut self, depth: usize) -> Result<(), decode::Error> {
        let length = self.decoder.array()?;
        self.between(b'[', b']', length, |reader| reader.value(depth + 1))
    }

    /// As many items as the length says, or up to a break.
    fn between(
        &mut self,
        open: u8,
        close: u8,
        length: Option<u64>,
        mut item: impl FnMut(&mut Self) -> Result<(), decode::Error>,
    ) -> Result<(), decode::Error> {
        self.json.push(open);
        for index in 0..length.unwrap_or(u64::MAX) {
            if length.is_none() && self.decoder.datatype()? == Type::Break {
                self.decoder.set_position(self.decoder.position() + 1);
                break;
            }
            if index > 0 {
                self.json.push(b',');
            }
            item(self)?;
        }
        self.json.push(close);
        Ok(())
    }

    fn text(&mut self) -> Result<(), decode::Error> {
        let text = self.decoder.str_iter()?.collect::<Result<String, _>>()?;
        self.write(text);
        Ok(())
    }

    fn blob(&mut self) -> Result<(), decode::Error> {
        let bytes = self.decoder.bytes_iter()?.collect::<Result<Vec<_>, _>>()?.concat();
        self.json.push(b'"');
        STANDARD.encode_append(bytes, &mut self.json);
        self.json.push(b'"');
        Ok(())
    }

    fn timestamp(&mut self) -> Result<(), decode::Error> {
        if self.decoder.tag()? != IanaTag::Timestamp.tag() {
            return Err(decode::Error::message("a tag other than a timestamp's"));
        }
        let milliseconds = match self.decoder.datatype()? {
            Type::F16 | Type::F32 | Type::F64 => self.decoder.f64()?,
            _ => self.decoder.i64()? as f64,
        };
        self.write(milliseconds / 1000.0);
        Ok(())
    }

    fn write(&mut self, value: impl Into<Value>) {
        write!(self.json, "{}", value.into()).expect("a vector takes all bytes");
    }
}

/// An answer in JSON, ours, in CBOR.
///
/// # Errors
/// `InternalFailure` when it is not JSON, or a blob is not base64.
pub(crate) fn of_json(answer: &[u8]) -> Result<Vec<u8>, ServiceError> {
    if answer.is_empty() {
        return Ok(Vec::new());
    }
    let value: Value = serde_json::from_slice(answer).map_err(ServiceError::internal)?;
    let mut cbor = Encoder::new(Vec::with_capacity(answer.len()));
    write_value(&mut cbor, "", &value)?;
    Ok(cbor.into_writer())
}

type Written = Result<(), ServiceError>;

fn write_value(cbor: &mut Encoder<Vec<u8>>, field: &str, value: &Value) -> Written {
    let written = match value {
        Value::Object(fields) => return write_object(cbor, fields),
        Value::Array(items) => return write_array(cbor, field, items),
        Value::String(base64) if field == "Data" => {
            let bytes = STANDARD.decode_to_vec(base64).map_err(ServiceError::internal)?;
            cbor.bytes(&bytes)
        }
        Value::String(text) => cbor.str(text),
        Value::Number(seconds) if field.ends_with("Timestamp") => {
            let milliseconds = (seconds.as_f64().unwrap_or_default() * 1000.0).round() as i64;
            cbor.tag(IanaTag::Timestamp).and_then(|cbor| cbor.i64(milliseconds))
        }
        Value::Number(number) => match number.as_i64() {
            Some(integer) => cbor.i64(integer),
            None => cbor.f64(number.as_f64().unwrap_or_default()),
        },
        Value::Bool(value) => cbor.bool(*value),
        Value::Null => cbor.null(),
    };
    written.map(drop).map_err(ServiceError::internal)
}

fn write_object(cbor: &mut Encoder<Vec<u8>>, fields: &Map<String, Value>) -> Written {
    cbor.map(fields.len() as u64).map_err(ServiceError::internal)?;
    fields.iter().try_for_each(|(name, value)| {
        cbor.str(name).map_err(ServiceError::internal)?;
        write_value(cbor, name, value)
    })
}

fn write_array(cbor: &mut Encoder<Vec<u8>>, field: &str, items: &[Value]) -> Written {
    cbor.array(items.len() as u64).map_err(ServiceError::internal)?;
    items.iter().try_for_each(|item| write_value(cbor, field, item))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::arbitrary::{damaged, object};

    fn read(cbor: &[u8]) -> Value {
        serde_json::from_slice(&to_json(cbor).expect("CBOR")).expect("JSON")
    }

    #[test]
    fn a_request_of_the_java_sdk_is_read() {
        let put = b"\xbf\x6aStreamName\x66orders\x67Records\x9f\xbf\x64Data\x43\xff\x00\x01\x6cPartitionKey\x61\"\xff\xff\xff";
        let entry = json!({"Data": "/wAB", "PartitionKey": "\""});
        assert_eq!(read(put), json!({"StreamName": "orders", "Records": [entry]}));
        let get = b"\xa4\x69Timestamp\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x01\x65Limit\x18\x64\x64None\xf6\x64True\xf5";
        assert_eq!(read(get), json!({"Timestamp": 1_700_000_000.001, "Limit": 100, "None": null, "True": true}));
        let pieces = b"\xa1\x7f\x62Da\x62ta\xff\x5f\x41a\x41b\xff";
        assert_eq!(read(pieces), json!({"Data": "YWI="}));
    }

    #[test]
    fn what_is_not_cbor_is_refused() {
        let deep = [b"\x81".repeat(100), b"\x00".to_vec()].concat();
        for body in [b"".as_slice(), b"{}", b"\xa1\x61a", b"\xa0\xa0", b"\xbf\x61a", b"\xa1\x01\x02", &deep] {
            let error = to_json(body).expect_err("an error");
            assert_eq!((error.status, error.code), (400, "SerializationException"), "{body:?}");
        }
    }

    #[test]
    fn an_answer_has_blobs_and_timestamps_of_its_model() {
        let record = json!({"Data": "/wAB", "PartitionKey": "k", "ApproximateArrivalTimestamp": 1_700_000_000.001});
        let cbor = of_json(json!({"MillisBehindLatest": 0, "Records": [record]}).to_string().as_bytes()).expect("CBOR");
        let has = |part: &[u8]| cbor.windows(part.len()).any(|window| window == part);
        assert!(has(b"\x64Data\x43\xff\x00\x01") && has(b"\x6cPartitionKey\x61k"), "{cbor:?}");
        assert!(has(b"\x78\x1bApproximateArrivalTimestamp\xc1\x1b\x00\x00\x01\x8b\xcf\xe5\x68\x01"), "{cbor:?}");
        assert_eq!(read(&cbor), json!({"MillisBehindLatest": 0, "Records": [record]}));
    }

    /// Whether a field of this name is a blob or a time in the model.
    fn has_a_type_of_its_own(value: &Value) -> bool {
        match value {
            Value::Object(fields) => fields
                .iter()
                .any(|(name, value)| name == "Data" || name.ends_with("Timestamp") || has_a_type_of_its_own(value)),
            Value::Array(items) => items.iter().any(has_a_type_of_its_own),
            _ => false,
        }
    }

    proptest! {
        #[test]
        fn json_comes_back_from_cbor(value in object()) {
            prop_assume!(!has_a_type_of_its_own(&value));
            prop_assert_eq!(read(&of_json(value.to_string().as_bytes()).expect("CBOR")), value);
        }

        #[test]
        fn blobs_and_times_come_back(data: Vec<u8>, milliseconds in 0..4_000_000_000_000_u64) {
            let seconds = milliseconds as f64 / 1000.0;
            let record = json!({"Data": STANDARD.encode_to_string(&data), "ApproximateArrivalTimestamp": seconds});
            let back = read(&of_json(record.to_string().as_bytes()).expect("CBOR"));
            prop_assert_eq!(STANDARD.decode_to_vec(back["Data"].as_str().expect("a text")).expect("base64"), data);
            let seconds = back["ApproximateArrivalTimestamp"].as_f64().expect("a number");
            prop_assert_eq!((seconds * 1000.0).round() as u64, milliseconds);
        }

        #[test]
        fn damaged_cbor_is_json_or_refused(
            body in object().prop_flat_map(|value| damaged(of_json(value.to_string().as_bytes()).unwrap_or_default()))
        ) {
            match to_json(&body) {
                Ok(json) => prop_assert!(serde_json::from_slice::<Value>(&json).is_ok(), "{}", String::from_utf8_lossy(&json)),
                Err(error) => prop_assert_eq!(error.code, "SerializationException"),
            }
        }
    }
}
