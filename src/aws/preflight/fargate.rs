//! What the tasks of a stack need that nothing of the stack makes: a default VPC, and an image that they can pull. Whether a
//! registry can be reached is seen only from the subnet.

use super::report::Finding;
use crate::{
    aws::{
        clients::{Caller, Clients},
        ec2::network::default_subnets,
        image::{Image, PrivateRegistry},
    },
    engine::Cause,
    spec::{Fargate, Stack, Workers},
};

const NETWORK: &str = "network of tasks";
const IMAGE: &str = "image of tasks";

/// Both, where the stack's workers are tasks.
pub(super) async fn check(stack: &Stack, caller: &Caller, clients: &Clients) -> Vec<Finding> {
    let Some(fargate) = stack.load.workers.as_ref().and_then(Workers::fargate) else { return Vec::new() };
    vec![network(clients).await, image(fargate, caller, clients.region())]
}

async fn network(clients: &Clients) -> Finding {
    match default_subnets(clients).await {
        Ok(subnets) => {
            let zones = match subnets.len() {
                1 => "one availability zone".to_owned(),
                several => format!("{several} availability zones"),
            };
            Finding::fine(NETWORK, format!("the default VPC, {}, with subnets in {zones}", subnets[0].vpc))
        }
        // What a person may not see is in the permissions too.
        Err(error) if error.cause == Cause::Other => Finding::failed(NETWORK, error),
        Err(error) => Finding::unseen(NETWORK, error),
    }
}

fn image(fargate: &Fargate, caller: &Caller, region: &str) -> Finding {
    let image = Image::of(fargate);
    let needs = "it needs a shell, `curl` and `sha256sum`";
    match image.registry() {
        None if image.is_default() => Finding::fine(IMAGE, format!("{image}, from a public registry")),
        None => Finding::note(
            IMAGE,
            format!("whether {image} can be pulled is seen when the first task starts"),
            format!("{needs}, and a registry that asks for no credentials"),
        ),
        Some(PrivateRegistry { account, .. }) if account != caller.account => Finding::warning(
            IMAGE,
            format!("{image} is in the registry of another account, {account}"),
            format!("the policy of its repository must let account {} pull it; {needs}", caller.account),
        ),
        Some(registry) if registry.region != region => Finding::warning(
            IMAGE,
            format!("{image} is pulled from {} by every task in {region}", registry.region),
            format!("that is slower, and costs data transfer: replicate it into {region}; {needs}"),
        ),
        Some(_) => Finding::fine(IMAGE, format!("{image}, from this account's registry; {needs}")),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{aws::preflight::Verdict, spec::TaskSize};

    fn verdict(of: Option<&str>) -> Verdict {
        let size = TaskSize { cpu_units: 1_024, memory_mib: 2_048 };
        let fargate = Fargate { tasks: 2, size, image: of.map(str::to_owned), start_timeout: Duration::ZERO };
        let caller = Caller { account: "123456789012".to_owned(), arn: String::new() };
        image(&fargate, &caller, "eu-west-1").verdict
    }

    #[test]
    fn an_image_is_judged_by_where_it_is_pulled_from() {
        assert_eq!(verdict(None), Verdict::Fine);
        assert_eq!(verdict(Some("ghcr.io/team/worker:1")), Verdict::Note);
        assert_eq!(verdict(Some("123456789012.dkr.ecr.eu-west-1.amazonaws.com/worker")), Verdict::Fine);
        assert_eq!(verdict(Some("123456789012.dkr.ecr.us-east-1.amazonaws.com/worker")), Verdict::Warning);
        assert_eq!(verdict(Some("210987654321.dkr.ecr.eu-west-1.amazonaws.com/worker")), Verdict::Warning);
    }
}
