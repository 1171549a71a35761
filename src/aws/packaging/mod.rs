//! The Lambda function's code: the binary found beside this one, looked over, and zipped.

mod elf;

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use base64_simd::STANDARD;
use bytes::Bytes;
use sha2::{Digest, Sha256};
use zip::{CompressionMethod, DateTime, System, ZipWriter, result::ZipError, write::SimpleFileOptions};

pub(super) use elf::check as fitness;
pub use elf::{Architecture, Unfit};

/// The binary's name beside `demo`.
pub const BINARY: &str = "demo-function";
/// What an OS-only runtime starts (Lambda developer guide, "Building a custom runtime").
const BOOTSTRAP: &str = "bootstrap";

/// How to get a binary, for whoever has none that fits.
const HOW: &str = "build one on Linux (`cargo build --release --bin demo-function`), in a container of Amazon Linux \
                   2023, or static (`--target x86_64-unknown-linux-musl`), and pass it with --function-binary FILE";

/// Code that Lambda takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// What to zip.
    pub binary: PathBuf,
    /// What it runs on.
    pub architecture: Architecture,
    /// The zip's SHA-256 in base64, as Lambda answers with it: the same binary gives the same.
    pub digest: String,
    /// Bytes of the zip.
    pub size: usize,
}

/// Why there is no code for the function.
#[derive(Debug, thiserror::Error)]
pub enum PackagingError {
    /// There is no binary, or none that can be read.
    #[error("cannot read the function's binary {}: {source}; {HOW}", .path.display())]
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It would not run on Lambda.
    #[error("{} cannot be the function's binary: {why}; {HOW}", .path.display())]
    Unfit {
        /// The binary.
        path: PathBuf,
        /// What is wrong with it.
        why: Unfit,
    },
    /// It cannot be zipped.
    #[error("cannot zip {}: {source}", .path.display())]
    Zip {
        /// The binary.
        path: PathBuf,
        /// Why.
        source: ZipError,
    },
    /// It is not what was looked over.
    #[error("{} changed in the meantime; run the command again", .path.display())]
    Changed {
        /// The binary.
        path: PathBuf,
    },
}

impl Package {
    /// Looks over a binary: `given`, or the one beside this process's own.
    ///
    /// # Errors
    /// When there is none, or Lambda's `provided.al2023` could not run it.
    pub fn find(given: Option<&Path>) -> Result<Self, PackagingError> {
        let binary = match given {
            Some(path) => path.to_owned(),
            None => beside().map_err(|source| PackagingError::Unreadable { path: BINARY.into(), source })?,
        };
        let code = read(&binary)?;
        let architecture = elf::check(&code).map_err(|why| PackagingError::Unfit { path: binary.clone(), why })?;
        let zip = zipped(&code, &binary)?;
        Ok(Self { digest: digest(&zip), size: zip.len(), binary, architecture })
    }

    /// One that stands for any, to say what a function would need: of the largest sort, which goes through a bucket.
    pub fn any() -> Self {
        Self { binary: BINARY.into(), architecture: Architecture::X86_64, digest: String::new(), size: usize::MAX }
    }

    /// The zip that was looked over.
    ///
    /// # Errors
    /// When the binary is not the same any more.
    pub fn zip(binary: &Path, digest: &str) -> Result<Bytes, PackagingError> {
        let zip = zipped(&read(binary)?, binary)?;
        if self::digest(&zip) != digest {
            return Err(PackagingError::Changed { path: binary.to_owned() });
        }
        Ok(zip.into())
    }
}

fn beside() -> io::Result<PathBuf> {
    Ok(env::current_exe()?.with_file_name(BINARY))
}

fn read(binary: &Path) -> Result<Vec<u8>, PackagingError> {
    fs::read(binary).map_err(|source| PackagingError::Unreadable { path: binary.to_owned(), source })
}

/// The same bytes each time, whatever the file's times and permissions are.
fn zipped(code: &[u8], binary: &Path) -> Result<Vec<u8>, PackagingError> {
    let failed = |source| PackagingError::Zip { path: binary.to_owned(), source };
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Deflated)
        .last_modified_time(DateTime::DEFAULT)
        .system(System::Unix)
        .unix_permissions(0o755);
    let mut zip = ZipWriter::new(io::Cursor::new(Vec::new()));
    zip.start_file(BOOTSTRAP, options).map_err(failed)?;
    zip.write_all(code).map_err(|error| failed(error.into()))?;
    Ok(zip.finish().map_err(failed)?.into_inner())
}

fn digest(zip: &[u8]) -> String {
    STANDARD.encode_to_string(Sha256::digest(zip))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_unfit_says_how_to_get_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("function");
        let missing = Package::find(Some(&path)).expect_err("missing").to_string();
        assert!(missing.contains("cannot read") && missing.contains("--function-binary FILE"), "{missing}");
        fs::write(&path, "#!/bin/sh\n").expect("written");
        let script = Package::find(Some(&path)).expect_err("a script").to_string();
        assert!(script.contains("it is a script") && script.contains("--function-binary FILE"), "{script}");
    }

    #[test]
    fn the_same_code_is_the_same_zip_and_other_code_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("function");
        fs::write(&path, elf::tests::header(elf::tests::X86_64)).expect("written");
        let package = Package::find(Some(&path)).expect("a package");
        assert_eq!(package.architecture, Architecture::X86_64);
        let zip = Package::zip(&path, &package.digest).expect("the same");
        assert_eq!(zip.len(), package.size);
        let mut archive = zip::ZipArchive::new(io::Cursor::new(zip)).expect("a zip");
        let bootstrap = archive.by_name(BOOTSTRAP).expect("a bootstrap");
        assert_eq!(bootstrap.unix_mode().map(|mode| mode & 0o777), Some(0o755));
        fs::write(&path, elf::tests::header(elf::tests::AARCH64)).expect("written");
        let changed = Package::zip(&path, &package.digest).expect_err("changed");
        assert!(matches!(changed, PackagingError::Changed { .. }), "{changed}");
    }
}
