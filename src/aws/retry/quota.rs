//! The quotas that a stack may run into, as Service Quotas knows them.

/// A quota of Service Quotas (`aws service-quotas list-service-quotas`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aws) struct Quota {
    pub(in crate::aws) service: &'static str,
    pub(in crate::aws) code: &'static str,
    pub(in crate::aws) name: &'static str,
}

/// By the call that runs into it.
const QUOTAS: [(&str, Quota); 12] = [
    ("kinesis CreateStream", SHARDS),
    ("kinesis UpdateShardCount", SHARDS),
    ("firehose CreateDeliveryStream", Quota { service: "firehose", code: "L-14BB0BE7", name: "Delivery streams" }),
    ("s3 CreateBucket", Quota { service: "s3", code: "L-DC2B2D3D", name: "General purpose buckets" }),
    ("iam CreateRole", Quota { service: "iam", code: "L-FE177D64", name: "Roles per account" }),
    ("dynamodb CreateTable", Quota { service: "dynamodb", code: "L-F98FE922", name: "Maximum number of tables" }),
    ("lambda CreateFunction", STORAGE),
    ("lambda UpdateFunctionCode", STORAGE),
    ("ecs CreateCluster", Quota { service: "ecs", code: "L-21C621EB", name: "Clusters per account" }),
    ("ecs RunTask", Quota { service: "fargate", code: "L-3032A538", name: "Fargate On-Demand vCPU resource count" }),
    ("ec2 CreateSecurityGroup", Quota { service: "vpc", code: "L-E79EC296", name: "VPC security groups per Region" }),
    ("glue CreateDatabase", Quota { service: "glue", code: "L-F953935E", name: "Max databases per account" }),
];
const SHARDS: Quota = Quota { service: "kinesis", code: "L-0918CF54", name: "Shards per Region" };
const STORAGE: Quota = Quota { service: "lambda", code: "L-2ACBD22F", name: "Function and layer storage" };

/// The quota that `call` may run into.
pub(in crate::aws) fn quota_of(call: &str) -> Option<Quota> {
    QUOTAS.into_iter().find(|(on, _)| *on == call).map(|(_, quota)| quota)
}

/// How to raise the quota that `call` has run into.
pub(in crate::aws) fn advice(call: &str) -> String {
    match quota_of(call) {
        Some(Quota { service, code, name }) => format!(
            "ask for less, or raise the quota '{name}': in the Service Quotas console under {service}, or by `aws \
             service-quotas request-service-quota-increase --service-code {service} --quota-code {code} \
             --desired-value N`"
        ),
        None => {
            let service = call.split(' ').next().unwrap_or_default();
            format!(
                "ask for less, or raise the quota that the message names: in the Service Quotas console under {service} \
                 (`aws service-quotas list-service-quotas --service-code {service}` lists them)"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quota_is_named_with_the_command_that_raises_it() {
        let shards = advice("kinesis CreateStream");
        assert!(shards.contains("'Shards per Region'"), "{shards}");
        assert!(shards.contains("--service-code kinesis --quota-code L-0918CF54"), "{shards}");
        let unknown = advice("athena CreateWorkGroup");
        assert!(unknown.contains("list-service-quotas --service-code athena"), "{unknown}");
    }
}
