//! Which user records have come, each by the number that it begins with.

/// Every user record begins with its number in so many hexadecimal digits.
pub const DIGITS: usize = 16;

/// Numbers from 0, a bit for each.
#[derive(Default)]
pub struct Ids {
    seen: Vec<u64>,
    records: u64,
    distinct: u64,
    unreadable: u64,
}

impl Ids {
    /// Takes a record by its first bytes.
    pub fn note(&mut self, head: &[u8]) {
        self.records += 1;
        match head.get(..DIGITS).and_then(number) {
            Some(id) => self.mark(id),
            None => self.unreadable += 1,
        }
    }

    fn mark(&mut self, id: u64) {
        let (word, bit) = ((id / 64) as usize, 1 << (id % 64));
        if word >= self.seen.len() {
            self.seen.resize((word + 1).next_power_of_two(), 0);
        }
        self.distinct += u64::from(self.seen[word] & bit == 0);
        self.seen[word] |= bit;
    }

    /// What came, where the numbers below `expected` should have.
    pub fn counts(&self, expected: u64) -> String {
        let Self { records, distinct, unreadable, .. } = self;
        let lost = (0..expected).filter(|&id| !self.has(id)).count();
        let doubled = records - unreadable - distinct;
        format!("records={records} distinct={distinct} lost={lost} doubled={doubled} unreadable={unreadable}")
    }

    fn has(&self, id: u64) -> bool {
        self.seen.get((id / 64) as usize).is_some_and(|word| word & (1 << (id % 64)) != 0)
    }
}

/// Numbers of more than 40 bits are no number of a run: they would take the memory of the machine.
fn number(digits: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(digits).ok()?;
    u64::from_str_radix(text, 16).ok().filter(|&number| number < 1 << 40)
}
