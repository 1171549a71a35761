//! S3: the protocol is a library's, the store and the operations are ours.
//!
//! Not covered, and refused: versions, ACLs, object tags, Object Lock, storage classes, encryption with a caller's keys, and
//! everything else that `names.rs` does not list.

mod body;
mod caller;
mod checksums;
mod copy;
mod delete;
mod document;
mod draft;
mod get;
mod list;
mod multipart;
mod names;
mod operations;
mod put;
mod refuse;
mod store;
mod tags;
mod uploads;
mod wire;

use std::{fs, io, path::Path, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use s3s::{
    config::{S3Config, StaticConfigProvider},
    service::{S3Service, S3ServiceBuilder},
};

use crate::{inventory::Inventory, keys::AccessKey, protocol::Protocol, service::Service, service_error::ServiceError};
pub(crate) use draft::Draft;
use operations::Operations;
use store::{About, Condition, Entry, Span, Store};

/// The largest file that a form may bring, in bytes: the library holds a form in memory before it looks who sent it.
const LARGEST_FORM: u64 = 16 << 20;
/// How many keys are read from the index at a time.
const PAGE: usize = 1000;

/// S3 over one folder.
pub struct S3 {
    store: Arc<Store>,
    service: S3Service,
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Object {
    /// Its key.
    pub key: String,
    /// In bytes.
    pub size: u64,
}

impl S3 {
    /// Opens the buckets that lie in `folder`; requests of the wire are signed with `key`.
    ///
    /// # Errors
    /// The folder cannot be read, or an earlier version of the stand-in has left its buckets there.
    pub(crate) fn open(folder: &Path, key: &AccessKey) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        refuse_earlier_layout(folder)?;
        let store = Store::open(folder).map_err(|e| io::Error::other(format!("{}: {e}", folder.display())))?;
        let mut service = S3ServiceBuilder::new(Operations(store.clone()));
        service.set_auth(caller::Auth(key.clone()));
        service.set_access(caller::Access);
        let mut config = S3Config::default();
        config.post_object_max_file_size = LARGEST_FORM;
        service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        Ok(Arc::new(Self { store, service: service.build() }))
    }

    /// One signed request of the wire protocol, path style.
    ///
    /// # Errors
    /// The connection broke, or the request is none; what S3 refuses is an answer.
    pub(crate) async fn handle(&self, request: Request<s3s::Body>) -> Result<Response<s3s::Body>, ServiceError> {
        let internal = |e: String| ServiceError::internal(format!("S3: {e}"));
        match document::check(request).await {
            Ok(request) => self.service.call(request).await.map_err(|e| internal(format!("{e:?}"))),
            Err(refusal) => refusal.to_http_response().map_err(|e| internal(e.to_string())),
        }
    }

    /// Whether the bucket exists.
    pub fn exists(&self, bucket: &str) -> bool {
        self.store.bucket(bucket).is_ok()
    }

    /// Puts an object for another service of the stand-in: whole or not at all; a put of the same key replaces it.
    pub async fn put(&self, bucket: &str, key: &str, data: Bytes) -> Result<(), ServiceError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        let put = self.store.run(move |store| {
            let mut incoming = store.receive(None)?;
            incoming.write(&data)?;
            store.put((&bucket, &key), incoming.finish(), About::default(), &Condition::None)
        });
        put.await.map(drop)
    }

    /// Begins an object that another service of the stand-in writes piece by piece. Nobody sees it before it is published.
    pub(crate) fn draft(&self) -> Result<Draft, ServiceError> {
        Ok(Draft::new(self.store.receive(None)?))
    }

    /// Puts drafts at their buckets and keys, all of them or none; waits for files.
    pub(crate) fn publish(&self, drafts: Vec<(String, String, Draft)>) -> Result<(), ServiceError> {
        let received = drafts.into_iter().map(|(bucket, key, draft)| (bucket, key, draft.finish()));
        self.store.put_all(received.collect())
    }

    /// Deletes an object, which may be absent; waits for files.
    pub(crate) fn delete(&self, bucket: &str, key: &str) -> Result<(), ServiceError> {
        self.store.delete(bucket, key, &Condition::None)
    }

    /// Every object under a key prefix, in key order.
    pub async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, ServiceError> {
        let (bucket, prefix) = (bucket.to_owned(), prefix.to_owned());
        self.store.run(move |store| all_objects(store, &bucket, prefix)).await
    }

    /// An object's data; `NoSuchKey` when it is not there.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ServiceError> {
        let (bucket, key) = (bucket.to_owned(), key.to_owned());
        self.store.run(move |store| all_data(store, &bucket, &key)).await
    }

    /// Creates a bucket, or gives one that exists this policy: the operations are for signed requests only.
    #[cfg(test)]
    pub(crate) fn create_bucket(&self, name: &str, policy: Option<&str>) {
        let policy = policy.map(str::to_owned);
        self.store.create_bucket(name, &store::Bucket::default()).expect("created");
        self.store.change_bucket(name, |bucket| bucket.policy = policy).expect("changed");
    }
}

