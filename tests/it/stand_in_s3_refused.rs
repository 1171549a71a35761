//! What S3 has and the stand-in does not: each is refused where it is asked for, and nothing is done.

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    primitives::DateTime,
    types::{
        BucketCannedAcl, ChecksumAlgorithm, ChecksumType, CompletedMultipartUpload, CompletedPart, Delete,
        MetadataDirective, ObjectCannedAcl, ObjectIdentifier, ObjectLockLegalHoldStatus, ObjectLockMode,
        OptionalObjectAttributes, ServerSideEncryption, StorageClass, TaggingDirective,
    },
};

use crate::stand_in::Running;

const OTHER: &str = "111111111111";

/// Each call, with one setting more, is refused with a code.
macro_rules! refused {
    ($($code:literal: $call:expr, $($setting:ident($value:expr)),+;)+) => {
        $($({
            let call = $call.$setting($value);
            match call.send().await {
                Ok(answer) => panic!("{} of {} is passed over: {answer:?}", stringify!($setting), stringify!($call)),
                Err(error) => {
                    let code = error.into_service_error().code().map(str::to_owned);
                    assert_eq!(code.as_deref(), Some($code), "{} of {}", stringify!($setting), stringify!($call));
                }
            }
        })+)+
    };
}

async fn with_object(s3: &Client) -> String {
    s3.create_bucket().bucket("bucket").send().await.expect("created");
    s3.put_object().bucket("bucket").key("k").body(b"kept".to_vec().into()).send().await.expect("put");
    s3.create_multipart_upload().bucket("bucket").key("k").send().await.expect("created").upload_id.expect("an id")
}

#[tokio::test]
async fn what_an_object_cannot_be_is_refused_by_all_that_make_one() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let s3 = Client::new(&running.config());
    with_object(&s3).await;
    let put = || s3.put_object().bucket("bucket").key("k");
    let copy = || {
        s3.copy_object()
            .bucket("bucket")
            .key("k")
            .copy_source("bucket/k")
            .metadata_directive(MetadataDirective::Replace)
    };
    let create = || s3.create_multipart_upload().bucket("bucket").key("k");
    macro_rules! all {
        ($($code:literal: $($setting:ident($value:expr)),+;)+) => {
            $(refused! {
                $code: put(), $($setting($value)),+;
                $code: copy(), $($setting($value)),+;
                $code: create(), $($setting($value)),+;
            })+
        };
    }
    let soon = DateTime::from_secs(4_000_000_000);
    all! {
        "NotImplemented": acl(ObjectCannedAcl::PublicRead), storage_class(StorageClass::Glacier), tagging("a=b");
        "NotImplemented": grant_full_control("id=x"), grant_read("id=x"), grant_read_acp("id=x"), grant_write_acp("id=x");
        "NotImplemented": server_side_encryption(ServerSideEncryption::AwsKms), ssekms_key_id("x"), bucket_key_enabled(true);
        "NotImplemented": ssekms_encryption_context("e30="), sse_customer_algorithm("AES256"), sse_customer_key("eA==");
        "NotImplemented": sse_customer_key_md5("eA==");
        "InvalidRequest": object_lock_mode(ObjectLockMode::Governance), object_lock_retain_until_date(soon);
        "InvalidRequest": object_lock_legal_hold_status(ObjectLockLegalHoldStatus::On);
        "AccessDenied": expected_bucket_owner(OTHER);
    }
    refused! {
        "NotImplemented": put(), write_offset_bytes(4);
        "NotImplemented": copy(), tagging_directive(TaggingDirective::Replace), copy_source_sse_customer_key("eA==");
        "NotImplemented": copy(), copy_source_sse_customer_algorithm("AES256"), copy_source_sse_customer_key_md5("eA==");
        "AccessDenied": copy(), expected_source_bucket_owner(OTHER);
        "InvalidArgument": copy(), copy_source("bucket/k?versionId=1");
        "InvalidRequest": create().checksum_algorithm(ChecksumAlgorithm::Sha1), checksum_type(ChecksumType::FullObject);
    }
    let got = s3.get_object().bucket("bucket").key("k").send().await.expect("there");
    assert_eq!(got.body.collect().await.expect("read").to_vec(), b"kept");
    for accepted in [ObjectCannedAcl::Private, ObjectCannedAcl::BucketOwnerFullControl] {
        put().acl(accepted).storage_class(StorageClass::Standard).send().await.expect("what it is anyway");
    }
    let put = put().server_side_encryption(ServerSideEncryption::Aes256).expected_bucket_owner("000000000000");
    let encryption = put.send().await.expect("what it is anyway").server_side_encryption;
    assert_eq!(encryption, Some(ServerSideEncryption::Aes256));
    running.stop().await;
}

