//! The checks of `deliver.redshift`: which Redshift, which table, how it is loaded.

use std::{ops::RangeInclusive, time::Duration};

use demo_formats::{
    prefix::Use,
    schema::{REDSHIFT_LOADS, Structs},
};

use super::{
    RedshiftAt, RedshiftDelivery, RedshiftLoad,
    file::{RedshiftFile, RedshiftLoadFile, RedshiftTableFile, StructsFile},
    names,
};
use crate::spec::{
    check::{
        firehose::{ERROR_TYPE, Written, query_keys},
        values::Check,
    },
    names::Name,
    quantity::Refusal,
};

const PARENT: &str = "deliver.redshift";
const PREFIX: &str = "deliver.redshift.prefix";
const ERROR_PREFIX: &str = "deliver.redshift.error_prefix";
const DATED: &str = "year=!{timestamp:yyyy}/month=!{timestamp:MM}/day=!{timestamp:dd}/";
/// Often enough to watch, seldom enough for COPY to be done with a batch.
const EVERY_SECONDS: RangeInclusive<u64> = 1..=3_600;
const EVERY: Duration = Duration::from_secs(10);

impl Check<'_> {
    pub(crate) fn redshift(&mut self, file: RedshiftFile) -> Option<RedshiftDelivery> {
        let by_firehose = file.load == Some(RedshiftLoadFile::Firehose);
        let at = self.redshift_at(&file, by_firehose);
        let load = self.redshift_load(&file, by_firehose);
        let database = self.keep(
            "deliver.redshift.database",
            names::REDSHIFT_DATABASE.exact(file.database.as_deref().unwrap_or("dev")),
        );
        let table = file.table.and_then(|table| self.redshift_table(table));
        let role = match file.role.as_deref() {
            None | Some("default") => Some(None),
            Some(role) => self.keep("deliver.redshift.role", names::role(role)).map(Some),
        };
        let secret = match file.secret.as_deref() {
            None => Some(None),
            Some(secret) => self.keep("deliver.redshift.secret", names::secret(secret)).map(Some),
        };
        let structs = match file.structs {
            Some(StructsFile::Super) => Structs::Super,
            Some(StructsFile::Varchar) | None => Structs::Varchar,
        };
        let stem = table.as_ref().map(stem);
        let prefixes = match by_firehose {
            true => self.prefix_of_firehose(file.prefix, stem.as_deref()),
            false => self.prefixes_of_copy(file.prefix, file.error_prefix, stem.as_deref()),
        };
        let buffer = self.buffer(PARENT, file.buffer);
        let (schema, table) = table?;
        let ((prefix, prefix_text), errors) = prefixes?;
        let (error_prefix, error_prefix_text) = errors.unzip();
        Some(RedshiftDelivery {
            at: at?,
            database: database?,
            schema,
            table,
            load: load?,
            role: role?,
            secret: secret?,
            structs,
            prefix,
            prefix_text,
            error_prefix,
            error_prefix_text,
            buffer: buffer?,
            max_errors: file.max_errors.unwrap_or(0),
        })
    }

    fn redshift_at(&mut self, file: &RedshiftFile, by_firehose: bool) -> Option<RedshiftAt> {
        let expected = "one of `workgroup: name`, `cluster: name` and `create: true`";
        match self.one_of(PARENT, &["workgroup", "cluster", "create"], "which Redshift it is", expected)? {
            "workgroup" => self.workgroup(file),
            "cluster" => self.cluster(file, by_firehose),
            _ => self.created(file, by_firehose),
        }
    }

    fn workgroup(&mut self, file: &RedshiftFile) -> Option<RedshiftAt> {
        let name = file.workgroup.as_ref()?;
        let name = self.keep("deliver.redshift.workgroup", names::WORKGROUP.exact(name));
        let none = self.idle(PARENT, &["user", "endpoint"], "this is for a cluster only", "none beside `workgroup`");
        none.and(name).map(|name| RedshiftAt::Workgroup { name })
    }

    fn cluster(&mut self, file: &RedshiftFile, by_firehose: bool) -> Option<RedshiftAt> {
        let identifier = file.cluster.as_ref()?;
        let identifier = self.keep("deliver.redshift.cluster", names::CLUSTER.exact(identifier));
        let user = self.database_user(file.user.as_deref());
        let endpoint = match file.endpoint.as_deref() {
            Some(_) if !by_firehose => {
                let problem = "COPY goes through the Data API, which needs no endpoint";
                self.idle(PARENT, &["endpoint"], problem, "none with `load: copy`").map(|()| None)
            }
            Some(endpoint) => self.keep("deliver.redshift.endpoint", names::endpoint(endpoint)).map(Some),
            None if by_firehose && !self.written("deliver.redshift.endpoint") => {
                let problem = "Firehose needs an endpoint to connect to";
                let expected = "`endpoint: host:port` of the cluster, open to Firehose, beside `cluster`";
                self.refuse("deliver.redshift.load", Refusal::new(problem, expected));
                None
            }
            None => Some(None),
        };
        Some(RedshiftAt::Cluster { identifier: identifier?, user: user?, endpoint: endpoint? })
    }

    /// Redshift Data API reference, ExecuteStatement: a secret, or a user whose credentials are made for the moment.
    fn database_user(&mut self, user: Option<&str>) -> Option<Option<String>> {
        let Some(user) = user else { return Some(None) };
        if self.written("deliver.redshift.secret") {
            let problem = "the secret holds the database user already";
            return self.idle(PARENT, &["user"], problem, "`user` or `secret`, not both").map(|()| None);
        }
        if user.trim().is_empty() || user.len() > 127 {
            self.refuse("deliver.redshift.user", Refusal::new("this is not a user's name", "1 to 127 characters"));
            return None;
        }
        Some(Some(user.to_owned()))
    }

    fn created(&mut self, file: &RedshiftFile, by_firehose: bool) -> Option<RedshiftAt> {
        // The default role of a workgroup of our own is the stack's: to say so is no mistake.
        let keys: &[&str] = match file.role.as_deref() {
            Some("default") => &["user", "endpoint", "secret"],
            _ => &["user", "endpoint", "role", "secret"],
        };
        let problem = "a workgroup of the stack's own has its own";
        let idle = self.idle(PARENT, keys, problem, "none beside `create: true`");
        if by_firehose {
            let problem = "a workgroup of the stack's own is not open to Firehose";
            let expected = "`load: copy` beside `create: true`";
            self.refuse("deliver.redshift.load", Refusal::new(problem, expected));
            return None;
        }
        idle.map(|()| RedshiftAt::Created)
    }

    fn redshift_load(&mut self, file: &RedshiftFile, by_firehose: bool) -> Option<RedshiftLoad> {
        if !by_firehose {
            let every = file.every.as_ref().map_or(Some(EVERY), |text| {
                self.seconds("deliver.redshift.every", text, EVERY_SECONDS, "a table is not loaded every")
            });
            return every.map(|every| RedshiftLoad::Copy { every });
        }
        let problem = "Firehose loads whenever its buffer is full";
        let idle = self.idle(PARENT, &["every"], problem, "none with `load: firehose`, but `buffer`");
        if !self.written("deliver.redshift.secret") && file.create != Some(true) {
            let expected = "`secret:` with the name or the ARN of one in Secrets Manager";
            let problem = "Firehose needs a secret with the database user to connect as";
            self.refuse("deliver.redshift.load", Refusal::new(problem, expected));
            return None;
        }
        idle.map(|()| RedshiftLoad::Firehose)
    }

    fn redshift_table(&mut self, table: RedshiftTableFile) -> Option<(Name, String)> {
        let (path, text, exact) = match table {
            RedshiftTableFile::Stem(text) => ("deliver.redshift.table", text, false),
            RedshiftTableFile::Exact(table) => ("deliver.redshift.table.exact", table.exact?, true),
        };
        let Some((schema, table)) = text.split_once('.') else {
            let refusal = Refusal::new(format!("`{text}` names no schema"), "`schema.table`");
            self.refuse(path, refusal.suggest(names::SCHEMA.exact(&text).ok().map(|text| format!("demo.{text}"))));
            return None;
        };
        let schema = if exact { names::SCHEMA.exact(schema).map(Name::Exact) } else { names::SCHEMA.stem(schema) };
        let schema = self.keep(path, schema);
        let table = self.keep(path, names::REDSHIFT_TABLE.exact(table).and_then(free));
        Some((schema?, table?))
    }

    fn prefixes_of_copy(
        &mut self,
        prefix: Option<String>,
        error_prefix: Option<String>,
        stem: Option<&str>,
    ) -> Option<(Written, Option<Written>)> {
        let prefix = prefix.or_else(|| Some(format!("{}_inter/{DATED}", stem?)));
        let error_prefix = error_prefix.or_else(|| Some(format!("{}_error/{DATED}{ERROR_TYPE}/", stem?)));
        let prefix = prefix.and_then(|text| self.prefix(PREFIX, text, Use::Data));
        let prefix = prefix.and_then(|prefix| self.without_fields(prefix));
        let error_prefix = error_prefix.and_then(|text| self.prefix(ERROR_PREFIX, text, Use::Error));
        let (prefix, error_prefix) = (prefix?, error_prefix?);
        self.errors_told_apart(PARENT, &prefix, &error_prefix).map(|()| (prefix, Some(error_prefix)))
    }

    /// Firehose developer guide, "Custom prefixes for Amazon S3 objects": "If the destination is Amazon Redshift, Prefix
    /// must not contain expressions and ErrorOutputPrefix must be null."
    fn prefix_of_firehose(&mut self, prefix: Option<String>, stem: Option<&str>) -> Option<(Written, Option<Written>)> {
        let problem = "Firehose's Redshift destination has no error prefix";
        let expected = "none with `load: firehose`; what COPY refuses, Firehose lists under `errors/` in the bucket";
        let none = self.idle(PARENT, &["error_prefix"], problem, expected);
        let prefix = prefix.or_else(|| Some(format!("{}_inter/", stem?)));
        let prefix = prefix.and_then(|text| self.prefix(PREFIX, text, Use::Data));
        let prefix = prefix.and_then(|prefix| self.without_expressions(prefix));
        none.and(prefix).map(|prefix| (prefix, None))
    }

    fn without_expressions(&mut self, prefix: Written) -> Option<Written> {
        let text = &prefix.1;
        let Some(open) = text.find("!{") else { return Some(prefix) };
        let part = &text[open..=open + text[open..].find('}').unwrap_or_default()];
        let problem = "Firehose's Redshift destination takes no expressions, and appends `yyyy/MM/dd/HH/` by itself";
        self.expect_part(PREFIX, text, open, part, Refusal::new(problem, "a prefix without any, or `load: copy`"));
        None
    }

    /// Firehose API reference, RedshiftDestinationConfiguration: it has no dynamic partitioning.
    fn without_fields(&mut self, prefix: Written) -> Option<Written> {
        if let [(offset, key), ..] = query_keys(&prefix.1).as_slice() {
            let part = format!("!{{partitionKeyFromQuery:{key}}}");
            let problem = "what goes to Redshift is not partitioned by a field; expected !{timestamp:…}".to_owned();
            self.refuse_part(PREFIX, &prefix.1, *offset, &part, problem);
            return None;
        }
        Some(prefix)
    }
}

/// What prefixes are made from.
fn stem((Name::Stem(schema) | Name::Exact(schema), table): &(Name, String)) -> String {
    format!("{schema}/{table}")
}

fn free(table: String) -> Result<String, Refusal> {
    if table == REDSHIFT_LOADS {
        return Err(Refusal::new(format!("`{table}` is where the stack notes its loads"), "another name"));
    }
    Ok(table)
}
