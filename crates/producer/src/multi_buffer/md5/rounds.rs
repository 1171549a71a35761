//! MD5's 64 steps, for vectors of any width.

/// floor(2^32 × |sin(step)|), the step in radians and counted from 1 (RFC 1321, 3.4).
#[rustfmt::skip]
pub(super) const SINES: [u32; 64] = [
    0xd76a_a478, 0xe8c7_b756, 0x2420_70db, 0xc1bd_ceee, 0xf57c_0faf, 0x4787_c62a, 0xa830_4613, 0xfd46_9501,
    0x6980_98d8, 0x8b44_f7af, 0xffff_5bb1, 0x895c_d7be, 0x6b90_1122, 0xfd98_7193, 0xa679_438e, 0x49b4_0821,
    0xf61e_2562, 0xc040_b340, 0x265e_5a51, 0xe9b6_c7aa, 0xd62f_105d, 0x0244_1453, 0xd8a1_e681, 0xe7d3_fbc8,
    0x21e1_cde6, 0xc337_07d6, 0xf4d5_0d87, 0x455a_14ed, 0xa9e3_e905, 0xfcef_a3f8, 0x676f_02d9, 0x8d2a_4c8a,
    0xfffa_3942, 0x8771_f681, 0x6d9d_6122, 0xfde5_380c, 0xa4be_ea44, 0x4bde_cfa9, 0xf6bb_4b60, 0xbebf_bc70,
    0x289b_7ec6, 0xeaa1_27fa, 0xd4ef_3085, 0x0488_1d05, 0xd9d4_d039, 0xe6db_99e5, 0x1fa2_7cf8, 0xc4ac_5665,
    0xf429_2244, 0x432a_ff97, 0xab94_23a7, 0xfc93_a039, 0x655b_59c3, 0x8f0c_cc92, 0xffef_f47d, 0x8584_5dd1,
    0x6fa8_7e4f, 0xfe2c_e6e0, 0xa301_4314, 0x4e08_11a1, 0xf753_7e82, 0xbd3a_f235, 0x2ad7_d2bb, 0xeb86_d391,
];

/// Takes one block of each lane into `$state`: `$state[word][vector]`, `$words[vector][word]`. With more than one vector
/// each step is made of all of them before the next: one works while another waits for its step before. What `add`, `splat`,
/// `rotate_left` and the functions `f` to `i` are (RFC 1321, 3.4), of single vectors, is up to the file that uses this.
macro_rules! compress {
    ($state:ident, $words:ident) => {
        let [mut a, mut b, mut c, mut d] = $state;
        four_steps!(f, a b c d, $words[0 1 2 3], 0, 7 12 17 22);
        four_steps!(f, a b c d, $words[4 5 6 7], 4, 7 12 17 22);
        four_steps!(f, a b c d, $words[8 9 10 11], 8, 7 12 17 22);
        four_steps!(f, a b c d, $words[12 13 14 15], 12, 7 12 17 22);
        four_steps!(g, a b c d, $words[1 6 11 0], 16, 5 9 14 20);
        four_steps!(g, a b c d, $words[5 10 15 4], 20, 5 9 14 20);
        four_steps!(g, a b c d, $words[9 14 3 8], 24, 5 9 14 20);
        four_steps!(g, a b c d, $words[13 2 7 12], 28, 5 9 14 20);
        four_steps!(h, a b c d, $words[5 8 11 14], 32, 4 11 16 23);
        four_steps!(h, a b c d, $words[1 4 7 10], 36, 4 11 16 23);
        four_steps!(h, a b c d, $words[13 0 3 6], 40, 4 11 16 23);
        four_steps!(h, a b c d, $words[9 12 15 2], 44, 4 11 16 23);
        four_steps!(i, a b c d, $words[0 7 14 5], 48, 6 10 15 21);
        four_steps!(i, a b c d, $words[12 3 10 1], 52, 6 10 15 21);
        four_steps!(i, a b c d, $words[8 15 6 13], 56, 6 10 15 21);
        four_steps!(i, a b c d, $words[4 11 2 9], 60, 6 10 15 21);
        for (before, after) in $state.iter_mut().zip([a, b, c, d]) {
            for (before, after) in before.iter_mut().zip(after) {
                *before = add(*before, after);
            }
        }
    };
}

macro_rules! four_steps {
    ($f:ident, $a:ident $b:ident $c:ident $d:ident, $words:ident[$w0:literal $w1:literal $w2:literal $w3:literal],
     $first:literal, $s0:literal $s1:literal $s2:literal $s3:literal) => {
        step!($f, $a $b $c $d, $words[$w0], SINES[$first], $s0);
        step!($f, $d $a $b $c, $words[$w1], SINES[$first + 1], $s1);
        step!($f, $c $d $a $b, $words[$w2], SINES[$first + 2], $s2);
        step!($f, $b $c $d $a, $words[$w3], SINES[$first + 3], $s3);
    };
}

/// `b` was made last: everything that does not need it is added first.
macro_rules! step {
    ($f:ident, $a:ident $b:ident $c:ident $d:ident, $words:ident[$w:literal], $sine:expr, $by:literal) => {
        for (at, words) in $words.iter().enumerate() {
            let sum = $f(add($a[at], add(words[$w], splat($sine))), $b[at], $c[at], $d[at]);
            $a[at] = add($b[at], rotate_left::<$by, { 32 - $by }>(sum));
        }
    };
}

pub(super) use {compress, four_steps, step};
