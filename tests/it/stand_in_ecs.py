"""The life of a cluster, a task definition, a security group and tasks, through boto3 on the stand-in.

The endpoint and the key are in the environment.
"""

import json
import os
import time

import boto3
from botocore.exceptions import ClientError

ecs, ec2, iam, logs = (boto3.client(name) for name in ["ecs", "ec2", "iam", "logs"])

TAGS = [{"key": "owner", "value": "peer"}]
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Principal": {"Service": "ecs-tasks.amazonaws.com"}, "Action": "sts:AssumeRole"}
    ],
}
MAY_LOG = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:PutLogEvents"], "Resource": "*"}],
}
# Ends well when it is told to, and asks for its own credentials before, as any SDK does.
SCRIPT = """
import boto3, os, signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("told to end", flush=True), sys.exit(0)))
for name in ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]:
    assert name not in os.environ
credentials = boto3.Session().get_credentials()
print(credentials.method, boto3.client("sts").get_caller_identity()["Account"], os.environ["WORKER"], flush=True)
while True:
    time.sleep(0.05)
"""


def refusal(call, **members):
    try:
        call(**members)
    except ClientError as error:
        return error.response["Error"]["Code"]
    raise AssertionError(f"{call.__name__} {members} is not refused")


def until(what, look):
    for _ in range(3_000):
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"never: {what}")


def lines():
    return [event["message"] for event in logs.filter_log_events(logGroupName="/peer")["events"]]


def make_role():
    role = iam.create_role(RoleName="peer", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]["Arn"]
    iam.put_role_policy(RoleName="peer", PolicyName="logs", PolicyDocument=json.dumps(MAY_LOG))
    return role


def make_network():
    [vpc] = ec2.describe_vpcs(Filters=[{"Name": "is-default", "Values": ["true"]}])["Vpcs"]
    subnets = ec2.describe_subnets(Filters=[{"Name": "vpc-id", "Values": [vpc["VpcId"]]}])["Subnets"]
    assert len({subnet["AvailabilityZone"] for subnet in subnets}) == 3
    group = ec2.create_security_group(
        GroupName="peer",
        Description="of a test",
        VpcId=vpc["VpcId"],
        TagSpecifications=[{"ResourceType": "security-group", "Tags": [{"Key": "owner", "Value": "peer"}]}],
    )["GroupId"]
    found = ec2.describe_security_groups(Filters=[{"Name": "tag:owner", "Values": ["peer"]}])["SecurityGroups"]
    assert [(it["GroupId"], it["Tags"]) for it in found] == [(group, [{"Key": "owner", "Value": "peer"}])]
    ec2.create_tags(Resources=[group], Tags=[{"Key": "stage", "Value": "test"}])
    ec2.delete_tags(Resources=[group], Tags=[{"Key": "stage"}])
    code = refusal(ec2.create_security_group, GroupName="peer", Description="again", VpcId=vpc["VpcId"])
    assert code == "InvalidGroup.Duplicate", code
    assert refusal(ec2.describe_instances) == "InvalidAction"
    return group, [subnet["SubnetId"] for subnet in subnets]


def make_definition(role):
    container = {
        "name": "worker",
        "image": "public.ecr.aws/amazonlinux/amazonlinux:2023-minimal",
        "entryPoint": ["python3", "-c"],
        "command": [SCRIPT],
        "environment": [{"name": "WORKER", "value": "none"}],
        "stopTimeout": 5,
        "logConfiguration": {
            "logDriver": "awslogs",
            "options": {
                "awslogs-group": "/peer",
                "awslogs-region": ecs.meta.region_name,
                "awslogs-stream-prefix": "worker",
            },
        },
    }
    # The program is found where this one was.
    container["environment"].append({"name": "PATH", "value": os.environ["PATH"]})
    return ecs.register_task_definition(
        family="peer",
        requiresCompatibilities=["FARGATE"],
        networkMode="awsvpc",
        cpu="256",
        memory="512",
        taskRoleArn=role,
        executionRoleArn=role,
        containerDefinitions=[container],
        tags=TAGS,
    )["taskDefinition"]["taskDefinitionArn"]


role = make_role()
group, subnets = make_network()
logs.create_log_group(logGroupName="/peer")
cluster = ecs.create_cluster(clusterName="peer", tags=TAGS)["cluster"]["clusterArn"]
assert ecs.list_tags_for_resource(resourceArn=cluster)["tags"] == TAGS
definition = make_definition(role)
assert ecs.list_task_definitions(familyPrefix="peer")["taskDefinitionArns"] == [definition]
assert refusal(ecs.create_service, cluster=cluster, serviceName="s", taskDefinition=definition)

network = {"subnets": subnets, "securityGroups": [group], "assignPublicIp": "ENABLED"}
started = ecs.run_task(
    cluster=cluster,
    taskDefinition="peer",
    count=2,
    launchType="FARGATE",
    networkConfiguration={"awsvpcConfiguration": network},
    overrides={"containerOverrides": [{"name": "worker", "environment": [{"name": "WORKER", "value": "of the peer"}]}]},
    startedBy="peer",
    propagateTags="TASK_DEFINITION",
)
assert started["failures"] == []
tasks = [task["taskArn"] for task in started["tasks"]]
ecs.get_waiter("tasks_running").wait(cluster=cluster, tasks=tasks, WaiterConfig={"Delay": 1})
assert sorted(ecs.list_tasks(cluster=cluster, startedBy="peer")["taskArns"]) == sorted(tasks)
said = "container-role 000000000000 of the peer"
until("both have said who they are", lambda: lines().count(said) == 2)

assert refusal(ecs.delete_cluster, cluster=cluster) == "ClusterContainsTasksException"
assert refusal(ec2.delete_security_group, GroupId=group) == "DependencyViolation"
for task in tasks:
    ecs.stop_task(cluster=cluster, task=task, reason="the test is over")
ecs.get_waiter("tasks_stopped").wait(cluster=cluster, tasks=tasks, WaiterConfig={"Delay": 1})
for task in ecs.describe_tasks(cluster=cluster, tasks=tasks, include=["TAGS"])["tasks"]:
    assert (task["stopCode"], task["stoppedReason"]) == ("UserInitiated", "the test is over"), task
    assert task["containers"][0]["exitCode"] == 0, task
    assert task["tags"] == TAGS, task
assert lines().count("told to end") == 2

assert ecs.deregister_task_definition(taskDefinition=definition)["taskDefinition"]["status"] == "INACTIVE"
deleted = ecs.delete_task_definitions(taskDefinitions=[definition])
assert deleted["taskDefinitions"][0]["status"] == "DELETE_IN_PROGRESS" and not deleted["failures"]
assert ecs.delete_cluster(cluster=cluster)["cluster"]["status"] == "INACTIVE"
ec2.delete_security_group(GroupId=group)
assert refusal(ec2.delete_security_group, GroupId=group) == "InvalidGroup.NotFound"
logs.delete_log_group(logGroupName="/peer")
assert ecs.list_clusters()["clusterArns"] == []
