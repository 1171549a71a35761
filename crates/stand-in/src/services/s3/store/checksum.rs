//! Checksums that S3 keeps with an object, and digests of data on its way in.

use base64_simd::STANDARD;
use crc_fast::{CrcAlgorithm, checksum_combine};
use md5::{Digest as _, Md5};
use s3s::{
    checksum::ChecksumHasher,
    crypto::{Checksum as _, Crc32, Crc32c, Crc64Nvme, Sha1, Sha256},
    dto,
};
use serde::{Deserialize, Serialize};

/// An algorithm of S3 (Amazon S3 user guide, "Checking object integrity").
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) enum Algorithm {
    Crc32,
    Crc32c,
    Crc64Nvme,
    Sha1,
    Sha256,
}

/// What a checksum is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Kind {
    /// All the data.
    FullObject,
    /// The checksums of its parts.
    Composite,
}

/// The checksum of an object or of a part.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Checksum {
    pub(crate) algorithm: Algorithm,
    pub(crate) kind: Kind,
    /// In base64; a composite one ends with `-` and how many parts there are.
    pub(crate) value: String,
}

impl Algorithm {
    pub(crate) const ALL: [Self; 5] = [Self::Crc32, Self::Crc32c, Self::Crc64Nvme, Self::Sha1, Self::Sha256];

    /// Returns the name that S3 has for it, for example `CRC32`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Crc32 => "CRC32",
            Self::Crc32c => "CRC32C",
            Self::Crc64Nvme => "CRC64NVME",
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.name() == name)
    }

    /// Returns the header that has its value, for example `x-amz-checksum-crc32`.
    pub(crate) fn header(self) -> String {
        format!("x-amz-checksum-{}", self.name().to_lowercase())
    }

    pub(crate) fn of_header(header: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|algorithm| algorithm.header().eq_ignore_ascii_case(header))
    }

    /// What a multipart upload has that says no type (Amazon S3 API reference, CreateMultipartUpload).
    pub(crate) fn default_kind(self) -> Kind {
        if self == Self::Crc64Nvme { Kind::FullObject } else { Kind::Composite }
    }

    /// Whether an upload may have this type.
    pub(crate) fn allows(self, kind: Kind) -> bool {
        match self {
            Self::Crc32 | Self::Crc32c => true,
            Self::Crc64Nvme => kind == Kind::FullObject,
            Self::Sha1 | Self::Sha256 => kind == Kind::Composite,
        }
    }

    fn crc(self) -> Option<CrcAlgorithm> {
        match self {
            Self::Crc32 => Some(CrcAlgorithm::Crc32IsoHdlc),
            Self::Crc32c => Some(CrcAlgorithm::Crc32Iscsi),
            Self::Crc64Nvme => Some(CrcAlgorithm::Crc64Nvme),
            Self::Sha1 | Self::Sha256 => None,
        }
    }
}

impl Kind {
    /// Returns the name that S3 has for it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::FullObject => "FULL_OBJECT",
            Self::Composite => "COMPOSITE",
        }
    }

    pub(crate) fn of_name(name: &str) -> Option<Self> {
        [Self::FullObject, Self::Composite].into_iter().find(|kind| kind.name() == name)
    }
}

impl Checksum {
    /// Puts together the checksum of an upload from those of its parts, each with the part's length in bytes.
    pub(super) fn of_parts(algorithm: Algorithm, kind: Kind, parts: &[(Self, u64)]) -> Option<Self> {
        let decoded = parts.iter().map(|(part, size)| Some((STANDARD.decode_to_vec(&part.value).ok()?, *size)));
        let decoded: Vec<(Vec<u8>, u64)> = decoded.collect::<Option<_>>()?;
        let value = match kind {
            Kind::FullObject => combined(algorithm.crc()?, &decoded)?,
            Kind::Composite => {
                let mut hasher = Hasher::of(algorithm);
                decoded.iter().for_each(|(value, _)| hasher.0.update(value));
                format!("{}-{}", hasher.finish(algorithm), parts.len())
            }
        };
        Some(Self { algorithm, kind, value })
    }
}

/// The checksum of data from those of its pieces, big-endian.
fn combined(crc: CrcAlgorithm, pieces: &[(Vec<u8>, u64)]) -> Option<String> {
    let width = pieces.first()?.0.len();
    let number = |bytes: &[u8]| bytes.iter().fold(0_u64, |number, byte| number << 8 | u64::from(*byte));
    let whole = pieces.iter().map(|(value, size)| (number(value), *size));
    let (whole, _) =
        whole.reduce(|(one, before), (other, size)| (checksum_combine(crc, one, other, size), before + size))?;
    Some(STANDARD.encode_to_string(&whole.to_be_bytes()[8 - width..]))
}

/// The library's hasher with one algorithm in it.
struct Hasher(ChecksumHasher);

impl Hasher {
    fn of(algorithm: Algorithm) -> Self {
        let mut hasher = ChecksumHasher::default();
        match algorithm {
            Algorithm::Crc32 => hasher.crc32 = Some(Crc32::new()),
            Algorithm::Crc32c => hasher.crc32c = Some(Crc32c::new()),
            Algorithm::Crc64Nvme => hasher.crc64nvme = Some(Crc64Nvme::new()),
            Algorithm::Sha1 => hasher.sha1 = Some(Sha1::new()),
            Algorithm::Sha256 => hasher.sha256 = Some(Sha256::new()),
        }
        Self(hasher)
    }

