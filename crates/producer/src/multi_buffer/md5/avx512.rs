//! Sixteen messages in the lanes of AVX-512's vectors.

use std::arch::x86_64::*;

use super::{
    super::{schedule::Block, side_by_side},
    State,
    rounds::{SINES, compress, four_steps, step},
};

/// A 32-bit word of each of sixteen messages.
type Words = __m512i;

const LANES: usize = 16;

/// Advances each state by its run; the runs are of one length.
#[target_feature(enable = "avx512f")]
pub(super) fn run(states: &mut [State], runs: &[&[Block]]) {
    let mut state = side_by_side::words(states).map(|words| [load(&words)]);
    for blocks in side_by_side::blocks(runs) {
        let words = [words(blocks)];
        compress!(state, words);
    }
    side_by_side::put_back(state.map(|[words]| store(words)), states);
}

// Each adds its function of b, c and d to the sum. The number of a ternary operation is its table of truth: the bit at
// 4b + 2c + d is what it gives.

#[inline]
#[target_feature(enable = "avx512f")]
fn f(sum: Words, b: Words, c: Words, d: Words) -> Words {
    add(sum, _mm512_ternarylogic_epi32::<0b1100_1010>(b, c, d))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn g(sum: Words, b: Words, c: Words, d: Words) -> Words {
    add(sum, _mm512_ternarylogic_epi32::<0b1110_0100>(b, c, d))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn h(sum: Words, b: Words, c: Words, d: Words) -> Words {
    add(sum, _mm512_ternarylogic_epi32::<0b1001_0110>(b, c, d))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn i(sum: Words, b: Words, c: Words, d: Words) -> Words {
    add(sum, _mm512_ternarylogic_epi32::<0b0011_1001>(b, c, d))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(word: u32) -> Words {
    _mm512_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: Words, b: Words) -> Words {
    _mm512_add_epi32(a, b)
}

/// `_RIGHT` is 32 - `LEFT`, of no use here.
#[inline]
#[target_feature(enable = "avx512f")]
fn rotate_left<const LEFT: i32, const _RIGHT: i32>(a: Words) -> Words {
    _mm512_rol_epi32::<LEFT>(a)
}

/// One word of each state, by lane.
#[inline]
#[target_feature(enable = "avx512f")]
fn load(words: &[u32; LANES]) -> Words {
    #[expect(unsafe_code, reason = "a load by pointer")]
    // SAFETY: the array is as large as the vector, and this load asks for no alignment.
    unsafe {
        _mm512_loadu_si512(words.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn store(from: Words) -> [u32; LANES] {
    let mut words = [0; LANES];
    #[expect(unsafe_code, reason = "a store by pointer")]
    // SAFETY: the array is as large as the vector, and this store asks for no alignment.
    unsafe {
        _mm512_storeu_si512(words.as_mut_ptr().cast(), from);
    }
    words
}

/// The sixteen words of sixteen blocks, little endian, turned so that a vector has the same word of each.
#[inline]
#[target_feature(enable = "avx512f")]
fn words(blocks: [&Block; LANES]) -> [Words; 16] {
    let quarter = |at| {
        let every_fourth = |lane: usize| {
            let first = _mm512_castsi128_si512(four(blocks[lane], at));
            let two = _mm512_inserti32x4::<1>(first, four(blocks[lane + 4], at));
            let three = _mm512_inserti32x4::<2>(two, four(blocks[lane + 8], at));
            _mm512_inserti32x4::<3>(three, four(blocks[lane + 12], at))
        };
        turned([every_fourth(0), every_fourth(1), every_fourth(2), every_fourth(3)])
    };
    let [a, b, c, d] = [quarter(0), quarter(1), quarter(2), quarter(3)];
    [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3], c[0], c[1], c[2], c[3], d[0], d[1], d[2], d[3]]
}

/// The `at`-th four words of a block.
#[inline]
#[target_feature(enable = "avx512f")]
fn four(block: &Block, at: usize) -> __m128i {
    let words = &block.as_chunks::<16>().0[at];
    #[expect(unsafe_code, reason = "a load by pointer")]
    // SAFETY: the array is as large as the vector, and this load asks for no alignment.
    unsafe {
        _mm_loadu_si128(words.as_ptr().cast())
    }
}

/// Rows to columns, in each quarter by itself.
#[inline]
#[target_feature(enable = "avx512f")]
fn turned(rows: [Words; 4]) -> [Words; 4] {
    let [a, b, c, d] = rows;
    let (ab_low, ab_high) = (_mm512_unpacklo_epi32(a, b), _mm512_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm512_unpacklo_epi32(c, d), _mm512_unpackhi_epi32(c, d));
    [
        _mm512_unpacklo_epi64(ab_low, cd_low),
        _mm512_unpackhi_epi64(ab_low, cd_low),
        _mm512_unpacklo_epi64(ab_high, cd_high),
        _mm512_unpackhi_epi64(ab_high, cd_high),
    ]
}
