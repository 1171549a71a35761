//! Eight messages in the lanes of each of AVX2's vectors.

use std::{arch::x86_64::*, array};

use super::{
    super::{
        avx2::{LANES, Words, add, load, rotate_left, splat, store, words},
        schedule::Block,
        side_by_side,
    },
    State,
    rounds::{SINES, compress, four_steps, step},
};

/// Advances each state by its run, with so many vectors; the runs are of one length, and no vector is without one.
#[target_feature(enable = "avx2")]
pub(super) fn run<const VECTORS: usize>(states: &mut [State], runs: &[&[Block]]) {
    let mut state = [[splat(0); VECTORS]; 4];
    for (vector, states) in states.chunks(LANES).enumerate() {
        for (word, lanes) in side_by_side::words(states).into_iter().enumerate() {
            state[word][vector] = load(&lanes);
        }
    }
    let mut blocks: [_; VECTORS] = array::from_fn(|vector| side_by_side::blocks(&runs[vector * LANES..]));
    for _ in runs[0] {
        let words: [_; VECTORS] =
            array::from_fn(|vector| words(blocks[vector].next().expect("the runs are of one length")));
        compress!(state, words);
    }
    for (vector, states) in states.chunks_mut(LANES).enumerate() {
        side_by_side::put_back(state.map(|word| store(word[vector])), states);
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
