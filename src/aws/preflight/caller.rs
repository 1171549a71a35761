//! Who is calling, for how long yet, and by which clock: the one call that asks for no permission.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

use aws_smithy_runtime_api::{
    box_error::BoxError,
    client::{
        interceptors::{Intercept, context::BeforeDeserializationInterceptorContextRef},
        runtime_components::RuntimeComponents,
    },
};
use aws_smithy_types::config_bag::ConfigBag;
use chrono::{DateTime, TimeDelta, Utc};

use super::{clock, report::Finding};
use crate::{
    aws::{Clients, Where, clients::Caller, failure::failure},
    engine::{Cause, ProviderError},
    spec::Stack,
};

const WHAT: &str = "credentials";

/// Asks who is calling. Without an answer there is no caller, and nothing else can be asked.
pub(super) async fn check(clients: &Clients, stack: Option<&Stack>) -> (Vec<Finding>, Option<Caller>) {
    let dated = Dated::default();
    let call = clients.sts.get_caller_identity().customize().interceptor(dated.clone());
    let (answer, expiry) = futures::join!(call.send(), clients.expiry());
    let mut findings: Vec<Finding> = dated.ahead().map(clock::finding).into_iter().chain(elsewhere(clients)).collect();
    match answer {
        Ok(answer) => {
            let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
            let caller = Caller { account: text(answer.account()), arn: text(answer.arn()) };
            if let Err(error) = clients.refuse_stand_in(&caller) {
                findings.insert(0, Finding::wrong(error.cause, "target", error.message, error.advice));
                return (findings, None);
            }
            findings.insert(0, known(&caller, expiry, stack));
            (findings, Some(caller))
        }
        Err(error) => {
            let error = clients.with_profile(failure("sts GetCallerIdentity", "the caller", &error));
            findings.insert(0, unknown(error, clients.place()));
            (findings, None)
        }
    }
}

/// Calls that do not go to AWS though AWS is the target.
fn elsewhere(clients: &Clients) -> Option<Finding> {
    let Where::Aws { region, endpoint_url, .. } = clients.place() else { return None };
    let endpoints = clients.endpoints();
    let why = match endpoint_url {
        Some(url) => format!("calls go to {url} in place of AWS in {region}{endpoints}"),
        None if endpoints.services.is_empty() => return None,
        None => format!("calls go to AWS in {region}{endpoints}"),
    };
    match endpoints.is_ambient {
        true => {
            let advice =
                "the environment (AWS_ENDPOINT_URL…) or the profile (endpoint_url) says so; unset it to reach AWS";
            Some(Finding::warning("endpoint", why, advice))
        }
        false => Some(Finding::note("endpoint", why, "")),
    }
}

fn known(caller: &Caller, expiry: Option<SystemTime>, stack: Option<&Stack>) -> Finding {
    let why = format!("{} ({}) in account {}", caller.arn, kind(&caller.arn), caller.account);
    let Some(left) = expiry.map(|end| end.duration_since(SystemTime::now()).unwrap_or_default()) else {
        return Finding::fine(WHAT, why);
    };
    let why = format!("{why}, valid for {} min", left.as_secs() / 60);
    match stack.and_then(|stack| stack.load.schedule.duration()) {
        Some(load) if load > left => {
            let advice = "log in again before the load; if the session ends, run the command again to continue";
            Finding::warning(WHAT, format!("{why}, and the load lasts {} min", load.as_secs().div_ceil(60)), advice)
        }
        _ => Finding::fine(WHAT, why),
    }
}

/// What an ARN says of who has it (IAM user guide, "IAM identifiers").
fn kind(arn: &str) -> &'static str {
    let resource = arn.splitn(6, ':').nth(5).unwrap_or_default();
    match resource.split('/').next().unwrap_or_default() {
        "root" => "the root user",
        "user" => "a user",
        "assumed-role" => "a session of a role",
        "federated-user" => "a federated user",
        _ => "of an unknown kind",
    }
}

