//! AWS regions, by name.

use super::super::{near::nearest, quantity::Refusal};

/// Every region, of all partitions (AWS General Reference, "AWS service endpoints"; botocore's `partitions.json`, written
/// down in 2025). A region that is not here is refused: a misspelled one would only be found out by the network.
const REGIONS: [&str; 46] = [
    "us-east-1",
    "us-east-2",
    "us-west-1",
    "us-west-2",
    "af-south-1",
    "ap-east-1",
    "ap-east-2",
    "ap-northeast-1",
    "ap-northeast-2",
    "ap-northeast-3",
    "ap-south-1",
    "ap-south-2",
    "ap-southeast-1",
    "ap-southeast-2",
    "ap-southeast-3",
    "ap-southeast-4",
    "ap-southeast-5",
    "ap-southeast-7",
    "ca-central-1",
    "ca-west-1",
    "eu-central-1",
    "eu-central-2",
    "eu-north-1",
    "eu-south-1",
    "eu-south-2",
    "eu-west-1",
    "eu-west-2",
    "eu-west-3",
    "il-central-1",
    "me-central-1",
    "me-south-1",
    "mx-central-1",
    "sa-east-1",
    "us-gov-east-1",
    "us-gov-west-1",
    "ap-southeast-6",
    "cn-north-1",
    "cn-northwest-1",
    "eusc-de-east-1",
    "eu-isoe-west-1",
    "us-iso-east-1",
    "us-iso-west-1",
    "us-isob-east-1",
    "us-isob-west-1",
    "us-isof-east-1",
    "us-isof-south-1",
];

/// A region's name: `us-east-1`, `us-gov-west-1`.
pub(in super::super) fn region(text: &str) -> Result<String, Refusal> {
    if REGIONS.contains(&text) {
        return Ok(text.to_owned());
    }
    let refusal = Refusal::new(format!("`{text}` is not a region of AWS"), "a region such as `us-east-1`");
    Err(refusal.suggest(nearest(text, REGIONS)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_that_does_not_exist_is_refused_with_the_one_that_was_meant() {
        for good in REGIONS {
            assert_eq!(region(good), Ok(good.to_owned()));
        }
        let near = |text| region(text).expect_err(text).suggestion;
        assert_eq!(near("us-eats-1").as_deref(), Some("us-east-1"));
        assert_eq!(near("us_east_1").as_deref(), Some("us-east-1"));
        assert_eq!(near("eu-west1").as_deref(), Some("eu-west-1"));
        assert_eq!(near("us-east-9").as_deref(), Some("us-east-1"));
        assert_eq!(near("moon"), None);
    }
}
