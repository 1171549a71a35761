//! Folders of state, which are their owner's alone.

use std::{
    fs, io,
    os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt},
    path::Path,
};

use rustix::process::geteuid;

/// The permissions of everybody but the owner; of them, those to write.
const OTHERS: u32 = 0o077;
const OTHERS_WRITE: u32 = 0o022;

/// Creates the folder if needed; from then on only its owner may enter it, or any folder in it.
///
/// # Errors
/// It is a link or another user's, or others could write into it: then what lies there may be theirs.
pub fn make_private(folder: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let found = fs::symlink_metadata(folder)?;
    let refuse = |why: &str| {
        let why = format!("{} {why}; move it away, or name another state folder", folder.display());
        Err(io::Error::new(io::ErrorKind::PermissionDenied, why))
    };
    if !found.is_dir() {
        return refuse("is a link");
    }
    if found.uid() != geteuid().as_raw() {
        return refuse("belongs to another user");
    }
    let is_empty = || fs::read_dir(folder).map(|mut entries| entries.next().is_none());
    if found.mode() & OTHERS_WRITE != 0 && !is_empty()? {
        return refuse("is not empty, and other users may write into it");
    }
    if found.mode() & OTHERS == 0 { Ok(()) } else { close(folder) }
}

/// Refuses a folder in which other users could put their own in the place of what is ours.
///
/// # Errors
/// It is another user's, others may write into it, or it is not there.
pub fn refuse_shared(folder: &Path) -> io::Result<()> {
    let found = fs::metadata(folder)?;
    let why = if found.uid() != geteuid().as_raw() {
        "belongs to another user; name another state folder"
    } else if found.mode() & OTHERS_WRITE != 0 {
        "is open to other users' writing; close it with `chmod go-w`, or name another state folder"
    } else {
        return Ok(());
    };
    Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", folder.display())))
}

/// The folder first, so that nobody enters while those in it are closed.
fn close(folder: &Path) -> io::Result<()> {
    fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            close(&entry.path())?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    fn set_mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("ours");
    }

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).expect("there").mode() & 0o777
    }

    #[test]
    fn what_others_could_read_is_closed_to_the_last_folder() {
        let home = tempfile::tempdir().expect("a folder");
        let (folder, inner) = (home.path().join("state"), home.path().join("state/a/b"));
        make_private(&folder).expect("made");
        assert_eq!(mode(&folder), 0o700);
        fs::create_dir_all(&inner).expect("made");
        set_mode(&inner, 0o755);
        set_mode(&folder, 0o755);
        make_private(&folder).expect("closed");
        assert_eq!((mode(&folder), mode(&inner)), (0o700, 0o700));
    }

    #[test]
    fn what_others_could_have_written_or_led_elsewhere_is_refused() {
        let home = tempfile::tempdir().expect("a folder");
        let (folder, link) = (home.path().join("state"), home.path().join("link"));
        fs::create_dir(&folder).expect("made");
        set_mode(&folder, 0o777);
        make_private(&folder).expect("it is empty");
        assert_eq!(mode(&folder), 0o700);
        fs::write(folder.join("access-key.json"), "{}").expect("written");
        set_mode(&folder, 0o777);
        let error = make_private(&folder).expect_err("refused").to_string();
        assert!(error.contains("other users may write"), "{error}");
        symlink(home.path(), &link).expect("a link");
        let error = make_private(&link).expect_err("refused").to_string();
        assert!(error.contains("is a link"), "{error}");
        set_mode(home.path(), 0o777);
        assert!(refuse_shared(home.path()).expect_err("refused").to_string().contains("chmod go-w"));
        set_mode(home.path(), 0o755);
        refuse_shared(home.path()).expect("nobody else may write");
    }
}
