//! Where state lies on this machine: journals, runs, the stand-in's data.

use std::{
    env, fs, io,
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
};

use aws_stand_in::folder::{make_private, refuse_shared};

use super::id::StackId;

/// The state folder.
#[derive(Clone, Debug)]
pub struct Home {
    root: PathBuf,
}

/// Why there is no state folder.
#[derive(Debug, thiserror::Error)]
pub enum FolderError {
    /// No variable says where it is.
    #[error("no state folder: set KINESIS_DEMO_HOME, XDG_STATE_HOME or HOME")]
    Nowhere,
    /// It cannot be read or created.
    #[error("state folder {}: {source}", path.display())]
    Io {
        /// Which path.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl Home {
    /// `$KINESIS_DEMO_HOME`, else `kinesis-demo` in the XDG state folder (XDG Base Directory Specification).
    pub fn from_env() -> Result<Self, FolderError> {
        Self::at(Self::root_from_env()?)
    }

    /// The same folder, as an absolute path; nothing is created.
    pub fn root_from_env() -> Result<PathBuf, FolderError> {
        let var = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let root = var("KINESIS_DEMO_HOME")
            .or_else(|| var("XDG_STATE_HOME").map(|state| state.join("kinesis-demo")))
            .or_else(|| var("HOME").map(|home| home.join(".local/state/kinesis-demo")))
            .ok_or(FolderError::Nowhere)?;
        std::path::absolute(&root).map_err(|source| FolderError::Io { path: root, source })
    }

    /// The same where it is there already; nothing is made.
    pub fn existing() -> Result<Option<Self>, FolderError> {
        let root = Self::root_from_env()?;
        match fs::metadata(root.join("stacks")) {
            Ok(_) => Self::at(root).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(FolderError::Io { path: root.join("stacks"), source }),
        }
    }

    /// This folder; made if it is not there. What lies in it is its owner's alone: documents, keys, what was run.
    pub fn at(root: impl Into<PathBuf>) -> Result<Self, FolderError> {
        let home = Self { root: root.into() };
        let root = fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&home.root)
            .and_then(|()| refuse_shared(&home.root));
        root.map_err(|source| FolderError::Io { path: home.root.clone(), source })?;
        for folder in [home.stacks(), home.runs(), home.local()] {
            make_private(&folder).map_err(|source| FolderError::Io { path: folder, source })?;
        }
        Ok(home)
    }

    /// The folder itself.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Results of runs.
    pub fn runs(&self) -> PathBuf {
        self.root.join("runs")
    }

    /// The stand-in's data.
    pub fn local(&self) -> PathBuf {
        local_in(&self.root)
    }

    /// One stack's folder.
    pub fn stack(&self, id: &StackId) -> PathBuf {
        self.stacks().join(id.as_str())
    }

    /// One stack's journal.
    pub fn journal(&self, id: &StackId) -> PathBuf {
        self.stack(id).join("journal.jsonl")
    }

    pub(super) fn stacks(&self) -> PathBuf {
        self.root.join("stacks")
    }
}

/// Where the stand-in's data lie in the state folder `root`.
pub fn local_in(root: &Path) -> PathBuf {
    root.join("local")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn only_the_owner_enters_a_folder_of_the_state() {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path().join("state");
        fs::create_dir_all(root.join("runs")).expect("made");
        fs::set_permissions(root.join("runs"), fs::Permissions::from_mode(0o755)).expect("open to all");
        let home = Home::at(&root).expect("a home");
        for folder in [home.stacks(), home.runs(), home.local()] {
            let mode = folder.metadata().expect("a folder").permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
    }
}
