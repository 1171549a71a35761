//! Snappy in the two framings that Firehose writes, and the one of them that Athena reads.
//!
//! `Snappy` is snappy-java's stream and `HADOOP_SNAPPY` is Hadoop's; neither is Snappy's own framing format. (xerial
//! snappy-java, "Compatibility notes"; Apache Hadoop, `BlockCompressorStream`.)

use std::io::{self, Read, Write};

use snap::raw::{Decoder, Encoder, decompress_len};

/// As snappy-java cuts both.
const BLOCK: usize = 32 << 10;
/// Magic, version 1, and compatible from version 1.
const JAVA_HEADER: [u8; 16] = *b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01";
/// A block that claims to hold more is none.
const LARGEST_BLOCK: usize = 64 << 20;

/// Which framing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Framing {
    /// A header; then each block after its compressed length.
    Java,
    /// Each block after its length and its compressed length.
    Hadoop,
}

/// Compresses what is written to it into memory.
pub(super) struct SnappyWriter {
    framing: Framing,
    encoder: Encoder,
    pending: Vec<u8>,
    compressed: Vec<u8>,
    output: Vec<u8>,
}

impl SnappyWriter {
    pub(super) fn new(framing: Framing) -> Self {
        let output = match framing {
            Framing::Java => JAVA_HEADER.to_vec(),
            Framing::Hadoop => Vec::new(),
        };
        let compressed = vec![0; snap::raw::max_compress_len(BLOCK)];
        Self { framing, encoder: Encoder::new(), pending: Vec::with_capacity(BLOCK), compressed, output }
    }

    /// All of it, the last block too.
    pub(super) fn finish(mut self) -> io::Result<Vec<u8>> {
        self.end_block()?;
        Ok(self.output)
    }

    fn end_block(&mut self) -> io::Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let length = self.encoder.compress(&self.pending, &mut self.compressed)?;
        if self.framing == Framing::Hadoop {
            self.output.extend_from_slice(&(self.pending.len() as u32).to_be_bytes());
        }
        self.output.extend_from_slice(&(length as u32).to_be_bytes());
        self.output.extend_from_slice(&self.compressed[..length]);
        self.pending.clear();
        Ok(())
    }
}

impl Write for SnappyWriter {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        let taken = data.len().min(BLOCK - self.pending.len());
        self.pending.extend_from_slice(&data[..taken]);
        if self.pending.len() == BLOCK {
            self.end_block()?;
        }
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Reads Hadoop's framing.
pub(super) struct HadoopReader<'a> {
    rest: &'a [u8],
    /// Bytes of the frame that are in blocks to come.
    frame: usize,
    block: Vec<u8>,
    at: usize,
}

impl<'a> HadoopReader<'a> {
    pub(super) fn new(data: &'a [u8]) -> Self {
        Self { rest: data, frame: 0, block: Vec::new(), at: 0 }
    }

    fn length(&mut self) -> io::Result<usize> {
        let (length, rest) = self.rest.split_first_chunk().ok_or_else(|| malformed("it ends inside a length"))?;
        self.rest = rest;
        let length = u32::from_be_bytes(*length) as usize;
        if length > LARGEST_BLOCK { Err(malformed("a block has an impossible length")) } else { Ok(length) }
    }

    /// Fills the block with the next one; empty at the end.
    fn next_block(&mut self) -> io::Result<()> {
        self.block.clear();
        self.at = 0;
        while self.frame == 0 && !self.rest.is_empty() {
            self.frame = self.length()?;
        }
        if self.frame == 0 {
            return Ok(());
        }
        let length = self.length()?;
        let (compressed, rest) =
            self.rest.split_at_checked(length).ok_or_else(|| malformed("it ends inside a block"))?;
        self.rest = rest;
        let size = decompress_len(compressed)?;
        self.frame = self.frame.checked_sub(size).ok_or_else(|| malformed("a block is larger than its frame"))?;
        self.block.resize(size, 0);
        Decoder::new().decompress(compressed, &mut self.block)?;
        Ok(())
    }
}

impl Read for HadoopReader<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        // A block may be empty, and the end is where nothing is left.
        while self.at == self.block.len() && !(self.rest.is_empty() && self.frame == 0) {
            self.next_block()?;
        }
        let taken = into.len().min(self.block.len() - self.at);
        into[..taken].copy_from_slice(&self.block[self.at..self.at + taken]);
        self.at += taken;
        Ok(taken)
    }
}

fn malformed(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, format!("no Snappy in Hadoop's framing: {why}"))
}

#[cfg(test)]
mod tests {
    use proptest::{collection, prelude::*};

    use super::*;

