//! The default VPC, where tasks run: its subnets are public, so that a task with a public address reaches what it calls.

use serde::Deserialize;

use super::tags::Items;
use crate::{
    aws::{
        clients::Clients,
        failure::{broken, failure},
    },
    engine::{Cause, ProviderError},
};

const CALL: &str = "ec2 DescribeSubnets";

/// A subnet of the default VPC.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Subnet {
    /// Its id.
    #[serde(rename = "subnetId")]
    pub id: String,
    /// The id of its VPC.
    #[serde(rename = "vpcId")]
    pub vpc: String,
    /// Its availability zone.
    #[serde(rename = "availabilityZone")]
    pub zone: String,
}

#[derive(Deserialize)]
struct Subnets {
    #[serde(rename = "subnetSet", default)]
    subnets: Items<Subnet>,
}

/// The subnets of the default VPC, one of each availability zone, by their zones.
///
/// # Errors
/// The call fails, or the region has no default VPC, or that has none of them.
pub async fn default_subnets(clients: &Clients) -> Result<Vec<Subnet>, ProviderError> {
    let resource = format!("the default VPC of {}", clients.region());
    let filter = [("Filter.1.Name", "default-for-az"), ("Filter.1.Value.1", "true")];
    let filter = filter.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    let answer = clients.ec2.call("DescribeSubnets", filter).await;
    let found: Subnets = answer.map_err(|error| failure(CALL, &resource, &error))?.read(CALL, &resource)?;
    let mut subnets = found.subnets.item;
    subnets.sort_by(|one, other| one.zone.cmp(&other.zone));
    if subnets.is_empty() {
        let message = "there is none, or it has no default subnet, and tasks on Fargate run there".to_owned();
        let make = clients.cli("ec2 create-default-vpc");
        let advice =
            format!("create one: {make} (`create-default-subnet` for a VPC that has none); or use other workers");
        return Err(broken(Cause::Other, CALL, &resource, message, &advice));
    }
    Ok(subnets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subnets_are_read_from_what_ec2_answers() {
        let answer = "<DescribeSubnetsResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>1</requestId>\
                      <subnetSet><item><subnetId>subnet-1</subnetId><state>available</state><vpcId>vpc-1</vpcId>\
                      <ipv6CidrBlockAssociationSet/><availabilityZone>us-east-1b</availabilityZone><tagSet/></item>\
                      <item><subnetId>subnet-2</subnetId><vpcId>vpc-1</vpcId>\
                      <availabilityZone>us-east-1a</availabilityZone></item></subnetSet></DescribeSubnetsResponse>";
        let found: Subnets = quick_xml::de::from_str(answer).expect("subnets");
        let ids: Vec<&str> = found.subnets.item.iter().map(|subnet| subnet.id.as_str()).collect();
        assert_eq!((ids, found.subnets.item[0].zone.as_str()), (vec!["subnet-1", "subnet-2"], "us-east-1b"));
        let none: Subnets = quick_xml::de::from_str("<R><subnetSet/></R>").expect("none");
        assert!(none.subnets.item.is_empty());
    }
}
