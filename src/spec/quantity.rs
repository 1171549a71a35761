//! Quantities with their units: times, sizes, rates. Each parser says what is wrong, what was expected and what was
//! likely meant.

use std::time::Duration;

use super::schedule::Rate;

/// Why a value is refused.
#[derive(Debug, PartialEq)]
pub(crate) struct Refusal {
    pub problem: String,
    pub expected: String,
    pub suggestion: Option<String>,
}

impl Refusal {
    pub(crate) fn new(problem: impl Into<String>, expected: impl Into<String>) -> Self {
        Self { problem: problem.into(), expected: expected.into(), suggestion: None }
    }

    pub(crate) fn suggest(mut self, suggestion: Option<String>) -> Self {
        self.suggestion = suggestion;
        self
    }

    /// Drops a suggestion that would be refused too.
    pub(super) fn suggest_only<T>(mut self, parse: impl Fn(&str) -> Result<T, Self>) -> Self {
        self.suggestion = self.suggestion.filter(|suggestion| parse(suggestion).is_ok());
        self
    }
}

/// Far beyond any stream, and near enough for sums not to overflow.
pub(super) const MOST_PER_SECOND: f64 = 1e9;

const A_TIME: &str = "a time with its unit (ms, s, m, h or d), such as `30s`";
const A_SIZE: &str = "a size with its unit (KiB, MiB or GiB), such as `64MiB`";
const A_RATE: &str = "records a second, such as `2000/s`, or `max`";
const AN_OPEN_RATE: &str = "records a second, such as `2000/s`";
const A_SHARE: &str = "a part of the documents, more than 0% and at most 100%, such as `30%`";
const A_RANGE: &str = "two rates, such as `0/s..2000/s`";
const A_COUNT: &str = "a whole number, such as `10`";
const A_RATIO: &str = "a number, such as `1.5`";
const DOLLARS: &str = "US dollars, such as `$5` or `$0.50`";
const A_BYTE_RATE: &str = "bytes a second (B, kB, MB or GB), such as `10MB/s`";
const MOST_DOLLARS: f64 = 1e9;

/// `500ms`, `30s`, `5m`, `2h`, `1d`. `unit` is the one to suggest where none was written.
pub(super) fn time(text: &str, unit: &str) -> Result<Duration, Refusal> {
    parse_time(text, unit).map_err(|refusal| refusal.suggest_only(|text| parse_time(text, unit)))
}

fn parse_time(text: &str, unit: &str) -> Result<Duration, Refusal> {
    let (number, written) = split(text);
    let refuse = |problem: String, suggestion: Option<String>| Refusal::new(problem, A_TIME).suggest(suggestion);
    if number.is_empty() {
        return Err(refuse(format!("`{text}` is not a time"), None));
    }
    let Some(millis_each) = millis_of(written) else {
        return Err(match written {
            "" => refuse(format!("{text} has no unit"), Some(format!("{number}{unit}"))),
            other => refuse(
                format!("`{}` is not a unit of time", other.trim()),
                long_unit(other.trim()).map(|unit| format!("{number}{unit}")),
            ),
        });
    };
    let Ok(count) = number.parse::<u64>() else {
        return Err(refuse(format!("{number} is not a whole number"), None));
    };
    let millis = count.checked_mul(millis_each).filter(|millis| *millis <= 100 * 366 * 86_400_000);
    millis.map(Duration::from_millis).ok_or_else(|| refuse(format!("`{text}` is longer than a hundred years"), None))
}

fn millis_of(unit: &str) -> Option<u64> {
    match unit {
        "ms" => Some(1),
        "s" => Some(1_000),
        "m" => Some(60_000),
        "h" => Some(3_600_000),
        "d" => Some(86_400_000),
        _ => None,
    }
}

fn long_unit(unit: &str) -> Option<&'static str> {
    match unit.to_lowercase().as_str() {
        "ms" | "msec" | "msecs" | "milli" | "millis" | "millisecond" | "milliseconds" => Some("ms"),
        "s" | "sec" | "secs" | "second" | "seconds" => Some("s"),
        "m" | "min" | "mins" | "minute" | "minutes" => Some("m"),
        "h" | "hr" | "hrs" | "hour" | "hours" => Some("h"),
        "d" | "day" | "days" => Some("d"),
        _ => None,
    }
}

/// Bytes of `64MiB`, `512KiB`, `1GiB`.
pub(super) fn size(text: &str) -> Result<u64, Refusal> {
    parse_size(text).map_err(|refusal| refusal.suggest_only(parse_size))
}

