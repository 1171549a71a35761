//! Objects of the stand-in's S3 through the AWS SDK: what is put is what is read, listed, copied and deleted.

use std::collections::BTreeMap;

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    primitives::{ByteStream, DateTime},
    types::{
        ChecksumAlgorithm, ChecksumMode, ChecksumType, CompletedMultipartUpload, CompletedPart, Delete, EncodingType,
        MetadataDirective, ObjectIdentifier,
    },
};
use tempfile::TempDir;

use crate::stand_in::Running;

const PART: usize = 5 << 20;

struct Fixture {
    _folder: TempDir,
    running: Running,
    s3: Client,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Running::over(folder.path()).await;
        let s3 = Client::new(&running.config());
        s3.create_bucket().bucket("bucket").send().await.expect("created");
        Self { _folder: folder, running, s3 }
    }

    async fn put(&self, key: &str, data: &[u8]) -> String {
        let put = self.s3.put_object().bucket("bucket").key(key).body(data.to_vec().into());
        put.send().await.expect("put").e_tag.expect("an ETag")
    }

    async fn data(&self, key: &str) -> Vec<u8> {
        let got = self.s3.get_object().bucket("bucket").key(key).send().await.expect("there");
        got.body.collect().await.expect("read").to_vec()
    }

    async fn keys(&self) -> Vec<String> {
        let listed = self.s3.list_objects_v2().bucket("bucket").send().await.expect("listed");
        listed.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect()
    }
}

/// The status of a call that fails, and the code if a body says it.
macro_rules! refusal {
    ($call:expr) => {{
        let error = $call.send().await.expect_err("refused");
        let status = error.raw_response().map(|response| response.status().as_u16()).unwrap_or_default();
        (status, error.into_service_error().code().unwrap_or_default().to_owned())
    }};
}

#[tokio::test]
async fn keys_are_bytes_and_no_paths() {
    let fixture = Fixture::new().await;
    let s3 = &fixture.s3;
    s3.create_bucket().bucket("other").send().await.expect("created");
    s3.put_object().bucket("other").key("x").body(b"theirs".to_vec().into()).send().await.expect("put");
    let long = "k".repeat(1024);
    let keys = [
        "..",
        "../other/x",
        "./x",
        "/lead",
        "a",
        "a/",
        "a/b",
        "a//b",
        "dots/../up",
        "sp ace/+&=?#%25/ü",
        "\u{1f600}",
        long.as_str(),
    ];
    let expected: BTreeMap<&str, Vec<u8>> = keys.iter().map(|key| (*key, key.as_bytes().to_vec())).collect();
    for (key, data) in &expected {
        fixture.put(key, data).await;
    }
    assert_eq!(fixture.keys().await, expected.keys().copied().collect::<Vec<_>>());
    for (key, data) in &expected {
        assert_eq!(&fixture.data(key).await, data, "{key}");
    }
    let too_long = s3.put_object().bucket("bucket").key("k".repeat(1025));
    assert_eq!(refusal!(too_long), (400, "KeyTooLongError".to_owned()));
    let absent = s3.head_object().bucket("bucket").key("dots").send().await.expect_err("a common prefix is no object");
    assert_eq!(absent.raw_response().map(|response| response.status().as_u16()), Some(404));
    s3.delete_object().bucket("bucket").key("dots").send().await.expect("there is none to delete");
    let objects = keys.map(|key| ObjectIdentifier::builder().key(key).build().expect("a key"));
    let delete = Delete::builder().set_objects(Some(objects.into())).quiet(true).build().expect("a delete");
    let deleted = s3.delete_objects().bucket("bucket").delete(delete).send().await.expect("deleted");
    assert!(deleted.errors().is_empty() && deleted.deleted().is_empty(), "{deleted:?}");
    assert_eq!(fixture.keys().await, [""; 0]);
    let theirs = s3.get_object().bucket("other").key("x").send().await.expect("there").body;
    assert_eq!(theirs.collect().await.expect("read").to_vec(), b"theirs");
    fixture.running.stop().await;
}

