//! MD5 (RFC 1321), several messages at a time.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod rounds;

use md5::block_api::compress;

use super::{
    Message, run_all,
    schedule::{Block, Kernel, Kernels},
};

/// The four words A, B, C, D.
pub(super) type State = [u32; 4];

/// RFC 1321, 3.3.
const START: State = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476];

/// Messages one by one.
pub(super) const PLAIN: Kernels<State> = &[ONE];

/// Two messages in eight lanes are faster already than one after the other.
#[cfg(target_arch = "x86_64")]
pub(super) const AVX2: Kernels<State> = &[
    Kernel { lanes: 16, worth_from: 9, run: in_vectors::<2> },
    Kernel { lanes: 8, worth_from: 2, run: in_vectors::<1> },
    ONE,
];

#[cfg(target_arch = "x86_64")]
pub(super) const AVX512: Kernels<State> =
    &[Kernel { lanes: 16, worth_from: 9, run: sixteen }, Kernel { lanes: 8, worth_from: 2, run: in_vectors::<1> }, ONE];

const ONE: Kernel<State> = Kernel { lanes: 1, worth_from: 1, run: |states, runs| compress(&mut states[0], runs[0]) };

/// The best that this processor has.
pub(super) fn kernels() -> Kernels<State> {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx2") {
            return AVX512;
        }
        if is_x86_feature_detected!("avx2") {
            return AVX2;
        }
    }
    PLAIN
}

#[cfg(target_arch = "x86_64")]
fn in_vectors<const VECTORS: usize>(states: &mut [State], runs: &[&[Block]]) {
    assert!(is_x86_feature_detected!("avx2"), "chosen for a processor with AVX2");
    #[expect(unsafe_code, reason = "instructions that not every processor has")]
    // SAFETY: this one has AVX2, as was just asserted.
    unsafe {
        avx2::run::<VECTORS>(states, runs);
    }
}

#[cfg(target_arch = "x86_64")]
fn sixteen(states: &mut [State], runs: &[&[Block]]) {
    assert!(is_x86_feature_detected!("avx512f"), "chosen for a processor with AVX-512");
    #[expect(unsafe_code, reason = "instructions that not every processor has")]
    // SAFETY: this one has AVX-512F, as was just asserted.
    unsafe {
        avx512::run(states, runs);
    }
}

pub(super) async fn all(messages: &[&[u8]], kernels: Kernels<State>) -> Vec<[u8; 16]> {
    let messages: Vec<_> = messages.iter().map(|bytes| message(bytes)).collect();
    run_all(&messages, START, kernels).await.into_iter().map(digest).collect()
}

pub(super) fn one(bytes: &[u8]) -> [u8; 16] {
    let message = message(bytes);
    let mut state = START;
    compress(&mut state, message.whole());
    compress(&mut state, message.end());
    digest(state)
}

fn message(bytes: &[u8]) -> Message<'_> {
    Message::new(bytes, u64::to_le_bytes)
}

fn digest(state: State) -> [u8; 16] {
    let mut digest = [0; 16];
    for (bytes, word) in digest.as_chunks_mut().0.iter_mut().zip(state) {
        *bytes = word.to_le_bytes();
    }
    digest
}