fn parse_size(text: &str) -> Result<u64, Refusal> {
    let (number, unit) = split(text);
    let refuse = |problem: String, suggestion: Option<String>| Refusal::new(problem, A_SIZE).suggest(suggestion);
    if number.is_empty() {
        return Err(refuse(format!("`{text}` is not a size"), None));
    }
    let each = match unit {
        "KiB" => 1 << 10,
        "MiB" => 1 << 20,
        "GiB" => 1_u64 << 30,
        "" => return Err(refuse(format!("{text} has no unit"), Some(format!("{number}MiB")))),
        other => return Err(wrong_size_unit(number, other)),
    };
    let Ok(count) = number.parse::<u64>() else {
        return Err(refuse(format!("{number} is not a whole number"), None));
    };
    count.checked_mul(each).ok_or_else(|| refuse(format!("`{text}` is too large"), None))
}

fn wrong_size_unit(number: &str, unit: &str) -> Refusal {
    let meant = match unit.trim().to_lowercase().chars().next() {
        Some('k') => Some(("KiB", "1,024")),
        Some('m') => Some(("MiB", "1,048,576")),
        Some('g') => Some(("GiB", "1,073,741,824")),
        _ => None,
    };
    let problem = match (unit, meant) {
        ("kB" | "KB" | "MB" | "GB", Some((binary, bytes))) => {
            format!("`{unit}` counts in thousands, and AWS sets this in {binary} of {bytes} bytes")
        }
        _ => format!("`{}` is not a unit of size", unit.trim()),
    };
    Refusal::new(problem, A_SIZE).suggest(meant.map(|(binary, _)| format!("{number}{binary}")))
}

/// `2000/s`, or `max`.
pub(super) fn rate(text: &str) -> Result<Rate, Refusal> {
    parse_rate(text).map_err(|refusal| refusal.suggest_only(parse_rate))
}

fn parse_rate(text: &str) -> Result<Rate, Refusal> {
    match text {
        "max" => Ok(Rate::Max),
        _ => per_second(text, A_RATE).map(Rate::PerSecond),
    }
}

/// `2000/s`; a load that has a time for each document cannot go as fast as it can.
pub(super) fn open_rate(text: &str) -> Result<f64, Refusal> {
    per_second(text, AN_OPEN_RATE).map_err(|refusal| refusal.suggest_only(|text| per_second(text, AN_OPEN_RATE)))
}

/// `0/s..2000/s`; of `2000/s` the first rate is none.
pub(super) fn rate_range(text: &str) -> Result<(Option<f64>, f64), Refusal> {
    let end = |text: &str| match text.trim() {
        "0/s" => Ok(0.0),
        text if !text.starts_with(|c: char| c.is_ascii_digit()) => {
            Err(Refusal::new(format!("`{text}` is not a rate"), A_RANGE))
        }
        text => per_second(text, A_RANGE).map_err(|refusal| refusal.suggest(None)),
    };
    match text.split_once("..") {
        Some((from, to)) => Ok((Some(end(from)?), end(to)?)),
        None => Ok((None, end(text)?)),
    }
}

/// The part of all that `30%` or `30 %` says: more than nothing, at most 1.
pub(super) fn share(text: &str) -> Result<f64, Refusal> {
    parse_share(text).map_err(|refusal| refusal.suggest_only(parse_share))
}

fn parse_share(text: &str) -> Result<f64, Refusal> {
    let (number, unit) = split(text);
    let refuse = |problem: String, near: Option<String>| Refusal::new(problem, A_SHARE).suggest(near);
    let Ok(percent) = number.parse::<f64>() else {
        return Err(refuse(format!("`{text}` is not a share"), None));
    };
    match unit.trim_start() {
        "%" if percent > 100.0 => Err(refuse(format!("{text} are more than all of them"), None)),
        "%" if percent <= 0.0 => Err(refuse(format!("{text} are none of them"), None)),
        "%" => Ok(percent / 100.0),
        "" if percent < 1.0 => Err(refuse(format!("{text} has no unit"), Some(format!("{}%", percent * 100.0)))),
        "" => Err(refuse(format!("{text} has no unit"), Some(format!("{number}%")))),
        other => Err(refuse(format!("`{other}` is not a unit of shares"), Some(format!("{number}%")))),
    }
}

