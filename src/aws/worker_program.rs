//! The program of workers that run as tasks: put into the stack's bucket under its SHA-256, and fetched from there by the
//! command of a task, which needs a shell, `curl` and `sha256sum`, and no image of its own.

use std::{
    env, fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use aws_sdk_s3::{Client, presigning::PresigningConfig, primitives::ByteStream};
use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::{
    failure::{broken, failure, is},
    packaging::{Architecture, Unfit, fitness},
};
use crate::engine::{Cause, ProviderError};

/// The program's name beside `demo`.
pub const BINARY: &str = "demo-worker";
/// Beside the journal's mirror, where everything is the stack's own.
const FOLDER: &str = ".demo/worker/";
/// What a task reads its program's place and digest from.
const URL: &str = "DEMO_WORKER_URL";
const SHA_256: &str = "DEMO_WORKER_SHA256";
/// Fetches the program, and becomes it if it is the one that was meant: so signals reach it. What it was fetched by is no
/// business of the program's.
const SCRIPT: &str = "set -eu; program=$(mktemp); \
                      curl --fail --silent --show-error --retry 5 --output \"$program\" \"$DEMO_WORKER_URL\"; \
                      echo \"$DEMO_WORKER_SHA256  $program\" | sha256sum -c - >/dev/null; \
                      chmod 700 \"$program\"; unset DEMO_WORKER_URL DEMO_WORKER_SHA256; exec \"$program\"";

/// How to get a program, for whoever has none that fits.
const HOW: &str = "build one on Linux (`cargo build --release --bin demo-worker`)";

/// A program that tasks can run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkerProgram {
    /// What it runs on.
    pub architecture: Architecture,
    /// Of its bytes, in hexadecimal.
    pub sha_256: String,
    content: Bytes,
}

/// Why there is no program for tasks.
#[derive(Debug, thiserror::Error)]
pub enum ProgramError {
    /// There is none, or none that can be read.
    #[error("cannot read the workers' program {}: {source}; {HOW}", .path.display())]
    Unreadable {
        /// Where it was looked for.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It would not run in a task.
    #[error("{} cannot be the workers' program: {why}; {HOW}", .path.display())]
    Unfit {
        /// The program.
        path: PathBuf,
        /// What is wrong with it.
        why: Unfit,
    },
}

impl WorkerProgram {
    /// Looks over a program: `given`, or the one beside this process's own.
    ///
    /// # Errors
    /// When there is none, or a task could not run it.
    pub fn find(given: Option<&Path>) -> Result<Self, ProgramError> {
        let path = match given {
            Some(path) => Ok(path.to_owned()),
            None => env::current_exe().map(|own| own.with_file_name(BINARY)),
        };
        let path = path.map_err(|source| ProgramError::Unreadable { path: BINARY.into(), source })?;
        let content = match fs::read(&path) {
            Ok(content) => Bytes::from(content),
            Err(source) => return Err(ProgramError::Unreadable { path, source }),
        };
        match fitness(&content) {
            Ok(architecture) => Ok(Self { architecture, sha_256: hexadecimal(&Sha256::digest(&content)), content }),
            Err(why) => Err(ProgramError::Unfit { path, why }),
        }
    }

    /// The key of its object.
    pub fn key(&self) -> String {
        format!("{FOLDER}{}", self.sha_256)
    }

    /// Puts it into a bucket, unless it is there.
    ///
    /// # Errors
    /// The call fails.
    pub async fn put(&self, s3: &Client, bucket: &str) -> Result<(), ProviderError> {
        let call = s3.put_object().bucket(bucket).key(self.key()).if_none_match("*");
        match call.body(ByteStream::from(self.content.clone())).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["PreconditionFailed"]) => Ok(()),
            Err(error) => Err(failure("s3 PutObject", &format!("s3://{bucket}/{}", self.key()), &error)),
        }
    }

    /// What a task's environment has for [`WorkerProgram::command`]. Whoever has the URL can read the program for that long, or
    /// as long as these credentials hold.
    ///
    /// # Errors
    /// There are no credentials to sign with.
    pub async fn variables(
        &self,
        s3: &Client,
        bucket: &str,
        lasts: Duration,
    ) -> Result<[(&'static str, String); 2], ProviderError> {
        const CALL: &str = "s3 GetObject";
        let title = format!("s3://{bucket}/{}", self.key());
        let lasts = PresigningConfig::expires_in(lasts)
            .map_err(|error| broken(Cause::Other, CALL, &title, error.to_string(), ""))?;
        let url = s3.get_object().bucket(bucket).key(self.key()).presigned(lasts).await;
        let url = url.map_err(|error| failure(CALL, &title, &error))?;
        Ok([(URL, url.uri().to_owned()), (SHA_256, self.sha_256.clone())])
    }

    /// The command of a task.
    pub fn command() -> [&'static str; 3] {
        ["sh", "-c", SCRIPT]
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
