//! The Glue table over the delivered objects: JSON lines or Parquet, partitioned by the `key=` folders of the prefix.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use async_trait::async_trait;
use aws_sdk_glue::types::{Column, SerDeInfo, StorageDescriptor, Table, TableInput};
use serde::{Deserialize, Serialize};

use super::{
    clients::Clients,
    database,
    failure::{broken, failure, is},
    kind::{Kind, Layer},
    ownership::{self, Ownership, parameters},
    partitions,
    permission::{On, Statement},
    tags,
};
use crate::{
    engine::{Cause, Difference, Observed, Owned, Progress, ProviderError, Scope, StackId},
    spec::Format,
};

/// The name of a table's key.
pub fn key_name(database: &str, table: &str) -> String {
    format!("{database}/{table}")
}

/// What Hive reads a format by (Athena user guide, "Choose a SerDe for your data").
struct Classes {
    serde: &'static str,
    input: &'static str,
    output: &'static str,
    /// What Glue calls it.
    classification: &'static str,
}

const JSON: Classes = Classes {
    serde: "org.openx.data.jsonserde.JsonSerDe",
    input: "org.apache.hadoop.mapred.TextInputFormat",
    output: "org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat",
    classification: "json",
};

const PARQUET: Classes = Classes {
    serde: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe",
    input: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
    output: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
    classification: "parquet",
};

/// How the parameters of a SerDe begin that map a name to a key (Athena user guide, "OpenX JSON SerDe").
const MAPPING: &str = "mapping.";
/// A line that is no JSON is then a row of NULLs rather than the end of each query (the same page).
const IGNORE_MALFORMED: &str = "ignore.malformed.json";

/// A table as it is wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Desired {
    /// Its database.
    pub database: String,
    /// Its name.
    pub name: String,
    /// Names and Hive types.
    pub columns: Vec<(String, String)>,
    /// The document's key of each column and field that is called otherwise.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub key_mappings: BTreeMap<String, String>,
    /// Whether lines that are no JSON become rows of NULLs; else they end each query.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub ignore_malformed: bool,
    /// What the objects hold.
    pub format: Format,
    /// Names of the partition keys; strings, since the folders are padded with zeros. None for a table over everything.
    pub partition_keys: Vec<String>,
    /// `s3://bucket/prefix/`.
    pub location: String,
    /// The `projection.*` parameters, where Athena computes partitions; else they are registered.
    pub projection: BTreeMap<String, String>,
    /// Whose it is; in its parameters, since tables take no tags.
    #[serde(rename = "mark")]
    pub ownership: Ownership,
}

/// Knows tables.
pub struct Tables(pub Clients);

#[async_trait]
impl Kind for Tables {
    type Desired = Desired;

    /// Keys are named `database/table`.
    const KIND: &'static str = "table";
    const LAYER: Layer = Layer::Content;

    fn new(clients: &Clients) -> Self {
        Self(clients.clone())
    }

    fn ownership(wanted: &Desired) -> &Ownership {
        &wanted.ownership
    }

    /// Athena reads the table and its partitions as whoever asks, and the database `default` besides (Athena user
    /// guide, "Configure access to databases and tables in the AWS Glue Data Catalog").
    fn permissions(wanted: &Desired, _id: &StackId) -> Vec<Statement> {
        const ACTIONS: [&str; 9] = [
            "glue:BatchCreatePartition",
            "glue:BatchGetPartition",
            "glue:CreateTable",
            "glue:DeleteTable",
            "glue:GetPartition",
            "glue:GetPartitions",
            "glue:GetTable",
            "glue:GetTables",
            "glue:UpdateTable",
        ];
        let database = &wanted.database;
        let on = ["catalog", &format!("database/{database}"), &format!("table/{database}/*")];
        let default = ["catalog", "database/default"].map(|resource| On::resource("glue", resource));
        vec![
            Statement::new(&ACTIONS, on.map(|resource| On::resource("glue", resource))),
            Statement::new(&["glue:GetDatabase"], default),
        ]
    }

    async fn read(&self, wanted: &Desired) -> Result<Observed, ProviderError> {
        let Some(found) = self.get(wanted).await? else { return Ok(Observed::Absent) };
        if let Err(why) = wanted.ownership.is_on(parameters(found.parameters())) {
            return Ok(Observed::Foreign { why });
        }
        let identity = self.0.arn("glue", &format!("table/{}/{}", wanted.database, wanted.name)).await?;
        let tags = tags::differences(&wanted.ownership, parameters(found.parameters()));
        let differs = [self.guarded(&found, differences(wanted, &found)).await?, tags];
        Ok(Observed::Ours { identity, ready: true, differs: differs.concat() })
    }

