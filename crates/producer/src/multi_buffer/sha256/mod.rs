//! SHA-256 (FIPS 180-4), several messages at a time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod extension;

use sha2::block_api::compress256;

use super::{
    Message, run_all,
    schedule::{Block, Kernel, Kernels},
};

/// The eight words a to h.
pub(super) type State = [u32; 8];

/// FIPS 180-4, 5.3.3.
#[rustfmt::skip]
const START: State = [
    0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19,
];

/// FIPS 180-4, 4.2.2.
#[cfg(target_arch = "x86_64")]
#[rustfmt::skip]
const CONSTANTS: [u32; 64] = [
    0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5, 0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5,
    0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3, 0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174,
    0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc, 0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da,
    0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7, 0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967,
    0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13, 0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85,
    0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3, 0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070,
    0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5, 0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3,
    0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208, 0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2,
];

/// Messages one by one; `sha2` uses the processor's own instructions for one, where there are any.
pub(super) const PLAIN: Kernels<State> = &[ONE];

#[cfg(target_arch = "x86_64")]
pub(super) const EXTENSION: Kernels<State> = &[
    Kernel { lanes: 4, worth_from: 4, run: interleaved::<4> },
    Kernel { lanes: 3, worth_from: 3, run: interleaved::<3> },
    Kernel { lanes: 2, worth_from: 2, run: interleaved::<2> },
    ONE,
];

/// Two messages take as long in eight lanes as one after the other.
#[cfg(target_arch = "x86_64")]
pub(super) const AVX2: Kernels<State> = &[Kernel { lanes: 8, worth_from: 3, run: eight }, ONE];

const ONE: Kernel<State> = Kernel { lanes: 1, worth_from: 1, run: |states, runs| compress256(&mut states[0], runs[0]) };

/// The best that this processor has.
pub(super) fn kernels() -> Kernels<State> {
    #[cfg(target_arch = "x86_64")]
    {
        if has_extension() {
            return EXTENSION;
        }
        if is_x86_feature_detected!("avx2") {
            return AVX2;
        }
    }
    PLAIN
}

#[cfg(target_arch = "x86_64")]
pub(super) fn has_extension() -> bool {
    is_x86_feature_detected!("sha") && is_x86_feature_detected!("ssse3") && is_x86_feature_detected!("sse4.1")
}

#[cfg(target_arch = "x86_64")]
fn interleaved<const LANES: usize>(states: &mut [State], runs: &[&[Block]]) {
    assert!(has_extension(), "chosen for a processor with SHA extensions");
    #[expect(unsafe_code, reason = "instructions that not every processor has")]
    // SAFETY: this one has SHA, SSSE3 and SSE4.1, as was just asserted.
    unsafe {
        extension::run::<LANES>(states, runs);
    }
}

#[cfg(target_arch = "x86_64")]
fn eight(states: &mut [State], runs: &[&[Block]]) {
    assert!(is_x86_feature_detected!("avx2"), "chosen for a processor with AVX2");
    #[expect(unsafe_code, reason = "instructions that not every processor has")]
    // SAFETY: this one has AVX2, as was just asserted.
    unsafe {
        avx2::run(states, runs);
    }
}

pub(super) async fn all(messages: &[&[u8]], kernels: Kernels<State>) -> Vec<[u8; 32]> {
    let messages: Vec<_> = messages.iter().map(|bytes| Message::new(bytes, u64::to_be_bytes)).collect();
    run_all(&messages, START, kernels).await.into_iter().map(digest).collect()
}

fn digest(state: State) -> [u8; 32] {
    let mut digest = [0; 32];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_be_bytes();
    }
    digest
}
