//! AWS regions, by name.

use super::super::{near::nearest, quantity::Refusal};

/// Regions that existed when this was written: near misses come from here, but a newer one is taken too.
const REGIONS: [&str; 34] = [
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
    "us-gov-west-1",
];

/// A region's name, by its form: `us-east-1`, `us-gov-west-1`.
pub(in super::super) fn region(text: &str) -> Result<String, Refusal> {
    if is_region(text) {
        return Ok(text.to_owned());
    }
    let refusal = Refusal::new(format!("`{text}` is not the name of a region"), "a region such as `us-east-1`");
    Err(refusal.suggest(nearest(text, REGIONS)))
}

fn is_region(text: &str) -> bool {
    const AREAS: [&str; 12] = ["us", "eu", "ap", "sa", "ca", "me", "af", "il", "mx", "cn", "eusc", "us-gov"];
    const SIDES: [&str; 9] =
        ["north", "south", "east", "west", "central", "northeast", "northwest", "southeast", "southwest"];
    let mut parts = text.rsplitn(3, '-');
    let number = parts.next().unwrap_or_default();
    let side = parts.next().unwrap_or_default();
    let area = parts.next().unwrap_or_default();
    let known_area =
        AREAS.contains(&area) || area.starts_with("us-iso") || area.starts_with("eu-iso") || area == "eusc-de";
    let numbered = number.len() == 1 && number.chars().all(|c| c.is_ascii_digit());
    known_area && SIDES.contains(&side) && numbered
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_known_by_their_form() {
        for good in
            REGIONS.into_iter().chain(["cn-north-1", "us-iso-east-1", "us-isob-east-1", "eusc-de-east-1", "eu-west-9"])
        {
            assert_eq!(region(good), Ok(good.to_owned()));
        }
        let near = |text| region(text).expect_err(text).suggestion;
        assert_eq!(near("us-eats-1").as_deref(), Some("us-east-1"));
        assert_eq!(near("us_east_1").as_deref(), Some("us-east-1"));
        assert_eq!(near("eu-west1").as_deref(), Some("eu-west-1"));
        assert_eq!(near("moon"), None);
    }
}
