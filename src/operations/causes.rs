//! What a person reads of an error.

use std::error::Error;

/// An error with its causes in one line, as a person reads all errors. A cause that was said already is left out.
pub fn with_causes(error: &dyn Error) -> String {
    let causes = std::iter::successors(error.source(), |&cause| cause.source());
    causes.fold(error.to_string(), |text, cause| match cause.to_string() {
        cause if text.contains(&cause) => text,
        cause => format!("{text}: {cause}"),
    })
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::engine::FolderError;

    #[test]
    fn a_cause_is_said_once() {
        let source = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = FolderError::Io { path: "/state".into(), source };
        assert_eq!(with_causes(&error), "state folder /state: permission denied");
        let outer = anyhow::Error::from(error).context("cannot start");
        assert_eq!(with_causes(outer.as_ref()), "cannot start: state folder /state: permission denied");
    }
}
