//! What a failure is, by service, code and text: one table.

use crate::engine::{Cause, Passing};

/// What a failure is, and so what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::aws) enum Kind {
    /// This machine's clock and the service's differ too much: an error that says by how much.
    Skewed,
    /// The credentials were good once: an error; whoever logs in again goes on with the same command.
    Expired,
    /// Nobody knows these credentials, or not any more: likewise.
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

impl Kind {
    /// What the engine is told.
    pub(crate) fn cause(self) -> Cause {
        match self {
            Self::Skewed | Self::Expired | Self::Unknown | Self::Denied => Cause::Permission,
            Self::Role => Cause::Passing(Passing::Role),
            Self::Rate => Cause::Passing(Passing::Rate),
            Self::Busy => Cause::Passing(Passing::Busy),
            Self::Quota => Cause::Quota,
            Self::Other => Cause::Other,
        }
    }
}

/// One row: it holds where the service is that one, and one of the codes and one of the texts are in the answer.
struct Rule(Kind, &'static str, &'static [&'static str], &'static [&'static str]);

const ANY: &str = "";
const EVERY: &[&str] = &[""];

/// The first row that holds decides. Codes are parts of codes: `Throttl` is ThrottlingException and ThrottledException. The
/// texts about roles are those that terraform-provider-aws waits on too; codes and the other texts are in the services'
/// API references.
#[rustfmt::skip]
const RULES: &[Rule] = &[
    Rule(Kind::Skewed,  ANY,        &["RequestTimeTooSkewed"], EVERY),
    Rule(Kind::Skewed,  ANY,        EVERY, &["Signature expired", "Signature not yet current"]),
    Rule(Kind::Expired, ANY,        &["ExpiredToken", "TokenRefreshRequired", "RequestExpired"], EVERY),
    Rule(Kind::Expired, ANY,        &["UnrecognizedClient", "InvalidClientTokenId"], &["expired"]),
    Rule(Kind::Unknown, ANY,        &["UnrecognizedClient", "InvalidClientTokenId", "InvalidAccessKeyId", "InvalidToken",
                                      "SignatureDoesNotMatch", "InvalidSignature", "IncompleteSignature",
                                      "MissingAuthenticationToken"], EVERY),

    Rule(Kind::Role,    "firehose", &["InvalidArgument"], &["Firehose is unable to assume role", "is not authorized to",
                                      "Access was denied", "Verify that the IAM role has access",
                                      "security token included in the request is invalid. Ensure that the provided IAM role"]),
    Rule(Kind::Role,    "lambda",   &["InvalidParameterValue"], &["The role defined for the function cannot be assumed by Lambda",
                                      "The provided execution role does not have permissions",
                                      "ensure the role can perform"]),
    Rule(Kind::Role,    "redshift-serverless", &["Validation"], &["not authorized to assume", "cannot be assumed", "IAM role"]),
    Rule(Kind::Role,    "scheduler", &["Validation"], &["must allow AWS EventBridge Scheduler to assume the role"]),

    Rule(Kind::Rate,    "kinesis",  &["LimitExceeded"], &["simultaneously be in CREATING or DELETING", "Rate exceeded"]),
    Rule(Kind::Rate,    "dynamodb", &["LimitExceeded"], &["simultaneous"]),
    Rule(Kind::Rate,    ANY,        &["Throttl", "TooManyRequests", "RequestLimitExceeded", "BandwidthLimitExceeded", "SlowDown",
                                      "ProvisionedThroughputExceeded", "PriorRequestNotComplete", "ServiceUnavailable",
                                      "ActiveStatementsExceeded", "ActiveSessionsExceeded"], EVERY),
    Rule(Kind::Rate,    ANY,        &["LimitExceeded"], &["Rate exceeded"]),

    Rule(Kind::Busy,    "kinesis",  &["ResourceInUse"], EVERY),
    Rule(Kind::Busy,    "firehose", &["ResourceInUse", "ConcurrentModification"], EVERY),
    Rule(Kind::Busy,    "lambda",   &["ResourceConflict", "ResourceInUse"], EVERY),
    Rule(Kind::Busy,    "dynamodb", &["ResourceInUse"], EVERY),
    Rule(Kind::Busy,    "iam",      &["DeleteConflict", "ConcurrentModification", "EntityTemporarilyUnmodifiable"], EVERY),
    Rule(Kind::Busy,    "s3",       &["OperationAborted"], EVERY),
    Rule(Kind::Busy,    "logs",     &["OperationAborted"], EVERY),
    Rule(Kind::Busy,    "glue",     &["ConcurrentModification"], EVERY),
    Rule(Kind::Busy,    "scheduler", &["Conflict"], EVERY),
    Rule(Kind::Busy,    "redshift-serverless", &["Conflict"], &["operation running", "in progress"]),

    Rule(Kind::Quota,   ANY,        &["LimitExceeded", "QuotaExceeded", "TooManyBuckets", "CodeStorageExceeded"], EVERY),
    Rule(Kind::Denied,  ANY,        &["AccessDenied", "Unauthorized", "NotAuthorized", "Forbidden"], EVERY),
];

/// What a failure of `service` (as in `firehose CreateDeliveryStream`) with this code and message is.
pub(in crate::aws) fn judge(service: &str, code: &str, message: &str) -> Kind {
    let found = RULES.iter().find(|Rule(_, of, codes, texts)| {
        (*of == ANY || *of == service)
            && codes.iter().any(|part| code.contains(part))
            && texts.iter().any(|text| message.contains(text))
    });
    found.map_or(Kind::Other, |Rule(kind, ..)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_passes_is_told_from_a_quota() {
        let limit = |service, text| judge(service, "LimitExceededException", text);
        let passing = "You can have up to 5 streams that can simultaneously be in CREATING or DELETING states.";
        assert_eq!(limit("kinesis", passing), Kind::Rate);
        assert_eq!(limit("kinesis", "Rate exceeded for stream s under account 000000000000."), Kind::Rate);
        assert_eq!(limit("kinesis", "This request would exceed the shard limit. Limit: 500."), Kind::Quota);
        assert_eq!(limit("firehose", "You have already consumed your firehose quota of 50."), Kind::Quota);
        assert_eq!(limit("dynamodb", "Only 500 simultaneous table operations are allowed"), Kind::Rate);
        assert_eq!(judge("iam", "LimitExceeded", "Cannot exceed quota for RolesPerAccount: 1000"), Kind::Quota);
        assert_eq!(judge("s3", "TooManyBuckets", ""), Kind::Quota);
        assert_eq!(judge("dynamodb", "RequestLimitExceeded", ""), Kind::Rate);
        assert_eq!(judge("s3", "SlowDown", "Please reduce your request rate."), Kind::Rate);
        assert_eq!(judge("lambda", "TooManyRequestsException", "Rate Exceeded."), Kind::Rate);
    }

    #[test]
    fn a_role_that_is_not_known_yet_is_told_from_one_that_may_not() {
        let token = "The security token included in the request is invalid. Ensure that the provided IAM role is valid";
        assert_eq!(judge("firehose", "InvalidArgumentException", token), Kind::Role);
        assert_eq!(judge("firehose", "UnrecognizedClientException", token), Kind::Unknown);
        assert_eq!(judge("firehose", "InvalidArgumentException", "Prefix is too long"), Kind::Other);
        let scheduler = "The execution role you provide must allow AWS EventBridge Scheduler to assume the role.";
        assert_eq!(judge("scheduler", "ValidationException", scheduler), Kind::Role);
        assert_eq!(judge("kinesis", "AccessDeniedException", "User: x is not authorized to perform: y"), Kind::Denied);
    }

    #[test]
    fn what_is_wrong_with_credentials_is_told_apart() {
        let skewed = "Signature expired: 20240101T000000Z is now earlier than 20240101T001000Z";
        assert_eq!(judge("kinesis", "InvalidSignatureException", skewed), Kind::Skewed);
        assert_eq!(judge("iam", "SignatureDoesNotMatch", "Signature not yet current: 20240101T001000Z"), Kind::Skewed);
        assert_eq!(judge("iam", "SignatureDoesNotMatch", "The request signature does not match"), Kind::Unknown);
        assert_eq!(judge("s3", "RequestTimeTooSkewed", ""), Kind::Skewed);
        assert_eq!(judge("s3", "ExpiredToken", ""), Kind::Expired);
        assert_eq!(judge("kinesis", "ExpiredTokenException", ""), Kind::Expired);
        assert_eq!(judge("kinesis", "UnrecognizedClientException", "The security token is invalid."), Kind::Unknown);
    }

    #[test]
    fn what_is_being_changed_is_busy_only_where_it_can_be() {
        assert_eq!(judge("iam", "DeleteConflict", ""), Kind::Busy);
        assert_eq!(judge("redshift-serverless", "ConflictException", "There is an operation running"), Kind::Busy);
        assert_eq!(judge("redshift-serverless", "ConflictException", "It already exists"), Kind::Other);
        assert_eq!(judge("iam", "EntityAlreadyExists", ""), Kind::Other);
    }
}
