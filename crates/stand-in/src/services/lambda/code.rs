//! A function's code: a zip from the request or from a bucket, unpacked as it will run.

use std::{fs, io::Cursor, path::Path};

use base64_simd::STANDARD;
use bytes::Bytes;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use zip::ZipArchive;

use super::{ServiceError, refuse};
use crate::services::s3::S3;

/// Bytes of all files together (Lambda developer guide, "Lambda quotas").
const LARGEST_UNZIPPED: u64 = 262_144_000;
/// Bytes of a zip that is uploaded directly (Lambda developer guide, "Lambda quotas").
const LARGEST_ZIP: usize = 50 << 20;

/// Where a request says that the code is.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CodeSource {
    zip_file: Option<String>,
    s3_bucket: Option<String>,
    s3_key: Option<String>,
    s3_object_version: Option<String>,
    image_uri: Option<String>,
}

/// Code that has been unpacked.
pub(super) struct Code {
    /// Base64.
    pub(super) sha256: String,
    /// Of the zip, in bytes.
    pub(super) size: u64,
}

impl CodeSource {
    async fn fetch(self, s3: &S3) -> Result<Bytes, ServiceError> {
        if self.image_uri.is_some() {
            return Err(refuse::not_covered("ImageUri"));
        }
        if self.s3_object_version.is_some() {
            return Err(refuse::not_covered("S3ObjectVersion"));
        }
        match (self.zip_file, self.s3_bucket, self.s3_key) {
            (Some(base64), None, None) => decode(&base64),
            (None, Some(bucket), Some(key)) => s3.get(&bucket, &key).await.map_err(|error| {
                refuse::parameter(format!(
                    "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}",
                    error.code, error.message
                ))
            }),
            _ => Err(refuse::parameter("Please provide a source for function code.")),
        }
    }

    /// Fetches the zip and unpacks it into `folder`, which is made.
    pub(super) async fn unpack(self, s3: &S3, folder: &Path) -> Result<Code, ServiceError> {
        let (zip, folder) = (self.fetch(s3).await?, folder.to_owned());
        tokio::task::spawn_blocking(move || unpack(&zip, &folder)).await.map_err(ServiceError::internal)?
    }
}

fn decode(base64: &str) -> Result<Bytes, ServiceError> {
    let zip = STANDARD.decode_to_vec(base64);
    let zip =
        zip.map_err(|e| ServiceError::client("InvalidRequestContentException", format!("ZipFile is not base64: {e}")))?;
    if zip.len() > LARGEST_ZIP {
        return Err(ServiceError {
            status: 413,
            code: "RequestEntityTooLargeException",
            message: format!(
                "Request must be smaller than {} bytes for the CreateFunction operation",
                super::BODY_LIMIT
            ),
        });
    }
    Ok(zip.into())
}

fn unpack(zip: &Bytes, folder: &Path) -> Result<Code, ServiceError> {
    let bad = || refuse::parameter("Could not unzip uploaded file. Please check your file, then try to upload again.");
    let mut archive = ZipArchive::new(Cursor::new(zip)).map_err(|_| bad())?;
    let mut unzipped = 0;
    for i in 0..archive.len() {
        unzipped += archive.by_index_raw(i).map_err(|_| bad())?.size();
    }
    if unzipped > LARGEST_UNZIPPED {
        return Err(refuse::parameter(format!("Unzipped size must be smaller than {LARGEST_UNZIPPED} bytes")));
    }
    fs::create_dir_all(folder)?;
    archive.extract(folder).map_err(|e| match e {
        zip::result::ZipError::Io(e) => e.into(),
        _ => bad(),
    })?;
    let sha256 = STANDARD.encode_to_string(Sha256::digest(zip));
    Ok(Code { sha256, size: zip.len() as u64 })
}
