//! The secret that lets a browser act on a run.

use subtle::ConstantTimeEq;

/// 256 random bits as hexadecimal digits. It has no `Debug`, so that no log has it by accident.
#[derive(Clone)]
pub(super) struct Token(String);

impl Token {
    /// A new one, from the operating system's generator.
    pub(super) fn random() -> Self {
        Self(rand::random::<[u8; 32]>().iter().map(|byte| format!("{byte:02x}")).collect())
    }

    pub(super) fn text(&self) -> &str {
        &self.0
    }

    /// Whether an `Authorization` header has it, in a time that tells nothing of it.
    pub(super) fn is_in(&self, authorization: &[u8]) -> bool {
        authorization.strip_prefix(b"Bearer ").is_some_and(|given| given.ct_eq(self.0.as_bytes()).into())
    }
}
