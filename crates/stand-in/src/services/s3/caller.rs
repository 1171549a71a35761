//! Whose requests the S3 library lets in.

use s3s::{
    S3Error, S3ErrorCode, S3Result,
    access::{S3Access, S3AccessContext},
    auth::{S3Auth, SecretKey},
    s3_error,
};

use crate::{ACCOUNT, keys::AccessKey, signature::REMEDY};

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

/// Signed requests, whose buckets belong to whom the caller expects.
pub(super) struct Access;

#[async_trait::async_trait]
impl S3Access for Access {
    async fn check(&self, request: &mut S3AccessContext<'_>) -> S3Result<()> {
        if request.credentials().is_none() {
            return Err(s3_error!(AccessDenied, "Signature is required"));
        }
        for name in ["x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner"] {
            if let Some(owner) = request.headers().get(name)
                && owner != ACCOUNT
            {
                return Err(s3_error!(AccessDenied, "{name} is {owner:?}, and every bucket belongs to {ACCOUNT}"));
            }
        }
        Ok(())
    }
}
