//! `demo policy FILE`.

use chrono::Utc;
use clap::Args;
use serde_json::Value;

use super::{
    StackFile, context, documents,
    exit::{Exit, Stop},
    screen::Screen,
};
use crate::{
    aws::{access, packaging::Package, permission::Realm},
    engine::StackId,
    pipeline::{self, Materials},
    spec::Target,
};

/// Matches every account and every region in an ARN.
const ANY: &str = "*";

/// Arguments of `demo policy`.
#[derive(Args, Debug)]
pub struct Policy {
    #[command(flatten)]
    stack: StackFile,
    /// Number of the account to restrict the policy to.
    #[arg(long, value_name = "ID", default_value = ANY)]
    account: String,
}

impl Policy {
    pub(super) async fn run(self, screen: &Screen) -> anyhow::Result<Exit> {
        let checked = context::read(&self.stack, screen)?;
        let stack = &checked.stack;
        let documents = documents::check(stack, screen).await?;
        let any = Package::any();
        let materials = Materials { schema: &documents.schema, function: Some(&any), worker: Some(any.architecture) };
        let id = StackId::new(&stack.name);
        let graph = pipeline::graph(stack, &id, Utc::now(), &materials).map_err(Stop::usage)?;
        let region = match &stack.target {
            Target::Aws { region, .. } => region.clone(),
            Target::Local => {
                screen.line("the stand-in needs no permissions: this policy is for AWS, in any region");
                screen.line("pass `-c config/aws.yaml` to restrict it to one region");
                ANY.to_owned()
            }
        };
        let policies =
            access::policies(&access::statements(&graph, &id), &id, &Realm { region, account: self.account });
        let printed = match policies.as_slice() {
            [one] => one.clone(),
            several => {
                let (count, most) = (several.len(), access::MOST_CHARACTERS);
                screen
                    .line(&format!("{count} policies in one array, as a managed policy has at most {most} characters"));
                Value::from(policies)
            }
        };
        context::print(&format!("{printed:#}\n"))?;
        Ok(Exit::Fine)
    }
}