    async fn create(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<String, ProviderError> {
        let input = self.input(wanted, "glue CreateTable")?;
        let call = self.0.glue.create_table().database_name(&wanted.database).table_input(input);
        call.send().await.map_err(|error| failure("glue CreateTable", &wanted.title(), &error))?;
        self.0.arn("glue", &format!("table/{}/{}", wanted.database, wanted.name)).await
    }

    /// The partitions that are registered stay as they are: each says for itself where and what its objects are.
    async fn change(
        &self,
        wanted: &Desired,
        _differs: &[Difference],
        _progress: &Progress<'_>,
    ) -> Result<(), ProviderError> {
        const CALL: &str = "glue UpdateTable";
        let gone = || {
            broken(Cause::Other, CALL, &wanted.title(), "it no longer exists".to_owned(), "`demo up` creates it again")
        };
        let found = self.get(wanted).await?.ok_or_else(gone)?;
        let input = over(self.input(wanted, CALL)?, &found);
        let answer = self.0.glue.update_table().database_name(&wanted.database).table_input(input).send().await;
        answer.map_err(|error| failure(CALL, &wanted.title(), &error)).map(drop)
    }

    /// Its partitions go with it.
    async fn delete(&self, wanted: &Desired, _progress: &Progress<'_>) -> Result<(), ProviderError> {
        match self.0.glue.delete_table().database_name(&wanted.database).name(&wanted.name).send().await {
            Ok(_) => Ok(()),
            Err(error) if is(&error, &["EntityNotFoundException"]) => Ok(()),
            Err(error) => Err(failure("glue DeleteTable", &wanted.title(), &error)),
        }
    }

    /// Our tables lie in our databases.
    async fn owned(&self, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        for database in database::all(&self.0).await? {
            let (name, ours) = (database.name(), Ownership::found(scope, parameters(database.parameters())).is_some());
            if ours || scope.may_follow(name) {
                found.extend(self.owned_in(name, scope).await?);
            }
        }
        Ok(found)
    }
}

impl Tables {
    fn input(&self, wanted: &Desired, call: &str) -> Result<TableInput, ProviderError> {
        input(wanted).map_err(|error| {
            broken(Cause::Other, call, &wanted.title(), error.to_string(), "change the table's columns")
        })
    }

    /// A table with objects in it changes in place only as far as it reads them afterwards.
    async fn guarded(&self, found: &Table, differs: Vec<Difference>) -> Result<Vec<Difference>, ProviderError> {
        if !differs.iter().any(strands_objects) || !partitions::has_objects(&self.0.s3, found).await? {
            return Ok(differs);
        }
        let guarded = |differs: Difference| match strands_objects(&differs) {
            true => Difference::replace(
                differs.what,
                differs.is,
                format!("{}, which would not read the objects that are there", differs.wanted),
            ),
            false => differs,
        };
        Ok(differs.into_iter().map(guarded).collect())
    }

    async fn get(&self, wanted: &Desired) -> Result<Option<Table>, ProviderError> {
        match self.0.glue.get_table().database_name(&wanted.database).name(&wanted.name).send().await {
            Ok(answer) => Ok(answer.table),
            Err(error) if is(&error, &["EntityNotFoundException"]) => Ok(None),
            Err(error) => Err(failure("glue GetTable", &wanted.title(), &error)),
        }
    }

    async fn owned_in(&self, database: &str, scope: &Scope) -> Result<Vec<Owned>, ProviderError> {
        let mut found = Vec::new();
        let mut pages = self.0.glue.get_tables().database_name(database).into_paginator().send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(|error| failure("glue GetTables", database, &error));
            let Some(page) = ownership::unless_gone(page)? else { break };
            found.extend(page.table_list().iter().filter_map(|table| {
                let (name, ownership) = (table.name(), Ownership::found(scope, parameters(table.parameters()))?);
                let command = format!("glue delete-table --database-name {database} --name {name}");
                let (database, name) = (database.to_owned(), name.to_owned());
                let wanted = Desired { database, name, ownership, ..Desired::default() };
                Some(Self::found(&key_name(&wanted.database, &wanted.name), &wanted, self.0.cli(&command)))
            }));
        }
        Ok(found)
    }
}

impl Desired {
    fn title(&self) -> String {
        key_name(&self.database, &self.name)
    }

    fn classes(&self) -> &'static Classes {
        match self.format {
            Format::Json => &JSON,
            Format::Parquet => &PARQUET,
        }
    }

    /// Parameters of the SerDe that reads JSON; what is Parquet was read by Firehose.
    fn serde_parameters(&self) -> BTreeMap<String, String> {
        if self.format != Format::Json {
            return BTreeMap::new();
        }
        let mapped = self.key_mappings.iter().map(|(name, key)| (format!("{MAPPING}{name}"), key.clone()));
        let ignores = self.ignore_malformed.then(|| (IGNORE_MALFORMED.to_owned(), "true".to_owned()));
        mapped.chain(ignores).collect()
    }
}

