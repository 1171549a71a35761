//! The checksums of a request and of an answer: five members each, and one of them is used.

/// Collects those of a request's checksum members that are given.
macro_rules! checksums_of {
    ($crc32:expr, $crc32c:expr, $crc64nvme:expr, $sha1:expr, $sha256:expr $(,)?) => {{
        use $crate::services::s3::store::Algorithm;
        let members = [
            (Algorithm::Crc32, $crc32),
            (Algorithm::Crc32c, $crc32c),
            (Algorithm::Crc64Nvme, $crc64nvme),
            (Algorithm::Sha1, $sha1),
            (Algorithm::Sha256, $sha256),
        ];
        members.into_iter().filter_map(|(algorithm, value)| Some((algorithm, value?))).collect::<Vec<_>>()
    }};
}
pub(super) use checksums_of;

/// Sets the member of an answer that is for this checksum.
macro_rules! set_checksum {
    ($output:expr, $checksum:expr) => {
        if let Some(checksum) = $checksum {
            let checksum: &$crate::services::s3::store::Checksum = checksum;
            let member = match checksum.algorithm {
                $crate::services::s3::store::Algorithm::Crc32 => &mut $output.checksum_crc32,
                $crate::services::s3::store::Algorithm::Crc32c => &mut $output.checksum_crc32c,
                $crate::services::s3::store::Algorithm::Crc64Nvme => &mut $output.checksum_crc64nvme,
                $crate::services::s3::store::Algorithm::Sha1 => &mut $output.checksum_sha1,
                $crate::services::s3::store::Algorithm::Sha256 => &mut $output.checksum_sha256,
            };
            *member = Some(checksum.value.clone());
        }
    };
}
pub(super) use set_checksum;

use s3s::dto::ChecksumType;

use super::store::Checksum;

/// The type of a checksum as answers have it.
pub(super) fn checksum_type(checksum: Option<&Checksum>) -> Option<ChecksumType> {
    checksum.map(|checksum| ChecksumType::from(checksum.kind.name().to_owned()))
}
