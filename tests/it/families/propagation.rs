//! A role that was just made is not known everywhere: every text that says so, for a while and for ever.

use std::time::Duration;

use kinesis_demo::engine::Cause;
use tokio::time::Instant;

use super::{CREATED, EVERYTHING, ends_clean, ground, make, up, up_fails};
use crate::inside::Fault;

const FIREHOSE: (&str, &str) = ("firehose CreateDeliveryStream", "InvalidArgumentException");
const FUNCTION: (&str, &str) = ("lambda CreateFunction", "InvalidParameterValueException");
const MAPPING: (&str, &str) = ("lambda CreateEventSourceMapping", "InvalidParameterValueException");
const NAMESPACE: (&str, &str) = ("redshift-serverless CreateNamespace", "ValidationException");

const TEXTS: [(&str, (&str, &str), &str); 9] = [
    (
        EVERYTHING,
        FIREHOSE,
        "Firehose is unable to assume role arn:aws:iam::000000000000:role/x. Please check the role.",
    ),
    (EVERYTHING, FIREHOSE, "User: x is not authorized to perform: kinesis:DescribeStream on resource: y"),
    (EVERYTHING, FIREHOSE, "Access was denied when calling Kinesis."),
    (EVERYTHING, FIREHOSE, "Verify that the IAM role has access to the source stream."),
    (
        EVERYTHING,
        FIREHOSE,
        "The security token included in the request is invalid. Ensure that the provided IAM role is valid.",
    ),
    (EVERYTHING, FUNCTION, "The role defined for the function cannot be assumed by Lambda."),
    (
        EVERYTHING,
        FUNCTION,
        "The provided execution role does not have permissions to call CreateNetworkInterface on EC2",
    ),
    (EVERYTHING, MAPPING, "Cannot access stream. Please ensure the role can perform the GetRecords action."),
    (CREATED, NAMESPACE, "The IAM role is not authorized to assume by this service."),
];

fn refusal(code: &str, text: &str) -> Fault {
    let code = [FIREHOSE.1, FUNCTION.1, NAMESPACE.1].into_iter().find(|known| *known == code).expect("a known code");
    Fault::refused(code, text)
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_known_late_is_waited_for() {
    for (stack, (call, code), text) in TEXTS {
        let ground = ground(stack).await;
        ground.wire.faults(call, 6, refusal(code, text));
        let made = make(&ground).await;
        made.unwrap_or_else(|error| panic!("{text}: {error}"));
        assert!(ground.wire.calls().iter().filter(|made| *made == call).count() >= 7, "{text}");
        ends_clean(&ground).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_role_that_is_never_known_ends_the_wait_with_the_services_words() {
    for (stack, (call, code), text) in TEXTS {
        let ground = ground(stack).await;
        ground.wire.faults(call, usize::MAX, refusal(code, text));
        let began = Instant::now();
        let failed = up_fails(&ground).await;
        assert!(!failed.is_empty(), "{text}");
        for error in failed {
            assert_eq!(error.cause, Cause::TimedOut, "{error}");
            assert!(error.message.contains(text) && error.call == call, "{error}");
        }
        assert!((300..450).contains(&began.elapsed().as_secs()), "{text}: {:?}", began.elapsed());
        ground.wire.heal();
        up(&ground).await;
        ends_clean(&ground).await;
    }
}

/// A refusal of any other kind is not waited for.
#[tokio::test(start_paused = true)]
async fn what_no_role_will_mend_fails_at_once() {
    let ground = ground(EVERYTHING).await;
    ground.wire.faults(FIREHOSE.0, usize::MAX, Fault::refused(FIREHOSE.1, "Prefix is longer than 1024 characters"));
    let began = Instant::now();
    let failed = up_fails(&ground).await;
    assert!(failed[0].message.contains("Prefix is longer"), "{failed:#?}");
    assert!(began.elapsed() < Duration::from_secs(60), "{:?}", began.elapsed());
    ends_clean(&ground).await;
}
