//! Whose signatures the S3 library lets in.

use s3s::{
    S3Error, S3ErrorCode, S3Result,
    auth::{S3Auth, SecretKey},
};

use crate::{keys::AccessKey, signature::REMEDY};

/// The owner of this key alone.
pub(super) struct Auth(pub AccessKey);

#[async_trait::async_trait]
impl S3Auth for Auth {
    async fn get_secret_key(&self, id: &str) -> S3Result<SecretKey> {
        if id == self.0.id {
            return Ok(self.0.secret.as_str().into());
        }
        let message = format!("The AWS Access Key Id you provided does not exist in our records. {REMEDY}");
        Err(S3Error::with_message(S3ErrorCode::InvalidAccessKeyId, message))
    }
}
