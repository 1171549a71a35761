//! An object that another service of the stand-in writes piece by piece.

use std::io::{self, Write};

use super::store::{Incoming, Received};

/// An object under construction, in a file that nothing names. It is removed when this is dropped.
pub(crate) struct Draft(Box<Incoming>);

impl Draft {
    pub(super) fn new(incoming: Incoming) -> Self {
        Self(Box::new(incoming))
    }

    pub(super) fn finish(self) -> Received {
        self.0.finish()
    }
}

impl Write for Draft {
    fn write(&mut self, data: &[u8]) -> io::Result<usize> {
        self.0.write(data)?;
        Ok(data.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
