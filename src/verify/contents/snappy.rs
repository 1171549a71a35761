//! Snappy in snappy-java's framing and in Hadoop's (xerial snappy-java, "Compatibility notes"; Apache Hadoop,
//! `BlockCompressorStream`).

use std::io::{self, Read};

use bytes::{Buf, Bytes};
use snap::raw::{Decoder, decompress_len};

/// Magic and two versions.
const JAVA_HEADER: usize = 16;

/// Which framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A header; then each block after its compressed length.
    Java,
    /// Frames, each after the length of what its blocks hold; in them each block after its compressed length.
    Hadoop,
}

/// Decompresses block by block.
pub(super) struct Snappy {
    rest: Bytes,
    framing: Framing,
    /// What the blocks of the frame have yet to give.
    frame: usize,
    block: Bytes,
}

impl Snappy {
    pub(super) fn new(mut data: Bytes, framing: Framing) -> Self {
        if framing == Framing::Java {
            data.advance(JAVA_HEADER.min(data.len()));
        }
        Self { rest: data, framing, frame: 0, block: Bytes::new() }
    }

    fn next_block(&mut self) -> io::Result<()> {
        if self.framing == Framing::Hadoop && self.frame == 0 {
            self.frame = self.length()?;
        }
        let length = self.length()?;
        if length > self.rest.len() {
            return Err(damaged("it ends inside a block"));
        }
        let compressed = self.rest.split_to(length);
        let size = decompress_len(&compressed)?;
        if self.framing == Framing::Hadoop {
            self.frame = self.frame.checked_sub(size).ok_or_else(|| damaged("a block is larger than its frame"))?;
        }
        self.block = Decoder::new().decompress_vec(&compressed)?.into();
        Ok(())
    }

    fn length(&mut self) -> io::Result<usize> {
        if self.rest.len() < size_of::<u32>() {
            return Err(damaged("it ends inside a length"));
        }
        Ok(self.rest.get_u32() as usize)
    }
}

impl Read for Snappy {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.block.is_empty() && !self.rest.is_empty() {
            self.next_block()?;
        }
        let taken = into.len().min(self.block.len());
        self.block.copy_to_slice(&mut into[..taken]);
        Ok(taken)
    }
}

fn damaged(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("damaged Snappy: {why}"))
}
