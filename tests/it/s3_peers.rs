//! S3 of the stand-in against others: the same calls to moto and to it; the AWS CLI at work on odd keys, s3fs and awswrangler at
//! their ordinary work.

use std::{fmt::Write, fs, path::Path, process::Command};

use aws_sdk_s3::{
    Client,
    config::http::HttpResponse,
    error::{ProvideErrorMetadata, SdkError},
    types::{CompletedMultipartUpload, CompletedPart, Delete, ObjectIdentifier},
};
use aws_stand_in::AccessKey;
use rand::{Rng, RngExt, SeedableRng, rngs::StdRng, seq::IndexedRandom};

use crate::{
    command::{Demo, text},
    lifecycle::Moto,
    stand_in::{Running, config},
};

const SEEDS: std::ops::Range<u64> = 0..12;
const CALLS: usize = 80;
const KEYS: [&str; 12] = ["a", "a/", "a/b", "a/b/c", "a//b", "b", "ü", "x y", "x+y", "50%25", "a\u{1f600}", "..b/../c"];

/// A call to both, with all that is random in it.
#[derive(Clone, Debug)]
enum Call {
    Put(&'static str, Vec<u8>, Option<&'static str>),
    Get(&'static str, Option<String>),
    Head(&'static str),
    Delete(&'static str),
    DeleteAll(Vec<&'static str>),
    Copy(&'static str, &'static str),
    List {
        prefix: &'static str,
        delimiter: Option<&'static str>,
        max_keys: i32,
        after: Option<&'static str>,
    },
    /// Without a delimiter: with one, moto counts keys and common prefixes apart and pages through neither.
    ListV1 {
        prefix: &'static str,
        max_keys: i32,
        marker: Option<&'static str>,
    },
    Upload(&'static str, Vec<u8>),
}

fn any_call(random: &mut StdRng) -> Call {
    let key = |random: &mut StdRng| *KEYS.choose(random).expect("keys");
    let data = |random: &mut StdRng| (0..random.random_range(0..20)).map(|_| random.random()).collect::<Vec<u8>>();
    let prefix = *["", "", "a", "a/", "x", "nothing"].choose(random).expect("prefixes");
    let delimiter = *[None, Some("/"), Some("b")].choose(random).expect("delimiters");
    let (max_keys, after) = (random.random_range(1..6), random.random_bool(0.4).then(|| key(random)));
    match random.next_u32() % 16 {
        0..4 => Call::Put(key(random), data(random), None),
        4 => Call::Put(key(random), data(random), Some("*")),
        5 | 6 => Call::Get(key(random), None),
        7 => Call::Get(
            key(random),
            Some(format!("bytes={}-{}", random.random_range(0..10), random.random_range(10..30))),
        ),
        8 => Call::Head(key(random)),
        9 => Call::Delete(key(random)),
        10 => Call::DeleteAll(vec![key(random), key(random)]),
        11 => Call::Copy(key(random), key(random)),
        12 | 13 => Call::List { prefix, delimiter, max_keys, after },
        14 => Call::ListV1 { prefix, max_keys, marker: after },
        _ => Call::Upload(key(random), data(random)),
    }
}

fn failure<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> String {
    let status = error.raw_response().map(|response| response.status().as_u16()).unwrap_or_default();
    let code = error.as_service_error().and_then(|error| error.code()).unwrap_or_default();
    format!("{status} {code}")
}

/// Makes the call and tells what a caller sees of its answer.
async fn answer(s3: &Client, call: &Call) -> String {
    let bucket = "bucket";
    match call.clone() {
        Call::Put(key, data, none_match) => {
            let put = s3.put_object().bucket(bucket).key(key).body(data.into());
            match put.set_if_none_match(none_match.map(str::to_owned)).send().await {
                Ok(put) => format!("{:?}", put.e_tag),
                Err(error) => failure(&error),
            }
        }
        Call::Get(key, range) => match s3.get_object().bucket(bucket).key(key).set_range(range).send().await {
            Ok(got) => {
                let told = format!("{:?} {:?} {:?}", got.content_range, got.e_tag, got.content_length);
                format!("{told} {:?}", got.body.collect().await.expect("read").to_vec())
            }
            Err(error) => failure(&error),
        },
        Call::Head(key) => match s3.head_object().bucket(bucket).key(key).send().await {
            Ok(head) => format!("{:?} {:?}", head.e_tag, head.content_length),
            Err(error) => failure(&error),
        },
        Call::Delete(key) => match s3.delete_object().bucket(bucket).key(key).send().await {
            Ok(_) => "deleted".to_owned(),
            Err(error) => failure(&error),
        },
        Call::DeleteAll(keys) => {
            let objects = keys.iter().map(|key| ObjectIdentifier::builder().key(*key).build().expect("a key"));
            let delete = Delete::builder().set_objects(Some(objects.collect())).build().expect("a delete");
            match s3.delete_objects().bucket(bucket).delete(delete).send().await {
                Ok(done) => {
                    let mut keys: Vec<_> = done.deleted().iter().filter_map(|one| one.key()).collect();
                    keys.sort_unstable();
                    format!("{keys:?} {:?}", done.errors())
                }
                Err(error) => failure(&error),
            }
        }
        Call::Copy(from, to) => {
            let source = format!("{bucket}/{}", percent_encoded(from));
            match s3.copy_object().bucket(bucket).key(to).copy_source(source).send().await {
                Ok(copied) => format!("{:?}", copied.copy_object_result.and_then(|result| result.e_tag)),
                Err(error) => failure(&error),
            }
        }
        Call::List { prefix, delimiter, max_keys, after } => {
            let list = s3.list_objects_v2().bucket(bucket).prefix(prefix).max_keys(max_keys);
            let list = list.set_delimiter(delimiter.map(str::to_owned)).set_start_after(after.map(str::to_owned));
            let mut pages = list.into_paginator().send();
            let mut told = String::new();
            while let Some(page) = pages.next().await {
                match page {
                    Ok(page) => {
                        let keys: Vec<_> =
                            page.contents().iter().map(|one| (one.key(), one.size(), one.e_tag())).collect();
                        let prefixes: Vec<_> = page.common_prefixes().iter().map(|one| one.prefix()).collect();
                        write!(told, "{keys:?} {prefixes:?} {:?} ", page.is_truncated()).expect("a text");
                    }
                    Err(error) => return failure(&error),
                }
            }
            told
        }
        Call::ListV1 { prefix, max_keys, marker } => {
            let list = s3.list_objects().bucket(bucket).prefix(prefix).max_keys(max_keys);
            match list.set_marker(marker.map(str::to_owned)).send().await {
                Ok(page) => {
                    let keys: Vec<_> = page.contents().iter().map(|one| one.key()).collect();
                    format!("{keys:?} {:?}", page.is_truncated)
                }
                Err(error) => failure(&error),
            }
        }
        Call::Upload(key, data) => {
            let created = s3.create_multipart_upload().bucket(bucket).key(key).send().await.expect("created");
            let id = created.upload_id.expect("an id");
            let part = s3.upload_part().bucket(bucket).key(key).upload_id(&id).part_number(3).body(data.into());
            let part = part.send().await.expect("uploaded");
            let completed = CompletedPart::builder().part_number(3).set_e_tag(part.e_tag.clone());
            let completed = completed.set_checksum_crc32(part.checksum_crc32).build();
            let parts = CompletedMultipartUpload::builder().parts(completed).build();
            let complete = s3.complete_multipart_upload().bucket(bucket).key(key).upload_id(&id);
            // The root of moto's answer has a name that this SDK does not read, so the object tells how it went.
            let completed = complete.multipart_upload(parts).send().await;
            let status = completed.map_or_else(|error| failure(&error), |_| "200 ".to_owned());
            let head = s3.head_object().bucket(bucket).key(key).send().await.expect("completed");
            format!("{:?} {status} {:?}", part.e_tag, head.e_tag)
        }
    }
}

fn percent_encoded(key: &str) -> String {
    key.bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

#[tokio::test]
#[ignore = "needs moto_server"]
async fn moto_and_the_stand_in_answer_the_same() {
    let (_moto, address) = Moto::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let any = AccessKey { id: "any".to_owned(), secret: "any".to_owned() };
    let moto = path_style(&config(&format!("http://{address}"), &any));
    let ours = path_style(&running.config());
    let mut compared = 0;
    for seed in SEEDS {
        let mut random = StdRng::seed_from_u64(seed);
        for s3 in [&moto, &ours] {
            s3.create_bucket().bucket("bucket").send().await.expect("created");
        }
        let mut calls = Vec::new();
        for _ in 0..CALLS {
            let call = any_call(&mut random);
            calls.push(call.clone());
            let (theirs, ours) = (answer(&moto, &call).await, answer(&ours, &call).await);
            assert_eq!(theirs, ours, "left: moto, right: the stand-in; seed {seed}, after {calls:#?}");
            compared += 1;
        }
        for s3 in [&moto, &ours] {
            answer(s3, &Call::DeleteAll(KEYS.to_vec())).await;
            s3.delete_bucket().bucket("bucket").send().await.expect("it is empty");
        }
    }
    assert_eq!(compared, CALLS * SEEDS.count());
    running.stop().await;
}

fn path_style(config: &aws_config::SdkConfig) -> Client {
    Client::from_conf(aws_sdk_s3::config::Builder::from(config).force_path_style(true).build())
}

/// Programs of others, with what `demo local env` prints.
struct Shell {
    environment: Vec<(String, String)>,
}

impl Shell {
    fn of(demo: &Demo) -> Self {
        Self { environment: demo.stand_in_environment() }
    }

    fn s3(&self, args: &[&str]) -> String {
        self.run("aws", &[&["s3"], args].concat())
    }

    fn run(&self, program: &str, args: &[&str]) -> String {
        let mut command = Command::new(program);
        command.args(args).env_remove("AWS_PROFILE").env("LC_ALL", "C.UTF-8").envs(self.environment.clone());
        let output = command.output().unwrap_or_else(|e| panic!("{program} in PATH: {e}"));
        assert!(output.status.success(), "{program} {}: {}", args.join(" "), text(&output.stderr));
        text(&output.stdout)
    }
}

#[test]
#[ignore = "needs the AWS CLI"]
fn the_aws_cli_copies_lists_and_removes_odd_keys() {
    let demo = Demo::new();
    demo.expect(0, &["local", "start"]);
    let cli = Shell::of(&demo);
    let folder = tempfile::tempdir().expect("a folder");
    let (there, back) = (folder.path().join("there"), folder.path().join("back"));
    let files = ["a b.txt", "a+b", "50%25", "sub/ü+&.txt", "sub/sub/x", "~"];
    for (number, file) in files.iter().enumerate() {
        let path = there.join(file);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, number.to_string()).expect("written");
    }
    // Long enough for the CLI to upload it in parts.
    fs::write(there.join("large"), vec![7; 20_000_000]).expect("written");
    let path = |path: &Path| path.to_str().expect("UTF-8").to_owned();

    cli.s3(&["mb", "s3://odd-keys"]);
    cli.s3(&["sync", &path(&there), "s3://odd-keys/p"]);
    let listed = cli.s3(&["ls", "s3://odd-keys/p/", "--recursive"]);
    for file in files.iter().chain(&["large"]) {
        assert!(listed.lines().any(|line| line.ends_with(&format!(" p/{file}"))), "{file}\n{listed}");
    }
    let listed = cli.s3(&["ls", "s3://odd-keys/p/"]);
    assert!(listed.contains("PRE sub/") && !listed.contains('ü'), "{listed}");
    cli.s3(&["cp", "s3://odd-keys/p/large", "s3://odd-keys/../other/large"]);
    cli.s3(&["mv", "s3://odd-keys/p/a+b", "s3://odd-keys/p/moved+here"]);
    cli.s3(&["sync", "s3://odd-keys/p", &path(&back)]);
    for (number, file) in files.iter().enumerate() {
        let file = file.replace("a+b", "moved+here");
        assert_eq!(fs::read_to_string(back.join(&file)).expect("there"), number.to_string(), "{file}");
    }
    assert!(fs::read(back.join("large")).expect("there") == vec![7; 20_000_000]);
    assert_eq!(cli.s3(&["sync", "s3://odd-keys/p", &path(&back)]), "", "nothing has changed");
    let url = cli.s3(&["presign", "s3://odd-keys/p/50%25"]);
    assert!(url.contains("50%2525"), "{url}");
    cli.s3(&["rm", "s3://odd-keys", "--recursive"]);
    assert_eq!(cli.s3(&["ls", "s3://odd-keys", "--recursive"]), "");
    cli.s3(&["rb", "s3://odd-keys"]);
    demo.expect(0, &["local", "stop"]);
}

#[test]
#[ignore = "needs s3fs and awswrangler"]
fn s3fs_and_awswrangler_do_their_ordinary_work() {
    let demo = Demo::new();
    demo.expect(0, &["local", "start"]);
    Shell::of(&demo).run("python3", &[concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/s3_peers.py")]);
    demo.expect(0, &["local", "stop"]);
}
