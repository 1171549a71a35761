//! What a failure is, by service, code and text: one table.

use crate::engine::{Cause, Transient};

/// What a failure is, and so what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aws) enum Failure {
    /// This machine's clock and the service's differ too much: an error that says by how much.
    Skewed,
    /// The credentials were good once: an error; whoever logs in again goes on with the same command.
    Expired,
    /// Nobody knows these credentials, or no longer: likewise.
    Unknown,
    /// A role that was just made is not known everywhere yet: done again within minutes.
    Role,
    /// Too much at a time, for now: done again, each time later.
    Rate,
    /// Something else is being done with it, or it is there: looked at, and done again.
    Busy,
    /// A limit of the account: an error that names it and how to raise it.
    Quota,
    /// IAM does not let the caller: an error that names action and caller.
    Denied,
    /// Nothing that this table knows: an error with the service's own words.
    Other,
}

impl Failure {
    /// What the engine is told.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Skewed | Self::Expired | Self::Unknown | Self::Denied => Cause::Permission,
            Self::Role => Cause::Transient(Transient::Role),
            Self::Rate => Cause::Transient(Transient::Rate),
            Self::Busy => Cause::Transient(Transient::Busy),
            Self::Quota => Cause::Quota,
            Self::Other => Cause::Other,
        }
    }
}

