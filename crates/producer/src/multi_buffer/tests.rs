//! Every path against the crates `sha2` and `md-5`, which hash one message at a time.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use ::md5::Md5;
use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};
use sha2::{Digest, Sha256};

use super::{schedule::Kernels, *};

/// Where padding and blocks begin and end.
const EDGES: [usize; 16] = [0, 1, 54, 55, 56, 57, 63, 64, 65, 118, 119, 120, 127, 128, 129, 4096];

/// What of it this processor can run, by name.
fn sha256_paths() -> Vec<(&'static str, Kernels<sha256::State>)> {
    let mut paths = vec![("detected", sha256::kernels()), ("plain", sha256::PLAIN)];
    #[cfg(target_arch = "x86_64")]
    {
        if sha256::has_extension() {
            paths.extend((0..3).map(|narrower| ("extension", &sha256::EXTENSION[narrower..])));
        }
        if is_x86_feature_detected!("avx2") {
            paths.push(("AVX2", sha256::AVX2));
        }
    }
    paths
}

fn md5_paths() -> Vec<(&'static str, Kernels<md5::State>)> {
    let mut paths = vec![("detected", md5::kernels()), ("plain", md5::PLAIN)];
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx2") {
            paths.push(("AVX2", md5::AVX2));
        }
        if is_x86_feature_detected!("avx512f") {
            paths.push(("AVX-512", md5::AVX512));
        }
    }
    paths
}

async fn agree(messages: &[Vec<u8>]) {
    let messages: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
    let lengths: Vec<_> = messages.iter().map(|message| message.len()).collect();
    let wanted: Vec<[u8; 32]> = messages.iter().map(|message| Sha256::digest(message).into()).collect();
    for (path, kernels) in sha256_paths() {
        assert_eq!(sha256::all(&messages, kernels).await, wanted, "{path} of {}, {lengths:?}", kernels[0].lanes);
    }
    let wanted: Vec<[u8; 16]> = messages.iter().map(|message| Md5::digest(message).into()).collect();
    for (path, kernels) in md5_paths() {
        assert_eq!(md5::all(&messages, kernels).await, wanted, "{path} of {}, {lengths:?}", kernels[0].lanes);
    }
}

/// Each in an allocation of its own, of exactly its size.
fn random(draws: &mut Xoshiro256PlusPlus, lengths: impl IntoIterator<Item = usize>) -> Vec<Vec<u8>> {
    lengths.into_iter().map(|length| (0..length).map(|_| draws.random()).collect()).collect()
}

#[tokio::test]
async fn any_number_of_messages_of_any_lengths() {
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(1);
    for count in 0..=20 {
        for most in [70, 700, 5000] {
            let lengths: Vec<_> = (0..count).map(|_| draws.random_range(0..=most)).collect();
            agree(&random(&mut draws, lengths)).await;
        }
    }
}

#[tokio::test]
async fn messages_that_end_where_blocks_and_padding_do() {
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(2);
    for length in EDGES {
        agree(&random(&mut draws, [length; 17])).await;
    }
    agree(&random(&mut draws, EDGES)).await;
    for count in [2, 3, 4, 5, 8, 9, 33] {
        let lengths: Vec<_> = (0..count).map(|_| EDGES[draws.random_range(0..EDGES.len())]).collect();
        agree(&random(&mut draws, lengths)).await;
    }
}

#[tokio::test]
async fn one_long_among_short_ones() {
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(3);
    for at in 0..6 {
        let lengths = (0..6).map(|message| if message == at { 20_000 } else { 100 + message });
        agree(&random(&mut draws, lengths)).await;
    }
}

#[tokio::test]
async fn only_the_message_itself_counts() {
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(4);
    let text = random(&mut draws, [1000]).remove(0);
    for start in 0..33 {
        let messages: Vec<Vec<u8>> = (0..9).map(|lane| text[start + lane..700 + 3 * lane].to_vec()).collect();
        let within: Vec<&[u8]> = (0..9).map(|lane| &text[start + lane..700 + 3 * lane]).collect();
        let alone: Vec<&[u8]> = messages.iter().map(Vec::as_slice).collect();
        assert_eq!(sha256_all(&within).await, sha256_all(&alone).await);
        assert_eq!(md5_all(&within).await, md5_all(&alone).await);
    }
}

#[tokio::test]
async fn published_digests() {
    let hex = |digest: &[u8]| digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let messages = ["", "abc", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", "message digest"];
    let bytes = messages.map(str::as_bytes);
    let sha256: Vec<_> = sha256_all(&bytes[..3]).await.iter().map(|digest| hex(digest)).collect();
    assert_eq!(
        sha256,
        [
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
        ]
    );
    let md5: Vec<_> = md5_all(&[bytes[0], bytes[1], bytes[3]]).await.iter().map(|digest| hex(digest)).collect();
    assert_eq!(
        md5,
        ["d41d8cd98f00b204e9800998ecf8427e", "900150983cd24fb0d6963f7d28e17f72", "f96b697d7cb7938d525a2f31aaf161d0"]
    );
}

#[test]
fn partition_keys_become_numbers_as_the_service_does_it() {
    assert_eq!(hash_key(""), 0xd41d_8cd9_8f00_b204_e980_0998_ecf8_427e);
    assert_eq!(hash_key("a"), 0x0cc1_75b9_c0f1_b6a8_31c3_99e2_6977_2661);
    let keys: Vec<String> = (0..=256).map(|length| "ключ-".chars().cycle().take(length).collect()).collect();
    assert!(keys.iter().all(|key| hash_key(key) == u128::from_be_bytes(Md5::digest(key).into())));
}

#[test]
fn waiting_for_others_is_worth_it_where_there_are_lanes() {
    assert_eq!(width(), sha256::kernels()[0].lanes);
    assert!(sha256_paths().iter().all(|(_, kernels)| kernels[0].lanes <= 8 && kernels[kernels.len() - 1].lanes == 1));
}

#[tokio::test]
async fn others_get_their_turn_while_much_is_hashed() {
    let turns = Arc::new(AtomicUsize::new(0));
    let counted = turns.clone();
    let other = tokio::spawn(async move {
        loop {
            counted.fetch_add(1, Ordering::Relaxed);
            tokio::task::yield_now().await;
        }
    });
    let message = vec![7; 4 << 20];
    let hashes = sha256_all(&[message.as_slice(); 5]).await;
    other.abort();
    assert_eq!(hashes, [<[u8; 32]>::from(Sha256::digest(&message)); 5]);
    let turns = turns.load(Ordering::Relaxed);
    assert!(turns >= 10, "{turns} in several milliseconds");
}
