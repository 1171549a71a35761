//! What became of a run, in a word.

use std::fmt;

use super::{RunReport, numbers::grouped};

/// What became of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It goes on.
    UnderWay,
    /// Every acknowledged document is in every destination, and every threshold was kept.
    Verified,
    /// A worker sent its part; `demo verify` searches for the documents of all.
    Sent,
    /// Verified, but a threshold was crossed.
    Crossed,
    /// Verified, but a threshold or the budget stopped the load, for this reason.
    Aborted(String),
    /// So many acknowledged documents are missing.
    Lost(u64),
    /// It was not verified: documents failed, counts differ, or a destination was not searched.
    Unverified,
    /// It was stopped or killed before its end.
    Interrupted,
    /// It ended early, for this reason.
    Failed(String),
}

impl Verdict {
    pub(super) fn of(report: &RunReport, is_under_way: bool, has_ended: bool, error: Option<&str>) -> Self {
        match (report.lost, error) {
            _ if is_under_way => Self::UnderWay,
            _ if !has_ended || report.interrupted => Self::Interrupted,
            (_, Some(error)) => Self::Failed(error.to_owned()),
            (Some(lost), None) if lost > 0 => Self::Lost(lost),
            _ if !report.is_verified() => Self::Unverified,
            _ if report.aborted.is_some() => Self::Aborted(report.aborted.iter().map(ToString::to_string).collect()),
            _ if !report.crossed.is_empty() => Self::Crossed,
            (None, None) => Self::Sent,
            (Some(_), None) => Self::Verified,
        }
    }

    /// One sentence for the head of a report.
    pub fn sentence(&self) -> String {
        match self {
            Self::UnderWay => "This run is under way.".to_owned(),
            Self::Verified => "Verified: every acknowledged document is in every destination.".to_owned(),
            Self::Sent => "Sent: run `demo verify` to verify the documents of all workers.".to_owned(),
            Self::Crossed => "Verified, but a threshold was crossed.".to_owned(),
            Self::Aborted(why) => format!("Verified, but the load was stopped: {why}."),
            Self::Lost(1) => "Lost: 1 acknowledged document is missing.".to_owned(),
            Self::Lost(n) => format!("Lost: {} acknowledged documents are missing.", grouped(*n)),
            Self::Unverified => {
                "Not verified: documents failed, counts differ, or a destination was not searched.".to_owned()
            }
            Self::Interrupted => {
                "Interrupted: the run was stopped before its end, or its end could not be recorded.".to_owned()
            }
            Self::Failed(why) => format!("Failed: {why}"),
        }
    }

    /// Whether nothing is wrong with the run.
    pub fn is_good(&self) -> bool {
        matches!(self, Self::Verified | Self::Sent)
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnderWay => f.write_str("under way"),
            Self::Verified => f.write_str("verified"),
            Self::Sent => f.write_str("sent"),
            Self::Crossed => f.write_str("crossed"),
            Self::Aborted(_) => f.write_str("stopped"),
            Self::Lost(lost) => write!(f, "lost {}", grouped(*lost)),
            Self::Unverified => f.write_str("not verified"),
            Self::Interrupted => f.write_str("interrupted"),
            Self::Failed(_) => f.write_str("failed"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::thresholds::{Abort, ThresholdCheck};

    #[test]
    fn what_is_worst_is_told() {
        let verified = || RunReport { lost: Some(0), ..RunReport::default() };
        let of = |report: &RunReport| Verdict::of(report, false, true, None).to_string();
        let crossed = || RunReport { crossed: vec!["p99_ack".into()], ..verified() };
        assert_eq!([of(&verified()), of(&crossed())], ["verified", "crossed"]);
        let check = ThresholdCheck { name: "cost".into(), actual: "$2".into(), limit: "at most $1".into(), met: false };
        let aborted = RunReport { aborted: Some(Abort { at: 3.0, check }), ..crossed() };
        let said = Verdict::of(&aborted, false, true, None).sentence();
        assert_eq!(said, "Verified, but the load was stopped: cost: $2, at most $1, after 3.0 s.");
        assert_eq!(of(&RunReport { lost: Some(2_000), ..aborted }), "lost 2,000");
        assert_eq!(of(&RunReport { failed: 1, offered: 1, ..crossed() }), "not verified");
        assert_eq!(of(&RunReport { interrupted: true, lost: Some(2), ..verified() }), "interrupted");
        assert_eq!(of(&RunReport { worker: Some("1/2".into()), ..RunReport::default() }), "sent");
        assert_eq!(Verdict::of(&verified(), false, false, None), Verdict::Interrupted, "killed before its end");
        assert_eq!(Verdict::of(&verified(), true, false, None), Verdict::UnderWay);
        assert_eq!(Verdict::of(&verified(), false, true, Some("no")), Verdict::Failed("no".into()));
    }
}
