//! What an object holds, as lines of JSON: decompressed, whatever of Firehose's formats it is in.
//!
//! The format is told by the object's own first bytes, so that nobody's word is taken for it.

mod parquet;
mod snappy;

use std::io::{self, BufRead, BufReader, Cursor, Read};

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use zip::ZipArchive;

use self::{
    parquet::Rows,
    snappy::{Framing, Snappy},
};
use crate::spec::FieldPath;

const GZIP: &[u8] = b"\x1f\x8b";
const ZIP: &[u8] = b"PK\x03\x04";
const SNAPPY_JAVA: &[u8] = b"\x82SNAPPY\0";
const PARQUET: &[u8] = b"PAR1";
/// Hadoop's framing has no magic. It begins with the length of a frame, which is below 16 MiB; no JSON begins so.
const HADOOP_SNAPPY: &[u8] = b"\0";

const READ_AHEAD: usize = 1 << 16;

/// The documents of an object, one a line. Of a Parquet object only the fields of `key` are read and in the lines, in the
/// case in which `key` has them; a field that is null is left out.
///
/// # Errors
/// The object is damaged; or, of a ZIP archive, it does not hold exactly one file.
pub fn lines(data: Bytes, key: &[FieldPath]) -> io::Result<Box<dyn BufRead>> {
    Ok(match () {
        () if data.starts_with(GZIP) => buffered(MultiGzDecoder::new(Cursor::new(data))),
        () if data.starts_with(ZIP) => Box::new(Cursor::new(unzipped(data)?)),
        () if data.starts_with(SNAPPY_JAVA) => buffered(Snappy::new(data, Framing::Java)),
        () if data.starts_with(PARQUET) => buffered(Rows::new(data, key)?),
        () if data.starts_with(HADOOP_SNAPPY) => buffered(Snappy::new(data, Framing::Hadoop)),
        () => Box::new(Cursor::new(data)),
    })
}

fn buffered(reader: impl Read + 'static) -> Box<dyn BufRead> {
    Box::new(BufReader::with_capacity(READ_AHEAD, reader))
}

fn unzipped(data: Bytes) -> io::Result<Vec<u8>> {
    let mut archive = ZipArchive::new(Cursor::new(data))?;
    if archive.len() != 1 {
        return Err(io::Error::other(format!("the archive holds {} files, not one", archive.len())));
    }
    let mut whole = Vec::new();
    archive.by_index(0)?.read_to_end(&mut whole)?;
    Ok(whole)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::{Compression, write::GzEncoder};
    use snap::raw::Encoder;
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;

    const TEXT: &[u8] = b"{\"a\":1}\n{\"a\":2}\n";

    fn read(data: &[u8]) -> io::Result<Vec<u8>> {
        let mut text = Vec::new();
        lines(Bytes::copy_from_slice(data), &[])?.read_to_end(&mut text).map(|_| text)
    }

    fn archive(files: &[&str]) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for file in files {
            archive.start_file(*file, SimpleFileOptions::default()).expect("a file");
            archive.write_all(TEXT).expect("memory takes it");
        }
        archive.finish().expect("memory takes it").into_inner()
    }

    fn framed(framing: Framing) -> Vec<u8> {
        let mut data = Vec::new();
        if framing == Framing::Java {
            data.extend(b"\x82SNAPPY\0\0\0\0\x01\0\0\0\x01");
        }
        for block in TEXT.chunks(5) {
            let compressed = Encoder::new().compress_vec(block).expect("compresses");
            if framing == Framing::Hadoop {
                data.extend((block.len() as u32).to_be_bytes());
            }
            data.extend((compressed.len() as u32).to_be_bytes());
            data.extend(compressed);
        }
        data
    }

    #[test]
    fn every_compression_is_told_by_its_first_bytes() {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(TEXT).expect("memory takes it");
        let gzip = gzip.finish().expect("memory takes it");
        for data in [TEXT.to_vec(), gzip, archive(&["one"]), framed(Framing::Java), framed(Framing::Hadoop)] {
            assert_eq!(read(&data).expect("reads"), TEXT, "{:?}", &data[..4]);
        }
        assert_eq!(read(b"").expect("reads"), b"");
    }

    #[test]
    fn what_is_damaged_is_an_error() {
        for data in [framed(Framing::Java), framed(Framing::Hadoop), archive(&["one"])] {
            assert!(read(&data[..data.len() - 3]).is_err(), "{:?}", &data[..4]);
        }
        let two = read(&archive(&["one", "two"])).expect_err("two files");
        assert!(two.to_string().contains("2 files"), "{two}");
        assert!(read(b"PAR1PAR1").is_err());
    }
}
