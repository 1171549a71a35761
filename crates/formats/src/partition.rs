//! Partitions of AWS: which of them a region is in.

/// What its regions begin with, its name, and what the names of its hosts end in (botocore, `partitions.json`).
const PARTITIONS: [(&str, &str, &str); 8] = [
    ("cn-", "aws-cn", "amazonaws.com.cn"),
    ("eusc-", "aws-eusc", "amazonaws.eu"),
    ("us-iso-", "aws-iso", "c2s.ic.gov"),
    ("us-isob-", "aws-iso-b", "sc2s.sgov.gov"),
    ("eu-isoe-", "aws-iso-e", "cloud.adc-e.uk"),
    ("us-isof-", "aws-iso-f", "csp.hci.ic.gov"),
    ("us-gov-", "aws-us-gov", "amazonaws.com"),
    ("", "aws", "amazonaws.com"),
];

/// What a region's ARNs begin with, after `arn:`.
pub fn of(region: &str) -> &'static str {
    entry(region).1
}

/// What the names of a region's endpoints end in.
pub fn suffix(region: &str) -> &'static str {
    entry(region).2
}

fn entry(region: &str) -> &'static (&'static str, &'static str, &'static str) {
    let found = PARTITIONS.iter().find(|(prefix, ..)| region.starts_with(prefix));
    found.expect("the last one has every other region")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_region_tells_its_partition() {
        for (region, partition) in [
            ("eu-central-1", "aws"),
            ("us-east-1", "aws"),
            ("cn-north-1", "aws-cn"),
            ("us-gov-west-1", "aws-us-gov"),
            ("us-isob-east-1", "aws-iso-b"),
            ("eusc-de-east-1", "aws-eusc"),
        ] {
            assert_eq!(super::of(region), partition, "{region}");
        }
        assert_eq!(super::suffix("ap-south-1"), "amazonaws.com");
        assert_eq!(super::suffix("cn-north-1"), "amazonaws.com.cn");
    }
}
