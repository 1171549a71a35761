//! The stand-in as a whole: its services behind one port.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    io,
    net::SocketAddr,
    path::Path,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, request::Parts};
use http_body_util::BodyExt;
use hyper::{body::Body as _, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use sha2::{Digest, Sha256};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use crate::{
    browser::refuse_pages,
    buffers::Buffer,
    call_log::{S3Operation, log},
    connections::{Connections, Opened},
    faults::Faults,
    folder::make_private,
    inventory::Inventory,
    keys::AccessKey,
    protocol::{
        BODY_LIMIT, Body, Encoding, Json, Protocol, Query, Rest, json_answer, json_error, plain_json, query_answer,
        query_error, rest_answer, rest_error, s3_error, uuid,
    },
    query::{Fields, parse_form},
    region::Region,
    route::Route,
    service::{Answer, Call, Service},
    service_error::ServiceError,
    services::{
        Services, ecs::Ecs, firehose::Firehose, iam::Iam, kinesis::Kinesis, lambda::Lambda, s3::S3,
        scheduler::Scheduler,
    },
    sessions::Sessions,
    signature::{Claim, Dialect, Signature, check_s3},
};

/// How long open calls may take to end after the shutdown signal.
const DRAIN: Duration = Duration::from_secs(5);
/// How long a connection that makes room for another may take to end.
const LEAVE: Duration = Duration::from_secs(5);
/// How long to wait after a failed accept, which is when file descriptors have run out.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The stand-in: every service of it over one state folder. Tests look into the stores themselves by the fields.
pub struct StandIn {
    /// ECS.
    pub ecs: Arc<Ecs>,
    /// Firehose.
    pub firehose: Arc<Firehose>,
    /// IAM.
    pub iam: Arc<Iam>,
    /// Kinesis Data Streams.
    pub kinesis: Arc<Kinesis>,
    /// S3.
    pub s3: Arc<S3>,
    /// EventBridge Scheduler.
    pub scheduler: Arc<Scheduler>,
    lambda: Arc<Lambda>,
    sessions: Arc<Sessions>,
    services: Vec<Arc<dyn Service>>,
    key: AccessKey,
    identity: String,
}

impl StandIn {
    /// Opens every service in its folder under `folder`, within a Tokio runtime. From then on only the folder's owner may
    /// enter it.
    ///
    /// # Errors
    /// A service's state cannot be read.
    pub fn open(folder: &Path) -> io::Result<Arc<Self>> {
        make_private(folder)?;
        let key = AccessKey::open(folder)?;
        let Services { all, ecs, firehose, iam, kinesis, lambda, s3, scheduler, sessions } =
            Services::open(folder, &key)?;
        let identity = uuid();
        Ok(Arc::new(Self {
            ecs,
            firehose,
            iam,
            kinesis,
            s3,
            scheduler,
            lambda,
            sessions,
            services: all,
            key,
            identity,
        }))
    }

    /// Lists everything that the services store.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn inventory(&self) -> Result<Inventory, ServiceError> {
        let mut inventory = Inventory::default();
        self.services.iter().try_for_each(|service| service.inventory(&mut inventory))?;
        Ok(inventory)
    }

    /// Lists the operations of each service by the service's name.
    pub fn operations(&self) -> BTreeMap<&'static str, Vec<&'static str>> {
        self.services.iter().map(|service| (service.name(), service.operations())).collect()
    }

    /// The key that signs what it answers.
    pub fn key(&self) -> &AccessKey {
        &self.key
    }

    /// What `GET /_stand-in` answers with: random, new at each opening.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// Answers on `listener` until `shutdown` is done; then lets open calls end, for five seconds at most.
    ///
    /// # Errors
    /// The listener is not on loopback: it is for this machine alone.
    pub async fn serve(self: Arc<Self>, listener: TcpListener, shutdown: impl Future<Output = ()>) -> io::Result<()> {
        let address = listener.local_addr()?;
        refuse_beyond_loopback(address)?;
        self.lambda.start(address);
        self.ecs.start(address);
        let (ending, _) = watch::channel(false);
        let (mut connections, open) = (JoinSet::new(), Connections::new());
        let mut numbers = 0..;
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        let opened = open.open(numbers.next().unwrap_or_default());
                        connections.spawn(self.clone().converse(stream, opened, ending.subscribe()));
                    }
                    Err(e) => {
                        tracing::warn!("cannot accept a connection: {e}");
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                },
                Some(ended) = connections.join_next() => report_panic(ended),
            }
        }
        self.lambda.pause();
        self.ecs.end();
        drop(listener);
        ending.send_replace(true);
        let drained = timeout(DRAIN, async {
            while let Some(ended) = connections.join_next().await {
                report_panic(ended);
            }
        });
        if drained.await.is_err() {
            tracing::warn!("{} connections were still busy at the end and are cut", connections.len());
        }
        Ok(())
    }

    async fn converse(self: Arc<Self>, stream: TcpStream, opened: Opened, mut ending: watch::Receiver<bool>) {
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY: {e}");
        }
        let place = opened.connection.clone();
        let service = service_fn(move |request| {
            let (stand_in, call) = (self.clone(), opened.connection.begin());
            async move { Ok::<_, Infallible>(call.answer(stand_in.answer(request).await)) }
        });
        let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        let time = tokio::select! {
            ended = &mut connection => return report_broken(ended),
            // At its end the server cuts all of them together.
            () = told(&mut ending) => Duration::MAX,
            () = place.told_to_close() => LEAVE,
        };
        // What an unused one may have sent is no request yet; thousands of them would hold their files meanwhile.
        if !place.is_unused() {
            connection.as_mut().graceful_shutdown();
            report_broken(timeout(time, connection).await.unwrap_or(Ok(())));
        }
    }

    /// Answers one request, as [`StandIn::serve`] does each that comes in; for whoever has the stand-in in the same process
    /// and needs no socket. The body is what a connection brings, or bytes. Lambda and ECS run nothing until something serves.
    pub async fn answer<B: Into<s3s::Body>>(self: Arc<Self>, request: Request<B>) -> Response<Body> {
        let id = uuid();
        let (parts, body) = request.into_parts();
        let body = body.into();
        if let Err(error) = refuse_pages(&parts) {
            log("http", "call", Some(&error), Instant::now());
            return json_error(None, Encoding::Json, &error, &id);
        }
        match Route::of(&parts, &self.services) {
            Route::Identity => self.tell_identity(&id),
            Route::Json(json, service, operation) => {
                self.answer_json(&json, service, operation, parts, body, &id).await
            }
            Route::Unknown(error) => {
                log("json", "call", Some(&error), Instant::now());
                json_error(None, Encoding::Json, &error, &id)
            }
            Route::Query => self.answer_query(parts, body, &id).await,
            Route::Rest(rest, service) => self.answer_rest(&rest, service, parts, body, &id).await,
            Route::S3 => self.answer_s3(Request::from_parts(parts, body), &id).await,
        }
    }

    async fn answer_json(
        &self,
        json: &Json,
        service: Arc<dyn Service>,
        operation: String,
        parts: Parts,
        body: s3s::Body,
        id: &str,
    ) -> Response<Body> {
        let (started, name) = (Instant::now(), service.name());
        let known = json.encoding(name, &parts.headers);
        let encoding = *known.as_ref().unwrap_or(&Encoding::Json);
        let result = match known {
            Ok(encoding) => self.call_json(service, operation.clone(), encoding, parts, body).await,
            Err(error) => Err(error),
        };
        log(name, &operation, result.as_ref().err(), started);
        match result {
            Ok(answer) => json_answer(json, encoding, answer, id),
            Err(error) => json_error(Some(json), encoding, &error, id),
        }
    }

    async fn call_json(
        &self,
        service: Arc<dyn Service>,
        operation: String,
        encoding: Encoding,
        parts: Parts,
        body: s3s::Body,
    ) -> Result<Bytes, ServiceError> {
        let body = self.read_signed(&[service.name()], Dialect::Json, &parts, body, BODY_LIMIT).await?;
        // Names of another region stand in texts, which are found in JSON.
        let is_direct = service.takes_cbor(&operation) && Region::of(&parts).is_own();
        let (inside, outside) = if is_direct { (encoding, Encoding::Json) } else { (Encoding::Json, encoding) };
        let body = outside.decode(body)?;
        let call = Call { operation, request: parts, encoding: inside, body };
        let reply = run(self.kinesis.faults(), &self.sessions, service, call).await?;
        outside.encode(reply.body)
    }

    async fn answer_rest(
        &self,
        rest: &Rest,
        service: Arc<dyn Service>,
        parts: Parts,
        body: s3s::Body,
        id: &str,
    ) -> Response<Body> {
        let (started, name) = (Instant::now(), service.name());
        let operation = format!("{} {}", parts.method, parts.uri.path());
        let result = match self.read_signed(&[name], Dialect::Rest, &parts, body, rest.body_limit).await {
            Ok(body) => {
                let encoding = Encoding::Json;
                let call = Call { operation: operation.clone(), request: parts, encoding, body };
                run(self.kinesis.faults(), &self.sessions, service, call).await
            }
            Err(error) => Err(error),
        };
        log(name, &operation, result.as_ref().err(), started);
        match result {
            Ok(reply) => rest_answer(reply.status, reply.headers, reply.body, id),
            Err(error) => rest_error(rest, &error, id),
        }
    }

    async fn answer_query(&self, parts: Parts, body: s3s::Body, id: &str) -> Response<Body> {
        let started = Instant::now();
        let services = self.query_services();
        let signed_for = Signature::of(&parts).ok().flatten().map(|signature| signature.service);
        let by_signature = services.iter().find(|(_, it)| Some(it.name()) == signed_for.as_deref());
        let (unnamed, unnamed_service) = by_signature.unwrap_or(&services[0]);
        let names: Vec<&str> = services.iter().map(|(_, it)| it.name()).collect();
        let body = match self.read_signed(&names, Dialect::Query, &parts, body, BODY_LIMIT).await {
            Ok(body) => body,
            Err(error) => {
                log("query", "call", Some(&error), started);
                return query_error(unnamed, &error, id);
            }
        };
        let form = parse_form(&body);
        let action = Fields(&form).get("Action").unwrap_or_default();
        let version = Fields(&form).get("Version").unwrap_or_default();
        let named = services.iter().find(|(query, _)| query.version == version);
        let result = match named {
            _ if action.is_empty() => {
                Err(ServiceError::client("MissingAction", "The request has no Action in a form-encoded body"))
            }
            Some((_, service)) => {
                let call = Call { operation: action.to_owned(), request: parts, encoding: Encoding::Json, body };
                run(self.kinesis.faults(), &self.sessions, (*service).clone(), call).await
            }
            None => {
                let versions: Vec<String> =
                    services.iter().map(|(query, it)| format!("{} ({})", it.name(), query.version)).collect();
                let message = format!("The Version is none of {}", versions.join(", "));
                Err(ServiceError::client("InvalidAction", format!("Could not find operation {action}. {message}")))
            }
        };
        let (query, name) = named.map_or((unnamed, unnamed_service.name()), |(query, it)| (query, it.name()));
        log(name, action, result.as_ref().err(), started);
        match result {
            Ok(reply) => query_answer(query, action, &reply.body, id),
            Err(error) => query_error(query, &error, id),
        }
    }

    fn query_services(&self) -> Vec<(Query, &Arc<dyn Service>)> {
        let query = |service: &Arc<dyn Service>| match service.protocol() {
            Protocol::Query(query) => Some(query),
            _ => None,
        };
        self.services.iter().filter_map(|service| Some((query(service)?, service))).collect()
    }

    async fn answer_s3(&self, request: Request<s3s::Body>, id: &str) -> Response<Body> {
        let started = Instant::now();
        let operation = S3Operation { method: request.method().clone(), path: request.uri().path().to_owned() };
        let (mut parts, body) = request.into_parts();
        parts.extensions.insert(Region::of(&parts));
        let response = match check_s3(&parts) {
            Ok(()) => self.call_s3(parts, body).await,
            Err(refusal) => Err(refusal.error(Dialect::S3)),
        };
        let mut response =
            response.map_or_else(|error| s3_error(&error, id), |answer| answer.map(BodyExt::boxed_unsync));
        let headers = response.headers_mut();
        // S3's names for what the other services call x-amzn-requestid; whoever reports a problem gives both.
        headers.insert("x-amz-request-id", HeaderValue::from_str(id).expect("a UUID is header text"));
        headers.insert("x-amz-id-2", HeaderValue::from_str(&self.identity).expect("a UUID is header text"));
        operation.log(response.status().as_u16(), started);
        response
    }

    async fn call_s3(&self, parts: Parts, body: s3s::Body) -> Result<Response<s3s::Body>, ServiceError> {
        self.kinesis.faults().call(self.s3.name()).await?;
        self.sessions.check_s3(&parts)?;
        let absence = self.sessions.check_absence(&parts);
        let response = self.s3.handle(Request::from_parts(parts, body)).await?;
        if response.status() == StatusCode::NOT_FOUND {
            absence?;
        }
        Ok(response)
    }

    /// The body of a request that the owner of the key signed for one of these services.
    async fn read_signed(
        &self,
        services: &[&str],
        dialect: Dialect,
        parts: &Parts,
        body: s3s::Body,
        limit: usize,
    ) -> Result<Bytes, ServiceError> {
        let claim = Claim::of(&self.key, services, parts).map_err(|refusal| refusal.error(dialect))?;
        let (body, sha256) = read(body, limit).await?;
        claim.verify(sha256).map_err(|refusal| refusal.error(dialect))?;
        Ok(body)
    }

    fn tell_identity(&self, id: &str) -> Response<Body> {
        let version = env!("CARGO_PKG_VERSION");
        plain_json(&serde_json::json!({"identity": self.identity, "version": version}), id)
    }
}