#[tokio::test]
async fn listings_page_by_keys_and_common_prefixes() {
    let fixture = Fixture::new().await;
    let s3 = &fixture.s3;
    for key in ["a", "b/1", "b/2", "b+/1", "c d", "ü/1", "ü/2"] {
        fixture.put(key, b"").await;
    }
    let mut pages = s3.list_objects_v2().bucket("bucket").delimiter("/").max_keys(2).into_paginator().send();
    let mut shown = Vec::new();
    while let Some(page) = pages.next().await {
        let page = page.expect("a page");
        assert_eq!(page.key_count(), Some((page.contents().len() + page.common_prefixes().len()) as i32));
        shown.push(page.contents().iter().filter_map(|object| object.key().map(str::to_owned)).collect::<Vec<_>>());
        shown.push(page.common_prefixes().iter().filter_map(|one| one.prefix().map(str::to_owned)).collect());
    }
    // Keys and common prefixes of each page.
    let expected: [&[&str]; 6] = [&["a"], &["b+/"], &["c d"], &["b/"], &[], &["ü/"]];
    assert_eq!(shown, expected);

    let v1 = || s3.list_objects().bucket("bucket").delimiter("/");
    let first = v1().max_keys(3).encoding_type(EncodingType::Url).send().await.expect("listed");
    let prefixes: Vec<_> = first.common_prefixes().iter().filter_map(|one| one.prefix()).collect();
    assert_eq!((prefixes, first.next_marker()), (vec!["b%2B/", "b/"], Some("b/")));
    let rest = v1().marker("b/").send().await.expect("listed");
    assert_eq!(rest.contents().iter().filter_map(|object| object.key()).collect::<Vec<_>>(), ["c d"]);
    let url = s3
        .list_objects_v2()
        .bucket("bucket")
        .prefix("ü")
        .encoding_type(EncodingType::Url)
        .send()
        .await
        .expect("listed");
    let keys: Vec<_> = url.contents().iter().filter_map(|object| object.key()).collect();
    assert_eq!((url.prefix(), keys), (Some("%C3%BC"), vec!["%C3%BC/1", "%C3%BC/2"]));
    let after = s3.list_objects_v2().bucket("bucket").start_after("b/1").send().await.expect("listed");
    assert_eq!(after.contents().first().and_then(|object| object.key()), Some("b/2"));
    let none = s3.list_objects_v2().bucket("bucket").max_keys(0).send().await.expect("listed");
    assert_eq!((none.contents().len(), none.is_truncated()), (0, Some(false)));
    let versions = s3.list_object_versions().bucket("bucket").key_marker("c d").send().await.expect("listed");
    let versions: Vec<_> =
        versions.versions().iter().map(|one| (one.key(), one.version_id(), one.is_latest())).collect();
    let version = |key| (Some(key), Some("null"), Some(true));
    assert_eq!(versions, [version("ü/1"), version("ü/2")]);
    fixture.running.stop().await;
}

