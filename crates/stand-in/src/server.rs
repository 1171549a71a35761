//! The stand-in as a whole: its services behind one port.

use std::{
    convert::Infallible,
    io,
    net::SocketAddr,
    path::Path,
    pin::pin,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use http::{HeaderValue, Request, Response, request::Parts};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::{body::Body as _, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::timeout,
};

use super::{
    athena::Athena,
    browser::refuse_pages,
    call_log::{S3Operation, log},
    dynamodb::DynamoDb,
    firehose::Firehose,
    folder::make_private,
    glue::Glue,
    iam::Iam,
    kept::Kept,
    keys::AccessKey,
    kinesis::Kinesis,
    lambda::{self, Lambda},
    logs::Logs,
    protocol::{
        Body, Encoding, JsonService, QueryService, RestService, Route, json_answer, json_error, plain_json,
        query_answer, query_error, rest_answer, rest_error, s3_error, uuid,
    },
    query::{Fields, parse_form},
    quotas::Quotas,
    redshift::Redshift,
    rest,
    s3::S3,
    scheduler::Scheduler,
    secrets::Secrets,
    service_error::ServiceError,
    signature::{Claim, Dialect, check_s3},
    sts,
};

/// The largest body outside S3 and Lambda. The largest that AWS takes is PutRecords' 10 MiB of data, which base64 in JSON makes 14 MiB.
const BODY_LIMIT: usize = 16 << 20;
/// How long open calls may take to end once the server is told to.
const DRAIN: Duration = Duration::from_secs(5);
/// How long to wait after a failed accept, which is when file descriptors have run out.
const ACCEPT_AGAIN: Duration = Duration::from_millis(100);

/// The stand-in: every service of it over one state folder. A look into the store itself goes by the fields.
pub struct StandIn {
    /// Kinesis Data Streams.
    pub kinesis: Arc<Kinesis>,
    /// S3.
    pub s3: Arc<S3>,
    /// Firehose.
    pub firehose: Arc<Firehose>,
    /// The Glue data catalog.
    pub glue: Arc<Glue>,
    /// Athena.
    pub athena: Arc<Athena>,
    /// The Redshift Data API and Redshift Serverless.
    pub redshift: Arc<Redshift>,
    /// Secrets Manager.
    pub secrets: Arc<Secrets>,
    /// IAM.
    pub iam: Arc<Iam>,
    /// DynamoDB.
    pub dynamodb: Arc<DynamoDb>,
    /// CloudWatch Logs.
    pub logs: Arc<Logs>,
    /// Lambda.
    pub lambda: Arc<Lambda>,
    /// EventBridge Scheduler.
    pub scheduler: Arc<Scheduler>,
    /// Service Quotas.
    pub quotas: Arc<Quotas>,
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
        let kinesis = Kinesis::open(&folder.join("kinesis"))?;
        let s3 = S3::open(&folder.join("s3"), &key)?;
        let iam = Iam::open(&folder.join("iam"))?;
        let glue = Glue::open(&folder.join("glue"))?;
        let athena = Athena::open(&folder.join("athena"), glue.clone(), s3.clone())?;
        let secrets = Secrets::open(&folder.join("secrets"))?;
        let redshift = Redshift::open(&folder.join("redshift"), s3.clone(), iam.clone(), secrets.clone())?;
        let (stream, store, roles) = (kinesis.clone(), s3.clone(), iam.clone());
        let firehose = Firehose::open(&folder.join("firehose"), stream, store, roles, redshift.clone(), glue.clone())?;
        let dynamodb = DynamoDb::open(&folder.join("dynamodb"))?;
        let logs = Logs::open(&folder.join("logs"))?;
        let (stream, store, roles) = (kinesis.clone(), s3.clone(), iam.clone());
        let lambda = Lambda::open(&folder.join("lambda"), stream, store, roles, logs.clone(), key.clone())?;
        let scheduler = Scheduler::open(&folder.join("scheduler"), kinesis.clone(), iam.clone())?;
        let quotas = Quotas::of(kinesis.clone(), firehose.clone());
        Ok(Arc::new(Self {
            kinesis,
            s3,
            firehose,
            glue,
            athena,
            redshift,
            secrets,
            iam,
            dynamodb,
            logs,
            lambda,
            scheduler,
            quotas,
            key,
            identity: uuid(),
        }))
    }

    /// Everything that its services hold, read from their stores and not by their calls. What is being deleted is there
    /// until it is gone.
    ///
    /// # Errors
    /// A store cannot be read.
    pub fn kept(&self) -> Result<Kept, ServiceError> {
        let mut kept = Kept::default();
        self.kinesis.note(&mut kept)?;
        self.s3.note(&mut kept)?;
        self.firehose.note(&mut kept)?;
        self.glue.note(&mut kept)?;
        self.athena.note(&mut kept)?;
        self.redshift.note(&mut kept)?;
        self.secrets.note(&mut kept)?;
        self.iam.note(&mut kept)?;
        self.dynamodb.note(&mut kept)?;
        self.logs.note(&mut kept)?;
        self.lambda.note(&mut kept)?;
        self.scheduler.note(&mut kept)?;
        Ok(kept)
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
        let (ending, _) = watch::channel(false);
        let mut connections = JoinSet::new();
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                accepted = listener.accept() => match accepted {
                    Ok((stream, _)) => drop(connections.spawn(self.clone().converse(stream, ending.subscribe()))),
                    Err(e) => {
                        tracing::warn!("cannot accept a connection: {e}");
                        tokio::time::sleep(ACCEPT_AGAIN).await;
                    }
                },
                Some(ended) = connections.join_next() => report_panic(ended),
            }
        }
        self.lambda.pause();
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

    async fn converse(self: Arc<Self>, stream: TcpStream, mut ending: watch::Receiver<bool>) {
        if let Err(e) = stream.set_nodelay(true) {
            tracing::debug!("no TCP_NODELAY: {e}");
        }
        let service = service_fn(move |request| {
            let stand_in = self.clone();
            async move { Ok::<_, Infallible>(stand_in.answer(request).await) }
        });
        let mut connection = pin!(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
        let ended = tokio::select! {
            ended = &mut connection => ended,
            () = told(&mut ending) => {
                connection.as_mut().graceful_shutdown();
                connection.await
            }
        };
        if let Err(e) = ended {
            tracing::debug!("a connection broke: {e}");
        }
    }

    /// Answers one request, as [`StandIn::serve`] does each that comes in; for whoever has the stand-in in the same process
    /// and needs no socket. The body is what a connection brings, or bytes. Lambda invokes nothing until something serves.
    pub async fn answer<B: Into<s3s::Body>>(self: Arc<Self>, request: Request<B>) -> Response<Body> {
        let id = uuid();
        let (parts, body) = request.into_parts();
        let body = body.into();
        if let Err(error) = refuse_pages(&parts) {
            log("http", "call", Some(&error), Instant::now());
            return json_error(None, Encoding::Json, &error, &id);
        }
        match Route::of(&parts) {
            Route::Identity => self.tell_identity(&id),
            Route::Json(Ok((service, operation))) => self.answer_json(service, operation, &parts, body, &id).await,
            Route::Json(Err(error)) => {
                log("json", "call", Some(&error), Instant::now());
                json_error(None, Encoding::Json, &error, &id)
            }
            Route::Query => self.answer_query(&parts, body, &id).await,
            Route::Rest(service) => self.answer_rest(service, parts, body, &id).await,
            Route::S3 => self.answer_s3(Request::from_parts(parts, body), &id).await,
        }
    }

    async fn answer_json(
        self: Arc<Self>,
        service: JsonService,
        operation: String,
        parts: &Parts,
        body: s3s::Body,
        id: &str,
    ) -> Response<Body> {
        let started = Instant::now();
        let known = Encoding::of(service, &parts.headers);
        let encoding = *known.as_ref().unwrap_or(&Encoding::Json);
        let result = match known {
            Ok(encoding) => self.call_json(service, operation.clone(), encoding, parts, body).await,
            Err(error) => Err(error),
        };
        log(service.name(), &operation, result.as_ref().err(), started);
        match result {
            Ok(answer) => json_answer(service, encoding, answer, id),
            Err(error) => json_error(Some(service), encoding, &error, id),
        }
    }

    async fn answer_rest(
        self: Arc<Self>,
        service: RestService,
        parts: Parts,
        body: s3s::Body,
        id: &str,
    ) -> Response<Body> {
        let started = Instant::now();
        let operation = format!("{} {}", parts.method, parts.uri.path());
        let result = self.call_rest(service, parts, body).await;
        log(service.name(), &operation, result.as_ref().err(), started);
        result.map_or_else(|error| rest_error(service, &error, id), |answer| rest_answer(answer, id))
    }

    async fn answer_query(&self, parts: &Parts, body: s3s::Body, id: &str) -> Response<Body> {
        let started = Instant::now();
        let services = [QueryService::Iam, QueryService::Sts].map(QueryService::name);
        let form = match self.read_signed(&services, Dialect::Query, parts, body, BODY_LIMIT).await {
            Ok(body) => parse_form(&body),
            Err(error) => {
                log("query", "call", Some(&error), started);
                return query_error(QueryService::Iam, &error, id);
            }
        };
        let action = Fields(&form).get("Action").unwrap_or_default();
        let service = Fields(&form).get("Version").and_then(QueryService::of_version);
        let result = self.call_query(service, action, &form).await;
        let service = service.unwrap_or(QueryService::Iam);
        log(service.name(), action, result.as_ref().err(), started);
        match result {
            Ok(answer) => query_answer(service, action, &answer, id),
            Err(error) => query_error(service, &error, id),
        }
    }

    async fn answer_s3(&self, request: Request<s3s::Body>, id: &str) -> Response<Body> {
        let started = Instant::now();
        let operation = S3Operation { method: request.method().clone(), path: request.uri().path().to_owned() };
        let (parts, body) = request.into_parts();
        let response = match check_s3(&parts) {
            Ok(()) => self.s3.handle(Request::from_parts(parts, body)).await,
            Err(refusal) => Err(refusal.error(Dialect::S3)),
        };
        let mut response =
            response.map_or_else(|error| s3_error(&error, id), |answer| answer.map(BodyExt::boxed_unsync));
        let id = HeaderValue::from_str(id).expect("a UUID is header text");
        response.headers_mut().insert("x-amz-request-id", id);
        operation.log(response.status().as_u16(), started);
        response
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
        let body = read(body, limit).await?;
        claim.verify(&body).map_err(|refusal| refusal.error(dialect))?;
        Ok(body)
    }

    fn tell_identity(&self, id: &str) -> Response<Body> {
        let version = env!("CARGO_PKG_VERSION");
        plain_json(&serde_json::json!({"identity": self.identity, "version": version}), id)
    }

    async fn call_json(
        self: Arc<Self>,
        service: JsonService,
        operation: String,
        encoding: Encoding,
        parts: &Parts,
        body: s3s::Body,
    ) -> Result<Bytes, ServiceError> {
        let body = self.read_signed(&[service.name()], Dialect::Json, parts, body, BODY_LIMIT).await?;
        let body = encoding.decode(body)?;
        // In a task of its own a call runs to its end though the caller hangs up halfway, and a panic answers 500.
        let call = tokio::spawn(async move {
            match service {
                JsonService::Kinesis => self.kinesis.call(&operation, body).await,
                JsonService::Firehose => self.firehose.call(&operation, body).await,
                JsonService::Glue => self.glue.call(&operation, body).await,
                JsonService::Athena => self.athena.call(&operation, body).await,
                JsonService::DynamoDb => self.dynamodb.call(&operation, body).await,
                JsonService::Logs => self.logs.call(&operation, body).await,
                JsonService::RedshiftData => self.redshift.call_data(&operation, body).await,
                JsonService::RedshiftServerless => self.redshift.call_serverless(&operation, body).await,
                JsonService::SecretsManager => self.secrets.call(&operation, body).await,
                JsonService::Quotas => self.quotas.call(&operation, &body),
            }
        });
        let answer = call.await.unwrap_or_else(|e| Err(failed_inside(&e)))?;
        encoding.encode(answer)
    }

    async fn call_rest(
        self: Arc<Self>,
        service: RestService,
        parts: Parts,
        body: s3s::Body,
    ) -> Result<rest::Answer, ServiceError> {
        let limit = if service == RestService::Lambda { lambda::BODY_LIMIT } else { BODY_LIMIT };
        let body = self.read_signed(&[service.name()], Dialect::Rest, &parts, body, limit).await?;
        // In a task of its own, as the calls of the JSON protocol are.
        let call = tokio::spawn(async move {
            match service {
                RestService::Lambda => self.lambda.call(&parts, body).await,
                RestService::Scheduler => self.scheduler.call(&parts, body),
            }
        });
        call.await.unwrap_or_else(|e| Err(failed_inside(&e)))
    }

    async fn call_query(
        &self,
        service: Option<QueryService>,
        action: &str,
        form: &[(String, String)],
    ) -> Result<String, ServiceError> {
        if action.is_empty() {
            return Err(ServiceError::client("MissingAction", "The request has no Action in a form-encoded body"));
        }
        match service {
            Some(QueryService::Iam) => self.iam.call(action, form).await,
            Some(QueryService::Sts) => sts::call(action),
            None => {
                let message = "The Version is neither IAM's (2010-05-08) nor STS's (2011-06-15)";
                Err(ServiceError::client("InvalidAction", format!("Could not find operation {action}. {message}")))
            }
        }
    }
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

fn report_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(e) = ended {
        tracing::error!("a call failed inside the stand-in: {e}");
    }
}

async fn read(body: s3s::Body, limit: usize) -> Result<Bytes, ServiceError> {
    let too_large = || ServiceError {
        status: 413,
        code: "RequestEntityTooLargeException",
        message: format!("the request's body is longer than {limit} bytes"),
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match Limited::new(body, limit).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(e) if e.is::<LengthLimitError>() => Err(too_large()),
        Err(e) => Err(ServiceError::client("SerializationException", format!("the request's body broke off: {e}"))),
    }
}
