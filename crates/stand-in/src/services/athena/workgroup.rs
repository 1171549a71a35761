//! Workgroups: where results go, how much a query may scan, and tags.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use super::{
    failure::Failure,
    named_query::{self, NamedQueries},
    prepared::PreparedStatements,
    store::Location,
    wire::{Paging, Tag, invalid, now},
};
use crate::{ACCOUNT, REGION, durable::Durable, inventory::Inventory, service_error::ServiceError, tags::reserved};

/// The workgroup that is always there.
pub(super) const PRIMARY: &str = "primary";
/// Athena API reference, WorkGroupConfiguration, BytesScannedCutoffPerQuery: the least that can be set.
const LEAST_CUTOFF: u64 = 10_000_000;

/// A workgroup's configuration as it was given; enforced where nothing else is said, as Athena does.
type Configuration = Map<String, Value>;

/// A workgroup.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Workgroup {
    description: Option<String>,
    configuration: Configuration,
    enabled: bool,
    created: f64,
    tags: Vec<Tag>,
    #[serde(default)]
    named_queries: NamedQueries,
    #[serde(default)]
    prepared: PreparedStatements,
}

impl Workgroup {
    fn new(description: Option<String>, configuration: Configuration, tags: Vec<Tag>) -> Result<Self, ServiceError> {
        check(&configuration)?;
        check_tags(&tags)?;
        let named_queries = NamedQueries::default();
        Ok(Self {
            description,
            configuration,
            enabled: true,
            created: now(),
            tags,
            named_queries,
            prepared: PreparedStatements::default(),
        })
    }

    /// Where results go by this workgroup, `s3://bucket/prefix/`.
    fn output(&self) -> Option<&str> {
        output_of(&self.configuration)
    }

    fn enforced(&self) -> bool {
        self.configuration.get("EnforceWorkGroupConfiguration").and_then(Value::as_bool).unwrap_or(true)
    }

    /// Whether it alone says where results go.
    pub(super) fn is_output_enforced(&self) -> bool {
        self.enforced() && self.output().is_some()
    }

    /// Whether it has named queries.
    pub(super) fn has_named_queries(&self) -> bool {
        !self.named_queries.is_empty()
    }

    /// How many bytes a query may scan.
    pub(super) fn cutoff(&self) -> Option<u64> {
        self.configuration.get("BytesScannedCutoffPerQuery").and_then(Value::as_u64)
    }

    /// Where a query's results go when its caller asks for `asked`.
    pub(super) fn output_for(&self, asked: Option<&str>) -> Result<Location, ServiceError> {
        let own = self.output();
        let text = if self.enforced() { own.or(asked) } else { asked.or(own) };
        let text = text.ok_or_else(|| {
            invalid("No output location provided. An output location is required either through the Workgroup result configuration setting or as an API input.")
        })?;
        Location::parse(text).ok_or_else(|| invalid(format!("OutputLocation {text:?} is no s3://bucket/prefix/")))
    }

    fn state(&self) -> &'static str {
        if self.enabled { "ENABLED" } else { "DISABLED" }
    }

    fn describe(&self, name: &str) -> Value {
        let mut configuration = self.configuration.clone();
        configuration.entry("EnforceWorkGroupConfiguration").or_insert(true.into());
        configuration.entry("EngineVersion").or_insert(engine_version());
        json!({
            "Name": name,
            "State": self.state(),
            "Description": self.description,
            "Configuration": configuration,
            "CreationTime": self.created,
        })
    }

    fn summary(&self, name: &str) -> Value {
        json!({
            "Name": name,
            "State": self.state(),
            "Description": self.description,
            "CreationTime": self.created,
            "EngineVersion": engine_version(),
        })
    }
}

pub(super) fn engine_version() -> Value {
    json!({"SelectedEngineVersion": "AUTO", "EffectiveEngineVersion": "Athena engine version 3"})
}

/// All workgroups, by name.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(super) struct Workgroups(BTreeMap<String, Workgroup>);

impl Default for Workgroups {
    fn default() -> Self {
        let mut configuration = Configuration::new();
        configuration.insert("EnforceWorkGroupConfiguration".into(), false.into());
        let primary = Workgroup {
            description: None,
            configuration,
            enabled: true,
            created: now(),
            tags: Vec::new(),
            named_queries: NamedQueries::default(),
            prepared: PreparedStatements::default(),
        };
        Self(BTreeMap::from([(PRIMARY.to_owned(), primary)]))
    }
}

impl Workgroups {
    pub(super) fn inventory(&self, into: &mut Inventory) -> Result<(), ServiceError> {
        self.0.iter().try_for_each(|(name, workgroup)| into.add("athena workgroup", name, workgroup))
    }

    pub(super) fn get(&self, name: &str) -> Result<&Workgroup, ServiceError> {
        self.0.get(name).ok_or_else(|| missing(name))
    }