#[tokio::test]
async fn what_reads_and_deletes_cannot_do_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let s3 = Client::new(&running.config());
    with_object(&s3).await;
    let (get, head) = (|| s3.get_object().bucket("bucket").key("k"), || s3.head_object().bucket("bucket").key("k"));
    let delete = || s3.delete_object().bucket("bucket").key("k");
    let identified = || ObjectIdentifier::builder().key("k");
    let of = |object: ObjectIdentifier| Delete::builder().objects(object).build().expect("a delete");
    let delete_all = || s3.delete_objects().bucket("bucket").delete(of(identified().build().expect("a key")));
    refused! {
        "NotImplemented": get(), sse_customer_algorithm("AES256"), sse_customer_key("eA=="), sse_customer_key_md5("eA==");
        "InvalidArgument": get(), version_id("abc");
        "AccessDenied": get(), expected_bucket_owner(OTHER);
        "InvalidRequest": get().part_number(1), range("bytes=0-1");
        "InvalidPartNumber": get(), part_number(2);
        "InvalidRange": get(), range("bytes=4-");
        "NotImplemented": delete(), mfa("serial 123456"), bypass_governance_retention(true), if_match_size(4);
        "NotImplemented": delete(), if_match_last_modified_time(DateTime::from_secs(0));
        "InvalidArgument": delete(), version_id("abc");
        "AccessDenied": delete(), expected_bucket_owner(OTHER);
        "NotImplemented": delete_all(), mfa("serial 123456"), bypass_governance_retention(true);
        "AccessDenied": delete_all(), expected_bucket_owner(OTHER);
    }
    for status in [
        head().version_id("abc").send().await.expect_err("refused"),
        head().sse_customer_key("eA==").send().await.expect_err("refused"),
        head().expected_bucket_owner(OTHER).send().await.expect_err("refused"),
    ] {
        let status = status.raw_response().expect("answered").status().as_u16();
        assert!([400, 403, 501].contains(&status), "{status}");
    }
    for (object, code) in [
        (identified().version_id("abc"), "NoSuchVersion"),
        (identified().size(4), "NotImplemented"),
        (identified().last_modified_time(DateTime::from_secs(0)), "NotImplemented"),
        (identified().e_tag("\"another\""), "PreconditionFailed"),
    ] {
        let delete = s3.delete_objects().bucket("bucket").delete(of(object.build().expect("a key")));
        let answer = delete.send().await.expect("answered");
        assert_eq!(answer.errors().first().and_then(|error| error.code()), Some(code), "{answer:?}");
    }
    get().version_id("null").send().await.expect("the one version there is");
    running.stop().await;
}

