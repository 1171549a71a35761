use std::sync::Arc;

use tempfile::TempDir;

use super::*;
use crate::{query::write_form, service::ask};

struct Fixture {
    folder: TempDir,
    ec2: Arc<Ec2>,
}

impl Fixture {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let ec2 = Ec2::open(folder.path()).expect("opened");
        Self { folder, ec2 }
    }

    async fn call(&self, action: &str, fields: &[(&str, &str)]) -> Result<String, ServiceError> {
        let form = write_form(fields.iter().copied());
        let answer = ask(&self.ec2, action, form).await?;
        Ok(String::from_utf8(answer.to_vec()).expect("XML"))
    }

    async fn code(&self, action: &str, fields: &[(&str, &str)]) -> &'static str {
        self.call(action, fields).await.expect_err("refused").code
    }

    /// The id of a security group that is made.
    async fn group(&self, name: &str, owner: &str) -> String {
        let made = self
            .call(
                "CreateSecurityGroup",
                &[
                    ("GroupName", name),
                    ("GroupDescription", "of a test"),
                    ("VpcId", network::DEFAULT_VPC),
                    ("TagSpecification.1.ResourceType", "security-group"),
                    ("TagSpecification.1.Tag.1.Key", "owner"),
                    ("TagSpecification.1.Tag.1.Value", owner),
                ],
            )
            .await
            .expect("made");
        texts(&made, "groupId").remove(0)
    }

    /// The names of the groups that a filter admits.
    async fn names(&self, filter: &str, value: &str) -> Vec<String> {
        let fields = [("Filter.1.Name", filter), ("Filter.1.Value.1", value)];
        texts(&self.call("DescribeSecurityGroups", &fields).await.expect("listed"), "groupName")
    }
}

/// The texts of all elements of a name.
fn texts(xml: &str, name: &str) -> Vec<String> {
    let tag = format!("<{name}>");
    let rest = xml.split(&tag).skip(1);
    rest.filter_map(|rest| rest.split_once("</")).map(|(text, _)| text.to_owned()).collect()
}

#[tokio::test]
async fn the_default_vpc_has_a_subnet_in_each_of_three_zones() {
    let fixture = Fixture::new();
    let vpcs = fixture.call("DescribeVpcs", &[("Filter.1.Name", "is-default"), ("Filter.1.Value.1", "true")]).await;
    let vpcs = vpcs.expect("listed");
    let [vpc] = texts(&vpcs, "vpcId").try_into().expect("one");
    assert_eq!(texts(&vpcs, "cidrBlock"), ["172.31.0.0/16"]);
    let subnets = fixture.call("DescribeSubnets", &[("Filter.1.Name", "vpc-id"), ("Filter.1.Value.1", &vpc)]).await;
    let subnets = subnets.expect("listed");
    assert_eq!(texts(&subnets, "availabilityZone"), ["us-east-1a", "us-east-1b", "us-east-1c"]);
    assert_eq!(texts(&subnets, "cidrBlock"), ["172.31.0.0/20", "172.31.16.0/20", "172.31.32.0/20"]);
    let second = texts(&subnets, "subnetId").remove(1);
    let one = fixture.call("DescribeSubnets", &[("SubnetId.1", &second)]).await.expect("listed");
    assert_eq!(texts(&one, "subnetId"), [second]);

    let custom = fixture.call("DescribeVpcs", &[("Filter.1.Name", "isDefault"), ("Filter.1.Value.1", "false")]).await;
    assert!(texts(&custom.expect("listed"), "vpcId").is_empty());
    assert_eq!(fixture.code("DescribeVpcs", &[("VpcId.1", "vpc-1")]).await, "InvalidVpcID.NotFound");
    assert_eq!(fixture.code("DescribeSubnets", &[("SubnetId.1", "subnet-1")]).await, "InvalidSubnetID.NotFound");
    let unknown = [("Filter.1.Name", "ipv6-native"), ("Filter.1.Value.1", "true")];
    assert_eq!(fixture.code("DescribeSubnets", &unknown).await, "InvalidParameterValue");
    assert_eq!(fixture.code("DescribeInstances", &[]).await, "InvalidAction");
}