#[tokio::test]
async fn reads_hold_to_conditions_ranges_and_overrides() {
    let fixture = Fixture::new().await;
    let s3 = &fixture.s3;
    let etag = fixture.put("k", b"0123456789").await;
    let (get, head) = (|| s3.get_object().bucket("bucket").key("k"), || s3.head_object().bucket("bucket").key("k"));
    let (past, future) = (DateTime::from_secs(1_000_000_000), DateTime::from_secs(4_000_000_000));
    macro_rules! both {
        ($status:literal: $($setting:ident($value:expr)),+) => {
            assert_eq!(refusal!(get()$(.$setting($value))+).0, $status, "get {}", stringify!($($setting($value)),+));
            assert_eq!(refusal!(head()$(.$setting($value))+).0, $status, "head {}", stringify!($($setting($value)),+));
        };
    }
    both!(304: if_none_match(&etag));
    both!(304: if_none_match("*"));
    both!(304: if_modified_since(future));
    both!(412: if_match("\"another\""));
    both!(412: if_unmodified_since(past));
    both!(304: if_match(&etag), if_none_match(&etag));
    both!(416: range("bytes=10-"));
    get().if_match(&etag).if_unmodified_since(past).send().await.expect("If-Match is enough");
    get().if_none_match("\"another\"").if_modified_since(future).send().await.expect("If-None-Match is enough");
    head().if_match("*").if_modified_since(past).send().await.expect("both hold");

    for (range, data, told) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=8-99", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
        ("bytes=5-", "56789", "bytes 5-9/10"),
    ] {
        let got = get().range(range).send().await.expect("a range");
        assert_eq!((got.content_range(), got.content_length()), (Some(told), Some(data.len() as i64)), "{range}");
        assert_eq!(got.body.collect().await.expect("read").to_vec(), data.as_bytes(), "{range}");
        let told_by_head = head().range(range).send().await.expect("a range");
        assert_eq!(
            (told_by_head.content_range(), told_by_head.content_length()),
            (Some(told), Some(data.len() as i64))
        );
    }
    let got = get().response_content_type("text/x").response_cache_control("no-store").send().await.expect("there");
    assert_eq!((got.content_type(), got.cache_control()), (Some("text/x"), Some("no-store")));
    // The SDK names a type with every body; other services of the stand-in name none.
    fixture.running.stand_in.s3.put("bucket", "plain", "x".into()).await.expect("put");
    let told = s3.head_object().bucket("bucket").key("plain").send().await.expect("there");
    assert_eq!((told.content_type(), told.accept_ranges()), (Some("binary/octet-stream"), Some("bytes")));
    fixture.put("empty", b"").await;
    assert_eq!(refusal!(s3.get_object().bucket("bucket").key("empty").range("bytes=-1")).0, 416);
    assert_eq!(fixture.data("empty").await, b"");
    fixture.running.stop().await;
}

#[tokio::test]
async fn headers_and_metadata_stay_and_a_copy_takes_or_replaces_them() {
    let fixture = Fixture::new().await;
    let s3 = &fixture.s3;
    let put = s3.put_object().bucket("bucket").key("k").body(b"data".to_vec().into());
    let put = put.content_type("text/x").content_encoding("x").content_disposition("inline").content_language("de");
    let put = put.cache_control("no-cache").expires(DateTime::from_secs(4_000_000_000)).metadata("who", "me");
    let etag = put.checksum_algorithm(ChecksumAlgorithm::Sha256).send().await.expect("put").e_tag.expect("an ETag");
    let copy = |key: &str| s3.copy_object().bucket("bucket").key(key).copy_source("bucket/k");
    copy("copied").send().await.expect("copied");
    let replace = copy("replaced").metadata_directive(MetadataDirective::Replace).metadata("who", "you");
    replace.content_type("text/y").send().await.expect("copied");
    for key in ["k", "copied"] {
        let got =
            s3.get_object().bucket("bucket").key(key).checksum_mode(ChecksumMode::Enabled).send().await.expect("there");
        assert_eq!((got.content_type(), got.content_encoding()), (Some("text/x"), Some("x")), "{key}");
        assert_eq!((got.content_disposition(), got.content_language()), (Some("inline"), Some("de")), "{key}");
        assert_eq!((got.cache_control(), got.e_tag()), (Some("no-cache"), Some(etag.as_str())), "{key}");
        assert_eq!(got.expires_string(), Some("Tue, 02 Oct 2096 07:06:40 GMT"), "{key}");
        assert_eq!(got.metadata().and_then(|metadata| metadata.get("who")).map(String::as_str), Some("me"), "{key}");
        assert!(got.checksum_sha256().is_some() && got.checksum_type() == Some(&ChecksumType::FullObject), "{key}");
    }
    let got = s3.head_object().bucket("bucket").key("replaced").send().await.expect("there");
    assert_eq!((got.content_type(), got.content_encoding()), (Some("text/y"), None));
    assert_eq!(got.metadata().and_then(|metadata| metadata.get("who")).map(String::as_str), Some("you"));

    assert_eq!(refusal!(copy("k")), (400, "InvalidRequest".to_owned()), "it would change nothing");
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refusal!(copy("x").copy_source_if_match("\"another\"")), failed);
    assert_eq!(refusal!(copy("x").copy_source_if_none_match(&etag)), failed);
    assert_eq!(refusal!(copy("x").copy_source_if_modified_since(DateTime::from_secs(4_000_000_000))), failed);
    assert_eq!(refusal!(copy("x").copy_source_if_unmodified_since(DateTime::from_secs(0))), failed);
    assert_eq!(refusal!(copy("x").copy_source("bucket/none")), (404, "NoSuchKey".to_owned()));
    assert_eq!(refusal!(copy("x").bucket("none")), (404, "NoSuchBucket".to_owned()));
    assert_eq!(fixture.keys().await, ["copied", "k", "replaced"]);
    fixture.running.stop().await;
}

