//! What every account has: a default VPC with a subnet in each availability zone (Amazon VPC user guide, "Default VPCs").

use super::{
    XmlAnswer,
    filters::{self, Filters, Page},
    refuse,
    tags::Tags,
};
use crate::{
    ACCOUNT, REGION,
    query::{Fields, Xml},
    service_error::ServiceError,
};

pub(super) const DEFAULT_VPC: &str = "vpc-0123456789abcdef0";
/// The default VPC's own security group, which nobody can delete.
pub(super) const DEFAULT_GROUP: &str = "sg-0123456789abcdef0";

const VPC_BLOCK: &str = "172.31.0.0/16";

/// A default subnet for each of three availability zones.
const SUBNETS: [Subnet; 3] = [
    Subnet { id: "subnet-0123456789abcdefa", zone: 'a', block: 0 },
    Subnet { id: "subnet-0123456789abcdefb", zone: 'b', block: 16 },
    Subnet { id: "subnet-0123456789abcdefc", zone: 'c', block: 32 },
];
/// A block of 4,096 addresses, but for the five that AWS keeps (Amazon VPC user guide, "Subnet CIDR blocks").
const ADDRESSES: u32 = 4_091;

/// A subnet of the default VPC.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subnet {
    pub(crate) id: &'static str,
    /// What follows the region in the name of its availability zone.
    zone: char,
    /// The third number of its addresses, which begin with 172.31.
    block: u8,
}

impl Subnet {
    /// The name of its availability zone, as callers of that region see it.
    pub(crate) fn zone(&self, region: &str) -> String {
        format!("{region}{}", self.zone)
    }

    /// One of its addresses.
    pub(crate) fn random_address(&self) -> String {
        let (within, last): (u8, u8) = (rand::random::<u8>() % 16, rand::random::<u8>().clamp(4, 254));
        format!("172.31.{}.{last}", self.block + within)
    }

    fn cidr(&self) -> String {
        format!("172.31.{}.0/20", self.block)
    }

    fn describe(&self, region: &str) -> Xml {
        Xml::default()
            .text("subnetId", self.id)
            .text("subnetArn", &format!("arn:aws:ec2:{REGION}:{ACCOUNT}:subnet/{}", self.id))
            .text("state", "available")
            .text("ownerId", ACCOUNT)
            .text("vpcId", DEFAULT_VPC)
            .text("cidrBlock", &self.cidr())
            .text("availableIpAddressCount", &ADDRESSES.to_string())
            .text("availabilityZone", &self.zone(region))
            .text("defaultForAz", "true")
            .text("mapPublicIpOnLaunch", "true")
            .text("assignIpv6AddressOnCreation", "false")
            .items("tagSet", [])
    }
}

pub(super) fn subnet(id: &str) -> Result<Subnet, ServiceError> {
    SUBNETS.into_iter().find(|subnet| subnet.id == id).ok_or_else(|| refuse::no_subnet(id))
}

pub(super) fn describe_vpcs(fields: Fields<'_>) -> XmlAnswer {
    if let Some(absent) = fields.items("VpcId", "").into_iter().find(|id| *id != DEFAULT_VPC) {
        return Err(refuse::no_vpc(absent));
    }
    let filters = Filters::of(fields)?;
    let is_wanted = filters.admit(|name| match name {
        "vpc-id" => Some(vec![DEFAULT_VPC.to_owned()]),
        "is-default" | "isDefault" => Some(vec!["true".to_owned()]),
        "state" => Some(vec!["available".to_owned()]),
        "cidr" => Some(vec![VPC_BLOCK.to_owned()]),
        "owner-id" => Some(vec![ACCOUNT.to_owned()]),
        _ => filters::of_tags(name, &Tags::new()),
    })?;
    let vpc = Xml::default()
        .text("vpcId", DEFAULT_VPC)
        .text("ownerId", ACCOUNT)
        .text("state", "available")
        .text("cidrBlock", VPC_BLOCK)
        .text("instanceTenancy", "default")
        .text("isDefault", "true")
        .items("tagSet", []);
    Ok(Page::of(fields)?.list("vpcSet", is_wanted.then_some((DEFAULT_VPC.to_owned(), vpc)).into_iter()))
}

pub(super) fn describe_subnets(fields: Fields<'_>, region: &str) -> XmlAnswer {
    let ids = fields.items("SubnetId", "");
    ids.iter().try_for_each(|id| subnet(id).map(drop))?;
    let filters = Filters::of(fields)?;
    let mut wanted = Vec::new();
    for subnet in SUBNETS.into_iter().filter(|subnet| ids.is_empty() || ids.contains(&subnet.id)) {
        let is_wanted = filters.admit(|name| match name {
            "subnet-id" => Some(vec![subnet.id.to_owned()]),
            "vpc-id" => Some(vec![DEFAULT_VPC.to_owned()]),
            "availability-zone" | "availabilityZone" => Some(vec![subnet.zone(region)]),
            "default-for-az" | "defaultForAz" | "map-public-ip-on-launch" => Some(vec!["true".to_owned()]),
            "state" => Some(vec!["available".to_owned()]),
            "cidr-block" | "cidr" | "cidrBlock" => Some(vec![subnet.cidr()]),
            "owner-id" => Some(vec![ACCOUNT.to_owned()]),
            _ => filters::of_tags(name, &Tags::new()),
        })?;
        if is_wanted {
            wanted.push((subnet.id.to_owned(), subnet.describe(region)));
        }
    }
    Ok(Page::of(fields)?.list("subnetSet", wanted.into_iter()))
}
