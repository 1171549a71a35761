//! The image that a worker's task runs in, and where it is pulled from.

use std::fmt;

use demo_formats::partition;

use crate::spec::Fargate;

/// It has a shell, `curl` and `sha256sum`, which is all that a task needs to get its program.
const DEFAULT: &str = "public.ecr.aws/amazonlinux/amazonlinux:2023-minimal";

/// An image by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image(String);

/// A private registry of ECR: `123456789012.dkr.ecr.us-east-1.amazonaws.com` (ECR user guide, "Private registry").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivateRegistry<'a> {
    /// The account that has it.
    pub account: &'a str,
    /// Its region.
    pub region: &'a str,
}

impl Image {
    /// The one of a stack's tasks.
    pub fn of(fargate: &Fargate) -> Self {
        Self(fargate.image.clone().unwrap_or_else(|| DEFAULT.to_owned()))
    }

    /// Whether the stack file says nothing else.
    pub fn is_default(&self) -> bool {
        self.0 == DEFAULT
    }

    /// Its private registry, if it is in one of ECR.
    pub fn registry(&self) -> Option<PrivateRegistry<'_>> {
        let (host, _) = self.0.split_once('/')?;
        let (account, rest) = host.split_once(".dkr.ecr.").or_else(|| host.split_once(".dkr.ecr-fips."))?;
        let (region, _) = rest.split_once('.')?;
        let is_account = account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit());
        is_account.then_some(PrivateRegistry { account, region })
    }

    /// The ARN of its repository, if it is in a private registry of ECR.
    pub fn repository(&self) -> Option<String> {
        let PrivateRegistry { account, region } = self.registry()?;
        let (_, name) = self.0.split_once('/')?;
        let name = name.split(['@', ':']).next().unwrap_or_default();
        Some(format!("arn:{}:ecr:{region}:{account}:repository/{name}", partition::of(region)))
    }
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_of_ecr_tells_its_account_region_and_repository() {
        let image = Image("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/worker:1.2".to_owned());
        assert_eq!(image.registry(), Some(PrivateRegistry { account: "123456789012", region: "eu-west-1" }));
        let repository = "arn:aws:ecr:eu-west-1:123456789012:repository/team/worker";
        assert_eq!(image.repository().as_deref(), Some(repository));
        let digest = Image("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/worker@sha256:0b1c".to_owned());
        assert_eq!(digest.repository().as_deref(), Some(repository));
        for other in [DEFAULT, "nginx", "ghcr.io/team/worker", "mine.dkr.ecr.eu-west-1.amazonaws.com/worker"] {
            assert_eq!(Image(other.to_owned()).registry(), None, "{other}");
        }
    }
}
