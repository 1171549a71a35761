//! A service whose answers are not always the stand-in's: for what only AWS would answer.

use std::{
    collections::HashMap,
    io,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use aws_sdk_sts::config::Credentials;
use aws_stand_in::internals::StandIn;
use bytes::Bytes;
use http::{Request, Response};
use serde_json::Value;

use crate::{
    inside::{Call, Service},
    stand_in::sign_again,
};

/// What becomes of a call.
pub enum Play {
    /// Its answer is this one, and the stand-in never sees it.
    Instead(Response<Bytes>),
    /// The stand-in has this request of Redshift's Data API to answer.
    Asks(Bytes),
    /// Its answer, changed.
    Edits(Box<dyn Fn(Bytes) -> Bytes + Send + Sync>),
}

type Stage = Box<dyn FnMut(&Request<Bytes>) -> Option<Play> + Send>;

/// A stand-in and what is staged before it.
pub struct Staged {
    stand_in: Arc<StandIn>,
    stages: Mutex<HashMap<String, Stage>>,
}

impl Staged {
    pub fn over(stand_in: Arc<StandIn>) -> Arc<Self> {
        Arc::new(Self { stand_in, stages: Mutex::default() })
    }

    /// What becomes of every call of that name, as long as `stage` says anything.
    pub fn on(&self, call: &str, stage: impl FnMut(&Request<Bytes>) -> Option<Play> + Send + 'static) {
        self.stages.lock().expect("no panic while it is held").insert(call.to_owned(), Box::new(stage));
    }

    /// Changes so many JSON answers of a call.
    pub fn edit(&self, call: &str, times: usize, edit: impl Fn(&mut Value) + Clone + Send + Sync + 'static) {
        let mut left = times;
        self.on(call, move |_| {
            left = left.checked_sub(1)?;
            let edit = edit.clone();
            Some(Play::Edits(Box::new(move |answer| {
                let mut answer: Value = serde_json::from_slice(&answer).expect("JSON");
                edit(&mut answer);
                answer.to_string().into()
            })))
        });
    }
}

#[async_trait]
impl Service for Arc<Staged> {
    fn credentials(&self) -> Credentials {
        self.stand_in.key().into()
    }

    async fn answer(&self, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let play = {
            let mut stages = self.stages.lock().expect("no panic while it is held");
            stages.get_mut(&call.name).and_then(|stage| stage(&request))
        };
        match play {
            None => Service::answer(&self.stand_in, call, request).await,
            Some(Play::Instead(answer)) => Ok(answer),
            Some(Play::Asks(body)) => {
                let mut request = request.map(|_| body);
                let length = request.body().len();
                request.headers_mut().insert(http::header::CONTENT_LENGTH, length.into());
                sign_again(&mut request, self.stand_in.key(), "redshift-data");
                Service::answer(&self.stand_in, call, request).await
            }
            Some(Play::Edits(edit)) => {
                let answer = Service::answer(&self.stand_in, call, request).await?;
                let (mut parts, body) = answer.into_parts();
                parts.headers.remove(http::header::CONTENT_LENGTH);
                Ok(Response::from_parts(parts, edit(body)))
            }
        }
    }
}

/// An answer of status 200.
pub fn ok(content_type: &str, body: impl Into<Bytes>) -> Response<Bytes> {
    Response::builder().header("content-type", content_type).body(body.into()).expect("a response")
}
