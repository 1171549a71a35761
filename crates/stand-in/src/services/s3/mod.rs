//! S3 over files on disk: the object store is a library's, what a bucket is besides its objects is ours.

mod bucket;
mod caller;
mod names;
mod operations;
mod tags;
mod turns;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use http::{Request, Response};
use s3s::{
    config::{S3Config, StaticConfigProvider},
    service::{S3Service, S3ServiceBuilder},
};

use crate::{
    durable::Durable, inventory::Inventory, keys::AccessKey, protocol::Protocol, service::Service,
    service_error::ServiceError,
};
use bucket::Buckets;
use operations::Operations;

/// The largest file that a form may bring, in bytes: the library holds a form in memory before it looks who sent it.
const LARGEST_FORM: u64 = 16 << 20;

/// S3 over one folder.
pub struct S3 {
    objects: PathBuf,
    buckets: Arc<Durable<Buckets>>,
    service: S3Service,
    writes: AtomicU64,
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
    pub(crate) fn open(folder: &Path, key: &AccessKey) -> io::Result<Arc<Self>> {
        let objects = folder.join("objects");
        fs::create_dir_all(&objects)?;
        let buckets = Arc::new(Durable::open(&folder.join("buckets.json"))?);
        let mut service = S3ServiceBuilder::new(Operations::new(&objects, buckets.clone())?);
        service.set_auth(caller::Auth(key.clone()));
        let mut config = S3Config::default();
        config.post_object_max_file_size = LARGEST_FORM;
        service.set_config(Arc::new(StaticConfigProvider::new(Arc::new(config))));
        Ok(Arc::new(Self { objects, buckets, service: service.build(), writes: AtomicU64::new(0) }))
    }

    /// One signed request of the wire protocol, path style.
    ///
    /// # Errors
    /// The connection broke, or the request is none; what S3 refuses is an answer.
    pub(crate) async fn handle(&self, request: Request<s3s::Body>) -> Result<Response<s3s::Body>, ServiceError> {
        let request = tags::keep(request).await?;
        self.service.call(request).await.map_err(|e| ServiceError::internal(format!("S3: {e:?}")))
    }

    /// Whether the bucket exists.
    pub fn exists(&self, bucket: &str) -> bool {
        self.buckets.read().contains_key(bucket)
    }

    /// Puts an object for another service of the stand-in: whole or not at all, synced before it returns; a put of the same
    /// key replaces it.
    pub async fn put(&self, bucket: &str, key: &str, data: Bytes) -> Result<(), ServiceError> {
        let denied = self.buckets.read().get(bucket).map(|b| b.denies_put(bucket, key));
        match denied {
            None => return Err(no_such_bucket(bucket)),
            Some(true) => {
                return Err(ServiceError {
                    status: 403,
                    code: "AccessDenied",
                    message: "denied by the bucket's policy".into(),
                });
            }
            Some(false) => {}
        }
        let object = self.path(bucket, key)?;
        // The library clears away files of this form when it opens.
        let number = self.writes.fetch_add(1, Ordering::Relaxed);
        let beside = self.objects.join(format!(".tmp.delivery-{number}.internal.part"));
        let (root, bucket) = (self.objects.join(bucket), bucket.to_owned());
        run(move || {
            // Deleted since the look above: its folder must not come back with this object.
            if !root.is_dir() {
                return Err(no_such_bucket(&bucket));
            }
            write_whole(&object, &beside, &data)
        })
        .await
    }

    /// Every object under a key prefix, in key order.
    pub async fn list(&self, bucket: &str, prefix: &str) -> Result<Vec<Object>, ServiceError> {
        if !self.exists(bucket) {
            return Err(no_such_bucket(bucket));
        }
        let (root, prefix) = (self.objects.join(bucket), prefix.to_owned());
        run(move || {
            let mut objects = Vec::new();
            // A prefix may end inside a name: the search begins in the folder that holds all of it.
            let folder = root.join(prefix.rsplit_once('/').map_or("", |(folder, _)| folder));
            walk(&root, &folder, &prefix, &mut objects)?;
            objects.sort_by(|a, b| a.key.cmp(&b.key));
            Ok(objects)
        })
        .await
    }

    /// An object's data; `NoSuchKey` when it is not there.
    pub async fn get(&self, bucket: &str, key: &str) -> Result<Bytes, ServiceError> {
        if !self.exists(bucket) {
            return Err(no_such_bucket(bucket));
        }
        let (path, key) = (self.path(bucket, key)?, key.to_owned());
        run(move || match fs::read(path) {
            Ok(data) => Ok(Bytes::from(data)),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                Err(ServiceError { status: 404, code: "NoSuchKey", message: format!("the key {key} does not exist") })
            }
            Err(e) => Err(e.into()),
        })
        .await
    }

    fn path(&self, bucket: &str, key: &str) -> Result<PathBuf, ServiceError> {
        let inside = !key.is_empty() && key.split('/').all(|part| !matches!(part, "" | "." | ".."));
        if inside {
            Ok(self.objects.join(bucket).join(key))
        } else {
            Err(ServiceError::client("InvalidArgument", format!("the key {key:?} cannot be kept as a file")))
        }
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
        for (name, bucket) in self.buckets.read().iter() {
            into.add("bucket", name, bucket)?;
            let (root, mut objects) = (self.objects.join(name), Vec::new());
            walk(&root, &root, "", &mut objects)?;
            for Object { key, .. } in objects {
                into.add_bytes("object", format!("s3://{name}/{key}"), &fs::read(root.join(&key))?);
            }
        }
        Ok(())
    }
}

fn no_such_bucket(bucket: &str) -> ServiceError {
    ServiceError { status: 404, code: "NoSuchBucket", message: format!("the bucket {bucket} does not exist") }
}

async fn run<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ServiceError> + Send + 'static,
) -> Result<T, ServiceError> {
    tokio::task::spawn_blocking(work).await.map_err(ServiceError::internal)?
}

fn write_whole(object: &Path, beside: &Path, data: &[u8]) -> Result<(), ServiceError> {
    let folder = object.parent().expect("an object lies in a bucket's folder");
    fs::create_dir_all(folder)?;
    let mut file = File::create(beside)?;
    io::Write::write_all(&mut file, data)?;
    file.sync_all()?;
    fs::rename(beside, object)?;
    File::open(folder)?.sync_all()?;
    Ok(())
}

fn walk(root: &Path, folder: &Path, prefix: &str, into: &mut Vec<Object>) -> Result<(), ServiceError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => return Ok(()),
        Err(e) => return Err(e.into()),
    };
    for entry in entries {
        let entry = entry?;
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            walk(root, &path, prefix, into)?;
        } else if let Some(key) = path.strip_prefix(root).ok().and_then(Path::to_str)
            && key.starts_with(prefix)
        {
            into.push(Object { key: key.to_owned(), size: entry.metadata()?.len() });
        }
    }
    Ok(())
}
