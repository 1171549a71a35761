use std::fmt::{Display, Write};

/// A table of byte strings in one allocation, numbered from a first key on.
pub(super) struct Rows {
    first: i64,
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Rows {
    pub(super) fn starting_at(first: i64) -> Self {
        Self { first, bytes: Vec::new(), ends: Vec::new() }
    }

    /// Rows of a TPC-DS table as the generator prints them: `|` after each field, nothing for NULL.
    pub(super) fn printed<R: Display>(first: i64, rows: impl Iterator<Item = R>) -> Self {
        let mut printed = Self::starting_at(first);
        let mut line = String::new();
        for row in rows {
            print_row(&row, &mut line);
            printed.push(|out| out.extend_from_slice(line.as_bytes()));
        }
        printed.bytes.shrink_to_fit();
        printed
    }

    /// Each of these rows made into another by `render`.
    pub(super) fn map(&self, mut render: impl FnMut(i64, &[u8], &mut Vec<u8>)) -> Self {
        let mut mapped = Self::starting_at(self.first);
        for (key, row) in self.iter() {
            mapped.push(|out| render(key, row, out));
        }
        mapped.bytes.shrink_to_fit();
        mapped
    }

    fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.bytes);
        self.ends.push(self.bytes.len());
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (i64, &[u8])> {
        (self.first..).zip((0..self.ends.len()).map(|index| self.at(index)))
    }

    /// The row with that surrogate key.
    pub(super) fn get(&self, key: i64) -> Option<&[u8]> {
        let index = usize::try_from(key.checked_sub(self.first)?).ok()?;
        (index < self.ends.len()).then(|| self.at(index))
    }

    fn at(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.bytes[start..self.ends[index]]
    }
}

/// Prints a row into `line`, replacing what was there.
pub(super) fn print_row(row: &impl Display, line: &mut String) {
    line.clear();
    write!(line, "{row}").expect("writing to a String succeeds");
}
