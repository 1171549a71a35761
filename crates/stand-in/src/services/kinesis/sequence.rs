//! Sequence numbers: 56 decimal digits that begin with 49, as those of AWS do, and carry the position in the shard.

use std::fmt::{self, Display};

const GROUP: u64 = 10_000_000_000_000_000_000;
const VERSION: u64 = 2;
const LAST_INDEX: u64 = i64::MAX as u64;

/// A place in a shard of one stream. From the high bits to the low: version (4 bits), when the shard was made in epoch
/// seconds, or the second after its parents' where they were made in the same (40), index (64), stream (44), shard (32), version (4).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SequenceNumber {
    /// When the shard was made, in epoch seconds.
    pub(super) made: u64,
    /// Which incarnation of a stream.
    pub(super) stream: u64,
    /// Which shard of it.
    pub(super) shard: u32,
    index: u64,
}

/// The numbers of one shard.
#[derive(Clone, Copy)]
pub(super) struct Numbering {
    pub(super) made: u64,
    pub(super) stream: u64,
    pub(super) shard: u32,
}

impl Numbering {
    /// Before any record.
    pub(super) fn start(self) -> SequenceNumber {
        self.at_index(0)
    }

    /// The record at `position`.
    pub(super) fn record(self, position: u64) -> SequenceNumber {
        self.at_index(position + 1)
    }

    /// After every record of a closed shard.
    pub(super) fn close(self) -> SequenceNumber {
        self.at_index(LAST_INDEX)
    }

    fn at_index(self, index: u64) -> SequenceNumber {
        SequenceNumber { made: self.made, stream: self.stream, shard: self.shard, index }
    }
}

impl SequenceNumber {
    /// The position of this record.
    pub(super) fn position(self) -> u64 {
        self.index.saturating_sub(1)
    }

    /// The position after this record.
    pub(super) fn next_position(self) -> u64 {
        self.index
    }

    /// Reads what [`Display`] writes; `None` for any other text.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.len() != 56 || !text.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let mut limbs = [0_u64; 3];
        for group in [&text[..18], &text[18..37], &text[37..]] {
            let mut carry = u128::from(group.parse::<u64>().ok()?);
            for limb in limbs.iter_mut().rev() {
                carry += u128::from(*limb) * u128::from(GROUP);
                *limb = carry as u64;
                carry >>= 64;
            }
        }
        let [high, middle, low] = limbs;
        let versions_fit = high >> 56 == VERSION && low & 0xf == VERSION;
        versions_fit.then_some(Self {
            made: (high >> 16) & 0xff_ffff_ffff,
            index: (high & 0xffff) << 48 | middle >> 16,
            stream: (middle & 0xffff) << 28 | low >> 36,
            shard: (low >> 4) as u32,
        })
    }
}

impl Display for SequenceNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut limbs = [
            VERSION << 56 | (self.made & 0xff_ffff_ffff) << 16 | self.index >> 48,
            self.index << 16 | (self.stream >> 28) & 0xffff,
            self.stream << 36 | u64::from(self.shard) << 4 | VERSION,
        ];
        let (low, middle) = (take_group(&mut limbs), take_group(&mut limbs));
        write!(f, "{}{middle:019}{low:019}", take_group(&mut limbs))
    }
}

/// Divides by 10^19 in place and returns the remainder.
fn take_group(limbs: &mut [u64; 3]) -> u64 {
    let mut rest = 0_u128;
    for limb in limbs {
        let value = rest << 64 | u128::from(*limb);
        *limb = (value / u128::from(GROUP)) as u64;
        rest = value % u128::from(GROUP);
    }
    rest as u64
}
