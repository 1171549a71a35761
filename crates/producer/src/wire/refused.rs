//! What a service says when it refuses a request, in JSON or in CBOR.

use minicbor::{Decoder, data::Type, decode};
use serde_json::Value;

use super::http::Response;

/// How much of a text that is neither JSON nor CBOR is shown, in characters.
const SHOWN: usize = 200;

/// A refusal, as far as it could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Refused {
    /// For example `ResourceNotFoundException`; empty when there is none.
    pub(super) code: String,
    /// The service's words.
    pub(super) message: String,
}

impl Refused {
    pub(super) fn read(response: &Response) -> Self {
        let told = read_json(&response.body).or_else(|| read_cbor(&response.body).ok());
        let told = told.unwrap_or_else(|| Self { code: String::new(), message: shown(&response.body) });
        let code = match response.header("x-amzn-errortype") {
            "" => told.code,
            code => code.to_owned(),
        };
        Self { code: bare(&code).to_owned(), message: told.message }
    }
}

/// Whether a first request in CBOR was refused for being in CBOR: the service says so, or it says nothing that is of AWS.
pub(super) fn is_of_cbor(status: u16, refused: &Refused, media_type: &str) -> bool {
    let code = refused.code.as_str();
    let says_so = ["SerializationException", "UnknownOperationException", "UnsupportedMediaTypeException"];
    let is_of_another = matches!(status, 300..=399 | 401 | 403 | 408 | 413 | 425 | 429 | 502..=504);
    let knows_not = code.is_empty() && !media_type.contains("cbor") && !is_of_another;
    status == 415 || says_so.contains(&code) || knows_not
}

/// `namespace#Code:more` without what is around the code.
fn bare(code: &str) -> &str {
    let code = code.split(':').next().unwrap_or_default();
    code.rsplit('#').next().unwrap_or_default().trim()
}

fn read_json(body: &[u8]) -> Option<Refused> {
    let Value::Object(fields) = serde_json::from_slice(body).ok()? else { return None };
    let text = |names: [&str; 3]| {
        let found = names.into_iter().find_map(|name| fields.get(name)?.as_str());
        found.unwrap_or_default().to_owned()
    };
    Some(Refused { code: text(["__type", "code", "Code"]), message: text(["message", "Message", "errorMessage"]) })
}

fn read_cbor(body: &[u8]) -> Result<Refused, decode::Error> {
    let (mut decoder, mut refused) = (Decoder::new(body), Refused::default());
    let length = decoder.map()?;
    for _ in 0..length.unwrap_or(u64::MAX) {
        if decoder.datatype()? == Type::Break {
            break;
        }
        let name = text(&mut decoder)?;
        let is_text = matches!(decoder.datatype()?, Type::String | Type::StringIndef);
        match name.as_str() {
            "__type" if is_text => refused.code = text(&mut decoder)?,
            "message" | "Message" if is_text => refused.message = text(&mut decoder)?,
            _ => decoder.skip()?,
        }
    }
    Ok(refused)
}

fn text(decoder: &mut Decoder<'_>) -> Result<String, decode::Error> {
    decoder.str_iter()?.collect()
}

fn shown(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    text.chars().map(|character| if character.is_control() { ' ' } else { character }).take(SHOWN).collect()
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::{HeaderMap, HeaderValue, StatusCode};

    use super::*;

    fn read(body: &'static [u8], error_type: Option<&'static str>) -> Refused {
        let mut headers = HeaderMap::new();
        if let Some(code) = error_type {
            headers.insert("x-amzn-errortype", HeaderValue::from_static(code));
        }
        Refused::read(&Response { status: StatusCode::BAD_REQUEST, headers, body: Bytes::from_static(body) })
    }

    fn refused(code: &str, message: &str) -> Refused {
        Refused { code: code.into(), message: message.into() }
    }

    #[test]
    fn both_encodings_are_read() {
        let expected = refused("ResourceNotFoundException", "gone");
        assert_eq!(read(br#"{"__type":"a.b#ResourceNotFoundException","message":"gone"}"#, None), expected);
        assert_eq!(read(br#"{"Message":"gone"}"#, Some("ResourceNotFoundException:http://x/")), expected);
        for cbor in [
            b"\xa2\x66__type\x78\x19ResourceNotFoundException\x67message\x64gone".as_slice(),
            b"\xbf\x67Message\x7f\x62go\x62ne\xff\x65Later\x82\x01\x02\x66__type\x78\x19ResourceNotFoundException\xff",
        ] {
            assert_eq!(read(cbor, None), expected);
        }
        assert_eq!(read(b"<html>\nBad</html>", None), refused("", "<html> Bad</html>"));
        assert_eq!(read(b"", None), refused("", ""));
        assert_eq!(read(b"\xff\xa1\x66__type", None).code, "");
    }

    #[test]
    fn a_refusal_of_cbor_is_told_from_others() {
        for (status, code, media_type, is_cbor) in [
            (415, "", "text/html", true),
            (400, "SerializationException", "application/x-amz-json-1.1", true),
            (404, "UnknownOperationException", "application/x-amz-json-1.1", true),
            (500, "", "text/html", true),
            (400, "", "application/x-amz-cbor-1.1", false),
            (503, "", "text/html", false),
            (403, "", "text/html", false),
            (307, "", "text/html", false),
            (400, "ResourceNotFoundException", "application/x-amz-json-1.1", false),
            (400, "ProvisionedThroughputExceededException", "application/x-amz-cbor-1.1", false),
        ] {
            assert_eq!(is_of_cbor(status, &refused(code, ""), media_type), is_cbor, "{status} {code} {media_type}");
        }
    }
}
