//! Functions of bytes, digests and URLs.

use base64_simd::{STANDARD, URL_SAFE};
use md5::Md5;
use sha2::{Digest, Sha256, Sha512};

use super::super::{
    refusal::Refusal,
    scalar::{Call, Function, Outcome},
    value::Value,
};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new("crc32", &["varbinary -> bigint"], crc32, ("crc32(to_utf8('a'))", "3904355907")),
    Function::new("from_base64", &["varchar -> varbinary"], from_base64, ("from_utf8(from_base64('YWJj'))", "abc")),
    Function::new(
        "from_base64url",
        &["varchar -> varbinary"],
        from_base64url,
        ("from_utf8(from_base64url('YWJj'))", "abc"),
    ),
    Function::new("from_hex", &["varchar -> varbinary"], from_hex, ("from_hex('616263')", "61 62 63")),
    Function::new("from_utf8", &["varbinary -> varchar"], from_utf8, ("from_utf8(X'616263')", "abc")),
    Function::new(
        "md5",
        &["varbinary -> varbinary"],
        md5,
        ("to_hex(md5(to_utf8('a')))", "0CC175B9C0F1B6A831C399E269772661"),
    ),
    Function::new(
        "sha256",
        &["varbinary -> varbinary"],
        sha256,
        ("substr(to_hex(sha256(to_utf8('a'))), 1, 8)", "CA978112"),
    ),
    Function::new(
        "sha512",
        &["varbinary -> varbinary"],
        sha512,
        ("substr(to_hex(sha512(to_utf8('a'))), 1, 8)", "1F40FC92"),
    ),
    Function::new("to_base64", &["varbinary -> varchar"], to_base64, ("to_base64(to_utf8('abc'))", "YWJj")),
    Function::new("to_base64url", &["varbinary -> varchar"], to_base64url, ("to_base64url(to_utf8('abc'))", "YWJj")),
    Function::new("to_hex", &["varbinary -> varchar"], to_hex, ("to_hex(to_utf8('abc'))", "616263")),
    Function::new("to_utf8", &["varchar -> varbinary"], to_utf8, ("to_utf8('abc')", "61 62 63")),
    Function::new("url_decode", &["varchar -> varchar"], url_decode, ("url_decode('a%20b%26c')", "a b&c")),
    Function::new("url_encode", &["varchar -> varchar"], url_encode, ("url_encode('a b&c')", "a+b%26c")),
    Function::new(
        "url_extract_fragment",
        &["varchar -> varchar"],
        fragment,
        ("url_extract_fragment('https://e.com/#z')", "z"),
    ),
    Function::new(
        "url_extract_host",
        &["varchar -> varchar"],
        host,
        ("url_extract_host('https://example.com:8080/p')", "example.com"),
    ),
    Function::new(
        "url_extract_parameter",
        &["varchar, varchar -> varchar"],
        parameter,
        ("url_extract_parameter('https://e.com/?x=1&y=2', 'y')", "2"),
    ),
    Function::new(
        "url_extract_path",
        &["varchar -> varchar"],
        path,
        ("url_extract_path('https://example.com/p/a?x=1')", "/p/a"),
    ),
    Function::new("url_extract_port", &["varchar -> bigint"], port, ("url_extract_port('https://e.com:81/')", "81")),
    Function::new(
        "url_extract_protocol",
        &["varchar -> varchar"],
        protocol,
        ("url_extract_protocol('https://e.com')", "https"),
    ),
    Function::new(
        "url_extract_query",
        &["varchar -> varchar"],
        query,
        ("url_extract_query('https://e.com/?a=b')", "a=b"),
    ),
];

fn crc32(_: &Call<'_>, values: &[Value]) -> Outcome {
    let sum = crc_fast::checksum(crc_fast::CrcAlgorithm::Crc32IsoHdlc, values[0].bytes());
    Ok(Value::Integer(sum as i64))
}

fn from_base64(_: &Call<'_>, values: &[Value]) -> Outcome {
    let decoded = STANDARD.decode_to_vec(values[0].text());
    decoded.map(Value::Bytes).map_err(|_| Refusal::argument("Illegal base64 text"))
}

fn from_base64url(_: &Call<'_>, values: &[Value]) -> Outcome {
    let decoded = URL_SAFE.decode_to_vec(values[0].text());
    decoded.map(Value::Bytes).map_err(|_| Refusal::argument("Illegal base64 text"))
}

