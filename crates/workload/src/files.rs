//! Files that a user names: read within bounds, and only where they are files. A FIFO waits for somebody to write to it, and
//! a device such as `/dev/zero` never ends.

use std::{
    fs::{self, File, FileType},
    io::{self, Read},
    os::unix::fs::FileTypeExt,
    path::Path,
};

/// Opens a regular file.
///
/// # Errors
/// It cannot be opened, or is something else, which the error names.
pub fn open(path: &Path) -> io::Result<File> {
    match special(fs::metadata(path)?.file_type()) {
        None => File::open(path),
        Some("a folder") => Err(io::ErrorKind::IsADirectory.into()),
        Some(what) => Err(io::Error::new(io::ErrorKind::InvalidInput, format!("it is {what}, not a file"))),
    }
}

/// Reads the text of a regular file of at most `most` bytes.
///
/// # Errors
/// It cannot be read, is longer, or is no text.
pub fn read_text(path: &Path, most: u64) -> io::Result<String> {
    let mut bytes = Vec::new();
    open(path)?.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has more than {most} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        io::Error::new(io::ErrorKind::InvalidData, format!("byte {at} is not UTF-8"))
    })
}

fn special(kind: FileType) -> Option<&'static str> {
    match () {
        () if kind.is_file() => None,
        () if kind.is_dir() => Some("a folder"),
        () if kind.is_fifo() => Some("a FIFO"),
        () if kind.is_socket() => Some("a socket"),
        () => Some("a device"),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;

    fn refused(path: &Path) -> String {
        read_text(path, 10).expect_err("no text").to_string()
    }

    #[test]
    fn what_is_no_file_is_named_and_not_opened() {
        let folder = tempfile::tempdir().expect("a folder");
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        assert_eq!(refused(&socket), "it is a socket, not a file");
        assert_eq!(refused(Path::new("/dev/zero")), "it is a device, not a file");
        assert_eq!(refused(folder.path()), "is a directory");
        let fifo = folder.path().join("fifo");
        let made = std::process::Command::new("mkfifo").arg(&fifo).status().expect("mkfifo");
        assert!(made.success());
        assert_eq!(refused(&fifo), "it is a FIFO, not a file");
    }

    #[test]
    fn a_text_is_read_up_to_its_bound() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("text");
        fs::write(&file, "ten bytes.").expect("written");
        assert_eq!(read_text(&file, 10).expect("a text"), "ten bytes.");
        fs::write(&file, "eleven byte").expect("written");
        assert_eq!(refused(&file), "it has more than 10 bytes");
        fs::write(&file, b"abc\xff").expect("written");
        assert_eq!(refused(&file), "byte 3 is not UTF-8");
    }
}
