//! Where to search for stacks that have no journal on this machine.

use clap::Args;

use super::Reach;
use crate::{
    operations::down::SearchIn,
    spec::{self, Target},
};

/// An AWS region, or the stand-in.
#[derive(Args, Clone, Debug, Default)]
pub struct SearchTarget {
    /// Search AWS in this region; without it, search the stand-in.
    #[arg(long, value_name = "REGION", value_parser = spec::region)]
    region: Option<String>,
    /// Use this profile of the shared AWS configuration instead of the default credentials.
    #[arg(long, value_name = "PROFILE", requires = "region")]
    profile: Option<String>,
    /// Search the stand-in on this machine.
    #[arg(long, conflicts_with_all = ["region", "profile", "endpoint_url"])]
    local: bool,
}

impl SearchTarget {
    /// Whether the command line says where to search.
    pub fn is_given(&self, reach: &Reach) -> bool {
        self.local || self.region.is_some() || reach.endpoint_url.is_some()
    }

    /// Where it says to search.
    pub fn search_in(&self, reach: &Reach) -> SearchIn {
        let target = match &self.region {
            Some(region) => Target::Aws { region: region.clone(), profile: self.profile.clone() },
            None => Target::Local,
        };
        SearchIn { target, endpoint_url: reach.endpoint_url.clone() }
    }
}
