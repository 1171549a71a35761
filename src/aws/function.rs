//! The Lambda function between the stream and the DynamoDB table.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use async_trait::async_trait;
use aws_sdk_lambda::{
    operation::get_function::GetFunctionOutput,
    types::{self, Environment, FunctionCode, FunctionConfiguration, LastUpdateStatus, Runtime, State},
};
use aws_smithy_types::Blob;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    failure::{broken, failure, is},
    folders,
    kind::{Kind, Layer},
    ownership::{self, Ownership, parameters},
    pace::Pace,
    packaging::{Architecture, Package},
    permission::{On, Statement},
    tags,
};
use crate::engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId};

/// A larger zip goes through a bucket (Lambda developer guide, "Lambda quotas").
pub const DIRECT_BYTES: usize = 50_000_000;

const READY_BUDGET: Duration = Duration::from_secs(10 * 60);
const CREATE: &str = "lambda CreateFunction";
const GET: &str = "lambda GetFunction";
const UPDATE_CODE: &str = "lambda UpdateFunctionCode";
const UPDATE_SETTINGS: &str = "lambda UpdateFunctionConfiguration";

/// A function as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its name.
    pub name: String,
    /// The role that it assumes: path and name, `/demo/…/name`.
    pub role: String,
    /// Where its code comes from.
    pub binary: PathBuf,
    /// SHA-256 of the code's zip, in base64.
    pub digest: String,
    /// What the code runs on.
    pub architecture: Architecture,
    /// The bucket that the code goes through, where it is too large to go directly.
    pub through: Option<String>,
    /// 128–10,240.
    pub memory_mib: u32,
    /// 1–900.
    pub timeout_seconds: u32,
    /// Its environment.
    pub variables: BTreeMap<String, String>,
    /// Whose it is.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows functions.
pub struct Functions(pub Clients);

#[async_trait]
impl Kind for Functions {
    type Desired = Desired;

    const KIND: &'static str = "function";
    const LAYER: Layer = Layer::Content;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 6] = [
            "lambda:CreateFunction",
            "lambda:DeleteFunction",
            "lambda:GetFunction",
            "lambda:TagResource",
            "lambda:UpdateFunctionCode",
            "lambda:UpdateFunctionConfiguration",
        ];
        vec![Statement::new(&ACTIONS, [On::resource("lambda", format!("function:{}", wanted.name))])]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.get(&wanted.name).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.ownership.is_on(parameters(found.tags())) {
            return Ok(Observed::Foreign { why });
        }
        let settings = found.configuration();
        let mut differs = tags::differences(&wanted.ownership, parameters(found.tags()));
        differs.extend(settings.iter().flat_map(|settings| code_differences(wanted, settings)));
        differs.extend(settings.iter().flat_map(|settings| setting_differences(wanted, settings)));
        Ok(Observed::Ours {
            identity: settings.and_then(|settings| settings.function_arn()).unwrap_or_default().to_owned(),
            ready: settings.is_some_and(is_ready),
            differs,
        })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let name = &wanted.name;
        let code = self.code(wanted, CREATE).await?;
        let role = self.0.iam_arn(&format!("role{}", wanted.role)).await?;
        let call = self.0.lambda.create_function().function_name(name).role(&role).code(code);
        let call = call.runtime(Runtime::Providedal2023).handler("bootstrap");
        let call = call.architectures(architecture(wanted)).environment(environment(wanted));
        let call = call.memory_size(wanted.memory_mib as i32).timeout(wanted.timeout_seconds as i32);
        let answer = call.set_tags(Some(wanted.ownership.all().into_iter().collect())).send().await;
        Ok(answer.map_err(|error| failure(CREATE, name, &error))?.function_arn.unwrap_or_default())
    }

    async fn make_ready(&self, wanted: &Desired, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        self.ready(name, progress).await.map(drop)
    }

    /// Lambda takes one change at a time.
    async fn change(
        &self,
        wanted: &Desired,
        differs: &[Difference],
        progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        let name = &wanted.name;
        let found = self.ready(name, progress).await?;
        if tags::among(differs) {
            let tags = tags::changing(&wanted.ownership).into_iter().collect();
            let call = self.0.lambda.tag_resource().set_resource(found.function_arn.clone()).set_tags(Some(tags));
            call.send().await.map_err(|error| failure("lambda TagResource", name, &error))?;
        }
        if !code_differences(wanted, &found).is_empty() {
            self.update_code(wanted).await?;
            self.updated(name, UPDATE_CODE, progress).await?;
        }
        if !setting_differences(wanted, &found).is_empty() {
            let call = self.0.lambda.update_function_configuration().function_name(name);
            let call = call.memory_size(wanted.memory_mib as i32).timeout(wanted.timeout_seconds as i32);
            let answer = call.environment(environment(wanted)).send().await;
            answer.map_err(|error| failure(UPDATE_SETTINGS, name, &error))?;
            self.updated(name, UPDATE_SETTINGS, progress).await?;
        }
        Ok(())
    }

    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        let Desired { name, .. } = wanted;
        match self.0.lambda.delete_function().function_name(name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(()),
            Err(error) => Err(failure("lambda DeleteFunction", name, &error)),
        }
    }

    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut names = Vec::new();
        let mut functions = self.0.lambda.list_functions().into_paginator().items().send();
        while let Some(function) = functions.next().await {
            let function = function.map_err(|error| failure("lambda ListFunctions", "the account", &error))?;
            names.extend(function.function_name.filter(|name| scope.may_follow(name)));
        }
        let tags = |name: String| async move {
            let found = self.get(&name).await?;
            Ok(ownership::collected(parameters(found.as_ref().and_then(|function| function.tags()))))
        };
        let owned = |(name, ownership): (String, Ownership)| {
            let command = self.0.cli(&format!("lambda delete-function --function-name {name}"));
            Self::found(&name, &Desired { name: name.clone(), ownership, ..Desired::default() }, command)
        };
        Ok(ownership::ours(scope, names, tags).await?.into_iter().map(owned).collect())
    }
}

