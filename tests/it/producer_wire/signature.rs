//! Signature Version 4, computed once more from its definition.
//! Source: IAM user guide, "Create a signed AWS API request".

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::server::Seen;

/// Whether a request is signed with a secret, over its target, its type and its body. Panics where it is not.
pub fn assert_is_signed(request: &Seen, secret: &str) {
    let parts = request.header("authorization").strip_prefix("AWS4-HMAC-SHA256 ").expect("the algorithm");
    let parts: HashMap<_, _> = parts.split(", ").map(|part| part.split_once('=').expect("a part")).collect();
    let (_, scope) = parts["Credential"].split_once('/').expect("a scope");
    let names = parts["SignedHeaders"];
    for name in ["content-type", "host", "x-amz-date", "x-amz-target"] {
        assert!(names.split(';').any(|signed| signed == name), "{name} is not signed: {names}");
    }
    let headers: String = names.split(';').map(|name| format!("{name}:{}\n", request.header(name))).collect();
    let canonical = format!("POST\n/\n\n{headers}\n{names}\n{}", hex(&Sha256::digest(&request.body)));
    let time = request.header("x-amz-date");
    let signed = format!("AWS4-HMAC-SHA256\n{time}\n{scope}\n{}", hex(&Sha256::digest(&canonical)));
    let key = scope.split('/').fold(format!("AWS4{secret}").into_bytes(), |key, part| hmac(&key, part.as_bytes()));
    assert_eq!(parts["Signature"], hex(&hmac(&key, signed.as_bytes())), "{canonical}");
}

/// RFC 2104, for keys of up to a block.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let pad = |with: u8| {
        let mut block = [with; 64];
        block.iter_mut().zip(key).for_each(|(pad, byte)| *pad ^= byte);
        block
    };
    let inner = Sha256::new().chain_update(pad(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(pad(0x5c)).chain_update(inner).finalize().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
