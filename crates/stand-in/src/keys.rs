//! The access key that the stand-in takes: one for each state folder, random, readable by the folder's owner only.

use std::{
    fmt,
    fs::File,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use aws_credential_types::Credentials;
use rand::seq::IndexedRandom;
use serde::{Deserialize, Serialize};

/// What key ids begin with, so that they cannot be mistaken for AWS's, which begin with `AKIA` or `ASIA`.
const PREFIX: &str = "LOCAL";
/// Characters of an AWS access key id, and of a secret (IAM user guide, "Manage access keys").
const ID_LENGTH: usize = 20;
const SECRET_LENGTH: usize = 40;
const ID_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const SECRET_LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// An access key id and its secret.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessKey {
    /// The id, which requests name in the open.
    pub id: String,
    /// The secret that signs them.
    pub secret: String,
}

impl AccessKey {
    /// The key of the stand-in whose state lies in `folder`; created if there is none yet.
    ///
    /// # Errors
    /// The file that holds it cannot be read or written, or is damaged.
    pub fn open(folder: &Path) -> io::Result<Self> {
        let path = path(folder);
        match std::fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes)
                .map_err(|e| io::Error::new(io::ErrorKind::InvalidData, format!("{}: {e}", path.display()))),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                let key = Self::random();
                key.write(&path)?;
                Ok(key)
            }
            Err(e) => Err(e),
        }
    }

    /// Puts another key in the place of the one in `folder`.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn renew(folder: &Path) -> io::Result<()> {
        Self::random().write(&path(folder))
    }

    fn random() -> Self {
        Self {
            id: format!("{PREFIX}{}", random_text(ID_LETTERS, ID_LENGTH - PREFIX.len())),
            secret: random_text(SECRET_LETTERS, SECRET_LENGTH),
        }
    }

    fn write(&self, path: &Path) -> io::Result<()> {
        let beside = path.with_extension("new");
        // Of a start that was killed.
        if beside.exists() {
            std::fs::remove_file(&beside)?;
        }
        let mut file = File::options().create_new(true).write(true).mode(0o600).open(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        std::fs::rename(beside, path)
    }
}

impl From<&AccessKey> for Credentials {
    fn from(key: &AccessKey) -> Self {
        Self::new(&key.id, &key.secret, None, None, "stand-in")
    }
}

/// Without the secret.
impl fmt::Debug for AccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessKey").field("id", &self.id).finish_non_exhaustive()
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("access-key.json")
}

fn random_text(letters: &[u8], length: usize) -> String {
    let mut random = rand::rng();
    (0..length).map(|_| char::from(*letters.choose(&mut random).expect("there are letters"))).collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_folder_has_one_key_for_good_and_another_folder_another() {
        let (here, there) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
        let key = AccessKey::open(here.path()).expect("a key");
        assert_eq!(AccessKey::open(here.path()).expect("the key"), key);
        assert_ne!(AccessKey::open(there.path()).expect("a key"), key);
        assert!(
            key.id.starts_with(PREFIX) && key.id.len() == ID_LENGTH && key.secret.len() == SECRET_LENGTH,
            "{key:?}"
        );
    }

    #[test]
    fn a_renewed_key_is_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey::open(folder.path()).expect("a key");
        AccessKey::renew(folder.path()).expect("renewed");
        assert_ne!(AccessKey::open(folder.path()).expect("a key"), key);
    }

    #[test]
    fn only_the_owner_reads_it_and_no_log_shows_the_secret() {
        let folder = tempfile::tempdir().expect("a folder");
        let key = AccessKey::open(folder.path()).expect("a key");
        let mode = folder.path().join("access-key.json").metadata().expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!format!("{key:?}").contains(&key.secret));
    }
}
