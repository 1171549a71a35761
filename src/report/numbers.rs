//! Numbers and durations as a person reads them.

use chrono::TimeDelta;

/// A rate is kept from this share on: the last document is due a little before the end, and acknowledged a little after.
const KEPT: f64 = 0.99;

/// `125/s of 400/s asked for`, where less was reached than was asked for.
pub fn rate(reached: f64, asked: Option<f64>) -> String {
    let reached_text = format!("{}/s", grouped(reached.round() as u64));
    match asked.filter(|asked| reached < asked * KEPT) {
        Some(asked) => format!("{reached_text} of {}/s asked for", grouped(asked.round() as u64)),
        None => reached_text,
    }
}

/// `1 row`, `2,000 rows`.
pub fn counted(n: u64, what: &str) -> String {
    format!("{} {what}{}", grouped(n), if n == 1 { "" } else { "s" })
}

/// `1234567` as `1,234,567`.
pub fn grouped(n: u64) -> String {
    let digits = n.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of bytes in the unit a person would choose, in powers of ten as AWS bills and limits them.
pub fn bytes(n: f64) -> String {
    match n {
        n if n >= 1e9 => format!("{:.2} GB", n / 1e9),
        n if n >= 1e6 => format!("{:.1} MB", n / 1e6),
        n if n >= 1e3 => format!("{:.1} kB", n / 1e3),
        n => format!("{n:.0} B"),
    }
}

/// How much time a stack has until it expires, for a person.
pub fn time_left(left: Option<TimeDelta>) -> String {
    match left {
        None => "no TTL".to_owned(),
        Some(left) if left <= TimeDelta::zero() => format!("expired {} ago", duration(-left)),
        Some(left) => format!("expires in {}", duration(left)),
    }
}

/// A duration in its two largest units, such as `1 h 58 min`.
pub fn duration(time: TimeDelta) -> String {
    let seconds = time.num_seconds().max(0);
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3_600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min"),
        (0, hours, 0) => format!("{hours} h"),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, 0, _) => format!("{days} d"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}

/// Milliseconds, with a decimal where it says something.
pub fn millis(n: f64) -> String {
    if n >= 100.0 { format!("{n:.0}") } else { format!("{n:.1}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        assert_eq!([0, 999, 1_000, 60_000, 1_234_567].map(grouped), ["0", "999", "1,000", "60,000", "1,234,567"]);
    }

    #[test]
    fn a_rate_that_was_missed_is_told() {
        let all = [(125.0, Some(400.0)), (1_998.6, Some(2_000.0)), (125.0, None)].map(|(is, asked)| rate(is, asked));
        assert_eq!(all, ["125/s of 400/s asked for", "1,999/s", "125/s"]);
    }

    #[test]
    fn a_duration_has_two_units() {
        let text = |seconds| duration(TimeDelta::seconds(seconds));
        let all = [text(-5), text(59), text(60), text(3_600), text(7_000), text(86_400), text(90_000)];
        assert_eq!(all, ["0 s", "59 s", "1 min", "1 h", "1 h 56 min", "1 d", "1 d 1 h"]);
        assert_eq!(time_left(None), "no TTL");
    }
}