#[tokio::test]
async fn a_security_group_is_found_by_its_tags_until_it_is_deleted() {
    let mut fixture = Fixture::new();
    let group = fixture.group("workers", "one").await;
    let other = fixture.group("others", "two").await;
    fixture.ec2 = Ec2::open(fixture.folder.path()).expect("opened again");
    assert_eq!(fixture.names("tag:owner", "one").await, ["workers"]);
    assert_eq!(fixture.names("tag:owner", "t*").await, ["others"]);
    let mut all = fixture.names("vpc-id", network::DEFAULT_VPC).await;
    all.sort();
    assert_eq!(all, ["default", "others", "workers"]);
    let described = fixture.call("DescribeSecurityGroups", &[("GroupId.1", &group)]).await.expect("listed");
    assert!(described.contains("<cidrIp>0.0.0.0/0</cidrIp>") && described.contains("<ipPermissions></ipPermissions>"));

    let again = [("GroupName", "workers"), ("GroupDescription", "d")];
    assert_eq!(fixture.code("CreateSecurityGroup", &again).await, "InvalidGroup.Duplicate");
    fixture.call("DeleteSecurityGroup", &[("GroupId", &group)]).await.expect("deleted");
    assert_eq!(fixture.code("DeleteSecurityGroup", &[("GroupId", &group)]).await, "InvalidGroup.NotFound");
    assert_eq!(fixture.code("DescribeSecurityGroups", &[("GroupId.1", &group)]).await, "InvalidGroup.NotFound");
    assert_eq!(fixture.code("DeleteSecurityGroup", &[("GroupName", "default")]).await, "CannotDelete");
    fixture.call("DeleteSecurityGroup", &[("GroupName", "others")]).await.expect("deleted");
    assert_eq!(fixture.code("DescribeSecurityGroups", &[("GroupId.1", &other)]).await, "InvalidGroup.NotFound");
}

#[tokio::test]
async fn tags_are_put_and_taken_away() {
    let fixture = Fixture::new();
    let group = fixture.group("workers", "one").await;
    let put = [("ResourceId.1", group.as_str()), ("Tag.1.Key", "stage"), ("Tag.1.Value", "test")];
    fixture.call("CreateTags", &put).await.expect("put");
    assert_eq!(fixture.names("tag:stage", "test").await, ["workers"]);
    let other_value = [("ResourceId.1", group.as_str()), ("Tag.1.Key", "stage"), ("Tag.1.Value", "live")];
    fixture.call("DeleteTags", &other_value).await.expect("nothing to do");
    assert_eq!(fixture.names("tag-key", "stage").await, ["workers"]);
    fixture.call("DeleteTags", &[("ResourceId.1", &group), ("Tag.1.Key", "stage")]).await.expect("taken away");
    assert!(fixture.names("tag-key", "stage").await.is_empty());
    fixture.call("DeleteTags", &[("ResourceId.1", &group)]).await.expect("all of them");
    assert!(fixture.names("tag-key", "owner").await.is_empty());

    let elsewhere = |id| [("ResourceId.1", id), ("Tag.1.Key", "k"), ("Tag.1.Value", "v")];
    assert_eq!(fixture.code("CreateTags", &elsewhere("sg-1")).await, "InvalidGroup.NotFound");
    assert_eq!(fixture.code("CreateTags", &elsewhere(network::DEFAULT_VPC)).await, "InvalidParameterValue");
}

#[tokio::test]
async fn a_group_that_an_interface_is_in_stays() {
    let fixture = Fixture::new();
    let group = fixture.group("workers", "one").await;
    fixture.ec2.attach("eni-1", std::slice::from_ref(&group)).expect("attached");
    assert_eq!(fixture.code("DeleteSecurityGroup", &[("GroupId", &group)]).await, "DependencyViolation");
    fixture.ec2.detach("eni-1");
    fixture.call("DeleteSecurityGroup", &[("GroupId", &group)]).await.expect("deleted");
    let gone = fixture.ec2.attach("eni-2", &[group]).expect_err("it is gone");
    assert_eq!(gone.code, "InvalidGroup.NotFound");
}
