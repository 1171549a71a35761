//! What is at the other end of a wire.

use std::{io, net::SocketAddr, sync::Arc};

use async_trait::async_trait;
use aws_sdk_sts::config::Credentials;
use aws_smithy_runtime_api::client::{orchestrator::HttpRequest, result::ConnectorError};
use aws_stand_in::internals::StandIn;
use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::{Call, broken};

/// Answers requests.
#[async_trait]
pub trait Service: Send + Sync + 'static {
    /// What its callers sign with.
    fn credentials(&self) -> Credentials {
        Credentials::new("any", "any", None, None, "test")
    }

    async fn answer(&self, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>>;
}

#[async_trait]
impl Service for Arc<StandIn> {
    fn credentials(&self) -> Credentials {
        self.key().into()
    }

    async fn answer(&self, _call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let has_body = request.method() != Method::HEAD;
        let (parts, body) = self.clone().answer(request).await.into_parts();
        let body = body.collect().await.map_err(broken)?.to_bytes();
        Ok(Response::from_parts(parts, if has_body { body } else { Bytes::new() }))
    }
}

/// A service behind a socket, called anew for each request.
pub struct Forward(pub SocketAddr);

#[async_trait]
impl Service for Forward {
    async fn answer(&self, _call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let stream = TcpStream::connect(self.0).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let connection = tokio::spawn(connection);
        let answer = sender.send_request(request.map(Full::new)).await.map_err(broken)?;
        let (parts, body) = answer.into_parts();
        let body = body.collect().await.map_err(broken)?.to_bytes();
        connection.abort();
        Ok(Response::from_parts(parts, body))
    }
}

/// A request as a server receives it: with its body, a host and a path.
pub(super) async fn received(request: HttpRequest) -> Result<Request<Bytes>, ConnectorError> {
    let user = |error: Box<dyn std::error::Error + Send + Sync>| ConnectorError::user(error);
    let request = request.try_into_http1x().map_err(|error| user(error.into()))?;
    let (mut parts, body) = request.into_parts();
    let body = body.collect().await.map_err(user)?.to_bytes();
    if let (None, Some(authority)) = (parts.headers.get(header::HOST), parts.uri.authority()) {
        let host = HeaderValue::from_str(authority.as_str()).expect("an authority is visible");
        parts.headers.insert(header::HOST, host);
    }
    parts.headers.entry(header::CONTENT_LENGTH).or_insert(body.len().into());
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    parts.uri = path.parse::<Uri>().expect("a part of a URI is one");
    Ok(Request::from_parts(parts, body))
}
