//! Requests to the stand-in: signed ones that say something else than the SDK would, and bytes that are almost a request.

use aws_sdk_sts::config::Credentials;
use aws_sigv4::{
    http_request::{
        PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings,
        UriPathNormalizationMode, sign,
    },
    sign::v4,
};
use aws_stand_in::{AccessKey, REGION};
use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use serde_json::Value;

use super::{
    campaign::{Campaign, Input},
    damage,
    dice::Dice,
    exchange::Target,
    recorder::{self, Recorded},
    tokens, tree,
};

/// What a signature is made of anew, and what the connection decides.
const OWN: [&str; 7] =
    ["authorization", "x-amz-date", "x-amz-content-sha256", "content-length", "host", "transfer-encoding", "expect"];

/// What a stack's life lacks: records, items, objects and what else data is. Service, method, path, target, body.
const MORE: &str = include_str!("seeds/requests.txt");

/// A third of what the crate `http` takes: escaped, a byte is three.
const LONGEST_URI: usize = 20_000;

/// A request as it goes over the wire.
struct Sent {
    bytes: Vec<u8>,
    /// Whether it is still one.
    is_whole: bool,
}

impl Input for Sent {
    fn shown(&self) -> Vec<u8> {
        self.bytes.clone()
    }
}

#[test]
fn requests() {
    let (target, life) = (Target::start(), recorder::life());
    let key = target.key();
    for recorded in &life.up {
        let request = signed(recorded, target.host(), &key).expect("it was signed before");
        target.ask(&request).expect("an answer");
    }
    let corpus: Vec<Recorded> = life.up.into_iter().chain(life.down).chain(more()).collect();
    let words: Vec<String> =
        corpus.iter().flat_map(|one| tokens::words(&String::from_utf8_lossy(one.request.body()))).collect();
    Campaign::of("requests", 400).run(
        |dice| {
            let recorded = dice.pick(&corpus).clone();
            make(recorded, &words, target.host(), &key, dice)
        },
        |sent| answered(&target, sent),
    );
    assert_eq!(target.panics(), Vec::<String>::new());
}

fn more() -> impl Iterator<Item = Recorded> {
    MORE.lines().map(|line| {
        let mut parts = line.splitn(5, ' ');
        let [service, method, path, target, body] = [(); 5].map(|()| parts.next().unwrap_or_default());
        let mut request = Request::builder().method(method).uri(path);
        if target != "-" {
            let version = if service == "dynamodb" { "1.0" } else { "1.1" };
            let kind = format!("application/x-amz-json-{version}");
            request = request.header("x-amz-target", target).header("content-type", kind);
        }
        Recorded {
            service: service.to_owned(),
            request: request.body(Bytes::from_static(body.as_bytes())).expect("a request"),
        }
    })
}

/// Most are signed as they are; of some, bytes are changed after that.
fn make(mut recorded: Recorded, words: &[String], host: &str, key: &AccessKey, dice: &mut Dice) -> Sent {
    change(&mut recorded, words, dice);
    let signed = signed(&recorded, host, key);
    let is_whole = signed.is_some() && !dice.one_in(6);
    let mut sent = signed.unwrap_or_else(|| written(&recorded.request, host, ""));
    if !is_whole {
        damage::mutate(&mut sent, dice);
    }
    Sent { bytes: sent, is_whole }
}

fn change(recorded: &mut Recorded, words: &[String], dice: &mut Dice) {
    let request = &mut recorded.request;
    if request.body().is_empty() || dice.one_in(5) {
        change_head(request, words, dice);
    }
    if dice.one_in(20) {
        *request.method_mut() =
            dice.pick(&[Method::GET, Method::PUT, Method::POST, Method::DELETE, Method::HEAD]).clone();
    }
    if !request.body().is_empty() && !dice.one_in(8) {
        *request.body_mut() = change_body(request.body(), words, dice).into();
    }
}

