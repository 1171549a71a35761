//! Where the workers of a load meet: a folder and a bucket keep the same promises.

use std::sync::Arc;

use kinesis_demo::{
    aws::Clients,
    engine::mirror::Put,
    fleet::{InBucket, InFolder, Rendezvous},
};

use crate::stand_in::Running;

fn version(put: Put) -> String {
    match put {
        Put::Done(version) => version,
        other => panic!("{other:?}"),
    }
}

async fn keeps_its_promises(place: &dyn Rendezvous) {
    let text = |text: &str| text.as_bytes().to_vec();
    let get = async |name: &str| place.get(name).await.expect("read").map(|found| (found.text, found.version));
    let put = async |name: &str, what: &str, replaces: Option<&str>| {
        place.put(name, text(what), replaces).await.expect("asked")
    };
    assert_eq!(get("a").await, None);
    assert_eq!(put("a", "1", Some("\"0\"")).await, Put::Beaten, "there is nothing to replace");
    let first = version(put("a", "1", None).await);
    assert_eq!(get("a").await, Some((text("1"), first.clone())));
    assert_eq!(put("a", "2", None).await, Put::Beaten, "something is there");
    let second = version(put("a", "2", Some(&first)).await);
    assert_eq!(put("a", "3", Some(&first)).await, Put::Beaten, "it was replaced meanwhile");
    assert_eq!(get("a").await, Some((text("2"), second)));
    put("order-1", "{}", None).await;
    assert_eq!(place.list().await.expect("listed"), ["a", "order-1"]);
}

/// Of many that write at the same time, one does.
async fn takes_one_of_many(place: Arc<dyn Rendezvous>) {
    let writers = (0..8).map(|number| {
        let place = place.clone();
        tokio::spawn(async move { place.put("start", vec![number], None).await.expect("asked") })
    });
    let mut done = 0;
    for writer in writers.collect::<Vec<_>>() {
        done += u32::from(matches!(writer.await.expect("no panic"), Put::Done(_)));
    }
    assert_eq!(done, 1);
}

#[tokio::test]
async fn a_folder_is_a_place_to_meet() {
    let folder = tempfile::tempdir().expect("a folder");
    let own = folder.path().join("run");
    let place = Arc::new(InFolder::create(&own).expect("created"));
    keeps_its_promises(&*place).await;
    takes_one_of_many(place.clone()).await;
    // What a kill leaves of a write is no object.
    std::fs::write(own.join("half.partial"), "{").expect("written");
    assert_eq!(place.list().await.expect("listed"), ["a", "order-1", "start"]);
    place.clear().await.expect("cleared");
    assert!(!own.exists());
    assert_eq!(place.put("a", Vec::new(), None).await.expect("asked"), Put::Nowhere);
    assert!(place.get("a").await.expect("read").is_none() && place.list().await.expect("listed").is_empty());
}

#[tokio::test]
async fn a_bucket_is_a_place_to_meet() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let clients = Clients::connect(running.place()).await;
    clients.s3.create_bucket().bucket("shop-0a1b2c3d").send().await.expect("created");
    let place = Arc::new(InBucket::new(&clients.s3, "shop-0a1b2c3d", "friday"));
    let other = InBucket::new(&clients.s3, "shop-0a1b2c3d", "saturday");
    other.put("a", b"another run's".to_vec(), None).await.expect("put");
    keeps_its_promises(&*place).await;
    takes_one_of_many(place.clone()).await;
    place.clear().await.expect("cleared");
    assert!(place.list().await.expect("listed").is_empty());
    assert_eq!(other.list().await.expect("listed"), ["a"]);
    let nowhere = InBucket::new(&clients.s3, "gone-0a1b2c3d", "friday");
    assert_eq!(nowhere.put("a", Vec::new(), None).await.expect("asked"), Put::Nowhere);
    assert!(nowhere.get("a").await.expect("read").is_none() && nowhere.list().await.expect("listed").is_empty());
}
