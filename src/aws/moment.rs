//! A moment as tags, schedules and journals hold it.

use chrono::{DateTime, SecondsFormat, Utc};

/// RFC 3339 in UTC, to the second.
pub fn written(moment: DateTime<Utc>) -> String {
    moment.to_rfc3339_opts(SecondsFormat::Secs, true)
}

/// The moment in a text; none where it is no RFC 3339.
pub fn read(text: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(text).ok().map(|moment| moment.to_utc())
}
