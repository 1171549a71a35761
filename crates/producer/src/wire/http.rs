//! Requests over kept-alive connections.

use std::{
    error::Error,
    time::{Duration, SystemTime},
};

use aws_smithy_types::{DateTime, date_time::Format as DateFormat};
use bytes::Bytes;
use http::{HeaderMap, Request, StatusCode, header};
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::{TokioExecutor, TokioTimer},
};
use rustls::{
    CipherSuite,
    crypto::{CryptoProvider, aws_lc_rs},
};

use super::{WireError, aes_gcm};
use crate::transport::{RequestError, Severity};

/// How long a connection may take to be made.
const CONNECT: Duration = Duration::from_secs(5);
/// How long a connection is kept without a request; services close them later than that.
const IDLE: Duration = Duration::from_secs(20);
/// When TCP asks whether the other side is still there.
const KEEP_ALIVE: Duration = Duration::from_secs(30);
/// More than any answer of PutRecords: 500 entries with the longest messages.
const LONGEST_ANSWER: usize = 16 * 1024 * 1024;

/// A client of one endpoint. Names are looked up again for each new connection.
#[derive(Clone, Debug)]
pub(super) enum Http {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

/// An answer that came whole.
pub(super) struct Response {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    pub(super) body: Bytes,
}

impl Http {
    pub(super) fn plain() -> Self {
        Self::Plain(pool().build(connector()))
    }

    /// By the certificates that the system trusts, or those that `SSL_CERT_FILE` names.
    pub(super) fn tls() -> Result<Self, WireError> {
        let builder = HttpsConnectorBuilder::new();
        let builder =
            builder.with_provider_and_native_roots(provider(aes_gcm::is_faster())).map_err(WireError::Roots)?;
        Ok(Self::Tls(pool().build(builder.https_only().enable_http1().wrap_connector(connector()))))
    }

    /// One request, one answer.
    pub(super) async fn send(&self, request: Request<Full<Bytes>>) -> Result<Response, RequestError> {
        let answering = match self {
            Self::Plain(client) => client.request(request),
            Self::Tls(client) => client.request(request),
        };
        let (parts, body) = answering.await.map_err(no_answer)?.into_parts();
        let body = Limited::new(body, LONGEST_ANSWER).collect().await.map_err(half_an_answer)?;
        Ok(Response { status: parts.status, headers: parts.headers, body: body.to_bytes() })
    }
}

impl Response {
    /// The media type, without parameters.
    pub(super) fn media_type(&self) -> &str {
        self.header(header::CONTENT_TYPE.as_str()).split(';').next().unwrap_or_default().trim()
    }

    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// What time it is where the answer comes from.
    pub(super) fn date(&self) -> Option<SystemTime> {
        let date = DateTime::from_str(self.header(header::DATE.as_str()), DateFormat::HttpDate).ok()?;
        SystemTime::try_from(date).ok()
    }
}

/// AES-128 before AES-256, as AWS's own servers prefer: a third less work for each byte sent. Named here, so that a program
/// which has another provider too is not asked to choose.
fn provider(with_ring: bool) -> CryptoProvider {
    let mut provider = aws_lc_rs::default_provider();
    if with_ring {
        provider.cipher_suites.retain(|suite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256);
        provider.cipher_suites.insert(0, aes_gcm::suite());
    }
    provider.cipher_suites.sort_by_key(|suite| !is_aes_128(suite.suite()));
    provider
}

fn is_aes_128(suite: CipherSuite) -> bool {
    suite.as_str().is_some_and(|name| name.contains("AES_128_GCM"))
}

fn connector() -> HttpConnector {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT));
    connector.set_keepalive(Some(KEEP_ALIVE));
    connector
}

fn pool() -> hyper_util::client::legacy::Builder {
    let mut pool = Client::builder(TokioExecutor::new());
    pool.pool_timer(TokioTimer::new()).pool_idle_timeout(IDLE);
    pool
}

fn no_answer(error: hyper_util::client::legacy::Error) -> RequestError {
    let (severity, message) = match error.is_connect() {
        true => (
            Severity::Unavailable,
            "no connection, so nothing was written; check the endpoint, the network, and the trusted certificates",
        ),
        false => (Severity::Unknown, "the connection ended before the answer came"),
    };
    RequestError::new(severity, message).with_source(error)
}

fn half_an_answer(error: Box<dyn Error + Send + Sync>) -> RequestError {
    RequestError::new(Severity::Unknown, "the connection ended in the middle of the answer").with_source(error)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{Read, Write},
        sync::Arc,
    };

    use rustls::{
        ClientConfig, ClientConnection, Connection, RootCertStore, ServerConfig, ServerConnection,
        pki_types::PrivateKeyDer,
    };

    use super::*;

    fn server(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>) -> Connection {
        let key = PrivateKeyDer::Pkcs8(certificate.signing_key.serialize_der().into());
        let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![certificate.cert.der().clone()], key)
            .expect("its own certificate");
        ServerConnection::new(Arc::new(config)).expect("a server").into()
    }

    fn client(certificate: &rcgen::CertifiedKey<rcgen::KeyPair>, with_ring: bool) -> Connection {
        let mut roots = RootCertStore::empty();
        roots.add(certificate.cert.der().clone()).expect("a certificate");
        let config = ClientConfig::builder_with_provider(Arc::new(provider(with_ring)))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = "localhost".try_into().expect("a name");
        ClientConnection::new(Arc::new(config), name).expect("a client").into()
    }

    /// All that one side has to say.
    fn pass(from: &mut Connection, to: &mut Connection) {
        let mut wire = Vec::new();
        while from.wants_write() {
            from.write_tls(&mut wire).expect("memory takes what is written");
        }
        let mut rest = wire.as_slice();
        while !rest.is_empty() {
            to.read_tls(&mut rest).expect("memory has what was written");
            to.process_new_packets().expect("the other side's TLS");
        }
    }

    /// Which one a processor gets is decided by what it has: here both must do.
    #[test]
    fn both_ways_of_encrypting_are_understood_and_take_aes_128() {
        let certificate = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        for with_ring in [false, true] {
            let (mut client, mut server) = (client(&certificate, with_ring), server(&certificate));
            client.writer().write_all(&[7; 10_000]).expect("room");
            while client.is_handshaking() || server.is_handshaking() || client.wants_write() {
                pass(&mut client, &mut server);
                pass(&mut server, &mut client);
            }
            let suite = client.negotiated_cipher_suite().expect("a suite").suite();
            assert!(is_aes_128(suite), "{suite:?}, with ring: {with_ring}");
            let mut read = [0; 10_000];
            server.reader().read_exact(&mut read).expect("what was written");
            assert_eq!(read, [7; 10_000]);
        }
    }
}