fn input(wanted: &Desired) -> Result<TableInput, aws_smithy_types::error::operation::BuildError> {
    let column = |(name, kind): (&str, &str)| Column::builder().name(name).r#type(kind).build();
    let columns = wanted.columns.iter().map(|(name, kind)| column((name, kind))).collect::<Result<_, _>>()?;
    let keys = wanted.partition_keys.iter().map(|name| column((name, "string"))).collect::<Result<_, _>>()?;
    let classes = wanted.classes();
    let mut serde_parameters = HashMap::from([("serialization.format".to_owned(), "1".to_owned())]);
    serde_parameters.extend(wanted.serde_parameters());
    let serde = SerDeInfo::builder().serialization_library(classes.serde).set_parameters(Some(serde_parameters));
    let storage = StorageDescriptor::builder()
        .set_columns(Some(columns))
        .location(&wanted.location)
        .input_format(classes.input)
        .output_format(classes.output)
        .serde_info(serde.build())
        .build();
    let mut parameters: HashMap<String, String> = wanted.ownership.all().into_iter().collect();
    parameters.extend(wanted.projection.clone());
    let fixed = [("EXTERNAL", "TRUE"), ("classification", classes.classification)];
    parameters.extend(fixed.map(|(key, value)| (key.to_owned(), value.to_owned())));
    TableInput::builder()
        .name(&wanted.name)
        .table_type("EXTERNAL_TABLE")
        .storage_descriptor(storage)
        .set_partition_keys(Some(keys))
        .set_parameters(Some(parameters))
        .build()
}

/// The definition over what is there: UpdateTable replaces all of it (Glue API reference, UpdateTable). The ownership
/// tags and what others have noted in the parameters stay.
fn over(mut input: TableInput, found: &Table) -> TableInput {
    let mut parameters = found.parameters().cloned().unwrap_or_default();
    parameters.retain(|key, _| !is_projection(key));
    let ours = input.parameters.take().unwrap_or_default();
    parameters.extend(ours.into_iter().filter(|(key, _)| !tags::is_ownership(key)));
    input.parameters = Some(parameters);
    input
}

/// Whether a parameter is one of partition projection (Athena user guide, "Set up partition projection").
fn is_projection(key: &str) -> bool {
    key.starts_with("projection.") || key == "storage.location.template"
}

fn differences(wanted: &Desired, found: &Table) -> Vec<Difference> {
    let storage = found.storage_descriptor();
    let mut differences = Vec::new();
    let location = storage.and_then(|storage| storage.location()).unwrap_or_default();
    if location != wanted.location {
        differences.push(Difference::in_place("location", location, &wanted.location));
    }
    let columns = storage.map(|storage| storage.columns()).unwrap_or_default();
    differences.extend(column_differences(&wanted.columns, columns));
    let serde = storage.and_then(|storage| storage.serde_info()).and_then(|serde| serde.serialization_library());
    if serde != Some(wanted.classes().serde) {
        differences.push(Difference::in_place("SerDe", serde.unwrap_or("none"), wanted.classes().serde));
    }
    differences.extend(serde_differences(wanted, storage.and_then(|storage| storage.serde_info())));
    let keys = |keys: Vec<&str>| if keys.is_empty() { "none".to_owned() } else { keys.join(", ") };
    let is = keys(found.partition_keys().iter().map(|key| key.name()).collect());
    let want = keys(wanted.partition_keys.iter().map(String::as_str).collect());
    if is != want {
        differences.push(Difference::replace("partition keys", is, want));
    }
    differences.extend(projection_differences(wanted, found.parameters()));
    differences
}

fn serde_differences(wanted: &Desired, found: Option<&SerDeInfo>) -> Option<Difference> {
    let found = parameters(found.and_then(|serde| serde.parameters()));
    let ours = |key: &str| key.starts_with(MAPPING) || key == IGNORE_MALFORMED;
    let found: BTreeMap<&str, &str> = found.filter(|(key, _)| ours(key)).collect();
    let wanted = wanted.serde_parameters();
    let wanted: BTreeMap<&str, &str> = wanted.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let shown = |parameters: &BTreeMap<&str, &str>| match parameters.is_empty() {
        true => "none".to_owned(),
        false => parameters.iter().map(|(name, key)| format!("{name}={key}")).collect::<Vec<_>>().join(", "),
    };
    (found != wanted).then(|| Difference::in_place("SerDe parameters", shown(&found), shown(&wanted)))
}