fn to_base64(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(STANDARD.encode_to_string(values[0].bytes()).into())
}

fn to_base64url(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(URL_SAFE.encode_to_string(values[0].bytes()).into())
}

fn from_hex(_: &Call<'_>, values: &[Value]) -> Outcome {
    let text = values[0].text();
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return Err(Refusal::argument("Hex text must have an even number of digits"));
    }
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16);
    let bytes = (0..text.len()).step_by(2).map(byte).collect::<Result<_, _>>();
    bytes.map(Value::Bytes).map_err(|_| Refusal::argument(format!("Invalid hex character in: {text}")))
}

fn to_hex(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(values[0].bytes().iter().map(|byte| format!("{byte:02X}")).collect::<String>().into())
}

fn from_utf8(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(String::from_utf8_lossy(values[0].bytes()).into_owned().into())
}

fn to_utf8(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::Bytes(values[0].text().as_bytes().to_vec()))
}

fn md5(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::Bytes(Md5::digest(values[0].bytes()).to_vec()))
}

fn sha256(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::Bytes(Sha256::digest(values[0].bytes()).to_vec()))
}

fn sha512(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(Value::Bytes(Sha512::digest(values[0].bytes()).to_vec()))
}

fn url_encode(_: &Call<'_>, values: &[Value]) -> Outcome {
    let encoded = values[0].text().bytes().map(|byte| match byte {
        b' ' => "+".to_owned(),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'-' | b'*' | b'_' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    Ok(encoded.collect::<String>().into())
}

fn url_decode(_: &Call<'_>, values: &[Value]) -> Outcome {
    decoded(values[0].text())
        .map(Value::from)
        .ok_or_else(|| Refusal::argument("Illegal hex characters in escape (%) pattern"))
}

fn decoded(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, behind @ ..] = rest {
        rest = behind;
        match first {
            b'+' => bytes.push(b' '),
            b'%' => {
                let hex = std::str::from_utf8(behind.get(..2)?).ok()?;
                bytes.push(u8::from_str_radix(hex, 16).ok()?);
                rest = &behind[2..];
            }
            other => bytes.push(*other),
        }
    }
    String::from_utf8(bytes).ok()
}

/// The parts of a URL (RFC 3986, appendix B).
struct Url<'a> {
    protocol: &'a str,
    host: &'a str,
    port: Option<i64>,
    path: &'a str,
    query: &'a str,
    fragment: &'a str,
}

/// Nothing where the text is no URL: such have no blanks.
fn url(text: &str) -> Option<Url<'_>> {
    if text.contains(char::is_whitespace) {
        return None;
    }
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    let (text, query) = text.split_once('?').unwrap_or((text, ""));
    let (protocol, text) = text.split_once(':').filter(|(protocol, _)| !protocol.contains('/')).unwrap_or(("", text));
    let (authority, path) = match text.strip_prefix("//") {
        Some(rest) => rest.split_at(rest.find('/').unwrap_or(rest.len())),
        None => ("", text),
    };
    let authority = authority.rsplit_once('@').map_or(authority, |(_, behind)| behind);
    let (host, port) =
        match authority.rsplit_once(':').filter(|(_, port)| port.bytes().all(|byte| byte.is_ascii_digit())) {
            Some((host, port)) => (host, port.parse().ok()),
            None => (authority, None),
        };
    Some(Url { protocol, host, port, path, query, fragment })
}

fn protocol(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(url(values[0].text()).map(|url| url.protocol).into())
}

fn host(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(url(values[0].text()).map(|url| url.host).into())
}

fn port(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(url(values[0].text()).and_then(|url| url.port).into())
}

fn path(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(url(values[0].text()).and_then(|url| decoded(url.path)).into())
}

fn query(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(url(values[0].text()).and_then(|url| decoded(url.query)).into())
}

fn fragment(_: &Call<'_>, values: &[Value]) -> Outcome {
    Ok(url(values[0].text()).and_then(|url| decoded(url.fragment)).into())
}

fn parameter(_: &Call<'_>, values: &[Value]) -> Outcome {
    let Some(url) = url(values[0].text()) else { return Ok(Value::Null) };
    let mut pairs = url.query.split('&').map(|pair| pair.split_once('=').unwrap_or((pair, "")));
    Ok(pairs.find(|(name, _)| *name == values[1].text()).and_then(|(_, value)| decoded(value)).into())
}
