//! The embeddable producer: takes records one by one, sends them to a Kinesis data stream in batches, and tells for
//! each whether it was acknowledged.
//!
//! It stands alone: nothing here knows the rest of this crate. The stages do not know each other; `dispatcher` wires
//! them:
//!
//! ```text
//! put → budget → inbox → batcher → transport → retrier → receipt
//!                           ↑                      │
//!                           └── the failed positions, after a backoff
//! ```
//!
//! Delivery is at least once: a request whose answer never came is sent again, and may then be in the stream twice.
//! Such records are counted ([`Snapshot::possible_duplicates`]).
//!
//! ```no_run
//! # async fn example(client: aws_sdk_kinesis::Client) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use kinesis_demo::producer::{Producer, Record};
//!
//! let producer = Producer::builder(client, "orders").build()?;
//! let pending = producer.put(Record::new("{\"order\":1}\n", "customer-1")).await?;
//! let receipt = pending.await?;
//! println!("in {} as {}", receipt.shard_id, receipt.sequence_number);
//! producer.close(Duration::from_secs(30)).await;
//! # Ok(())
//! # }
//! ```

#[cfg_attr(not(test), expect(dead_code, reason = "the dispatcher does not aggregate yet"))]
mod aggregate;
mod batcher;
mod budget;
mod builder;
mod dispatcher;
mod epochs;
mod error;
mod handle;
/// What the service accepts.
pub mod limits;
mod metrics;
mod pending;
mod record;
mod retrier;
mod sdk;
mod transport;

pub use builder::{BuildError, Builder};
pub use error::{PutError, Reason, RecordError};
pub use handle::{Closed, Producer, Unsent};
pub use metrics::Snapshot;
pub use pending::{Pending, Receipt};
pub use record::Record;
pub use retrier::Backoff;
pub use sdk::SdkTransport;
pub use transport::{Answer, Position, RequestError, Severity, Transport};
