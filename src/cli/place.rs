//! Where to look for stacks that no journal here tells of.

use clap::Args;

use super::{Reach, context};
use crate::{aws::Clients, engine::Home, spec::Target};

/// An AWS region, or the stand-in.
#[derive(Args, Clone, Debug, Default)]
pub struct Place {
    /// Look on AWS, in this region; without it, on the stand-in.
    #[arg(long, value_name = "REGION")]
    region: Option<String>,
    /// A profile of the shared AWS configuration, instead of the default credentials.
    #[arg(long, value_name = "PROFILE", requires = "region")]
    profile: Option<String>,
    /// Look on the stand-in of this machine.
    #[arg(long, conflicts_with_all = ["region", "profile", "endpoint_url"])]
    local: bool,
}

impl Place {
    /// Whether it was said where.
    pub fn is_said(&self, reach: &Reach) -> bool {
        self.local || self.region.is_some() || reach.endpoint_url.is_some()
    }

    /// Clients for it; the stand-in is started where it is meant.
    pub async fn clients(&self, home: &Home, reach: &Reach) -> anyhow::Result<Clients> {
        let target = match &self.region {
            Some(region) => Target::Aws { region: region.clone(), profile: self.profile.clone() },
            None => Target::Local,
        };
        context::clients(home, &target, reach).await
    }
}
