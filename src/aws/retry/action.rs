//! The IAM action that allows a call.

/// Those that are not called as their call is (Service Authorization Reference, "Actions, resources, and condition keys").
const OTHERWISE: [(&str, &str); 9] = [
    ("s3 HeadBucket", "s3:ListBucket"),
    ("s3 ListBuckets", "s3:ListAllMyBuckets"),
    ("s3 ListObjectsV2", "s3:ListBucket"),
    ("s3 ListObjectVersions", "s3:ListBucketVersions"),
    ("s3 ListMultipartUploads", "s3:ListBucketMultipartUploads"),
    ("s3 DeleteObjects", "s3:DeleteObject and s3:DeleteObjectVersion"),
    ("s3 PutPublicAccessBlock", "s3:PutBucketPublicAccessBlock"),
    ("s3 PutBucketEncryption", "s3:PutEncryptionConfiguration"),
    ("s3 HeadObject", "s3:GetObject"),
];

/// Of a call such as `kinesis CreateStream`.
pub(in crate::aws) fn action(call: &str) -> String {
    match OTHERWISE.iter().find(|(name, _)| *name == call) {
        Some((_, action)) => (*action).to_owned(),
        None => call.replacen(' ', ":", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_called_as_iam_calls_it() {
        assert_eq!(action("kinesis CreateStream"), "kinesis:CreateStream");
        assert_eq!(action("redshift-data BatchExecuteStatement"), "redshift-data:BatchExecuteStatement");
        assert_eq!(action("s3 HeadBucket"), "s3:ListBucket");
    }
}