/// One row: it holds where the service is that one, and one of the codes and one of the texts are in the answer.
struct Rule(Failure, &'static str, &'static [&'static str], &'static [&'static str]);

const ANY: &str = "";
const EVERY: &[&str] = &[""];

/// The first row that holds decides. Codes are parts of codes: `Throttl` is ThrottlingException and ThrottledException. The
/// texts about roles are those that terraform-provider-aws waits on too; codes and the other texts are in the services'
/// API references.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule(Failure::Skewed,  ANY,        &["RequestTimeTooSkewed"], EVERY),
    Rule(Failure::Skewed,  ANY,        EVERY, &["Signature expired", "Signature not yet current"]),
    Rule(Failure::Expired, ANY,        &["ExpiredToken", "TokenRefreshRequired", "RequestExpired"], EVERY),
    Rule(Failure::Expired, ANY,        &["UnrecognizedClient", "InvalidClientTokenId"], &["expired"]),
    Rule(Failure::Unknown, ANY,        &["UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken",
                                      "SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature",
                                      "MissingAuthenticationToken", "AuthFailure"], EVERY),

    Rule(Failure::Role,    "firehose", &["InvalidArgument"], &["Firehose is unable to assume role", "is not authorized to",
                                      "Access was denied", "Verify that the IAM role has access",
                                      "security token included in the request is invalid. Ensure that the provided IAM role"]),
    Rule(Failure::Role,    "lambda",   &["InvalidParameterValue"], &["The role defined for the function cannot be assumed by Lambda",
                                      "The provided execution role does not have permissions",
                                      "ensure the role can perform"]),
    Rule(Failure::Role,    "redshift-serverless", &["Validation"], &["not authorized to assume", "cannot be assumed", "IAM role"]),
    Rule(Failure::Role,    "ecs",      EVERY, &["unable to assume the role", "Role is not valid"]),
    Rule(Failure::Role,    "scheduler", &["Validation"], &["must allow AWS EventBridge Scheduler to assume the role"]),

    Rule(Failure::Quota,   "ecs",      EVERY, &["reached the limit on the number of"]),
    Rule(Failure::Rate,    "ecs",      EVERY, &["Capacity is unavailable at this time"]),
    Rule(Failure::Rate,    "kinesis",  &["LimitExceeded"], &["simultaneously be in CREATING or DELETING", "Rate exceeded"]),
    Rule(Failure::Rate,    "dynamodb", &["LimitExceeded"], &["simultaneous"]),
    Rule(Failure::Rate,    ANY,        &["Throttl", "TooManyRequests", "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown",
                                      "ProvisionedThroughputExceeded", "PriorRequestNotComplete", "ServiceUnavailable",
                                      "ActiveStatementsExceeded", "ActiveSessionsExceeded"], EVERY),
    Rule(Failure::Rate,    ANY,        &["LimitExceeded"], &["Rate exceeded"]),

    Rule(Failure::Busy,    "kinesis",  &["ResourceInUse"], EVERY),
    Rule(Failure::Busy,    "firehose", &["ResourceInUse", "ConcurrentModification"], EVERY),
    Rule(Failure::Busy,    "lambda",   &["ResourceConflict", "ResourceInUse"], EVERY),
    Rule(Failure::Busy,    "dynamodb", &["ResourceInUse"], EVERY),
    Rule(Failure::Busy,    "iam",      &["DeleteConflict", "ConcurrentModification", "EntityTemporarilyUnmodifiable"], EVERY),
    Rule(Failure::Busy,    "s3",       &["OperationAborted"], EVERY),
    Rule(Failure::Busy,    "logs",     &["OperationAborted"], EVERY),
    Rule(Failure::Busy,    "glue",     &["ConcurrentModification"], EVERY),
    Rule(Failure::Busy,    "scheduler", &["Conflict"], EVERY),
    Rule(Failure::Busy,    "ecs",      &["ClusterContainsTasks", "UpdateInProgress"], EVERY),
    Rule(Failure::Busy,    "ecs",      EVERY, &["is still in ACTIVE status"]),
    Rule(Failure::Busy,    "redshift-serverless", &["Conflict"], &["operation running", "in progress"]),

    Rule(Failure::Quota,   ANY,        &["LimitExceeded", "QuotaExceeded", "TooManyBuckets", "CodeStorageExceeded"], EVERY),
    Rule(Failure::Denied,  ANY,        &["AccessDenied", "Unauthorized", "NotAuthorized", "Forbidden"], EVERY),
];

/// What a failure of `service` (as in `firehose CreateDeliveryStream`) with this code and message is.
pub(in crate::aws) fn classify(service: &str, code: &str, message: &str) -> Failure {
    let found = RULES.iter().find(|Rule(_, of, codes, texts)| {
        (*of == ANY || *of == service)
            && codes.iter().any(|part| code.contains(part))
            && texts.iter().any(|text| message.contains(text))
    });
    found.map_or(Failure::Other, |Rule(kind, ..)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_passes_is_told_from_a_quota() {
        let limit = |service, text| classify(service, "LimitExceededException", text);
        let passing = "You can have up to 5 streams that can simultaneously be in CREATING or DELETING states.";
        assert_eq!(limit("kinesis", passing), Failure::Rate);
        assert_eq!(limit("kinesis", "Rate exceeded for stream s under account 000000000000."), Failure::Rate);
        assert_eq!(limit("kinesis", "This request would exceed the shard limit. Limit: 500."), Failure::Quota);
        assert_eq!(limit("firehose", "You have already consumed your firehose quota of 50."), Failure::Quota);
        assert_eq!(limit("dynamodb", "Only 500 simultaneous table operations are allowed"), Failure::Rate);
        assert_eq!(classify("iam", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"), Failure::Quota);
        assert_eq!(classify("s3", "TooManyBuckets", ""), Failure::Quota);
        assert_eq!(classify("dynamodb", "RequestLimitExceeded", ""), Failure::Rate);
        assert_eq!(classify("s3", "SlowDown", "Please reduce your request rate."), Failure::Rate);
        assert_eq!(classify("lambda", "TooManyRequestsException", "Rate Exceeded."), Failure::Rate);
    }

    /// Of ECS also what a failure says that stands in an answer, without a code.
    #[test]
    fn room_for_a_task_that_comes_is_told_from_a_quota() {
        let none = "Capacity is unavailable at this time. Please try again later or in a different availability zone";
        let quota = "You've reached the limit on the number of vCPUs you can run concurrently";
        assert_eq!(classify("ecs", "", none), Failure::Rate);
        for code in ["", "ClientException", "ThrottlingException"] {
            assert_eq!(classify("ecs", code, quota), Failure::Quota);
        }
        assert_eq!(classify("ecs", "ThrottlingException", "Rate exceeded"), Failure::Rate);
    }

    #[test]
    fn a_role_that_is_not_known_yet_is_told_from_one_that_may_not() {
        let token = "The security token included in the request is invalid. Ensure that the provided IAM role is valid";
        assert_eq!(classify("firehose", "InvalidArgumentException", token), Failure::Role);
        assert_eq!(classify("firehose", "UnrecognizedClientException", token), Failure::Unknown);
        assert_eq!(classify("firehose", "InvalidArgumentException", "Prefix is too long"), Failure::Other);
        let scheduler = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
        assert_eq!(classify("scheduler", "ValidationException", scheduler), Failure::Role);
        assert_eq!(
            classify("kinesis", "AccessDeniedException", "User: x is not authorized to perform: y"),
            Failure::Denied
        );
    }

    #[test]
    fn what_is_wrong_with_credentials_is_told_apart() {
        let skewed = "Signature expired: 20240101T000000Z is now earlier than 20240101T001000Z";
        assert_eq!(classify("kinesis", "InvalidSignatureException", skewed), Failure::Skewed);
        assert_eq!(
            classify("iam", "SignatureDoesNotMatch", "Signature not yet current: 20240101T001000Z"),
            Failure::Skewed
        );
        assert_eq!(classify("iam", "SignatureDoesNotMatch", "The request signature does not match"), Failure::Unknown);
        assert_eq!(classify("s3", "RequestTimeTooSkewed", ""), Failure::Skewed);
        assert_eq!(classify("s3", "ExpiredToken", ""), Failure::Expired);
        assert_eq!(classify("kinesis", "ExpiredTokenException", ""), Failure::Expired);
        assert_eq!(
            classify("kinesis", "UnrecognizedClientException", "The security token is invalid."),
            Failure::Unknown
        );
    }

    #[test]
    fn what_is_being_changed_is_busy_only_where_it_can_be() {
        assert_eq!(classify("iam", "DeleteConflict", ""), Failure::Busy);
        assert_eq!(
            classify("redshift-serverless", "ConflictException", "There is an operation running"),
            Failure::Busy
        );
        assert_eq!(classify("redshift-serverless", "ConflictException", "It already exists"), Failure::Other);
        assert_eq!(classify("iam", "EntityAlreadyExists", ""), Failure::Other);
        assert_eq!(classify("ecs", "ClusterContainsTasksException", ""), Failure::Busy);
    }
}
