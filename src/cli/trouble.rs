//! Arguments of what may go wrong in the stand-in, alike where a run is acted on and where the stand-in is.

use aws_stand_in::faults::SERVICES;
use clap::Args;

use crate::spec::quantities;

/// Some shards refuse a share of their records.
#[derive(Args, Clone, Debug)]
pub struct Throttle {
    /// How many shards.
    #[arg(value_parser = clap::value_parser!(u32).range(1..))]
    pub shards: u32,
    /// For example 50%.
    #[arg(value_parser = share)]
    pub share: f64,
    /// For how long.
    #[command(flatten)]
    pub lasts: Lasts,
}

/// A share of the calls to a service fail.
#[derive(Args, Clone, Debug)]
pub struct Errors {
    /// For example kinesis.
    #[arg(value_parser = SERVICES)]
    pub service: String,
    /// For example 20%.
    #[arg(value_parser = share)]
    pub share: f64,
    /// For how long.
    #[command(flatten)]
    pub lasts: Lasts,
}

/// A service answers later.
#[derive(Args, Clone, Debug)]
pub struct Slow {
    /// For example kinesis.
    #[arg(value_parser = SERVICES)]
    pub service: String,
    /// For example 500ms.
    #[arg(value_parser = seconds)]
    by: f64,
    /// For how long.
    #[command(flatten)]
    pub lasts: Lasts,
}

impl Slow {
    /// How much later, in milliseconds.
    pub fn millis(&self) -> u64 {
        (self.by * 1e3).round() as u64
    }
}

/// How long something lasts.
#[derive(Args, Clone, Copy, Debug)]
pub struct Lasts {
    /// For example 20s.
    #[arg(value_name = "LASTS", value_parser = seconds)]
    pub seconds: f64,
}

/// A share, for example `30%`.
pub fn share(text: &str) -> Result<f64, String> {
    quantities::share(text)
}

/// A time that is not zero, in seconds.
pub fn seconds(text: &str) -> Result<f64, String> {
    let lasts = quantities::time(text)?;
    if lasts.is_zero() { Err("that is no time at all".to_owned()) } else { Ok(lasts.as_secs_f64()) }
}
