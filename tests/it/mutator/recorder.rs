//! The requests of a stack's life, as they come to a stand-in.

use std::{
    io,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use aws_sdk_sts::config::Credentials;
use aws_stand_in::internals::StandIn;
use bytes::Bytes;
use http::{Request, Response};

use crate::{
    inside::{Call, Service, Wire},
    matrix::{Case, Ground},
};

/// A request, and the service that it is signed for.
#[derive(Clone)]
pub struct Recorded {
    pub service: String,
    pub request: Request<Bytes>,
}

struct Recorder {
    stand_in: Arc<StandIn>,
    seen: Arc<Mutex<Vec<Recorded>>>,
}

#[async_trait]
impl Service for Recorder {
    fn credentials(&self) -> Credentials {
        Service::credentials(&self.stand_in)
    }

    async fn answer(&self, call: &Call, request: Request<Bytes>) -> io::Result<Response<Bytes>> {
        let service = call.name.split(' ').next().unwrap_or_default().to_owned();
        self.seen.lock().expect("no panic").push(Recorded { service, request: request.clone() });
        Service::answer(&self.stand_in, call, request).await
    }
}

/// Those of `up`, in their order, and those of `down` behind them.
pub struct Life {
    pub up: Vec<Recorded>,
    pub down: Vec<Recorded>,
}

/// Lives the life of the stack that has everything, in simulated time.
pub fn life() -> Life {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut ground = Ground::bare(&Case::named("store-sales-everything")).await;
        let seen = Arc::<Mutex<Vec<Recorded>>>::default();
        ground.wire = Wire::over(Arc::new(Recorder { stand_in: ground.stand_in.clone(), seen: seen.clone() }));
        ground.begin().await;
        ground.up().await.expect("up");
        let up = std::mem::take(&mut *seen.lock().expect("no panic"));
        ground.land().await;
        ground.down().await.expect("down");
        let down = std::mem::take(&mut *seen.lock().expect("no panic"));
        Life { up, down }
    })
}
