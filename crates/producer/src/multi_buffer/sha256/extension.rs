//! A few messages interleaved, by the SHA extensions: while one waits for its round, the others have theirs.

use std::{arch::x86_64::*, array};

use super::{
    super::{schedule::Block, side_by_side},
    CONSTANTS, State,
};

/// Advances each of `LANES` states by its run; the runs are of one length.
#[target_feature(enable = "sha,ssse3,sse4.1")]
pub(super) fn run<const LANES: usize>(states: &mut [State], runs: &[&[Block]]) {
    let mut halves: [_; LANES] = array::from_fn(|lane| halves(&states[lane]));
    for blocks in side_by_side::blocks(runs) {
        compress(&mut halves, blocks);
    }
    for (state, halves) in states.iter_mut().zip(halves) {
        *state = whole(halves);
    }
}

/// A state as the instructions want it.
#[derive(Clone, Copy)]
struct Halves {
    abef: __m128i,
    cdgh: __m128i,
}

#[inline]
#[target_feature(enable = "sse2")]
fn halves(state: &State) -> Halves {
    let [a, b, c, d, e, f, g, h] = state.map(u32::cast_signed);
    Halves { abef: _mm_set_epi32(a, b, e, f), cdgh: _mm_set_epi32(c, d, g, h) }
}

#[inline]
#[target_feature(enable = "sse4.1")]
fn whole(Halves { abef, cdgh }: Halves) -> State {
    [
        _mm_extract_epi32::<3>(abef),
        _mm_extract_epi32::<2>(abef),
        _mm_extract_epi32::<3>(cdgh),
        _mm_extract_epi32::<2>(cdgh),
        _mm_extract_epi32::<1>(abef),
        _mm_extract_epi32::<0>(abef),
        _mm_extract_epi32::<1>(cdgh),
        _mm_extract_epi32::<0>(cdgh),
    ]
    .map(i32::cast_unsigned)
}

/// Takes in one block of each lane. The words of four rounds are in one vector; `words` has the last sixteen.
#[inline]
#[target_feature(enable = "sha,ssse3,sse4.1")]
fn compress<const LANES: usize>(states: &mut [Halves; LANES], blocks: [&Block; LANES]) {
    let before = *states;
    let mut words: [[__m128i; 4]; LANES] = array::from_fn(|lane| words(blocks[lane]));
    macro_rules! four_rounds {
        ($($four:literal)*) => {$(
            let constants = four_of(&CONSTANTS, $four);
            for lane in 0..LANES {
                let words = &mut words[lane];
                if $four >= 4 {
                    words[$four % 4] =
                        next(words[$four % 4], words[($four + 1) % 4], words[($four + 2) % 4], words[($four + 3) % 4]);
                }
                states[lane] = rounds(states[lane], _mm_add_epi32(words[$four % 4], constants));
            }
        )*};
    }
    four_rounds!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15);
    for (state, before) in states.iter_mut().zip(before) {
        state.abef = _mm_add_epi32(state.abef, before.abef);
        state.cdgh = _mm_add_epi32(state.cdgh, before.cdgh);
    }
}

/// Four rounds: two by the lower half of `words`, then two by its upper half. What was abef becomes cdgh.
#[inline]
#[target_feature(enable = "sha,sse2")]
fn rounds(Halves { abef, cdgh }: Halves, words: __m128i) -> Halves {
    let middle = _mm_sha256rnds2_epu32(cdgh, abef, words);
    let upper = _mm_shuffle_epi32::<0b00_00_11_10>(words);
    Halves { abef: _mm_sha256rnds2_epu32(abef, middle, upper), cdgh: middle }
}

/// The four words that follow on sixteen.
#[inline]
#[target_feature(enable = "sha,ssse3")]
fn next(first: __m128i, second: __m128i, third: __m128i, fourth: __m128i) -> __m128i {
    let seven_back = _mm_alignr_epi8::<4>(fourth, third);
    _mm_sha256msg2_epu32(_mm_add_epi32(_mm_sha256msg1_epu32(first, second), seven_back), fourth)
}

/// The sixteen words of a block, big endian.
#[inline]
#[target_feature(enable = "ssse3")]
fn words(block: &Block) -> [__m128i; 4] {
    let turned = _mm_set_epi8(12, 13, 14, 15, 8, 9, 10, 11, 4, 5, 6, 7, 0, 1, 2, 3);
    let quarters = block.as_chunks::<16>().0;
    array::from_fn(|at| {
        #[expect(unsafe_code, reason = "a load by pointer")]
        // SAFETY: a quarter is as large as the vector, and this load asks for no alignment.
        let words = unsafe { _mm_loadu_si128(quarters[at].as_ptr().cast()) };
        _mm_shuffle_epi8(words, turned)
    })
}

#[inline]
#[target_feature(enable = "sse2")]
fn four_of(constants: &[u32; 64], at: usize) -> __m128i {
    let [a, b, c, d] = constants.as_chunks().0[at].map(u32::cast_signed);
    _mm_set_epi32(d, c, b, a)
}
