//! EC2, as far as tasks need it: the default VPC with its subnets, and security groups.

mod call;
pub mod network;
pub mod security_group;
mod tags;

pub(super) use call::Ec2;
