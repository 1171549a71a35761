//! Secrets Manager: names and values, in one file that only its owner reads.
//!
//! A value is in no log, no error and no `Debug` text. Not covered: rotation, replicas, resource policies, keys, binary
//! secrets, staging labels other than AWSCURRENT, recovery of what was deleted.

mod secret;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, fs, io, os::unix::fs::PermissionsExt, path::Path, sync::Arc};

use async_trait::async_trait;
use bytes::Bytes;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

use self::secret::{Secret, Tag, Text};
use crate::{
    ACCOUNT, REGION,
    durable::Durable,
    inventory::Inventory,
    json,
    protocol::{Json, Protocol},
    service::{Answer, Call, Operation::Immediate, Operations, Service, json as answer},
    service_error::ServiceError,
    tags::reserved,
};

/// Secrets Manager API reference, SecretString.
const LONGEST_VALUE: usize = 65_536;
/// The name and the password of the administrator of the warehouses that a fresh stand-in has; the secret `demo/redshift`
/// holds both.
pub(crate) const REDSHIFT_ADMIN: (&str, &str) = ("admin", "local-only");
/// Secrets Manager API reference, ListSecrets.
const PAGE: usize = 100;

/// Secrets Manager over one file.
pub(crate) struct Secrets {
    all: Durable<All>,
}

/// Every secret by its name.
#[derive(Clone, serde::Serialize, Deserialize)]
struct All(BTreeMap<String, Secret>);

impl Default for All {
    /// With the credentials of the warehouses that a fresh stand-in has.
    fn default() -> Self {
        let value = json!({"username": REDSHIFT_ADMIN.0, "password": REDSHIFT_ADMIN.1}).to_string();
        let mut secret = Secret::new(arn("demo/redshift", "Local1"), None, Text::new(value), Vec::new());
        secret.description = Some("The administrator of the demo warehouses".into());
        Self(BTreeMap::from([("demo/redshift".to_owned(), secret)]))
    }
}

