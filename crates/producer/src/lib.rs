//! A producer for Amazon Kinesis Data Streams. It takes records one by one, sends them in batches, and completes each with a
//! receipt or an error.
//!
//! ```text
//! put → budget ┬→ the request being filled ────────────┐
//!              └→ its shard's queue → aggregate, limiter → request → hash → transport → receipt
//!                          ↑                                                    │
//!                          └──────── refused positions, after a backoff ────────┘
//! ```
//!
//! `put` writes a record in its final form, on the caller's thread, and keeps nothing else of it. One task, the dispatcher,
//! does the rest. Far from the stream's limits, records need no queue. Near them, and in an ordered or an aggregating
//! producer, each shard has a queue.
//!
//! Delivery is at least once: the producer repeats a request whose answer never came, so its records may be in the stream
//! twice. It counts them ([`Snapshot::possible_duplicates`]).
//!
//! # Threads
//!
//! [`put`](Producer::put) copies and encodes a record on the caller's thread: 1 µs for 1 KiB, 8 µs for 50 KiB, 140 µs for
//! 1,000 KiB (medians on an AMD EPYC, by `cargo bench --bench threads`). It holds the thread for more than 200 µs where a
//! record is larger than 1 MiB, or where it begins a request in memory that is new to the process: then up to 1.2 ms for
//! 1,000 KiB, and up to 10 ms while the first requests of 10 MiB grow. It never hashes more than the partition key.
//!
//! The dispatcher hashes in slices of 32 KiB and gives way to other tasks after 100 µs. What it does between two slices, as
//! to settle an answer or to copy a request of 1 MiB together, takes longer in one of a hundred turns: up to 400 µs. With
//! requests of 10 MiB it is up to 5 ms; give the producer a runtime of its own if that is too long.
//!
//! # Example
//!
//! ```no_run
//! # async fn example(config: aws_types::SdkConfig) -> Result<(), Box<dyn std::error::Error>> {
//! use std::time::Duration;
//! use kinesis_producer::{Producer, Record};
//!
//! let producer = Producer::builder(&config, "orders").build().await?;
//! let pending = producer.put(Record::new("{\"order\":1}\n", "customer-1")).await?;
//! let receipt = pending.await?;
//! println!("in {} as {}", receipt.shard_id(), receipt.sequence_number());
//! producer.close(Duration::from_secs(30)).await;
//! # Ok(())
//! # }
//! ```

#![deny(missing_debug_implementations)]

mod aggregate;
mod answer;
mod batch;
mod body;
mod budget;
mod builder;
mod completion;
mod dispatcher;
mod error;
mod flush_barriers;
mod group;
mod handle;
mod hot_keys;
mod limiter;
/// What Kinesis takes.
pub mod limits;
mod load_estimate;
mod lock;
mod metrics;
mod misrouted;
mod multi_buffer;
mod queued_batch;
mod queued_record;
mod queues;
mod receipt;
mod record;
mod refusal;
mod retry;
mod sdk;
mod settle;
/// The open shards of a stream, and the hash keys that each takes.
pub mod shard_map;
mod shard_watch;
mod sink;
mod state;
mod transport;
mod turn;
mod wire;

pub use answer::{Answer, AnswerBuilder, Position, Span};
pub use body::{Body, Format};
pub use builder::{BuildError, Builder, TransportKind};
pub use completion::Pending;
pub use error::{PutError, Reason, RecordError};
pub use handle::{Closed, Producer, Unsent};
pub use hot_keys::HotKey;
pub use metrics::Snapshot;
pub use queues::ShardView;
pub use receipt::Receipt;
pub use record::Record;
pub use retry::Backoff;
pub use sdk::SdkTransport;
pub use shard_map::{DescribeError, OpenShard, ShardMap};
pub use sink::{RecordSink, SinkError};
pub use transport::{Request, RequestError, Severity, Transport, Wants};
pub use wire::{Wire, WireError};
