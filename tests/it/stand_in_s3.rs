//! What the stand-in's S3 holds to of conditional writes, and of what a bucket is besides its objects, through the AWS SDK.

use aws_sdk_s3::{
    Client,
    error::ProvideErrorMetadata,
    operation::put_object::builders::PutObjectFluentBuilder,
    types::{Tag, Tagging},
};
use futures::future::join_all;

use crate::stand_in::Running;

struct Fixture {
    _folder: tempfile::TempDir,
    running: Running,
    s3: Client,
}

impl Fixture {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Running::over(folder.path()).await;
        let s3 = Client::new(&running.config());
        s3.create_bucket().bucket("mirror").send().await.expect("created");
        Self { _folder: folder, running, s3 }
    }

    fn put(&self, text: &str) -> PutObjectFluentBuilder {
        self.s3.put_object().bucket("mirror").key("journal/entry").body(text.as_bytes().to_vec().into())
    }

    async fn text(&self) -> String {
        let got = self.s3.get_object().bucket("mirror").key("journal/entry").send().await.expect("there");
        String::from_utf8(got.body.collect().await.expect("read").to_vec()).expect("text")
    }
}

/// Status and code of a call that fails.
macro_rules! refusal {
    ($call:expr) => {{
        let error = $call.send().await.expect_err("refused");
        let status = error.raw_response().map(|response| response.status().as_u16());
        (status.unwrap_or_default(), error.into_service_error().code().unwrap_or_default().to_owned())
    }};
}

#[tokio::test]
async fn a_put_holds_to_its_condition() {
    let fixture = Fixture::new().await;
    let failed = (412, "PreconditionFailed".to_owned());
    assert_eq!(refusal!(fixture.put("x").if_match("\"00000000000000000000000000000000\"")), (404, "NoSuchKey".into()));
    let first = fixture.put("one").if_none_match("*").send().await.expect("nothing was there");
    assert_eq!(refusal!(fixture.put("two").if_none_match("*")), failed);
    assert_eq!(fixture.text().await, "one");

    let first = first.e_tag.expect("an ETag");
    let second = fixture.put("two").if_match(&first).send().await.expect("the one that was known");
    assert_eq!(refusal!(fixture.put("three").if_match(&first)), failed);
    let head = fixture.s3.head_object().bucket("mirror").key("journal/entry").send().await.expect("there");
    assert_eq!((head.e_tag(), fixture.text().await.as_str()), (second.e_tag(), "two"));

    fixture.s3.delete_object().bucket("mirror").key("journal/entry").send().await.expect("deleted");
    fixture.put("three").if_none_match("*").send().await.expect("nothing is there again");
    fixture.running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_who_write_under_the_same_condition_one_does() {
    let fixture = Fixture::new().await;
    let tries = (0..16).map(|n| fixture.put(&n.to_string()).if_none_match("*").send());
    let won = join_all(tries).await.into_iter().filter(Result::is_ok).count();
    assert_eq!(won, 1);
    let known = fixture.s3.head_object().bucket("mirror").key("journal/entry").send().await.expect("there").e_tag;
    let tries = (16..32).map(|n| fixture.put(&n.to_string()).set_if_match(known.clone()).send());
    let answers = join_all(tries).await;
    let winners: Vec<usize> = (0..16).filter(|&n| answers[n].is_ok()).collect();
    let [winner] = winners[..] else { panic!("one, not {winners:?}") };
    assert_eq!(fixture.text().await, (16 + winner).to_string());
    fixture.running.stop().await;
}

#[tokio::test]
async fn tags_and_policy_of_a_bucket_change_in_place() {
    let fixture = Fixture::new().await;
    let s3 = &fixture.s3;
    let absent = |call: (u16, String), code: &str| assert_eq!(call, (404, code.to_owned()));
    absent(refusal!(s3.get_bucket_tagging().bucket("mirror")), "NoSuchTagSet");
    absent(refusal!(s3.get_bucket_policy().bucket("mirror")), "NoSuchBucketPolicy");
    let tag = |key: &str, value: &str| Tag::builder().key(key).value(value).build().expect("a tag");
    for tags in [vec![tag("a", "1"), tag("b", "2")], vec![tag("a", "3")]] {
        let tagging = Tagging::builder().set_tag_set(Some(tags.clone())).build().expect("tags");
        s3.put_bucket_tagging().bucket("mirror").tagging(tagging).send().await.expect("tagged");
        let got = s3.get_bucket_tagging().bucket("mirror").send().await.expect("tags");
        assert_eq!(got.tag_set(), tags, "all of them are replaced");
    }
    let policy = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Principal":"*","Action":"s3:PutObject","Resource":"arn:aws:s3:::mirror/*"}]}"#;
    s3.put_bucket_policy().bucket("mirror").policy(policy).send().await.expect("put");
    assert_eq!(s3.get_bucket_policy().bucket("mirror").send().await.expect("there").policy(), Some(policy));
    assert_eq!(refusal!(fixture.put("x")), (403, "AccessDenied".to_owned()));
    s3.delete_bucket_policy().bucket("mirror").send().await.expect("deleted");
    fixture.put("x").send().await.expect("put");
    fixture.running.stop().await;
}
