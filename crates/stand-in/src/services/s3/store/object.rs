//! What the store knows of an object besides its data.

use std::{
    collections::HashMap,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::checksum::Checksum;
use crate::clock;

/// An object as the index has it.
#[derive(Clone, Debug)]
pub(crate) struct Object {
    /// Which parts are its data.
    pub(super) content: i64,
    /// In bytes.
    pub(crate) size: u64,
    /// When it was put.
    pub(crate) modified: Moment,
    /// Without quotation marks.
    pub(crate) etag: String,
    pub(crate) about: About,
}

/// What a caller says of an object, and what follows from how it was put.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(crate) struct About {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_encoding: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_disposition: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_language: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) cache_control: Option<String>,
    /// As HTTP writes a time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) expires: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) website_redirect_location: Option<String>,
    /// `x-amz-meta-*`, without the prefix.
    #[serde(default, skip_serializing_if = "HashMap::is_empty")]
    pub(crate) metadata: HashMap<String, String>,
    /// The one that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) checksum: Option<Checksum>,
    /// How many parts it was uploaded in, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) parts: Option<u32>,
    /// The id of that upload.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) upload: Option<String>,
}

impl About {
    /// What a copy has of it: not how the original was uploaded.
    pub(crate) fn of_copy(self) -> Self {
        Self { checksum: None, parts: None, upload: None, ..self }
    }
}

/// An object in a listing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Listed {
    pub(crate) key: String,
    /// In bytes.
    pub(crate) size: u64,
    pub(crate) modified: Moment,
    /// Without quotation marks.
    pub(crate) etag: String,
}

/// A time in milliseconds since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Moment(pub(crate) i64);

impl Moment {
    /// By the stand-in's clock.
    pub(crate) fn now() -> Self {
        clock::now().into()
    }

    /// Without its fraction of a second, as a header has it.
    pub(crate) fn whole_seconds(self) -> Self {
        Self(self.0.div_euclid(1000) * 1000)
    }
}

impl From<SystemTime> for Moment {
    fn from(time: SystemTime) -> Self {
        let since = time.duration_since(UNIX_EPOCH).map(|since| since.as_millis());
        Self(since.map_or(0, |millis| i64::try_from(millis).unwrap_or(i64::MAX)))
    }
}

impl From<Moment> for SystemTime {
    fn from(moment: Moment) -> Self {
        UNIX_EPOCH + Duration::from_millis(moment.0.max(0).unsigned_abs())
    }
}
