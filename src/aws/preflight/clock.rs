//! This machine's clock against AWS's: calls are signed with the time, and refused when it is far off.

use chrono::TimeDelta;

use super::report::Finding;
use crate::engine::Cause;

const WHAT: &str = "clock";
/// More is worth mending.
const NOTICEABLE: TimeDelta = TimeDelta::seconds(30);
/// AWS refuses at five minutes (IAM user guide, "Troubleshoot signed requests for AWS APIs"); on the way there is no room for a load.
const TOO_FAR: TimeDelta = TimeDelta::minutes(4);

/// What a clock that is so much ahead is worth.
pub(super) fn finding(ahead: TimeDelta) -> Finding {
    const SET: &str = "set it with `sudo timedatectl set-ntp true`, or however this system does it";
    let why = match ahead.num_seconds() {
        0 => "as AWS's".to_owned(),
        seconds @ 1.. => format!("{seconds} s ahead of AWS's"),
        seconds => format!("{} s behind AWS's", -seconds),
    };
    match ahead.abs() {
        off if off > TOO_FAR => {
            Finding::wrong(Cause::Other, WHAT, format!("{why}; AWS refuses requests signed with it"), SET)
        }
        off if off > NOTICEABLE => {
            Finding::warning(WHAT, format!("{why}; latencies and time partitions are off by that much"), SET)
        }
        _ => Finding::fine(WHAT, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::aws::preflight::report::Verdict;

    #[test]
    fn a_clock_may_be_off_by_a_little() {
        let verdict = |seconds| finding(TimeDelta::seconds(seconds)).verdict;
        assert_eq!([verdict(0), verdict(30), verdict(-30)], [Verdict::Fine; 3]);
        assert_eq!([verdict(31), verdict(-240)], [Verdict::Warning; 2]);
        assert_eq!([verdict(241), verdict(-3600)], [Verdict::Wrong(Cause::Other); 2]);
        assert!(finding(TimeDelta::seconds(-3600)).why.starts_with("3600 s behind AWS's"));
    }
}