/// A whole number.
pub(super) fn count(text: &str) -> Result<f64, Refusal> {
    let whole = text.parse::<u64>().map(|count| count as f64);
    whole.map_err(|_| Refusal::new(format!("`{text}` is not a whole number"), A_COUNT))
}

/// A number without a unit.
pub(super) fn ratio(text: &str) -> Result<f64, Refusal> {
    let (number, rest) = split(text);
    let ratio = number.parse::<f64>().ok().filter(|_| rest.is_empty());
    ratio.ok_or_else(|| Refusal::new(format!("`{text}` is not a plain number"), A_RATIO))
}

/// The dollars of `$5` or `$0.50`.
pub(super) fn dollars(text: &str) -> Result<f64, Refusal> {
    let parse = |text: &str| ratio(text).ok().filter(|dollars| *dollars <= MOST_DOLLARS);
    if let Some(dollars) = text.strip_prefix('$').and_then(parse) {
        return Ok(dollars);
    }
    let (number, _) = split(text.trim_start_matches(['$', ' ']));
    let meant = parse(number).map(|_| format!("${number}"));
    Err(Refusal::new(format!("`{text}` is not an amount of US dollars"), DOLLARS).suggest(meant))
}

/// The bytes of `10MB/s`.
pub(super) fn byte_rate(text: &str) -> Result<f64, Refusal> {
    let (number, unit) = split(text);
    let refuse = |problem: String, near: Option<&str>| {
        let near = near.map(|unit| format!("{number}{unit}"));
        Refusal::new(problem, A_BYTE_RATE).suggest(near)
    };
    let Ok(value) = number.parse::<f64>() else {
        return Err(refuse(format!("`{text}` is not a number of bytes a second"), None));
    };
    match unit {
        "B/s" => Ok(value),
        "kB/s" => Ok(value * 1e3),
        "MB/s" => Ok(value * 1e6),
        "GB/s" => Ok(value * 1e9),
        "" => Err(refuse(format!("{text} has no unit"), Some("MB/s"))),
        other => Err(refuse(format!("`{}` is not a unit of bytes a second", other.trim()), Some("MB/s"))),
    }
}

fn per_second(text: &str, expected: &str) -> Result<f64, Refusal> {
    let (number, unit) = split(text);
    let digits = number.replace([',', '_'], "");
    let refuse = |problem: String, near: Option<String>| Refusal::new(problem, expected).suggest(near);
    let Ok(value) = digits.parse::<f64>() else {
        let near = text.eq_ignore_ascii_case("max") || text.eq_ignore_ascii_case("maximum");
        return Err(refuse(format!("`{text}` is not a rate"), near.then(|| "max".to_owned())));
    };
    match unit {
        _ if digits != number && unit == "/s" => {
            Err(refuse(format!("`{number}` is not a plain number"), Some(format!("{digits}/s"))))
        }
        "/s" if value > MOST_PER_SECOND => Err(refuse(format!("{text} is more than any stream takes"), None)),
        "/s" if value <= 0.0 => Err(refuse(format!("at {text} nothing is ever sent"), None)),
        "/s" => Ok(value),
        "" => Err(refuse(format!("{text} has no unit"), Some(format!("{digits}/s")))),
        "k" | "k/s" | "K/s" => {
            Err(refuse(format!("`{unit}` is not a unit of rate"), Some(format!("{}/s", value * 1000.0))))
        }
        "/m" | "/min" | "/minute" => {
            Err(refuse(format!("`{unit}` is not a unit of rate"), Some(format!("{}/s", (value / 60.0).ceil()))))
        }
        other => Err(refuse(format!("`{other}` is not a unit of rate"), Some(format!("{digits}/s")))),
    }
}

