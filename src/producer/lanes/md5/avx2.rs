//! Eight messages in the lanes of AVX2's vectors.

use std::arch::x86_64::*;

use super::{
    super::{
        avx2::{Words, add, load, rotate_left, splat, store, words},
        schedule::Block,
        side_by_side,
    },
    State,
    rounds::{SINES, compress, four_steps, step},
};

/// Advances each state by its run; the runs are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn run(states: &mut [State], runs: &[&[Block]]) {
    let mut state = side_by_side::words(states).map(|words| load(&words));
    for blocks in side_by_side::blocks(runs) {
        let words = words(blocks);
        compress!(state, words);
    }
    side_by_side::put_back(state.map(|words| store(words)), states);
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