/// Carries out a call in a task of its own: there it runs to its end though the caller hangs up halfway, and a panic answers
/// 500.
async fn run(faults: &Faults, sessions: &Sessions, service: Arc<dyn Service>, call: Call) -> Answer {
    let region = Region::of(&call.request);
    faults.call(service.name()).await?;
    let call = region.enter(call);
    if let Err(error) = sessions.check(&*service, &call) {
        return region.leave(Err(error));
    }
    let answer = tokio::spawn(service.call(call)).await;
    region.leave(answer.unwrap_or_else(|e| Err(failed_inside(&e))))
}

fn failed_inside(e: &tokio::task::JoinError) -> ServiceError {
    ServiceError::internal(format!("the stand-in failed inside this call: {e}"))
}

async fn told(ending: &mut watch::Receiver<bool>) {
    // An error means that the server itself is gone, which is the end as well.
    let _ = ending.wait_for(|ending| *ending).await;
}

fn refuse_beyond_loopback(address: SocketAddr) -> io::Result<()> {
    if address.ip().is_loopback() {
        return Ok(());
    }
    let why = format!("the stand-in does not serve on {address}: it listens on loopback (127.0.0.1) only");
    Err(io::Error::new(io::ErrorKind::InvalidInput, why))
}

fn report_broken(ended: hyper::Result<()>) {
    if let Err(e) = ended {
        tracing::debug!("a connection broke: {e}");
    }
}

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(e) = ended {
        tracing::error!("a call failed inside the stand-in: {e}");
    }
}

/// A body and its hash, which is taken of each piece while the processor still has it at hand.
async fn read(body: s3s::Body, limit: usize) -> Result<(Bytes, [u8; 32]), ServiceError> {
    let too_large = || ServiceError {
        status: 413,
        code: "RequestEntityTooLargeException",
        message: format!("the request's body is longer than {limit} bytes"),
    };
    let length = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
    if length > limit {
        return Err(too_large());
    }
    let (mut body, mut bytes, mut hash) = (pin!(body), Buffer::with_capacity(length), Sha256::new());
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|e| {
            ServiceError::client("SerializationException", format!("the request's body broke off: {e}"))
        })?;
        let Ok(piece) = frame.into_data() else { continue };
        if bytes.len() + piece.len() > limit {
            return Err(too_large());
        }
        hash.update(&piece);
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes.into(), hash.finalize().into()))
}