#[tokio::test]
async fn what_lists_and_uploads_cannot_do_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let s3 = Client::new(&running.config());
    let id = with_object(&s3).await;
    let (v1, v2) = (|| s3.list_objects().bucket("bucket"), || s3.list_objects_v2().bucket("bucket"));
    let (versions, uploads) =
        (|| s3.list_object_versions().bucket("bucket"), || s3.list_multipart_uploads().bucket("bucket"));
    let part = || s3.upload_part().bucket("bucket").key("k").upload_id(&id).part_number(1).body(b"x".to_vec().into());
    let copy = || s3.upload_part_copy().bucket("bucket").key("k").upload_id(&id).part_number(1).copy_source("bucket/k");
    let parts = || s3.list_parts().bucket("bucket").key("k").upload_id(&id);
    let completed = CompletedPart::builder().part_number(1).e_tag("\"x\"").build();
    let completed = CompletedMultipartUpload::builder().parts(completed).build();
    let complete = || {
        let complete = s3.complete_multipart_upload().bucket("bucket").key("k").upload_id(&id);
        complete.multipart_upload(completed.clone())
    };
    let abort = || s3.abort_multipart_upload().bucket("bucket").key("k").upload_id(&id);
    refused! {
        "NotImplemented": v1(), optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
        "NotImplemented": v2(), optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
        "NotImplemented": versions(), optional_object_attributes(OptionalObjectAttributes::RestoreStatus);
        "InvalidArgument": v1(), encoding_type("gzip".into()), max_keys(-1);
        "InvalidArgument": v2(), encoding_type("gzip".into()), max_keys(-1), continuation_token("?");
        "InvalidArgument": versions(), encoding_type("gzip".into()), max_keys(-1), version_id_marker("null");
        "InvalidArgument": uploads(), encoding_type("gzip".into()), max_uploads(-1);
        "AccessDenied": v2(), expected_bucket_owner(OTHER);
        "AccessDenied": uploads(), expected_bucket_owner(OTHER);
        "NotImplemented": part(), sse_customer_algorithm("AES256"), sse_customer_key("eA=="), sse_customer_key_md5("eA==");
        "InvalidArgument": part(), part_number(0), part_number(10_001);
        "NoSuchUpload": part(), upload_id("another"), key("another");
        "NotImplemented": copy(), sse_customer_algorithm("AES256"), sse_customer_key("eA=="), sse_customer_key_md5("eA==");
        "NotImplemented": copy(), copy_source_sse_customer_key("eA=="), copy_source_sse_customer_key_md5("eA==");
        "NotImplemented": copy(), copy_source_sse_customer_algorithm("AES256");
        "InvalidArgument": copy(), copy_source_range("bytes=0-4"), copy_source_range("0-1"), part_number(0);
        "PreconditionFailed": copy(), copy_source_if_match("\"another\"");
        "NotImplemented": parts(), sse_customer_algorithm("AES256"), sse_customer_key("eA=="), sse_customer_key_md5("eA==");
        "InvalidArgument": parts(), max_parts(-1), part_number_marker("-1");
        "NoSuchUpload": parts(), upload_id("another");
        "NotImplemented": complete(), sse_customer_algorithm("AES256"), sse_customer_key("eA=="), if_none_match("\"x\"");
        "InvalidPart": complete(), if_match("*");
        "NotImplemented": abort(), if_match_initiated_time(DateTime::from_secs(0));
        "NoSuchUpload": abort(), upload_id("another");
    }
    assert_eq!(uploads().send().await.expect("listed").uploads().len(), 1, "it is still there");
    running.stop().await;
}

#[tokio::test]
async fn what_a_bucket_cannot_be_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let s3 = Client::new(&running.config());
    let create = || s3.create_bucket().bucket("b-1");
    refused! {
        "NotImplemented": create(), acl(BucketCannedAcl::PublicRead), object_lock_enabled_for_bucket(true);
        "NotImplemented": create(), grant_full_control("id=x"), grant_read("id=x"), grant_read_acp("id=x");
        "NotImplemented": create(), grant_write("id=x"), grant_write_acp("id=x");
        "InvalidArgument": s3.list_buckets(), max_buckets(0);
    }
    s3.create_bucket().bucket("b-2").send().await.expect("created");
    refused! {
        "AccessDenied": s3.delete_bucket().bucket("b-2"), expected_bucket_owner(OTHER);
        "AccessDenied": s3.get_bucket_tagging().bucket("b-2"), expected_bucket_owner(OTHER);
        "NotImplemented": s3.get_object_tagging().bucket("b-2"), key("k");
    }
    let head = s3.head_bucket().bucket("b-2").expected_bucket_owner(OTHER).send().await.expect_err("refused");
    assert_eq!(head.raw_response().map(|response| response.status().as_u16()), Some(403));
    let listed = s3.list_buckets().send().await.expect("listed").buckets.expect("buckets");
    assert_eq!(listed.iter().filter_map(|bucket| bucket.name()).collect::<Vec<_>>(), ["b-2"]);
    running.stop().await;
}
