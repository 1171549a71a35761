//! A few messages as a kernel takes them: what is at one place in each, side by side. A lane without a message does the
//! first one's work over.

use std::array;

use super::schedule::Block;

/// One block of each lane, then the next of each; the runs are of one length.
#[inline]
pub(super) fn blocks<'a, const LANES: usize>(runs: &[&'a [Block]]) -> impl Iterator<Item = [&'a Block; LANES]> {
    let blocks = runs[0].len();
    let runs: [&[Block]; LANES] = array::from_fn(|lane| &runs.get(lane).unwrap_or(&runs[0])[..blocks]);
    (0..blocks).map(move |block| array::from_fn(|lane| &runs[lane][block]))
}

/// The first word of each state, then the second of each, and so on.
#[inline]
pub(super) fn words<const WORDS: usize, const LANES: usize>(states: &[[u32; WORDS]]) -> [[u32; LANES]; WORDS] {
    array::from_fn(|word| array::from_fn(|lane| states.get(lane).unwrap_or(&states[0])[word]))
}

/// What [`words`] has taken apart.
#[inline]
pub(super) fn put_back<const WORDS: usize, const LANES: usize>(
    words: [[u32; LANES]; WORDS],
    states: &mut [[u32; WORDS]],
) {
    for (lane, state) in states.iter_mut().enumerate() {
        *state = words.map(|lanes| lanes[lane]);
    }
}