/// Before objects had an index, they were files named by their keys below `objects`.
fn refuse_earlier_layout(folder: &Path) -> io::Result<()> {
    let objects = folder.join("objects");
    let is_in_use = match fs::read_dir(&objects) {
        Ok(mut entries) => entries.any(|entry| entry.is_ok_and(|entry| entry.path().is_dir())),
        Err(e) if e.kind() == io::ErrorKind::NotFound => false,
        Err(e) => return Err(e),
    };
    if !is_in_use {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "{} has buckets of an earlier version of the stand-in, which this one does not read\n\
         Move {} away to start without them: each folder in it is a bucket, each file an object",
        objects.display(),
        objects.display()
    )))
}

fn all_objects(store: &Store, bucket: &str, prefix: String) -> Result<Vec<Object>, ServiceError> {
    let mut span = Span { prefix, limit: PAGE, ..Span::default() };
    let mut objects = Vec::new();
    loop {
        let page = store.page(bucket, &span)?;
        objects.extend(page.entries.into_iter().filter_map(|entry| match entry {
            Entry::Object(listed) => Some(Object { key: listed.key, size: listed.size }),
            Entry::CommonPrefix(_) => None,
        }));
        match page.next {
            Some(next) => span.from = next.into_bytes(),
            None => return Ok(objects),
        }
    }
}

fn all_data(store: &Arc<Store>, bucket: &str, key: &str) -> Result<Bytes, ServiceError> {
    let (object, mut reader) = store.read(bucket, key)?;
    let mut data = Vec::with_capacity(usize::try_from(object.size).map_err(ServiceError::internal)?);
    loop {
        let piece = reader.read()?;
        if piece.is_empty() {
            return Ok(data.into());
        }
        data.extend_from_slice(&piece);
    }
}

impl Service for S3 {
    fn name(&self) -> &'static str {
        "s3"
    }

    fn protocol(&self) -> Protocol {
        Protocol::S3
    }

    fn operations(&self) -> Vec<&'static str> {
        names::NAMES.to_vec()
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        for (name, bucket) in self.store.buckets()? {
            into.add("bucket", &name, &bucket)?;
            for upload in self.store.uploads(&name, "")? {
                into.add("upload", format!("s3://{name}/{} {}", upload.key, upload.id), &upload.plan)?;
            }
            for object in all_objects(&self.store, &name, String::new())? {
                let data = all_data(&self.store, &name, &object.key)?;
                into.add_bytes("object", format!("s3://{name}/{}", object.key), &data);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_of_an_earlier_version_are_not_passed_over() {
        let folder = tempfile::tempdir().expect("a folder");
        let open = || {
            let key = AccessKey::open(folder.path()).expect("a key");
            S3::open(&folder.path().join("s3"), &key)
        };
        let old = folder.path().join("s3/objects");
        fs::create_dir_all(old.join("bucket/a")).expect("made");
        fs::write(old.join("bucket/a/key"), b"data").expect("written");
        let refused = open().err().expect("refused").to_string();
        assert!(refused.contains(&old.display().to_string()) && refused.contains("\nMove "), "{refused}");
        assert!(old.join("bucket/a/key").exists(), "it is still there");
        fs::rename(old, folder.path().join("away")).expect("moved");
        open().expect("nothing is in the way");
        fs::create_dir(folder.path().join("s3/objects")).expect("made");
        open().expect("there were no buckets");
    }

    #[tokio::test]
    async fn other_services_put_list_and_get() {
        let folder = tempfile::tempdir().expect("a folder");
        let s3 = S3::open(folder.path(), &AccessKey::open(folder.path()).expect("a key")).expect("opened");
        let absent = s3.put("b", "k", Bytes::new()).await.expect_err("refused");
        assert_eq!((absent.code, s3.exists("b")), ("NoSuchBucket", false));
        s3.create_bucket("b", None);
        for n in 0..PAGE + 5 {
            s3.put("b", &format!("a/{n:05}"), n.to_string().into()).await.expect("put");
        }
        s3.put("b", "b/../c", Bytes::from_static(b"data")).await.expect("put");
        let listed = s3.list("b", "a/").await.expect("listed");
        assert_eq!((listed.len(), listed[PAGE].key.as_str(), listed[PAGE].size), (PAGE + 5, "a/01000", 4));
        assert_eq!(s3.get("b", "b/../c").await.expect("there"), "data");
        assert_eq!(s3.get("b", "c").await.expect_err("absent").code, "NoSuchKey");
        s3.create_bucket(
            "b",
            Some(r#"{"Statement": {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}}"#),
        );
        assert_eq!(s3.put("b", "k", Bytes::new()).await.expect_err("denied").code, "AccessDenied");
    }
}
