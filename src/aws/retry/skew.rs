//! How far this machine's clock is off, by what a service says of the time.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, NaiveDateTime, Utc};

/// For people: `7 min ahead of the service's`. By the times in the message, or else by the answer's own date.
pub(in crate::aws) fn skew(message: &str, date: Option<&str>) -> Option<String> {
    let (ours, theirs) = in_message(message).or_else(|| Some((SystemTime::now().into(), by_header(date?)?)))?;
    let seconds = (ours - theirs).num_seconds();
    let apart = Duration::from_secs(seconds.unsigned_abs());
    let apart = if apart.as_secs() < 120 { format!("{} s", apart.as_secs()) } else { minutes(apart) };
    Some(format!("{apart} {} the service's", if seconds < 0 { "behind" } else { "ahead of" }))
}

fn minutes(time: Duration) -> String {
    format!("{} min", time.as_secs() / 60)
}

/// `Signature expired: OURS is now earlier than LIMIT (THEIRS - 5 min.)`: the first time is the request's, the last the
/// service's.
fn in_message(message: &str) -> Option<(DateTime<Utc>, DateTime<Utc>)> {
    let words = message.split(|c: char| !c.is_ascii_alphanumeric());
    let mut times = words.filter_map(|word| NaiveDateTime::parse_from_str(word, "%Y%m%dT%H%M%SZ").ok());
    let ours = times.next()?;
    Some((ours.and_utc(), times.next_back()?.and_utc()))
}

fn by_header(date: &str) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc2822(date).ok().map(|date| date.to_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_message_says_how_far_the_clock_is_off() {
        let late =
            "Signature expired: 20260101T100000Z is now earlier than 20260101T101500Z (20260101T102000Z - 5 min.)";
        assert_eq!(skew(late, None).as_deref(), Some("20 min behind the service's"));
        let early = "Signature not yet current: 20260101T100000Z is still later than 20260101T095500Z (20260101T095000Z + 5 min.)";
        assert_eq!(skew(early, None).as_deref(), Some("10 min ahead of the service's"));
    }

    #[test]
    fn the_answers_date_says_it_too() {
        let date = (Utc::now() - chrono::TimeDelta::hours(2)).to_rfc2822();
        assert_eq!(skew("too large", Some(&date)).as_deref(), Some("120 min ahead of the service's"));
        assert_eq!(skew("too large", None), None);
    }
}
