//! What a run came to, in one sentence that a person can repeat.

use super::{
    RunReport,
    numbers::{counted, grouped},
};

/// Such as `60,000 documents in 30 s, every one found in S3 and by SQL within 4.4 s`; none of a run that was not searched
/// for, or of which something else is wrong than what is lost.
pub(super) fn headline(report: &RunReport) -> Option<String> {
    let sent = format!("{} in {}", counted(report.acknowledged, "document"), seconds(report.seconds.load?));
    match report.lost? {
        0 if !report.is_verified() => None,
        0 => Some(format!("{sent}, {}", found(report))),
        lost => Some(format!("{sent}, {} of them lost", grouped(lost))),
    }
}

fn found(report: &RunReport) -> String {
    let mut ways = Vec::new();
    for landed in &report.landed.0 {
        ways.push(format!("in {}", landed.destination));
        ways.extend(landed.by_sql.map(|_| "by SQL".to_owned()));
    }
    let is_apart = report.landed.0.iter().any(|landed| report.apart_in(landed.destination) > 0);
    let how = if is_apart { "every one accounted for" } else { "every one found" };
    let within = report.seconds.verify.map_or_else(String::new, |took| format!(" within {}", seconds(took)));
    format!("{how} {}{within}", listed(&ways))
}

/// `in S3, by SQL and in Redshift`.
fn listed(ways: &[String]) -> String {
    match ways {
        [] => String::new(),
        [one] => one.clone(),
        [others @ .., last] => format!("{} and {last}", others.join(", ")),
    }
}

fn seconds(time: f64) -> String {
    if time >= 10.0 { format!("{time:.0} s") } else { format!("{time:.1} s") }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{Seconds, landed::Landed, landed::LandedDocuments},
        *,
    };
    use crate::deliveries::{redshift, s3};

    fn report() -> RunReport {
        let landed = |destination, by_sql| Landed { destination, documents: 60_000, by_sql };
        RunReport {
            offered: 60_000,
            acknowledged: 60_000,
            lost: Some(0),
            landed: LandedDocuments(vec![landed(s3::DESTINATION, Some(60_000)), landed(redshift::DESTINATION, None)]),
            seconds: Seconds { load: Some(29.97), verify: Some(4.42), ..Seconds::default() },
            ..RunReport::default()
        }
    }

    #[test]
    fn a_proved_run_is_told_in_a_sentence() {
        let said = "60,000 documents in 30 s, every one found in S3, by SQL and in Redshift within 4.4 s";
        assert_eq!(headline(&report()).as_deref(), Some(said));
    }

    #[test]
    fn what_is_lost_is_said_and_what_is_not_known_is_not() {
        let lost = headline(&RunReport { lost: Some(1_200), ..report() });
        assert_eq!(lost.as_deref(), Some("60,000 documents in 30 s, 1,200 of them lost"));
        assert_eq!(headline(&RunReport { lost: None, ..report() }), None);
        assert_eq!(headline(&RunReport { problems: vec!["two counts".into()], ..report() }), None);
    }
}
