//! AWS in the test's own process: an HTTP client below the SDK's retries, whose calls a stand-in answers without a socket,
//! and what may go wrong on the way, by script.
//!
//! Tests with it run on a stopped clock, `#[tokio::test(start_paused = true)]`: waits of minutes pass at once.

mod call;
mod fault;
mod make;
mod script;
mod service;
mod tests;

use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard},
};

use aws_smithy_runtime_api::client::{
    http::{HttpClient, HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector},
    orchestrator::{HttpRequest, HttpResponse},
    result::ConnectorError,
    runtime_components::RuntimeComponents,
};
use aws_smithy_types::body::SdkBody;
use aws_stand_in::internals::StandIn;
use bytes::Bytes;
use http::{Request, Response};
use kinesis_demo::aws::{Clients, Where};
use tokio::sync::watch;

pub use self::{
    call::Call,
    fault::{Fault, written as refusal},
    make::make,
    script::{Count, Kill},
    service::{Forward, Service},
};
use self::{
    fault::Broken,
    script::{Fate, Script},
    service::received,
};

/// The connection of clients to a service in this process.
pub struct Wire {
    service: Arc<dyn Service>,
    script: Mutex<Script>,
    dead: watch::Sender<bool>,
    /// Calls that the service has begun and not ended.
    at_work: watch::Sender<usize>,
}

impl Wire {
    /// To a stand-in.
    pub fn to(stand_in: Arc<StandIn>) -> Arc<Self> {
        Self::over(Arc::new(stand_in))
    }

    /// To any service.
    pub fn over(service: Arc<dyn Service>) -> Arc<Self> {
        let (dead, at_work) = (watch::Sender::new(false), watch::Sender::new(0));
        Arc::new(Self { service, script: Mutex::default(), dead, at_work })
    }

    /// Clients that call over it, as they would call the stand-in.
    pub async fn clients(self: &Arc<Self>) -> Clients {
        // Nobody listens there: a call that found a way around the wire would fail.
        let url = "http://127.0.0.1:9".to_owned();
        self.clients_at(Where::Local { url, credentials: self.service.credentials() }).await
    }

    /// Clients that call over it and believe to be elsewhere.
    pub async fn clients_at(self: &Arc<Self>, place: Where) -> Clients {
        Clients::over(place, Line(self.clone())).await
    }

    /// Every call that has arrived since [`Wire::forget`], each try for itself, as `kinesis CreateStream`.
    pub fn calls(&self) -> Vec<String> {
        self.script().calls().iter().map(|call| call.name.clone()).collect()
    }

    /// Those of [`Wire::calls`] that change something.
    pub fn changes(&self) -> Vec<String> {
        self.script().calls().iter().filter(|call| call.changes).map(|call| call.name.clone()).collect()
    }

    /// Begins the list of calls anew.
    pub fn forget(&self) {
        self.script().forget();
    }

    /// What goes wrong with the next call of that name; several are used up one by one.
    pub fn fault(&self, on: &str, fault: Fault) {
        self.faults(on, 1, fault);
    }

    /// [`Wire::fault`] with so many calls, `usize::MAX` for all that will come.
    pub fn faults(&self, on: &str, times: usize, fault: Fault) {
        self.script().add(on, times, fault);
    }

    /// Nothing goes wrong any more but what was already begun.
    pub fn heal(&self) {
        self.script().heal();
    }

    /// Kills the caller at the call of this number, 1 for the next one: [`Wire::dead`] ends, and neither this call nor any
    /// other is answered until [`Wire::revive`]. It is for the test to drop the caller's future then.
    pub fn kill_at(&self, number: usize, when: Kill) {
        self.kill_at_counted(number, when, Count::All);
    }

    /// [`Wire::kill_at`], where not every call counts.
    pub fn kill_at_counted(&self, number: usize, when: Kill, count: Count) {
        self.script().kill_at(number, when, count);
    }

    /// Ends when the caller is to be killed.
    pub async fn dead(&self) {
        let mut dead = self.dead.subscribe();
        dead.wait_for(|dead| *dead).await.expect("the sender lives in self");
    }