#[tokio::test]
async fn a_delete_holds_to_its_condition() {
    let fixture = Fixture::new().await;
    let etag = fixture.put("k", b"x").await;
    let delete = || fixture.s3.delete_object().bucket("bucket").key("k");
    assert_eq!(refusal!(delete().if_match("\"another\"")), (412, "PreconditionFailed".to_owned()));
    assert_eq!(fixture.keys().await, ["k"]);
    delete().if_match(&etag).send().await.expect("it is the one");
    assert_eq!(refusal!(delete().if_match("*")), (404, "NoSuchKey".to_owned()));
    delete().send().await.expect("there is none, and none was asked for");
    fixture.running.stop().await;
}

#[tokio::test]
async fn parts_become_one_object_whose_checksum_holds() {
    let fixture = Fixture::new().await;
    let s3 = &fixture.s3;
    let data: Vec<u8> = (0..PART + 100).map(|n| (n / 3) as u8).collect();
    fixture.put("source", &data).await;
    for kind in [ChecksumType::Composite, ChecksumType::FullObject] {
        let create = s3.create_multipart_upload().bucket("bucket").key("k").metadata("who", "me");
        let create = create.checksum_algorithm(ChecksumAlgorithm::Crc32).checksum_type(kind.clone());
        let id = create.send().await.expect("created").upload_id.expect("an id");
        let part =
            s3.upload_part().bucket("bucket").key("k").upload_id(&id).part_number(2).body(data[..PART].to_vec().into());
        let one = part.checksum_algorithm(ChecksumAlgorithm::Crc32).send().await.expect("uploaded");
        let copy =
            s3.upload_part_copy().bucket("bucket").key("k").upload_id(&id).part_number(5).copy_source("bucket/source");
        let copied = copy.copy_source_range(format!("bytes={PART}-{}", data.len() - 1)).send().await.expect("copied");
        let copied = copied.copy_part_result.expect("a result");
        let listed =
            s3.list_parts().bucket("bucket").key("k").upload_id(&id).max_parts(1).send().await.expect("listed");
        let numbers: Vec<_> = listed.parts().iter().filter_map(|part| part.part_number()).collect();
        assert_eq!(
            (numbers, listed.is_truncated(), listed.next_part_number_marker()),
            (vec![2], Some(true), Some("2"))
        );

        let parts = [
            CompletedPart::builder().part_number(2).set_e_tag(one.e_tag).set_checksum_crc32(one.checksum_crc32),
            CompletedPart::builder().part_number(5).set_e_tag(copied.e_tag).set_checksum_crc32(copied.checksum_crc32),
        ];
        let parts = parts.map(|part| part.build()).to_vec();
        let complete = |parts| {
            let parts = CompletedMultipartUpload::builder().set_parts(Some(parts)).build();
            s3.complete_multipart_upload().bucket("bucket").key("k").upload_id(&id).multipart_upload(parts)
        };
        let mut unchecked = parts.clone();
        unchecked[0].checksum_crc32 = None;
        if kind == ChecksumType::Composite {
            assert_eq!(refusal!(complete(unchecked)), (400, "InvalidRequest".to_owned()));
        }
        assert_eq!(refusal!(complete(parts.clone()).mpu_object_size(1)), (400, "InvalidRequest".to_owned()));
        assert_eq!(refusal!(complete(parts.clone()).mpu_object_size(-1)), (400, "InvalidArgument".to_owned()));
        let done = complete(parts.clone()).send().await.expect("completed");
        let etag = done.e_tag.clone().expect("an ETag");
        assert!(etag.ends_with("-2\""), "{etag}");
        assert_eq!(complete(parts).send().await.expect("the answer may have been lost").e_tag, done.e_tag);
        let got =
            s3.get_object().bucket("bucket").key("k").checksum_mode(ChecksumMode::Enabled).send().await.expect("there");
        assert_eq!((got.checksum_crc32(), got.checksum_type()), (done.checksum_crc32(), Some(&kind)));
        assert_eq!(got.metadata().and_then(|metadata| metadata.get("who")).map(String::as_str), Some("me"));
        // The SDK compares a checksum of the whole object with what it reads.
        assert!(got.body.collect().await.expect("read").to_vec() == data, "{kind:?}");
        let part = s3.get_object().bucket("bucket").key("k").part_number(5).send().await.expect("a part");
        assert_eq!((part.parts_count(), part.content_length()), (Some(2), Some(100)));
        assert!(part.body.collect().await.expect("read").to_vec() == data[PART..]);
    }
    fixture.running.stop().await;
}

