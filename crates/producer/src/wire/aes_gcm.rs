//! AES-128-GCM for what TLS 1.3 sends, by ring: on processors that have AES for vectors but no AVX-512 (AMD's third
//! generation of EPYC) it encrypts twice as fast as aws-lc, which does all the rest of TLS.
//!
//! ring's own provider of rustls would do this too, but a program with two providers in it can no longer call
//! `rustls::ClientConfig::builder()`: that panics.

use std::sync::LazyLock;

use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce as RingNonce, UnboundKey};
use rustls::{
    ConnectionTrafficSecrets, ContentType, Error, ProtocolVersion, SupportedCipherSuite, Tls13CipherSuite,
    crypto::{
        aws_lc_rs::cipher_suite::TLS13_AES_128_GCM_SHA256,
        cipher::{
            AeadKey, Iv, MessageDecrypter, MessageEncrypter, Nonce, OutboundOpaqueMessage, OutboundPlainMessage,
            PrefixedPayload, Tls13AeadAlgorithm, UnsupportedOperationError, make_tls13_aad,
        },
    },
};

/// aws-lc's suite, with this way of encrypting.
static SUITE: LazyLock<Tls13CipherSuite> = LazyLock::new(|| {
    let theirs = aws_lc();
    Tls13CipherSuite {
        common: rustls::crypto::CipherSuiteCommon {
            suite: theirs.common.suite,
            hash_provider: theirs.common.hash_provider,
            confidentiality_limit: theirs.common.confidentiality_limit,
        },
        hkdf_provider: theirs.hkdf_provider,
        aead_alg: &ByRing,
        quic: None,
    }
});

/// `TLS13_AES_128_GCM_SHA256` (RFC 8446, appendix B.4).
pub(super) fn suite() -> SupportedCipherSuite {
    SupportedCipherSuite::Tls13(&SUITE)
}

/// Whether this processor is such that ring is faster.
pub(super) fn is_faster() -> bool {
    #[cfg(target_arch = "x86_64")]
    {
        let has_vectors = is_x86_feature_detected!("vaes") && is_x86_feature_detected!("vpclmulqdq");
        has_vectors && !is_x86_feature_detected!("avx512f")
    }
    #[cfg(not(target_arch = "x86_64"))]
    false
}

fn aws_lc() -> &'static Tls13CipherSuite {
    TLS13_AES_128_GCM_SHA256.tls13().expect("a suite of TLS 1.3")
}

struct ByRing;

impl Tls13AeadAlgorithm for ByRing {
    fn encrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageEncrypter> {
        let key = UnboundKey::new(&AES_128_GCM, key.as_ref()).expect("a key of the length that key_len says");
        Box::new(Encrypter { key: LessSafeKey::new(key), iv })
    }

    fn decrypter(&self, key: AeadKey, iv: Iv) -> Box<dyn MessageDecrypter> {
        aws_lc().aead_alg.decrypter(key, iv)
    }

    fn key_len(&self) -> usize {
        AES_128_GCM.key_len()
    }

    fn extract_keys(&self, key: AeadKey, iv: Iv) -> Result<ConnectionTrafficSecrets, UnsupportedOperationError> {
        Ok(ConnectionTrafficSecrets::Aes128Gcm { key, iv })
    }
}

struct Encrypter {
    key: LessSafeKey,
    iv: Iv,
}

impl MessageEncrypter for Encrypter {
    /// The text and its type, encrypted, and the tag of both and of the record's head (RFC 8446, section 5.2).
    fn encrypt(&mut self, message: OutboundPlainMessage<'_>, number: u64) -> Result<OutboundOpaqueMessage, Error> {
        let length = self.encrypted_payload_len(message.payload.len());
        let mut payload = PrefixedPayload::with_capacity(length);
        payload.extend_from_chunks(&message.payload);
        payload.extend_from_slice(&message.typ.to_array());
        let nonce = RingNonce::assume_unique_for_key(Nonce::new(&self.iv, number).0);
        let head = Aad::from(make_tls13_aad(length));
        self.key.seal_in_place_append_tag(nonce, head, &mut payload).map_err(|_| Error::EncryptError)?;
        Ok(OutboundOpaqueMessage::new(ContentType::ApplicationData, ProtocolVersion::TLSv1_2, payload))
    }

    fn encrypted_payload_len(&self, length: usize) -> usize {
        length + 1 + AES_128_GCM.tag_len()
    }
}