    fn finish(self, algorithm: Algorithm) -> String {
        let dto::Checksum {
            checksum_crc32, checksum_crc32c, checksum_crc64nvme, checksum_sha1, checksum_sha256, ..
        } = self.0.finalize();
        let value = match algorithm {
            Algorithm::Crc32 => checksum_crc32,
            Algorithm::Crc32c => checksum_crc32c,
            Algorithm::Crc64Nvme => checksum_crc64nvme,
            Algorithm::Sha1 => checksum_sha1,
            Algorithm::Sha256 => checksum_sha256,
        };
        value.expect("the hasher has this algorithm")
    }
}

/// What is computed of data while it comes in: MD5 for the ETag, and a checksum if the caller sends one.
pub(crate) struct Digesting {
    size: u64,
    md5: Md5,
    checksum: Option<(Algorithm, Hasher)>,
}

/// What data is known by.
#[derive(Debug)]
pub(crate) struct Digest {
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    /// The one that was asked for.
    pub(crate) checksum: Option<Checksum>,
}

impl Digesting {
    pub(crate) fn new(algorithm: Option<Algorithm>) -> Self {
        let checksum = algorithm.map(|algorithm| (algorithm, Hasher::of(algorithm)));
        Self { size: 0, md5: Md5::new(), checksum }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        self.size += data.len() as u64;
        self.md5.update(data);
        if let Some((_, hasher)) = &mut self.checksum {
            hasher.0.update(data);
        }
    }

    pub(crate) fn finish(self) -> Digest {
        let checksum = self.checksum.map(|(algorithm, hasher)| Checksum {
            algorithm,
            kind: Kind::FullObject,
            value: hasher.finish(algorithm),
        });
        Digest { size: self.size, md5: self.md5.finalize().into(), checksum }
    }
}

impl Digest {
    /// Returns the ETag of an object that was put in one piece, without quotation marks.
    pub(super) fn etag(&self) -> String {
        hex(&self.md5)
    }
}

/// Writes bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Returns the ETag of an object that was uploaded in parts of these ETags (Amazon S3 user guide, "Checking object
/// integrity"): the MD5 of their MD5s, and how many there are.
pub(super) fn etag_of_parts(etags: &[String]) -> String {
    let mut md5 = Md5::new();
    for etag in etags {
        let digits = etag.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
        let bytes: Vec<u8> = digits.filter_map(|pair| u8::from_str_radix(pair, 16).ok()).collect();
        md5.update(bytes);
    }
    format!("{}-{}", hex(&md5.finalize()), etags.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checksum(algorithm: Algorithm, data: &[u8]) -> Checksum {
        let mut digesting = Digesting::new(Some(algorithm));
        digesting.update(data);
        digesting.finish().checksum.expect("it was asked for")
    }

    #[test]
    fn a_full_checksum_of_parts_is_the_one_of_all_the_data() {
        let data: Vec<u8> = (0..10_000_u32).map(|n| (n * n) as u8).collect();
        for algorithm in [Algorithm::Crc32, Algorithm::Crc32c, Algorithm::Crc64Nvme] {
            let pieces = [&data[..1], &data[1..7000], &data[7000..]];
            let parts: Vec<_> = pieces.iter().map(|piece| (checksum(algorithm, piece), piece.len() as u64)).collect();
            let whole = Checksum::of_parts(algorithm, Kind::FullObject, &parts).expect("a CRC");
            assert_eq!(whole, checksum(algorithm, &data), "{algorithm:?}");
        }
        let one = [(checksum(Algorithm::Sha256, b"x"), 1)];
        assert_eq!(Checksum::of_parts(Algorithm::Sha256, Kind::FullObject, &one), None);
    }

    #[test]
    fn a_composite_checksum_is_the_one_of_the_checksums() {
        let parts = [(checksum(Algorithm::Crc32, b"hello"), 5), (checksum(Algorithm::Crc32, b"world"), 5)];
        let composite = Checksum::of_parts(Algorithm::Crc32, Kind::Composite, &parts).expect("composite").value;
        let bytes: Vec<u8> =
            parts.iter().flat_map(|(part, _)| STANDARD.decode_to_vec(&part.value).expect("base64")).collect();
        assert_eq!(composite, format!("{}-2", checksum(Algorithm::Crc32, &bytes).value));
    }

    #[test]
    fn the_etag_of_parts_is_the_md5_of_their_md5s() {
        // `printf '' | md5sum`, and of those sixteen bytes.
        let empty = "d41d8cd98f00b204e9800998ecf8427e".to_owned();
        assert_eq!(etag_of_parts(&[empty]), "59adb24ef3cdbe0297f05b395827453f-1");
    }

    #[test]
    fn names_and_headers_lead_back() {
        for algorithm in Algorithm::ALL {
            assert_eq!(Algorithm::of_name(algorithm.name()), Some(algorithm));
            assert_eq!(Algorithm::of_header(&algorithm.header()), Some(algorithm));
        }
        assert_eq!(Algorithm::of_header("x-amz-checksum-type"), None);
    }
}