fn arn(name: &str, suffix: &str) -> String {
    format!("arn:aws:secretsmanager:{REGION}:{ACCOUNT}:secret:{name}-{suffix}")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Create {
    name: String,
    client_request_token: Option<String>,
    secret_string: Option<Text>,
    description: Option<String>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct One {
    secret_id: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Version {
    secret_id: String,
    version_id: Option<String>,
    version_stage: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Put {
    secret_id: String,
    client_request_token: Option<String>,
    secret_string: Option<Text>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct Delete {
    secret_id: String,
    #[serde(default)]
    force_delete_without_recovery: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct List {
    next_token: Option<String>,
    max_results: Option<usize>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct TagResource {
    secret_id: String,
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
struct UntagResource {
    secret_id: String,
    tag_keys: Vec<String>,
}

impl Secrets {
    /// Opens the secrets that lie in `folder`, which nobody but its owner may look into.
    ///
    /// # Errors
    /// The folder cannot be made or read, or what lies in it are no secrets.
    pub(crate) fn open(folder: &Path) -> io::Result<Arc<Self>> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700))?;
        Ok(Arc::new(Self { all: Durable::open(&folder.join("secrets.json"))? }))
    }

    /// A secret's value, for another service of the stand-in, by name or ARN; never to be logged.
    ///
    /// # Errors
    /// `ResourceNotFoundException`.
    pub(crate) fn read(&self, id: &str) -> Result<String, ServiceError> {
        let all = self.all.read();
        Ok(all.find(id)?.1.current.text().to_owned())
    }

    /// Keeps a secret that another service of the stand-in manages; its ARN.
    ///
    /// # Errors
    /// `ResourceExistsException`.
    pub(crate) fn keep(&self, name: &str, value: String) -> Result<String, ServiceError> {
        let request = Create {
            name: name.to_owned(),
            client_request_token: None,
            secret_string: Some(Text::new(value)),
            description: None,
            tags: Vec::new(),
        };
        let created = self.create(request)?;
        Ok(created["ARN"].as_str().expect("what was created has an ARN").to_owned())
    }

    /// Removes a secret that another service manages, if it is still there.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn forget(&self, id: &str) -> Result<(), ServiceError> {
        self.all.change(|all| {
            if let Ok(name) = all.find(id).map(|(name, _)| name.clone()) {
                all.0.remove(&name);
            }
            Ok(())
        })
    }

    fn create(&self, request: Create) -> Result<Value, ServiceError> {
        check_name(&request.name)?;
        check_tags(&request.tags)?;
        let value = check_value(request.secret_string)?;
        let suffix: String = (0..6).map(|_| char::from(b'A' + rand::random::<u8>() % 26)).collect();
        let mut secret = Secret::new(arn(&request.name, &suffix), request.client_request_token, value, request.tags);
        secret.description = request.description;
        let answer = |secret: &Secret| json!({"ARN": secret.arn, "Name": request.name, "VersionId": secret.version});
        self.all.change(|all| match all.0.get(&request.name) {
            None => {
                let created = answer(&secret);
                all.0.insert(request.name.clone(), secret);
                Ok(created)
            }
            Some(there) if there.is_version(&secret.version, &secret.current) => Ok(answer(there)),
            Some(_) => Err(taken(&request.name)),
        })
    }

    fn describe(&self, request: &One) -> Result<Value, ServiceError> {
        let all = self.all.read();
        let (name, secret) = all.find(&request.secret_id)?;
        Ok(secret.describe(name, "VersionIdsToStages"))
    }

    fn value(&self, request: &Version) -> Result<Value, ServiceError> {
        let all = self.all.read();
        let (name, secret) = all.find(&request.secret_id)?;
        let stage = request.version_stage.as_deref().unwrap_or("AWSCURRENT");
        if request.version_id.as_ref().is_some_and(|version| *version != secret.version) || stage != "AWSCURRENT" {
            return Err(not_found("value"));
        }
        Ok(json!({
            "ARN": secret.arn, "Name": name, "VersionId": secret.version, "SecretString": secret.current.text(),
            "VersionStages": ["AWSCURRENT"], "CreatedDate": secret.changed,
        }))
    }

    fn put(&self, request: Put) -> Result<Value, ServiceError> {
        let value = check_value(request.secret_string)?;
        self.all.change(|all| {
            let (name, secret) = all.find_mut(&request.secret_id)?;
            match request.client_request_token {
                Some(token) if secret.is_version(&token, &value) => {}
                Some(token) if secret.version == token => return Err(taken(&token)),
                token => secret.put(token, value),
            }
            Ok(json!({
                "ARN": secret.arn, "Name": name, "VersionId": secret.version, "VersionStages": ["AWSCURRENT"],
            }))
        })
    }

    fn delete(&self, request: &Delete) -> Result<Value, ServiceError> {
        if !request.force_delete_without_recovery {
            let message = "the stand-in recovers no secret: give ForceDeleteWithoutRecovery";
            return Err(ServiceError::client("InvalidParameterException", message));
        }
        self.all.change(|all| {
            let name = all.find(&request.secret_id)?.0.clone();
            let arn = all.0.remove(&name).map(|secret| secret.arn);
            Ok(json!({"ARN": arn, "Name": name, "DeletionDate": crate::json::now()}))
        })
    }

    fn list(&self, request: &List) -> Result<Value, ServiceError> {
        let all = self.all.read();
        let size = request.max_results.unwrap_or(PAGE).clamp(1, PAGE);
        let after = request.next_token.clone().unwrap_or_default();
        let mut rest = all.0.iter().filter(|(name, _)| **name > after);
        let page: Vec<_> = rest.by_ref().take(size).collect();
        let token = rest.next().and_then(|_| page.last().map(|(name, _)| (*name).clone()));
        let list: Vec<Value> =
            page.into_iter().map(|(name, secret)| secret.describe(name, "SecretVersionsToStages")).collect();
        Ok(json!({"SecretList": list, "NextToken": token}))
    }

    fn tag(&self, request: TagResource) -> Result<Value, ServiceError> {
        check_tags(&request.tags)?;
        self.all.change(|all| {
            let (_, secret) = all.find_mut(&request.secret_id)?;
            secret.tags.retain(|tag| request.tags.iter().all(|new| new.key != tag.key));
            secret.tags.extend(request.tags);
            Ok(json!({}))
        })
    }

    fn untag(&self, request: &UntagResource) -> Result<Value, ServiceError> {
        self.all.change(|all| {
            all.find_mut(&request.secret_id)?.1.tags.retain(|tag| !request.tag_keys.contains(&tag.key));
            Ok(json!({}))
        })
    }
}

static OPERATIONS: Operations<Secrets> = Operations(&[
    ("CreateSecret", Immediate(|secrets, call| answer(secrets.create(parse(&call.body)?)))),
    ("DescribeSecret", Immediate(|secrets, call| answer(secrets.describe(&parse(&call.body)?)))),
    ("GetSecretValue", Immediate(|secrets, call| answer(secrets.value(&parse(&call.body)?)))),
    ("PutSecretValue", Immediate(|secrets, call| answer(secrets.put(parse(&call.body)?)))),
    ("DeleteSecret", Immediate(|secrets, call| answer(secrets.delete(&parse(&call.body)?)))),
    ("ListSecrets", Immediate(|secrets, call| answer(secrets.list(&parse(&call.body)?)))),
    ("TagResource", Immediate(|secrets, call| answer(secrets.tag(parse(&call.body)?)))),
    ("UntagResource", Immediate(|secrets, call| answer(secrets.untag(&parse(&call.body)?)))),
]);

#[async_trait]
impl Service for Secrets {
    fn name(&self) -> &'static str {
        "secretsmanager"
    }

    fn protocol(&self) -> Protocol {
        Protocol::Json(Json::of_target("secretsmanager"))
    }

    fn operations(&self) -> Vec<&'static str> {
        OPERATIONS.names()
    }

    async fn call(self: Arc<Self>, call: Call) -> Answer {
        OPERATIONS.run(&*self, &call).await
    }

    fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.all.read().0.iter().try_for_each(|(name, secret)| into.add("secret", name, secret))
    }
}

impl All {
    fn find(&self, id: &str) -> Result<(&String, &Secret), ServiceError> {
        self.0.iter().find(|(name, secret)| secret.is(name, id)).ok_or_else(|| not_found("secret"))
    }

    fn find_mut(&mut self, id: &str) -> Result<(&String, &mut Secret), ServiceError> {
        self.0.iter_mut().find(|(name, secret)| secret.is(name, id)).ok_or_else(|| not_found("secret"))
    }
}

fn taken(name: &str) -> ServiceError {
    let message = format!("The operation failed because the secret {name} already exists.");
    ServiceError::client("ResourceExistsException", message)
}

fn not_found(what: &str) -> ServiceError {
    ServiceError::client("ResourceNotFoundException", format!("Secrets Manager can't find the specified {what}."))
}

fn check_name(name: &str) -> Result<(), ServiceError> {
    let known = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-!".contains(c);
    if (1..=512).contains(&name.len()) && name.chars().all(known) {
        return Ok(());
    }
    let rule =
        "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
    Err(ServiceError::client("ValidationException", rule))
}

fn check_tags(tags: &[Tag]) -> Result<(), ServiceError> {
    match reserved(tags.iter().map(|tag| &tag.key)) {
        None => Ok(()),
        Some(problem) => Err(ServiceError::client("InvalidParameterException", problem)),
    }
}

fn check_value(value: Option<Text>) -> Result<Text, ServiceError> {
    let value = value.ok_or_else(|| {
        ServiceError::client(
            "InvalidRequestException",
            "You must provide SecretString; the stand-in keeps no SecretBinary.",
        )
    })?;
    if (1..=LONGEST_VALUE).contains(&value.text().len()) {
        return Ok(value);
    }
    Err(ServiceError::client("ValidationException", format!("SecretString must have 1 to {LONGEST_VALUE} bytes")))
}

/// A request's body as `T`; the message of what does not fit never shows the body, which may hold a value.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ServiceError> {
    json::parse(body).map_err(|e| match json::unsupported(&e) {
        Some(member) => ServiceError::client("InvalidParameterException", member),
        None => {
            let place = format!("line {}, column {}", e.line(), e.column());
            ServiceError::client("SerializationException", format!("the request is not as the API has it, at {place}"))
        }
    })
}
