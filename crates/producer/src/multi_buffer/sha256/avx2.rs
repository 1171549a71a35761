//! Eight messages in the lanes of AVX2's vectors, for processors without SHA extensions.

use std::arch::x86_64::*;

use super::{
    super::{
        avx2::{Words, add, load, rotate_left, splat, store, words},
        schedule::Block,
        side_by_side,
    },
    CONSTANTS, State,
};

/// Advances each state by its run; the runs are of one length.
#[target_feature(enable = "avx2")]
pub(super) fn run(states: &mut [State], runs: &[&[Block]]) {
    let mut state = side_by_side::words(states).map(|words| load(&words));
    for blocks in side_by_side::blocks(runs) {
        compress(&mut state, words(blocks));
    }
    side_by_side::put_back(state.map(|words| store(words)), states);
}

/// Takes in one block of each lane; `words` are as in memory.
#[inline]
#[target_feature(enable = "avx2")]
fn compress(state: &mut [Words; 8], words: [Words; 16]) {
    let mut words = words.map(|words| big_endian(words));
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    for sixteen in 0..4 {
        macro_rules! rounds {
            ($($at:literal)*) => {$(
                if sixteen > 0 {
                    words[$at] = add(
                        add(words[$at], low_sigma::<7, 25, 18, 14, 3>(words[($at + 1) % 16])),
                        add(words[($at + 9) % 16], low_sigma::<17, 15, 19, 13, 10>(words[($at + 14) % 16])),
                    );
                }
                let constant = splat(CONSTANTS[16 * sixteen + $at]);
                let first = add(
                    add(add(h, add(words[$at], constant)), choice(e, f, g)),
                    high_sigma::<6, 26, 11, 21, 25, 7>(e),
                );
                let second = add(high_sigma::<2, 30, 13, 19, 22, 10>(a), majority(a, b, c));
                (h, g, f, e, d, c, b, a) = (g, f, e, add(d, first), c, b, a, add(first, second));
            )*};
        }
        rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    }
    for (sum, word) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *sum = add(*sum, word);
    }
}

#[inline]
#[target_feature(enable = "avx2")]
fn big_endian(words: Words) -> Words {
    let turned = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    _mm256_shuffle_epi8(words, _mm256_broadcastsi128_si256(turned))
}

// The functions of FIPS 180-4, 4.1.2. A rotation to the right by `R` is one to the left by `L`, 32 - `R`.

#[inline]
#[target_feature(enable = "avx2")]
fn choice(e: Words, f: Words, g: Words) -> Words {
    _mm256_xor_si256(g, _mm256_and_si256(e, _mm256_xor_si256(f, g)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn majority(a: Words, b: Words, c: Words) -> Words {
    _mm256_or_si256(_mm256_and_si256(a, b), _mm256_and_si256(c, _mm256_or_si256(a, b)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn high_sigma<const R0: i32, const L0: i32, const R1: i32, const L1: i32, const R2: i32, const L2: i32>(
    x: Words,
) -> Words {
    _mm256_xor_si256(rotate_left::<L0, R0>(x), _mm256_xor_si256(rotate_left::<L1, R1>(x), rotate_left::<L2, R2>(x)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn low_sigma<const R0: i32, const L0: i32, const R1: i32, const L1: i32, const SHIFT: i32>(x: Words) -> Words {
    let shifted = _mm256_srli_epi32::<SHIFT>(x);
    _mm256_xor_si256(rotate_left::<L0, R0>(x), _mm256_xor_si256(rotate_left::<L1, R1>(x), shifted))
}
