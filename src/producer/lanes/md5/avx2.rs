//! Eight messages in the lanes of AVX2's vectors.

use std::{arch::x86_64::*, array};

use super::super::{
    avx2::{LANES, Words, add, load, rotate_left, splat, store, words},
    schedule::Block,
};
use super::{
    State,
    rounds::{SINES, compress, four_steps, step},
};

/// Advances each state by its run; the runs are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn run(states: &mut [State], runs: &[&[Block]]) {
    let blocks = runs[0].len();
    // A lane without a message does the first one's work over.
    let used = |lane: usize| if lane < runs.len() { lane } else { 0 };
    let runs: [_; LANES] = array::from_fn(|lane| &runs[used(lane)][..blocks]);
    let mut state: [_; 4] = array::from_fn(|word| load(&array::from_fn(|lane| states[used(lane)][word])));
    for block in 0..blocks {
        let words = words(array::from_fn(|lane| &runs[lane][block]));
        compress!(state, words);
    }
    for (word, lanes) in state.into_iter().map(|words| store(words)).enumerate() {
        states.iter_mut().zip(lanes).for_each(|(state, lane)| state[word] = lane);
    }
}

// Each adds its function of b, c and d to the sum.

#[inline]
#[target_feature(enable = "avx2")]
fn f(sum: Words, b: Words, c: Words, d: Words) -> Words {
    add(sum, _mm256_xor_si256(d, _mm256_and_si256(b, _mm256_xor_si256(c, d))))
}

/// Its two halves have no bit in common, so that they can be added one by one, the one with b last.
#[inline]
#[target_feature(enable = "avx2")]
fn g(sum: Words, b: Words, c: Words, d: Words) -> Words {
    add(add(sum, _mm256_andnot_si256(d, c)), _mm256_and_si256(b, d))
}

#[inline]
#[target_feature(enable = "avx2")]
fn h(sum: Words, b: Words, c: Words, d: Words) -> Words {
    add(sum, _mm256_xor_si256(b, _mm256_xor_si256(c, d)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn i(sum: Words, b: Words, c: Words, d: Words) -> Words {
    let not_d = _mm256_xor_si256(d, _mm256_set1_epi32(-1));
    add(sum, _mm256_xor_si256(c, _mm256_or_si256(b, not_d)))
}