impl Functions {
    async fn get(&self, name: &str) -> Result<Option<GetFunctionOutput>, ProviderError> {
        match self.0.lambda.get_function().function_name(name).send().await {
            Ok(answer) => Ok(Some(answer)),
            Err(error) if is(&error, &["ResourceNotFoundException"]) => Ok(None),
            Err(error) => Err(failure(GET, name, &error)),
        }
    }

    /// Waits until it can be called and changed.
    async fn ready(&self, name: &str, progress: &Progress<'_>) -> Result<FunctionConfiguration, ProviderError> {
        let mut pace = Pace::within(READY_BUDGET);
        loop {
            let what = match self.get(name).await?.and_then(|found| found.configuration) {
                // A function that was just made may not be seen everywhere yet.
                None => "not visible yet".to_owned(),
                Some(found) if is_ready(&found) => return Ok(found),
                Some(found) => match found.state() {
                    Some(State::Failed) => {
                        let why = found.state_reason().unwrap_or("no reason given");
                        let message = format!("it is Failed: {why}");
                        return Err(broken(Cause::Other, GET, name, message, "run `demo down`, then `demo up` again"));
                    }
                    Some(State::Active) => "being changed".to_owned(),
                    state => state.map_or("without a state", State::as_str).to_owned(),
                },
            };
            pace.wait(progress, GET, name, &what).await?;
        }
    }

    async fn update_code(&self, wanted: &Desired) -> Result<(), ProviderError> {
        let code = self.code(wanted, UPDATE_CODE).await?;
        let call = self.0.lambda.update_function_code().function_name(&wanted.name);
        let call = call.set_zip_file(code.zip_file).set_s3_bucket(code.s3_bucket).set_s3_key(code.s3_key);
        let answer = call.architectures(architecture(wanted)).send().await;
        answer.map_err(|error| failure(UPDATE_CODE, &wanted.name, &error)).map(drop)
    }

    /// Waits until a change has been made; what was before it goes on where it fails.
    async fn updated(&self, name: &str, call: &str, progress: &Progress<'_>) -> Result<(), ProviderError> {
        let found = self.ready(name, progress).await?;
        if found.last_update_status() != Some(&LastUpdateStatus::Failed) {
            return Ok(());
        }
        let why = found.last_update_status_reason().unwrap_or("no reason given");
        Err(broken(Cause::Other, call, name, format!("it failed: {why}"), "fix the cause, then run `demo up` again"))
    }

    /// The zip itself, or where in the bucket it now lies.
    async fn code(&self, wanted: &Desired, call: &str) -> Result<FunctionCode, ProviderError> {
        let zip = Package::zip(&wanted.binary, &wanted.digest);
        let zip: Bytes = zip.map_err(|error| broken(Cause::Other, call, &wanted.name, error.to_string(), ""))?;
        let Some(bucket) = &wanted.through else {
            return Ok(FunctionCode::builder().zip_file(Blob::new(zip)).build());
        };
        let key = format!("{}{}/{}.zip", folders::FUNCTIONS, wanted.name, wanted.digest.replace('/', "_"));
        let put = self.0.s3.put_object().bucket(bucket).key(&key).body(zip.into());
        put.send().await.map_err(|error| failure("s3 PutObject", &format!("s3://{bucket}/{key}"), &error))?;
        Ok(FunctionCode::builder().s3_bucket(bucket).s3_key(key).build())
    }
}

fn is_ready(found: &FunctionConfiguration) -> bool {
    found.state() == Some(&State::Active) && found.last_update_status() != Some(&LastUpdateStatus::InProgress)
}

fn environment(wanted: &Desired) -> Environment {
    Environment::builder().set_variables(Some(wanted.variables.clone().into_iter().collect())).build()
}

fn architecture(wanted: &Desired) -> types::Architecture {
    types::Architecture::from(wanted.architecture.name())
}

/// Both come with the call that changes the code.
fn code_differences(wanted: &Desired, found: &FunctionConfiguration) -> Vec<Difference> {
    let architecture = found.architectures().first().map_or("x86_64", types::Architecture::as_str);
    differing([
        ("code", found.code_sha256().unwrap_or_default().to_owned(), wanted.digest.clone()),
        ("architecture", architecture.to_owned(), wanted.architecture.name().to_owned()),
    ])
}

fn setting_differences(wanted: &Desired, found: &FunctionConfiguration) -> Vec<Difference> {
    let variables: BTreeMap<&String, &String> =
        found.environment().and_then(|environment| environment.variables()).into_iter().flatten().collect();
    let listed = |variables: BTreeMap<&String, &String>| {
        variables.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    differing([
        ("memory (MiB)", found.memory_size().unwrap_or_default().to_string(), wanted.memory_mib.to_string()),
        ("timeout (s)", found.timeout().unwrap_or_default().to_string(), wanted.timeout_seconds.to_string()),
        ("environment", listed(variables), listed(wanted.variables.iter().collect())),
    ])
}

fn differing<const N: usize>(settings: [(&str, String, String); N]) -> Vec<Difference> {
    let differing = settings.into_iter().filter(|(_, is, want)| is != want);
    differing.map(|(what, is, want)| Difference::in_place(what, is, want)).collect()
}
