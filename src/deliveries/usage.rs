//! What a load uses of what AWS bills by use.

use serde::Serialize;

use crate::aws::cost::Prices;

/// What a record into Firehose is rounded up to (Amazon Data Firehose pricing).
const FIREHOSE_BYTES: f64 = 5.0 * 1_024.0;
/// Of the length of documents, what is left at least when their objects are compressed: gzip leaves a fifth of `store_sales`, and
/// others may repeat themselves more.
const COMPRESSED: f64 = 0.1;
const GB: f64 = (1 << 30) as f64;
const MIB: f64 = (1 << 20) as f64;

/// One thing that is paid by how much of it is used.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Used {
    /// For example `Kinesis PUT payload units`.
    pub what: &'static str,
    /// How many.
    pub quantity: f64,
    /// Of what, for example `GB`.
    pub unit: &'static str,
    /// US dollars.
    pub dollars: f64,
}

impl Used {
    pub(crate) fn each(what: &'static str, quantity: f64, unit: &'static str, price: f64) -> Self {
        Self { what, quantity, unit, dollars: quantity * price }
    }

    pub(crate) fn million(what: &'static str, quantity: f64, unit: &'static str, price: f64) -> Self {
        Self::each(what, quantity, unit, price / 1e6)
    }
}

/// What is sent: documents, or the records that they share.
#[derive(Clone, Copy, Debug)]
pub struct Sent {
    /// How many.
    pub documents: f64,
    /// The mean length of one.
    pub mean_bytes: f64,
}

impl Sent {
    /// The bytes of all documents.
    pub(crate) fn bytes(self) -> f64 {
        self.documents * self.mean_bytes
    }

    /// The bytes of their objects, at least, where those are compressed.
    pub(crate) fn compressed_bytes(self) -> f64 {
        self.bytes() * COMPRESSED
    }

    /// Units of so many bytes, each document rounded up.
    pub(crate) fn units(self, bytes: f64) -> f64 {
        self.documents * (self.mean_bytes / bytes).ceil().max(1.0)
    }

    /// GB of documents, each rounded up to a whole number of so many bytes.
    pub(crate) fn gb(self, bytes: f64) -> f64 {
        self.units(bytes) * bytes / GB
    }

    /// GB through Firehose, at a price for each.
    pub(crate) fn through_firehose(self, what: &'static str, price: f64) -> Used {
        Used::each(what, self.gb(FIREHOSE_BYTES), "GB", price)
    }

    /// The objects of a delivery stream whose buffer holds so many MiB.
    pub(crate) fn objects(self, buffer_mib: u32, prices: &Prices) -> Used {
        let objects = (self.documents * self.mean_bytes / (f64::from(buffer_mib) * MIB)).ceil();
        let dollars = objects / 1e3 * prices.thousand_puts;
        Used { dollars, ..Used::each("S3 objects, at least", objects, "puts", 0.0) }
    }
}
