//! A call of the stand-in's own to the one that serves.

use std::{io, time::Duration};

use aws_credential_types::Credentials;
use aws_sigv4::{
    http_request::{SignableBody, SignableRequest, SigningSettings, sign},
    sign::v4,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

use crate::{
    REGION, clock,
    faults::{SERVICE, TARGET},
    keys::AccessKey,
};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// Far more than an answer has.
const LONGEST_ANSWER: u64 = 1 << 20;

/// Why a call of the stand-in's own has no result.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// It cannot be reached.
    #[error("the stand-in cannot be reached: {0}")]
    Io(#[from] io::Error),
    /// It says no.
    #[error("{0}")]
    Refused(String),
}

/// Signs and sends a call, and returns the answer's JSON.
pub(super) async fn call(port: u16, key: &AccessKey, operation: &str, body: &str) -> Result<Value, CallError> {
    let exchanged = timeout(PATIENCE, exchange(port, key, operation, body)).await;
    let (status, body) = exchanged.map_err(|_| io::Error::from(io::ErrorKind::TimedOut))??;
    let answer: Value = serde_json::from_str(&body).map_err(io::Error::from)?;
    match status {
        200 => Ok(answer),
        _ => Err(CallError::Refused(answer["message"].as_str().unwrap_or(&body).to_owned())),
    }
}

async fn exchange(port: u16, key: &AccessKey, operation: &str, body: &str) -> io::Result<(u16, String)> {
    let (host, target) = (format!("127.0.0.1:{port}"), format!("{TARGET}.{operation}"));
    let headers = [("host", host.as_str()), ("content-type", "application/x-amz-json-1.1"), ("x-amz-target", &target)];
    let identity = Credentials::from(key).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(REGION)
        .name(SERVICE)
        .time(clock::now())
        .settings(SigningSettings::default())
        .build()
        .map_err(io::Error::other)?
        .into();
    let (url, bytes) = (format!("http://{host}/"), SignableBody::Bytes(body.as_bytes()));
    let signable = SignableRequest::new("POST", &url, headers.into_iter(), bytes).map_err(io::Error::other)?;
    let (signed, _) = sign(signable, &params).map_err(io::Error::other)?.into_parts();
    let (signed, _) = signed.into_parts();
    let all = headers.into_iter().chain(signed.iter().map(|header| (header.name(), header.value())));
    let lines: String = all.map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let length = body.len();
    let request = format!("POST / HTTP/1.1\r\n{lines}Content-Length: {length}\r\nConnection: close\r\n\r\n{body}");

    let mut stream = TcpStream::connect(("127.0.0.1", port)).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.take(LONGEST_ANSWER).read_to_string(&mut answer).await?;
    let (head, body) = answer.split_once("\r\n\r\n").ok_or(io::ErrorKind::UnexpectedEof)?;
    let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
    Ok((status.ok_or(io::ErrorKind::InvalidData)?, body.to_owned()))
}