    /// The workgroup, if it takes queries.
    pub(super) fn enabled(&self, name: &str) -> Result<&Workgroup, ServiceError> {
        let workgroup = self.get(name)?;
        if workgroup.enabled { Ok(workgroup) } else { Err(invalid(format!("WorkGroup {name} is disabled"))) }
    }

    fn get_mut(&mut self, name: &str) -> Result<&mut Workgroup, ServiceError> {
        self.0.get_mut(name).ok_or_else(|| missing(name))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Create {
    name: String,
    description: Option<String>,
    #[serde(default)]
    configuration: Configuration,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Named {
    work_group: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Update {
    work_group: String,
    description: Option<String>,
    configuration_updates: Option<Configuration>,
    state: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Delete {
    pub(super) work_group: String,
    #[serde(default)]
    pub(super) recursive_delete_option: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct TagResource {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(rename = "Tags")]
    tags: Vec<Tag>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UntagResource {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(rename = "TagKeys")]
    keys: Vec<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListTags {
    #[serde(rename = "ResourceARN")]
    arn: String,
    #[serde(flatten)]
    paging: Paging,
}

/// The operations on workgroups.
impl Durable<Workgroups> {
    pub(super) fn create(&self, request: Create) -> Result<Value, ServiceError> {
        let legal = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        if request.name.is_empty() || request.name.len() > 128 || !request.name.chars().all(legal) {
            return Err(invalid("a workgroup's Name is 1 to 128 of the characters a-z, A-Z, 0-9, '.', '_' and '-'"));
        }
        let workgroup = Workgroup::new(request.description, request.configuration, request.tags)?;
        self.change(|workgroups| {
            if workgroups.0.contains_key(&request.name) {
                return Err(invalid("WorkGroup is already created"));
            }
            workgroups.0.insert(request.name, workgroup);
            Ok(json!({}))
        })
    }

    pub(super) fn describe(&self, request: Named) -> Result<Value, ServiceError> {
        let workgroups = self.read();
        Ok(json!({"WorkGroup": workgroups.get(&request.work_group)?.describe(&request.work_group)}))
    }

    pub(super) fn list(&self, paging: Paging) -> Result<Value, ServiceError> {
        let workgroups = self.read();
        let (page, token) = paging.page(workgroups.0.iter().map(|(name, workgroup)| workgroup.summary(name)), 50)?;
        Ok(json!({"WorkGroups": page, "NextToken": token}))
    }

    pub(super) fn update(&self, request: Update) -> Result<Value, ServiceError> {
        self.change(|workgroups| {
            let workgroup = workgroups.get_mut(&request.work_group)?;
            match request.state.as_deref() {
                None => {}
                Some("ENABLED") => workgroup.enabled = true,
                Some("DISABLED") => workgroup.enabled = false,
                Some(other) => return Err(invalid(format!("State {other:?}: ENABLED or DISABLED is expected"))),
            }
            if let Some(description) = request.description {
                workgroup.description = Some(description);
            }
            if let Some(updates) = request.configuration_updates {
                apply(&mut workgroup.configuration, updates);
                check(&workgroup.configuration)?;
            }
            Ok(json!({}))
        })
    }

    pub(super) fn remove(&self, name: &str) -> Result<(), ServiceError> {
        if name == PRIMARY {
            return Err(invalid("The primary workgroup cannot be deleted"));
        }
        self.change(|workgroups| workgroups.0.remove(name).map(|_| ()).ok_or_else(|| missing(name)))
    }

    /// Keeps a prepared statement.
    pub(super) fn prepare(&self, workgroup: &str, name: String, statement: String) -> Result<(), ServiceError> {
        self.change(|workgroups| {
            workgroups.get_mut(workgroup)?.prepared.keep(name, statement);
            Ok(())
        })
    }

    /// The text of a prepared statement.
    pub(super) fn prepared(&self, workgroup: &str, name: &str) -> Result<String, Failure> {
        let workgroups = self.read();
        let found = workgroups.0.get(workgroup).map(|workgroup| workgroup.prepared.find(name));
        found.unwrap_or_else(|| PreparedStatements::default().find(name))
    }

    /// Forgets a prepared statement.
    pub(super) fn deallocate(&self, workgroup: &str, name: &str) -> Result<Result<(), Failure>, ServiceError> {
        self.change(|workgroups| Ok(workgroups.get_mut(workgroup)?.prepared.remove(name)))
    }

    pub(super) fn create_named_query(&self, request: named_query::Create) -> Result<Value, ServiceError> {
        self.change(|workgroups| {
            let workgroup = workgroups.get_mut(request.work_group.as_deref().unwrap_or(PRIMARY))?;
            Ok(json!({"NamedQueryId": workgroup.named_queries.create(request)}))
        })
    }

    pub(super) fn describe_named_query(&self, request: named_query::One) -> Result<Value, ServiceError> {
        let (workgroups, id) = (self.read(), request.named_query_id);
        let mut all = workgroups.0.iter();
        let found = all.find_map(|(name, workgroup)| workgroup.named_queries.describe(&id, name));
        Ok(json!({"NamedQuery": found.ok_or_else(|| named_query::missing(&id))?}))
    }

    pub(super) fn list_named_queries(&self, request: named_query::List) -> Result<Value, ServiceError> {
        let workgroups = self.read();
        let workgroup = workgroups.get(request.work_group.as_deref().unwrap_or(PRIMARY))?;
        let (page, token) = request.paging.page(workgroup.named_queries.ids(), 50)?;
        Ok(json!({"NamedQueryIds": page, "NextToken": token}))
    }

    pub(super) fn delete_named_query(&self, request: named_query::One) -> Result<Value, ServiceError> {
        let id = request.named_query_id;
        self.change(|workgroups| match workgroups.0.values_mut().any(|workgroup| workgroup.named_queries.remove(&id)) {
            true => Ok(json!({})),
            false => Err(named_query::missing(&id)),
        })
    }

    pub(super) fn tag(&self, request: TagResource) -> Result<Value, ServiceError> {
        check_tags(&request.tags)?;
        self.change(|workgroups| {
            let workgroup = workgroups.get_mut(tagged(&request.arn)?)?;
            workgroup.tags.retain(|tag| request.tags.iter().all(|new| new.key != tag.key));
            workgroup.tags.extend(request.tags);
            Ok(json!({}))
        })
    }

    pub(super) fn untag(&self, request: UntagResource) -> Result<Value, ServiceError> {
        self.change(|workgroups| {
            workgroups.get_mut(tagged(&request.arn)?)?.tags.retain(|tag| !request.keys.contains(&tag.key));
            Ok(json!({}))
        })
    }

    pub(super) fn tags(&self, request: ListTags) -> Result<Value, ServiceError> {
        let workgroups = self.read();
        let (page, token) = request.paging.page(workgroups.get(tagged(&request.arn)?)?.tags.iter(), 75)?;
        Ok(json!({"Tags": page, "NextToken": token}))
    }
}

fn output_of(configuration: &Configuration) -> Option<&str> {
    configuration.get("ResultConfiguration")?.get("OutputLocation")?.as_str()
}

fn check(configuration: &Configuration) -> Result<(), ServiceError> {
    if let Some(output) = output_of(configuration)
        && Location::parse(output).is_none()
    {
        return Err(invalid(format!("OutputLocation {output:?} is no s3://bucket/prefix/")));
    }
    if let Some(cutoff) = configuration.get("BytesScannedCutoffPerQuery").filter(|cutoff| !cutoff.is_null())
        && cutoff.as_u64().is_none_or(|cutoff| cutoff < LEAST_CUTOFF)
    {
        return Err(invalid(format!("BytesScannedCutoffPerQuery must be at least {LEAST_CUTOFF}, not {cutoff}")));
    }
    let managed =
        configuration.get("ManagedQueryResultsConfiguration").and_then(|managed| managed["Enabled"].as_bool());
    if managed == Some(true) {
        return Err(invalid("managed query results are not supported by the stand-in; give an OutputLocation"));
    }
    Ok(())
}

fn check_tags(tags: &[Tag]) -> Result<(), ServiceError> {
    reserved(tags.iter().map(|tag| &tag.key)).map_or(Ok(()), |problem| Err(invalid(problem)))
}

/// Athena API reference, WorkGroupConfigurationUpdates: what is given replaces, and two flags remove.
fn apply(configuration: &mut Configuration, updates: Configuration) {
    for (key, value) in updates {
        match (key.as_str(), value) {
            ("ResultConfigurationUpdates", Value::Object(updates)) => {
                let results = configuration.entry("ResultConfiguration").or_insert_with(|| json!({}));
                if updates.get("RemoveOutputLocation") == Some(&Value::Bool(true)) {
                    results["OutputLocation"] = Value::Null;
                } else if let Some(output) = updates.get("OutputLocation") {
                    results["OutputLocation"] = output.clone();
                }
            }
            ("RemoveBytesScannedCutoffPerQuery", Value::Bool(true)) => {
                configuration.remove("BytesScannedCutoffPerQuery");
            }
            ("RemoveBytesScannedCutoffPerQuery", _) => {}
            (_, value) => {
                configuration.insert(key, value);
            }
        }
    }
}

/// The workgroup that an ARN names.
fn tagged(arn: &str) -> Result<&str, ServiceError> {
    arn.strip_prefix(&format!("arn:aws:athena:{REGION}:{ACCOUNT}:workgroup/"))
        .ok_or_else(|| invalid(format!("{arn} cannot be tagged: the stand-in's Athena tags workgroups only")))
}

fn missing(name: &str) -> ServiceError {
    invalid(format!("WorkGroup {name} is not found."))
}
