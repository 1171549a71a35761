//! EC2, as far as a task of ECS needs it: the default VPC, its subnets, and security groups.
//!
//! Not covered: everything else that EC2 has; rules of security groups (a new one lets everything out and nothing in, as on
//! AWS), tags on anything but security groups. Nothing of it restricts what a process on this machine may reach.

mod filters;
mod groups;
mod network;
mod refuse;
mod tags;
#[cfg(test)]
mod tests;

use std::{
    collections::{BTreeMap, HashMap},
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;

pub(crate) use self::network::Subnet;
use self::{groups::SecurityGroup, network::DEFAULT_GROUP};
use crate::{
    durable::Durable,
    inventory::Inventory,
    protocol::{Protocol, Query},
    query::{Fields, parse_form},
    region::Region,
    service::{Answer, Call, Operation::Immediate, Operations, Reply, Service},
    service_error::ServiceError,
};

/// EC2 over one folder.
pub(crate) struct Ec2 {
    groups: Durable<Groups>,
    /// The security groups of each network interface, by its id. They are those of tasks, which end with the stand-in.
    interfaces: Mutex<HashMap<String, Vec<String>>>,
}

/// Every security group that somebody made, by its id.
type Groups = BTreeMap<String, SecurityGroup>;

type XmlAnswer = Result<String, ServiceError>;

impl Ec2 {
    /// Opens the security groups that lie in `folder`.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it are no security groups.
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        let groups = Durable::open(&folder.join("security-groups.json"))?;
        Ok(Arc::new(Self { groups, interfaces: Mutex::default() }))
    }

    /// The subnets of these ids.
    ///
    /// # Errors
    /// `InvalidSubnetID.NotFound`.
    pub(crate) fn subnets(&self, ids: &[String]) -> Result<Vec<Subnet>, ServiceError> {
        ids.iter().map(|id| network::subnet(id)).collect()
    }

    /// Puts a network interface into these security groups, the default one where there are none. They cannot be deleted
    /// until [`Ec2::detach`].
    ///
    /// # Errors
    /// `InvalidGroup.NotFound`, and then nothing is attached.
    pub(crate) fn attach(&self, interface: &str, groups: &[String]) -> Result<(), ServiceError> {
        let mut interfaces = self.interfaces.lock().unwrap_or_else(PoisonError::into_inner);
        let known = self.groups.read();
        match groups.iter().find(|id| *id != DEFAULT_GROUP && !known.contains_key(*id)) {
            Some(absent) => Err(refuse::no_group(absent)),
            None => {
                interfaces.insert(interface.to_owned(), groups.to_vec());
                Ok(())
            }
        }
    }

    /// Removes a network interface.
    pub(crate) fn detach(&self, interface: &str) {
        self.interfaces.lock().unwrap_or_else(PoisonError::into_inner).remove(interface);
    }
}

static OPERATIONS: Operations<Ec2> = Operations(&[
    (
        "DescribeVpcs",
        Immediate(|_, call| xml(call, &["VpcId", "Filter", "MaxResults", "NextToken"], network::describe_vpcs)),
    ),
    (
        "DescribeSubnets",
        Immediate(|_, call| {
            let region = Region::of(&call.request);
            xml(call, &["SubnetId", "Filter", "MaxResults", "NextToken"], |fields| {
                network::describe_subnets(fields, region.name())
            })
        }),
    ),
    (
        "DescribeSecurityGroups",
        Immediate(|ec2, call| {
            xml(call, &["GroupId", "GroupName", "Filter", "MaxResults", "NextToken"], |fields| {
                ec2.describe_groups(fields)
            })
        }),
    ),
    (
        "CreateSecurityGroup",
        Immediate(|ec2, call| {
            xml(call, &["GroupName", "GroupDescription", "VpcId", "TagSpecification"], |fields| {
                ec2.create_group(fields)
            })
        }),
    ),
    (
        "DeleteSecurityGroup",
        Immediate(|ec2, call| xml(call, &["GroupId", "GroupName"], |fields| ec2.delete_group(fields))),
    ),
    ("CreateTags", Immediate(|ec2, call| xml(call, &["ResourceId", "Tag"], |fields| ec2.create_tags(fields)))),
    ("DeleteTags", Immediate(|ec2, call| xml(call, &["ResourceId", "Tag"], |fields| ec2.delete_tags(fields)))),
]);

#[async_trait]
impl Service for Ec2 {
    fn name(&self) -> &'static str {
        "ec2"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Query(Query::of_ec2("2016-11-15", "http://ec2.amazonaws.com/doc/2016-11-15/"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    /// What every account has, the default VPC with its subnets and its group, is left out.
    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.groups.read().values().try_for_each(|group| into.add("ec2 security group", &group.name, group))
    }
}

/// Answers a form, which may have these members, with the XML of the action's result.
fn xml(call: &Call, members: &[&str], run: impl FnOnce(Fields<'_>) -> XmlAnswer) -> Answer {
    let form = parse_form(&call.body);
    let fields = Fields(&form);
    match fields.other_than(&[members, &["Action", "Version"]].concat()) {
        Some(other) => Err(refuse::not_covered(other)),
        None => run(fields).map(Reply::ok),
    }
}