/// The leading number, and what follows it.
fn split(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | ',' | '_')).unwrap_or(text.len());
    (&text[..end], &text[end..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_carry_their_unit() {
        assert_eq!(time("500ms", "s"), Ok(Duration::from_millis(500)));
        assert_eq!(time("30s", "s"), Ok(Duration::from_secs(30)));
        assert_eq!(time("5m", "s"), Ok(Duration::from_secs(300)));
        assert_eq!(time("2h", "s"), Ok(Duration::from_secs(7_200)));
        assert_eq!(time("1d", "s"), Ok(Duration::from_secs(86_400)));
    }

    #[test]
    fn a_time_that_is_not_understood_gets_its_near_miss() {
        let near = |text| time(text, "s").expect_err(text).suggestion;
        assert_eq!(near("30").as_deref(), Some("30s"));
        assert_eq!(near("5min").as_deref(), Some("5m"));
        assert_eq!(near("30 s").as_deref(), Some("30s"));
        assert_eq!(near("2weeks"), None);
        assert_eq!(near("soon"), None);
        assert_eq!(near("1.5h"), None);
        assert_eq!(near("-3s"), None);
        assert_eq!(near("99999999999999999999d"), None);
        assert_eq!(near("9999999999999d"), None);
    }

    #[test]
    fn sizes_are_binary() {
        assert_eq!(size("64MiB"), Ok(64 << 20));
        assert_eq!(size("512KiB"), Ok(512 << 10));
        let refusal = size("64MB").expect_err("decimal");
        assert_eq!(refusal.suggestion.as_deref(), Some("64MiB"));
        assert_eq!(size("64").expect_err("no unit").suggestion.as_deref(), Some("64MiB"));
        assert_eq!(size("64 mib").expect_err("wrong unit").suggestion.as_deref(), Some("64MiB"));
        assert!(size("99999999999999GiB").is_err());
    }

    #[test]
    fn rates_are_a_second_or_max() {
        assert_eq!(rate("2000/s"), Ok(Rate::PerSecond(2000.0)));
        assert_eq!(rate("0.5/s"), Ok(Rate::PerSecond(0.5)));
        assert_eq!(rate("max"), Ok(Rate::Max));
        let near = |text: &str| rate(text).expect_err(text).suggestion;
        assert_eq!(near("2000").as_deref(), Some("2000/s"));
        assert_eq!(near("2k/s").as_deref(), Some("2000/s"));
        assert_eq!(near("60,000/s").as_deref(), Some("60000/s"));
        assert_eq!(near("600/min").as_deref(), Some("10/s"));
        assert_eq!(near("MAX").as_deref(), Some("max"));
        assert_eq!(near("0/s"), None);
        assert_eq!(near("fast"), None);
        assert_eq!(near(&format!("{}/s", "9".repeat(400))), None);
    }

    #[test]
    fn a_range_has_two_rates_or_the_last() {
        assert_eq!(rate_range("0/s..2000/s"), Ok((Some(0.0), 2000.0)));
        assert_eq!(rate_range("2000.5/s..0/s"), Ok((Some(2000.5), 0.0)));
        assert_eq!(rate_range("2000/s"), Ok((None, 2000.0)));
        for wrong in ["", "max", "1/s..", "..2/s", "1..2", "1/s...2/s", "1/s..2/s..3/s", "-1/s..2/s", "1/s-2/s"] {
            let refusal = rate_range(wrong).expect_err(wrong);
            assert_eq!((refusal.expected.as_str(), refusal.suggestion), (A_RANGE, None), "{wrong}");
        }
        assert!(open_rate("max").is_err() && open_rate("0/s").is_err());
    }

    #[test]
    fn a_share_is_a_part_in_percent() {
        assert_eq!([share("30%"), share("0.5 %"), share("100%")], [Ok(0.3), Ok(0.005), Ok(1.0)]);
        let near = |text: &str| share(text).expect_err(text).suggestion;
        assert_eq!([near("30"), near("0.25"), near("30pct")].map(Option::unwrap), ["30%", "25%", "30%"]);
        for wrong in ["101%", "0%", "-3%", "much", "", "%", "1.2.3%"] {
            assert_eq!(near(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn amounts_have_their_sign_and_rates_of_bytes_their_unit() {
        assert_eq!([dollars("$5"), dollars("$0.50")], [Ok(5.0), Ok(0.5)]);
        assert_eq!([byte_rate("10MB/s"), byte_rate("1.5kB/s")], [Ok(10e6), Ok(1.5e3)]);
        let near = |refused: Result<f64, Refusal>| refused.expect_err("refused").suggestion;
        assert_eq!([near(dollars("5")), near(dollars("5 USD")), near(dollars("$ 5"))].map(Option::unwrap), ["$5"; 3]);
        assert_eq!(
            [near(dollars("$-5")), near(dollars("much")), near(dollars("$5x"))],
            [None, None, Some("$5".into())]
        );
        assert_eq!([near(byte_rate("10MiB/s")), near(byte_rate("10"))].map(Option::unwrap), ["10MB/s"; 2]);
        assert!(ratio("1.5x").is_err() && ratio("").is_err() && count("1.5").is_err() && count("-1").is_err());
    }
}