    fn written(framing: Framing, data: &[u8]) -> Vec<u8> {
        let mut writer = SnappyWriter::new(framing);
        writer.write_all(data).expect("memory takes it");
        writer.finish().expect("memory takes it")
    }

    fn read(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut all = Vec::new();
        HadoopReader::new(data).read_to_end(&mut all).map(|_| all)
    }

    #[test]
    fn what_is_written_for_hadoop_is_read_again() {
        let data: Vec<u8> = (0..100_000u32).flat_map(|n| (n % 1000).to_be_bytes()).collect();
        let frames = written(Framing::Hadoop, &data);
        assert!(frames.len() < data.len());
        assert_eq!(frames[..4], (BLOCK as u32).to_be_bytes());
        assert_eq!(read(&frames).expect("reads"), data);
        assert_eq!(read(b"").expect("reads"), b"");
    }

    #[test]
    fn a_frame_may_have_many_blocks() {
        let block = |data: &[u8]| Encoder::new().compress_vec(data).expect("compresses");
        let (one, two) = (block(b"hello "), block(b"world"));
        let mut frame = 11u32.to_be_bytes().to_vec();
        for block in [one, two] {
            frame.extend((block.len() as u32).to_be_bytes());
            frame.extend(block);
        }
        assert_eq!(read(&frame).expect("reads"), b"hello world");
        for torn in [&frame[..2], &frame[..9], &frame[..14]] {
            assert!(read(torn).is_err());
        }
    }

    #[test]
    fn snappy_javas_stream_has_its_header_and_is_not_hadoops() {
        let stream = written(Framing::Java, b"hello hello hello");
        assert_eq!(stream[..16], JAVA_HEADER);
        let length = u32::from_be_bytes(stream[16..20].try_into().expect("four bytes")) as usize;
        assert_eq!(Decoder::new().decompress_vec(&stream[20..20 + length]).expect("a block"), b"hello hello hello");
        assert!(read(&stream).expect_err("refused").to_string().contains("impossible length"));
    }

    /// Text of some length that compresses, written in pieces.
    fn pieces() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let piece = (collection::vec(any::<u8>(), 0..40), 1..2_000_usize);
        collection::vec(piece.prop_map(|(pattern, times)| pattern.repeat(times)), 0..4)
    }

    /// Frames of blocks of any size, an empty one too.
    fn framed(frames: &[Vec<Vec<u8>>]) -> Vec<u8> {
        let mut written = Vec::new();
        for blocks in frames {
            written.extend((blocks.iter().map(Vec::len).sum::<usize>() as u32).to_be_bytes());
            for block in blocks {
                let compressed = Encoder::new().compress_vec(block).expect("compresses");
                written.extend((compressed.len() as u32).to_be_bytes());
                written.extend(compressed);
            }
        }
        written
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(100))]

        #[test]
        fn pieces_come_back_whole_and_cut_frames_come_back_as_far_as_they_go(pieces in pieces(), cut: prop::sample::Index) {
            let mut writer = SnappyWriter::new(Framing::Hadoop);
            pieces.iter().for_each(|piece| writer.write_all(piece).expect("memory takes it"));
            let (frames, data) = (writer.finish().expect("memory takes it"), pieces.concat());
            prop_assert_eq!(&read(&frames).expect("reads"), &data);
            let cut = &frames[..cut.index(frames.len() + 1)];
            let (mut found, mut reader) = (Vec::new(), HadoopReader::new(cut));
            let ended = reader.read_to_end(&mut found);
            prop_assert!(data.starts_with(&found));
            prop_assert!(ended.is_err() || found.len() == data.len() || found.len() % BLOCK == 0);
        }
    }

    proptest! {
        #[test]
        fn blocks_of_any_size_come_back(
            frames in collection::vec(collection::vec(collection::vec(any::<u8>(), 0..20), 1..4), 0..4)
        ) {
            // A frame of nothing has no block.
            let frames: Vec<Vec<Vec<u8>>> = frames.into_iter().filter(|blocks| !blocks.concat().is_empty()).collect();
            // After the last byte of a frame no block of it follows.
            let trimmed = |mut blocks: Vec<Vec<u8>>| {
                while blocks.last().is_some_and(Vec::is_empty) {
                    blocks.pop();
                }
                blocks
            };
            let frames: Vec<Vec<Vec<u8>>> = frames.into_iter().map(trimmed).collect();
            prop_assert_eq!(read(&framed(&frames)).expect("reads"), frames.concat().concat());
        }

        #[test]
        fn no_bytes_break_the_reader(bytes: Vec<u8>) {
            let _read = read(&bytes);
        }
    }
}
