//! Eight messages in the lanes of 256-bit vectors: how their blocks get there, and what both hashes do with them.

use std::arch::x86_64::*;

use super::schedule::Block;

/// A 32-bit word of each of eight messages.
pub(super) type Words = __m256i;

/// How many messages there are in a vector.
pub(super) const LANES: usize = 8;

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn splat(word: u32) -> Words {
    _mm256_set1_epi32(word.cast_signed())
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn add(a: Words, b: Words) -> Words {
    _mm256_add_epi32(a, b)
}

/// `RIGHT` is 32 - `LEFT`.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn rotate_left<const LEFT: i32, const RIGHT: i32>(a: Words) -> Words {
    _mm256_or_si256(_mm256_slli_epi32::<LEFT>(a), _mm256_srli_epi32::<RIGHT>(a))
}

/// One word of each state, by lane.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn load(words: &[u32; LANES]) -> Words {
    #[expect(unsafe_code, reason = "a load by pointer")]
    // SAFETY: the array is as large as the vector, and this load asks for no alignment.
    unsafe {
        _mm256_loadu_si256(words.as_ptr().cast())
    }
}

#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn store(from: Words) -> [u32; LANES] {
    let mut words = [0; LANES];
    #[expect(unsafe_code, reason = "a store by pointer")]
    // SAFETY: the array is as large as the vector, and this store asks for no alignment.
    unsafe {
        _mm256_storeu_si256(words.as_mut_ptr().cast(), from);
    }
    words
}

/// The sixteen words of eight blocks, little endian, turned so that a vector has the same word of each.
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn words(blocks: [&Block; LANES]) -> [Words; 16] {
    let quarter = |at| {
        let pair = |lane: usize| {
            _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(four(blocks[lane], at)), four(blocks[lane + 4], at))
        };
        turned([pair(0), pair(1), pair(2), pair(3)])
    };
    let [a, b, c, d] = [quarter(0), quarter(1), quarter(2), quarter(3)];
    [a[0], a[1], a[2], a[3], b[0], b[1], b[2], b[3], c[0], c[1], c[2], c[3], d[0], d[1], d[2], d[3]]
}

/// The `at`-th four words of a block.
#[inline]
#[target_feature(enable = "avx2")]
fn four(block: &Block, at: usize) -> __m128i {
    let words = &block.as_chunks::<16>().0[at];
    #[expect(unsafe_code, reason = "a load by pointer")]
    // SAFETY: the array is as large as the vector, and this load asks for no alignment.
    unsafe {
        _mm_loadu_si128(words.as_ptr().cast())
    }
}

/// Rows to columns, in each half by itself.
#[inline]
#[target_feature(enable = "avx2")]
fn turned(rows: [Words; 4]) -> [Words; 4] {
    let [a, b, c, d] = rows;
    let (ab_low, ab_high) = (_mm256_unpacklo_epi32(a, b), _mm256_unpackhi_epi32(a, b));
    let (cd_low, cd_high) = (_mm256_unpacklo_epi32(c, d), _mm256_unpackhi_epi32(c, d));
    [
        _mm256_unpacklo_epi64(ab_low, cd_low),
        _mm256_unpackhi_epi64(ab_low, cd_low),
        _mm256_unpacklo_epi64(ab_high, cd_high),
        _mm256_unpackhi_epi64(ab_high, cd_high),
    ]
}
