//! The compressions of objects.
//!
//! What each looks like, and that Hadoop's Snappy has Snappy's extension though the developer guide ("Configure Amazon S3
//! object name format") lists `.hsnappy`, is as others have found it in objects that Firehose wrote.

use std::io::{self, Cursor, Write};

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use serde::{Deserialize, Serialize};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

use super::records::Records;
use crate::snappy::{Framing, SnappyWriter};

/// `CompressionFormat` of the Firehose API.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Codec {
    #[default]
    #[serde(rename = "UNCOMPRESSED")]
    Uncompressed,
    #[serde(rename = "GZIP")]
    Gzip,
    #[serde(rename = "ZIP")]
    Zip,
    Snappy,
    #[serde(rename = "HADOOP_SNAPPY")]
    HadoopSnappy,
}

impl Codec {
    /// Its name in the API, in any other case none.
    pub(super) fn named(name: &str) -> Option<Self> {
        match name {
            "UNCOMPRESSED" => Some(Self::Uncompressed),
            "GZIP" => Some(Self::Gzip),
            "ZIP" => Some(Self::Zip),
            "Snappy" => Some(Self::Snappy),
            "HADOOP_SNAPPY" => Some(Self::HadoopSnappy),
            _ => None,
        }
    }

    /// Of the objects' names.
    pub(super) fn extension(self) -> &'static str {
        match self {
            Self::Uncompressed => "",
            Self::Gzip => ".gz",
            Self::Zip => ".zip",
            Self::Snappy | Self::HadoopSnappy => ".snappy",
        }
    }

    /// The object that records make; each chunk is freed as soon as it is in. `entry` names the one file of an archive.
    pub(super) fn object(self, records: Vec<Records>, entry: &str) -> io::Result<Bytes> {
        match self {
            Self::Uncompressed => {
                let mut whole = Vec::with_capacity(records.iter().map(Records::bytes).sum());
                write(records, &mut whole)?;
                Ok(whole.into())
            }
            Self::Gzip => {
                let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
                write(records, &mut encoder)?;
                Ok(encoder.finish()?.into())
            }
            Self::Zip => {
                // Without the time of writing, so that the same records make the same object.
                let options = SimpleFileOptions::default()
                    .compression_method(CompressionMethod::Deflated)
                    .last_modified_time(DateTime::default());
                let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
                archive.start_file(entry, options)?;
                write(records, &mut archive)?;
                Ok(archive.finish()?.into_inner().into())
            }
            Self::Snappy => snappy(records, Framing::Java),
            Self::HadoopSnappy => snappy(records, Framing::Hadoop),
        }
    }
}

fn snappy(records: Vec<Records>, framing: Framing) -> io::Result<Bytes> {
    let mut writer = SnappyWriter::new(framing);
    write(records, &mut writer)?;
    Ok(writer.finish()?.into())
}

fn write(records: Vec<Records>, into: &mut impl Write) -> io::Result<()> {
    records.into_iter().try_for_each(|chunk| into.write_all(chunk.data()))
}