fn change_head(request: &mut Request<Bytes>, words: &[String], dice: &mut Dice) {
    if dice.one_in(2) {
        let path = tokens::mutate(&request.uri().to_string(), words, dice);
        if let Some(uri) = path.parse().ok().filter(can_be_signed) {
            *request.uri_mut() = uri;
        }
        return;
    }
    let names: Vec<HeaderName> = request.headers().keys().cloned().collect();
    let Some(name) = names.get(dice.below(names.len() + 1)) else { return };
    let value = String::from_utf8_lossy(request.headers()[name].as_bytes()).into_owned();
    if let Ok(value) = HeaderValue::from_str(&tokens::mutate(&value, words, dice)) {
        request.headers_mut().insert(name, value);
    }
}

/// The signer takes paths alone, and none that is longer than a URI once it is escaped.
fn can_be_signed(uri: &Uri) -> bool {
    uri.authority().is_none() && uri.path().starts_with('/') && uri.to_string().len() < LONGEST_URI
}

fn change_body(body: &Bytes, words: &[String], dice: &mut Dice) -> Vec<u8> {
    if let Ok(mut json) = serde_json::from_slice::<Value>(body)
        && !dice.one_in(5)
    {
        tree::mutate(&mut json, dice);
        return json.to_string().into_bytes();
    }
    match std::str::from_utf8(body) {
        Ok(text) => tokens::mutate(text, words, dice).into_bytes(),
        Err(_) => {
            let mut changed = body.to_vec();
            damage::mutate(&mut changed, dice);
            changed
        }
    }
}

/// With the signature of the key's owner; none where it cannot be signed.
fn signed(recorded: &Recorded, host: &str, key: &AccessKey) -> Option<Vec<u8>> {
    let Recorded { service, request } = recorded;
    let headers = own_headers(request).chain([("host", host)]);
    let uri = request.uri().to_string();
    let body = SignableBody::Bytes(request.body());
    let signable = SignableRequest::new(request.method().as_str(), &uri, headers, body).ok()?;
    let identity = Credentials::from(key).into();
    let params = v4::SigningParams::builder().identity(&identity).region(REGION).name(service);
    let params = params.time(std::time::SystemTime::now()).settings(settings(service)).build().ok()?.into();
    let (instructions, _) = sign(signable, &params).ok()?.into_parts();
    let lines: String = instructions.headers().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    Some(written(request, host, &lines))
}

fn settings(service: &str) -> SigningSettings {
    let mut settings = SigningSettings::default();
    if service == "s3" {
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
    }
    settings
}

/// The headers that say something of the request.
fn own_headers(request: &Request<Bytes>) -> impl Iterator<Item = (&str, &str)> {
    let is_own = |name: &HeaderName| !OWN.contains(&name.as_str());
    let headers = request.headers().iter().filter(move |(name, _)| is_own(name));
    headers.filter_map(|(name, value)| Some((name.as_str(), value.to_str().ok()?)))
}

fn written(request: &Request<Bytes>, host: &str, more: &str) -> Vec<u8> {
    let (method, uri, body) = (request.method(), request.uri(), request.body());
    let headers: String = own_headers(request).map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let head = format!(
        "{method} {uri} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\ncontent-length: {length}\r\n{headers}{more}\r\n"
    );
    [head.as_bytes(), body].concat()
}

/// A whole request has an answer with a status, and none says that the stand-in itself failed.
fn answered(target: &Target, sent: &Sent) -> Result<(), String> {
    let answer = if sent.is_whole { target.ask(&sent.bytes) } else { target.provoke(&sent.bytes) };
    target.is_alive()?;
    let answer = String::from_utf8_lossy(&answer?).into_owned();
    let status: Option<u16> = answer.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok());
    match status {
        Some(500) => Err(format!("it failed inside: {}", answer.chars().take(2_000).collect::<String>())),
        None if sent.is_whole || !answer.is_empty() => Err(format!("an answer without a status: {answer:?}")),
        _ => Ok(()),
    }
}