#[tokio::test]
async fn uploads_are_listed_until_they_are_completed_or_aborted() {
    let fixture = Fixture::new().await;
    let s3 = &fixture.s3;
    let mut ids = Vec::new();
    for key in ["a", "a", "b/1", "b/2", "c"] {
        let created = s3.create_multipart_upload().bucket("bucket").key(key).send().await.expect("created");
        ids.push(created.upload_id.expect("an id"));
    }
    let list = || s3.list_multipart_uploads().bucket("bucket");
    let first = list().max_uploads(1).send().await.expect("listed");
    assert_eq!((first.uploads()[0].upload_id(), first.is_truncated()), (Some(ids[0].as_str()), Some(true)));
    let next = list().set_key_marker(first.next_key_marker).set_upload_id_marker(first.next_upload_id_marker);
    let next = next.delimiter("/").send().await.expect("listed");
    let keys: Vec<_> = next.uploads().iter().map(|upload| (upload.key(), upload.upload_id())).collect();
    assert_eq!(keys, [(Some("a"), Some(ids[1].as_str())), (Some("c"), Some(ids[4].as_str()))]);
    assert_eq!(next.common_prefixes().iter().filter_map(|one| one.prefix()).collect::<Vec<_>>(), ["b/"]);
    assert_eq!(list().prefix("b/").send().await.expect("listed").uploads().len(), 2);
    assert_eq!(refusal!(s3.delete_bucket().bucket("bucket")), (409, "BucketNotEmpty".to_owned()));
    for (key, id) in ["a", "a", "b/1", "b/2", "c"].iter().zip(&ids) {
        s3.abort_multipart_upload().bucket("bucket").key(*key).upload_id(id).send().await.expect("aborted");
    }
    assert!(list().send().await.expect("listed").uploads().is_empty());
    s3.delete_bucket().bucket("bucket").send().await.expect("it is empty");
    fixture.running.stop().await;
}

#[tokio::test]
async fn large_objects_stream_through_and_small_pieces_add_up() {
    let fixture = Fixture::new().await;
    let data: Vec<u8> = (0..3_000_000_u32).flat_map(|n| n.to_le_bytes()).collect();
    let put = fixture.s3.put_object().bucket("bucket").key("large").body(ByteStream::from(data.clone()));
    put.send().await.expect("put");
    assert!(fixture.data("large").await == data);
    let got =
        fixture.s3.get_object().bucket("bucket").key("large").range("bytes=262143-600000").send().await.expect("there");
    assert!(got.body.collect().await.expect("read").to_vec() == data[262_143..=600_000]);
    fixture.running.stop().await;
}