    /// Waits until what the service had begun has ended, and takes calls again, of another caller. Forgets a kill that has
    /// not come.
    pub async fn revive(&self) {
        self.script().spare();
        let mut at_work = self.at_work.subscribe();
        at_work.wait_for(|at_work| *at_work == 0).await.expect("the sender lives in self");
        self.dead.send_replace(false);
    }

    /// Polls `life` to its end, or drops it where it is to be killed: then there is nothing to say.
    pub async fn live<T>(&self, life: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.dead() => None,
            ended = life => Some(ended),
        }
    }

    async fn carry(self: Arc<Self>, request: HttpRequest) -> Result<HttpResponse, ConnectorError> {
        let request = received(request).await?;
        let call = Call::of(&request);
        if *self.dead.borrow() {
            return never().await;
        }
        let (fate, fault) = self.script().arrive(&call);
        match fate {
            Fate::Lives => self.answer(call, request, fault).await,
            Fate::Dies(Kill::Before) => self.die().await,
            Fate::Dies(Kill::AfterUnseen) => {
                drop(self.answer(call, request, fault).await);
                self.die().await
            }
            Fate::Dies(Kill::AfterAnswer) => {
                let answer = self.answer(call, request, fault).await;
                self.dead.send_replace(true);
                answer
            }
        }
    }

    async fn die(&self) -> Result<HttpResponse, ConnectorError> {
        self.dead.send_replace(true);
        never().await
    }

    async fn answer(
        &self,
        call: Call,
        request: Request<Bytes>,
        fault: Option<Fault>,
    ) -> Result<HttpResponse, ConnectorError> {
        let written = |status, code, message: &str| Ok(sent(fault::written(&call, status, code, message)));
        let answer = match &fault {
            None => self.ask(&call, request).await,
            Some(Fault::Unreachable) => Err(Broken::refused()),
            Some(Fault::Answer { status, code, message }) => written(*status, code, message),
            Some(Fault::LoseAnswer) => {
                self.ask(&call, request).await?;
                Err(Broken::reset())
            }
            Some(Fault::AnswerAfter { status, code, message }) => {
                self.ask(&call, request).await?;
                written(*status, code, message)
            }
            Some(Fault::Delay(time)) => {
                let answer = self.ask(&call, request).await;
                tokio::time::sleep(*time).await;
                answer
            }
        };
        // An answer on its way to a caller that was killed meanwhile.
        if *self.dead.borrow() { never().await } else { answer }
    }

    /// Asks in a task of its own, which ends whatever becomes of the caller.
    async fn ask(&self, call: &Call, request: Request<Bytes>) -> Result<HttpResponse, ConnectorError> {
        let (service, call) = (self.service.clone(), call.clone());
        let work = Work::begin(&self.at_work);
        let answer = tokio::spawn(async move {
            let answer = service.answer(&call, request).await;
            drop(work);
            answer
        });
        let answer = answer.await.map_err(|panic| ConnectorError::other(panic.into(), None))?;
        answer.map(sent).map_err(|error| ConnectorError::io(error.into()))
    }

    fn script(&self) -> MutexGuard<'_, Script> {
        self.script.lock().expect("no panic while it is held")
    }
}

async fn never<T>() -> T {
    std::future::pending().await
}

fn sent(answer: Response<Bytes>) -> HttpResponse {
    HttpResponse::try_from(answer.map(SdkBody::from)).expect("headers of text")
}

/// One call at work, counted.
struct Work(watch::Sender<usize>);

impl Work {
    fn begin(at_work: &watch::Sender<usize>) -> Self {
        at_work.send_modify(|at_work| *at_work += 1);
        Self(at_work.clone())
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        self.0.send_modify(|at_work| *at_work -= 1);
    }
}

/// A wire as the SDK takes it.
struct Line(Arc<Wire>);

impl fmt::Debug for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Line")
    }
}

impl HttpClient for Line {
    fn http_connector(&self, _: &HttpConnectorSettings, _: &RuntimeComponents) -> SharedHttpConnector {
        SharedHttpConnector::new(Self(self.0.clone()))
    }
}

impl HttpConnector for Line {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::new(self.0.clone().carry(request))
    }
}

/// A fault of a service itself, not of the test.
fn broken(error: impl fmt::Display) -> io::Error {
    io::Error::other(error.to_string())
}