fn unknown(error: ProviderError, place: &Where) -> Finding {
    let ProviderError { cause, message, advice, .. } = error;
    let region = match place {
        Where::Aws { region, endpoint_url: None, .. } => region.as_str(),
        Where::Aws { endpoint_url: Some(url), .. } | Where::Local { url, .. } => {
            return match cause {
                Cause::Unreachable => {
                    Finding::wrong(cause, "endpoint", format!("{url} does not answer: {message}"), advice)
                }
                _ => Finding::wrong(cause, WHAT, message, advice),
            };
        }
    };
    match cause {
        Cause::Unreachable => {
            let advice = format!(
                "check the network, and that region {region} exists (`aws ec2 describe-regions --all-regions`)"
            );
            Finding::wrong(cause, "region", format!("AWS does not answer in {region}: {message}"), advice)
        }
        _ => {
            let advice =
                format!("{advice}; a region that is off by default has to be enabled for the account ({region})");
            Finding::wrong(cause, WHAT, message, advice)
        }
    }
}

/// Notes how far this machine's clock is ahead of an answer's own date.
#[derive(Clone, Debug, Default)]
struct Dated(Arc<Mutex<Option<TimeDelta>>>);

impl Dated {
    fn ahead(&self) -> Option<TimeDelta> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Intercept for Dated {
    fn name(&self) -> &'static str {
        "Dated"
    }

    fn read_before_deserialization(
        &self,
        context: &BeforeDeserializationInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        let date = context.response().headers().get("date").and_then(|date| DateTime::parse_from_rfc2822(date).ok());
        if let Some(date) = date {
            let ahead = Utc::now().signed_duration_since(date);
            *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(ahead);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::spec::{Length, Schedule};

    #[test]
    fn an_arn_says_who_has_it() {
        let kinds = [
            ("arn:aws:iam::123456789012:root", "the root user"),
            ("arn:aws:iam::123456789012:user/team/joe", "a user"),
            ("arn:aws:sts::123456789012:assumed-role/admin/joe", "a session of a role"),
            ("arn:aws-cn:sts::123456789012:federated-user/joe", "a federated user"),
        ];
        for (arn, expected) in kinds {
            assert_eq!(kind(arn), expected);
        }
    }

    #[test]
    fn a_region_that_does_not_answer_is_told_from_credentials_that_do_not_work() {
        let error = |cause| ProviderError {
            cause,
            call: "sts GetCallerIdentity".to_owned(),
            resource: "the caller".to_owned(),
            message: "m".to_owned(),
            advice: "log in".to_owned(),
        };
        let place = Where::Aws { region: "eu-nowhere-1".to_owned(), profile: None, endpoint_url: None };
        let region = unknown(error(Cause::Unreachable), &place);
        assert!(region.what == "region" && region.why.contains("eu-nowhere-1"), "{region:?}");
        let refused = unknown(error(Cause::Permission), &place);
        assert!(refused.what == "credentials" && refused.why == "m", "{refused:?}");
        assert!(refused.advice.starts_with("log in"), "{refused:?}");
    }

    #[test]
    fn a_session_that_is_shorter_than_the_load_is_told() {
        let caller = Caller { account: "1".to_owned(), arn: "arn:aws:iam::1:user/joe".to_owned() };
        let end = SystemTime::now() + Duration::from_secs(600);
        let found = known(&caller, Some(end), None);
        assert!(found.why.ends_with("in account 1, valid for 9 min"), "{}", found.why);
        let mut stack = crate::spec::read("stacks/stream-only.yaml".as_ref(), &[], &[]).expect("a stack").stack;
        stack.load.schedule = Schedule::Max(Length::Duration(Duration::from_secs(1800)));
        let found = known(&caller, Some(end), Some(&stack));
        assert!(found.why.ends_with("and the load lasts 30 min"), "{}", found.why);
    }
}