/// Whether the objects that a table has would be left behind, or not understood: all lie in its folder, in its format.
/// Projected partitions may have another range.
fn strands_objects(differs: &Difference) -> bool {
    let parameter = differs.what.strip_prefix("parameter ");
    matches!(differs.what.as_str(), "location" | "SerDe") || parameter.is_some_and(|name| !name.ends_with(".range"))
}

/// Glue keeps names in lower case.
fn column_differences(wanted: &[(String, String)], found: &[Column]) -> Vec<Difference> {
    let found: Vec<(String, &str)> =
        found.iter().map(|column| (column.name().to_lowercase(), column.r#type().unwrap_or_default())).collect();
    let wanted: Vec<(String, &str)> = wanted.iter().map(|(name, kind)| (name.to_lowercase(), kind.as_str())).collect();
    let kind = |columns: &[(String, &str)], name: &str| {
        columns.iter().find(|(other, _)| other == name).map_or("none".to_owned(), |(_, kind)| (*kind).to_owned())
    };
    let more = found.iter().filter(|(name, _)| wanted.iter().all(|(other, _)| other != name));
    let differences: Vec<Difference> = wanted
        .iter()
        .chain(more)
        .map(|(name, _)| (name, kind(&found, name), kind(&wanted, name)))
        .filter(|(_, is, want)| is != want)
        .map(|(name, is, want)| Difference::in_place(format!("column {name}"), is, want))
        .collect();
    let order =
        |columns: &[(String, &str)]| columns.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>().join(", ");
    if differences.is_empty() && order(&found) != order(&wanted) {
        return vec![Difference::in_place("column order", order(&found), order(&wanted))];
    }
    differences
}

fn projection_differences(wanted: &Desired, found: Option<&HashMap<String, String>>) -> Vec<Difference> {
    let found: BTreeMap<&str, &str> = parameters(found).filter(|(key, _)| is_projection(key)).collect();
    let way = |projected: bool| if projected { "projected" } else { "registered" };
    let projected = found.get("projection.enabled").is_some_and(|value| *value == "true");
    let (is, want) = (way(projected), way(!wanted.projection.is_empty()));
    if is != want {
        return vec![Difference::in_place("partitions", is, want)];
    }
    if wanted.projection.is_empty() {
        return Vec::new();
    }
    let wanted: BTreeMap<&str, &str> =
        wanted.projection.iter().map(|(name, want)| (name.as_str(), want.as_str())).collect();
    let names: BTreeSet<&str> = wanted.keys().chain(found.keys()).copied().collect();
    let value =
        |parameters: &BTreeMap<&str, &str>, name| parameters.get(name).map_or("none", |value| *value).to_owned();
    let values = names.into_iter().map(|name| (name, value(&found, name), value(&wanted, name)));
    let differing = values.filter(|(_, is, want)| is != want);
    differing.map(|(name, is, want)| Difference::in_place(format!("parameter {name}"), is, want)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns(columns: &[(&str, &str)]) -> Vec<(String, String)> {
        columns.iter().map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned())).collect()
    }

    #[test]
    fn each_column_that_differs_is_named_and_else_their_order() {
        let found = |list: &[(&str, &str)]| -> Vec<Column> {
            list.iter()
                .map(|(name, kind)| Column::builder().name(*name).r#type(*kind).build().expect("a column"))
                .collect()
        };
        let wanted = columns(&[("a", "bigint"), ("B", "string")]);
        assert_eq!(column_differences(&wanted, &found(&[("a", "bigint"), ("b", "string")])), []);
        assert_eq!(
            column_differences(&wanted, &found(&[("a", "int"), ("c", "double")])),
            [
                Difference::in_place("column a", "int", "bigint"),
                Difference::in_place("column b", "none", "string"),
                Difference::in_place("column c", "double", "none"),
            ]
        );
        assert_eq!(
            column_differences(&wanted, &found(&[("b", "string"), ("a", "bigint")])),
            [Difference::in_place("column order", "b, a", "a, b")]
        );
    }

    #[test]
    fn a_definition_goes_over_what_is_there_and_the_mark_stays() {
        let ownership = Ownership { stack: "s".to_owned(), owner: "me".to_owned(), ..Ownership::default() };
        let wanted = Desired { name: "t".to_owned(), ownership, ..Desired::default() };
        let found = Table::builder().name("t").parameters(super::ownership::OWNER, "other").parameters("note", "kept");
        let found = found.parameters("projection.enabled", "true").build().expect("a table");
        let input = over(input(&wanted).expect("an input"), &found);
        let parameters = input.parameters.expect("parameters");
        assert_eq!((parameters[super::ownership::OWNER].as_str(), parameters["note"].as_str()), ("other", "kept"));
        assert!(!parameters.contains_key("projection.enabled") && parameters["EXTERNAL"] == "TRUE");
    }
}
