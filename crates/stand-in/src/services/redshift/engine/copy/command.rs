//! The COPY command, parsed: what loads JSON from S3 (Redshift database developer guide, "COPY").

use datafusion::sql::sqlparser::tokenizer::Token;

use super::super::{Cursor, Failure, Name};

/// The most errors that MAXERROR takes (database developer guide, "Data load operations").
const MOST_ERRORS: u64 = 100_000;

/// A COPY command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::services::redshift) struct Copy {
    pub(in crate::services::redshift) table: Name,
    /// Empty: every column of the table.
    pub(in crate::services::redshift) columns: Vec<String>,
    /// `s3://bucket/key` of a manifest, or of a prefix.
    pub(in crate::services::redshift) source: String,
    pub(in crate::services::redshift) is_manifest: bool,
    pub(in crate::services::redshift) role: Role,
    pub(in crate::services::redshift) paths: Paths,
    pub(in crate::services::redshift) gzip: bool,
    /// As many rows are rejected before the whole command is.
    pub(in crate::services::redshift) max_errors: u64,
    pub(in crate::services::redshift) truncate_columns: bool,
    pub(in crate::services::redshift) times: Times,
}

/// Who reads the objects.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::services::redshift) enum Role {
    /// The warehouse's default role.
    Default,
    /// By ARN.
    Arn(String),
    /// The caller has seen to it: Firehose reads with its own role.
    Caller,
}

/// Where a document's values are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::services::redshift) enum Paths {
    /// By the columns' names.
    Auto { any_case: bool },
    /// By a jsonpaths object, `s3://bucket/key`.
    Object(String),
}

/// How a number stands for a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::services::redshift) enum Times {
    Text,
    Seconds,
    Milliseconds,
}

impl Copy {
    /// Parses what follows the word COPY.
    pub(in crate::services::redshift) fn parse(mut rest: Cursor) -> Result<Self, Failure> {
        let table = rest.name()?;
        let columns = columns(&mut rest)?;
        rest.expects("FROM")?;
        let source = rest.text()?;
        if !source.starts_with("s3://") {
            return Err(Failure::unsupported(format!("COPY FROM '{source}', which is no s3:// address,")));
        }
        let mut options = Options::default();
        while !rest.is_at_end() {
            options.read(&mut rest)?;
        }
        let role = options.role.ok_or_else(|| {
            Failure::new("CREDENTIALS argument is required but not supplied: give IAM_ROLE default or an ARN")
        })?;
        let paths = options.paths.ok_or_else(|| Failure::unsupported("COPY of another format than JSON"))?;
        Ok(Self {
            table,
            columns,
            source,
            is_manifest: options.is_manifest,
            role,
            paths,
            gzip: options.gzip,
            max_errors: options.max_errors,
            truncate_columns: options.truncate_columns,
            times: options.times.unwrap_or(Times::Text),
        })
    }
}

fn columns(rest: &mut Cursor) -> Result<Vec<String>, Failure> {
    let mut columns = Vec::new();
    if !rest.takes_sign(&Token::LParen) {
        return Ok(columns);
    }
    loop {
        columns.push(rest.identifier()?);
        if rest.takes_sign(&Token::RParen) {
            return Ok(columns);
        }
        if !rest.takes_sign(&Token::Comma) {
            return Err(rest.unexpected());
        }
    }
}

#[derive(Default)]
struct Options {
    is_manifest: bool,
    role: Option<Role>,
    paths: Option<Paths>,
    gzip: bool,
    max_errors: u64,
    truncate_columns: bool,
    times: Option<Times>,
}

impl Options {
    /// Reads the option that comes next.
    fn read(&mut self, rest: &mut Cursor) -> Result<(), Failure> {
        if rest.takes(&["MANIFEST"]) {
            self.is_manifest = true;
        } else if rest.takes(&["IAM_ROLE"]) {
            self.role = Some(if rest.takes(&["DEFAULT"]) { Role::Default } else { Role::Arn(rest.text()?) });
        } else if rest.takes(&["WITH", "CREDENTIALS"]) || rest.takes(&["CREDENTIALS"]) {
            rest.takes(&["AS"]);
            self.role = Some(credentials(&rest.text()?)?);
        } else if rest.takes(&["FORMAT", "AS", "JSON"]) || rest.takes(&["FORMAT", "JSON"]) || rest.takes(&["JSON"]) {
            rest.takes(&["AS"]);
            self.paths = Some(paths(rest)?);
        } else if rest.takes(&["GZIP"]) {
            self.gzip = true;
        } else if rest.takes(&["MAXERROR"]) {
            rest.takes(&["AS"]);
            self.max_errors = rest.number()?;
            if self.max_errors > MOST_ERRORS {
                return Err(Failure::new(format!("MAXERROR must be between 0 and {MOST_ERRORS}")));
            }
        } else if rest.takes(&["TIMEFORMAT"]) {
            rest.takes(&["AS"]);
            self.times = Some(times(&rest.text()?)?);
        } else if rest.takes(&["TRUNCATECOLUMNS"]) {
            self.truncate_columns = true;
        } else if rest.takes(&["REGION"]) {
            rest.takes(&["AS"]);
            region(&rest.text()?)?;
        } else if rest.takes(&["STATUPDATE"]) || rest.takes(&["COMPUPDATE"]) {
            // Statistics and encodings are not kept, so there is nothing to switch.
            let _switched = ["ON", "OFF", "TRUE", "FALSE", "PRESET"].iter().any(|word| rest.takes(&[word]));
        } else {
            let word = rest.peek().map(ToString::to_string).unwrap_or_default();
            return Err(Failure::unsupported(format!("the COPY option {word}")));
        }
        Ok(())
    }
}

fn credentials(text: &str) -> Result<Role, Failure> {
    match text.trim().strip_prefix("aws_iam_role=") {
        Some("default") => Ok(Role::Default),
        Some(arn) => Ok(Role::Arn(arn.to_owned())),
        // The text itself may be a secret.
        None => Err(Failure::unsupported("CREDENTIALS other than 'aws_iam_role=…'")),
    }
}

fn paths(rest: &mut Cursor) -> Result<Paths, Failure> {
    let Some(Token::SingleQuotedString(_)) = rest.peek() else { return Ok(Paths::Auto { any_case: false }) };
    let text = rest.text()?;
    match text.as_str() {
        "auto" => Ok(Paths::Auto { any_case: false }),
        "auto ignorecase" => Ok(Paths::Auto { any_case: true }),
        address if address.starts_with("s3://") => Ok(Paths::Object(text)),
        other => Err(Failure::unsupported(format!("JSON '{other}'"))),
    }
}

fn times(text: &str) -> Result<Times, Failure> {
    match text.to_ascii_lowercase().as_str() {
        "auto" => Ok(Times::Text),
        "epochsecs" => Ok(Times::Seconds),
        "epochmillisecs" => Ok(Times::Milliseconds),
        _ => Err(Failure::unsupported(format!("TIMEFORMAT '{text}'"))),
    }
}

fn region(name: &str) -> Result<(), Failure> {
    if name == crate::REGION {
        return Ok(());
    }
    Err(Failure::new(format!(
        "S3ServiceException: the bucket is not in the region '{name}'; the stand-in's is {}",
        crate::REGION
    )))
}

#[cfg(test)]
mod tests {
    use super::super::super::Statement;
    use proptest::{collection, prelude::*};

    use super::*;

    fn copy(sql: &str) -> Result<Copy, Failure> {
        match Statement::parse(sql, &[])? {
            Statement::Copy(copy) => Ok(*copy),
            other => panic!("no COPY: {other:?}"),
        }
    }

    #[test]
    fn a_copy_with_everything_is_read() {
        let sql = "copy Tpcds.Sales (a, \"b\") from 's3://lake/m.json' iam_role 'arn:aws:iam::000000000000:role/r'
            manifest json 's3://lake/paths.json' gzip maxerror as 5 timeformat 'epochmillisecs' truncatecolumns
            statupdate off compupdate region 'us-east-1';";
        let expected = Copy {
            table: Name { schema: Some("tpcds".into()), table: "sales".into() },
            columns: vec!["a".into(), "b".into()],
            source: "s3://lake/m.json".into(),
            is_manifest: true,
            role: Role::Arn("arn:aws:iam::000000000000:role/r".into()),
            paths: Paths::Object("s3://lake/paths.json".into()),
            gzip: true,
            max_errors: 5,
            truncate_columns: true,
            times: Times::Milliseconds,
        };
        assert_eq!(copy(sql).expect("a COPY"), expected);
    }

    #[test]
    fn each_way_to_name_a_role_and_the_paths() {
        let role = |words: &str| copy(&format!("COPY t FROM 's3://b/k' {words} JSON 'auto'")).map(|copy| copy.role);
        assert_eq!(role("IAM_ROLE DEFAULT"), Ok(Role::Default));
        assert_eq!(role("CREDENTIALS 'aws_iam_role=arn:x'"), Ok(Role::Arn("arn:x".into())));
        let keys = role("CREDENTIALS 'aws_access_key_id=A;aws_secret_access_key=hush'").expect_err("refused");
        assert!(!keys.to_string().contains("hush"), "{keys}");
        assert!(role("").is_err(), "without a role");
        let paths =
            |words: &str| copy(&format!("COPY t FROM 's3://b/k' IAM_ROLE default {words}")).map(|copy| copy.paths);
        assert_eq!(paths("FORMAT AS JSON 'auto ignorecase'"), Ok(Paths::Auto { any_case: true }));
        assert_eq!(paths("JSON"), Ok(Paths::Auto { any_case: false }));
        assert!(paths("").expect_err("refused").to_string().contains("JSON"));
        assert!(paths("JSON 'auto' NOLOAD").expect_err("refused").to_string().contains("NOLOAD"));
    }

    /// An option as it is written, and what it sets.
    type Written = (&'static str, fn(&mut Copy));

    const OPTIONS: [Written; 7] = [
        ("MANIFEST", |copy| copy.is_manifest = true),
        ("gzip", |copy| copy.gzip = true),
        ("TRUNCATECOLUMNS", |copy| copy.truncate_columns = true),
        ("MAXERROR 12", |copy| copy.max_errors = 12),
        ("TimeFormat AS 'epochsecs'", |copy| copy.times = Times::Seconds),
        ("COMPUPDATE PRESET", |_| ()),
        ("REGION AS 'us-east-1'", |_| ()),
    ];

    proptest! {
        #[test]
        fn options_stand_in_any_order(
            chosen in prop::sample::subsequence(OPTIONS.to_vec(), 0..=OPTIONS.len()).prop_shuffle(),
            before in 0..=OPTIONS.len(), as_json: bool
        ) {
            let mut expected = Copy {
                table: Name { schema: None, table: "t".into() },
                columns: Vec::new(),
                source: "s3://b/k".into(),
                is_manifest: false,
                role: Role::Default,
                paths: Paths::Auto { any_case: false },
                gzip: false,
                max_errors: 0,
                truncate_columns: false,
                times: Times::Text,
            };
            chosen.iter().for_each(|(_, set)| set(&mut expected));
            let mut words: Vec<&str> = chosen.iter().map(|(word, _)| *word).collect();
            words.insert(before.min(words.len()), if as_json { "FORMAT AS JSON 'auto'" } else { "JSON" });
            words.insert(0, "IAM_ROLE default");
            prop_assert_eq!(copy(&format!("COPY t FROM 's3://b/k' {}", words.join("\n"))), Ok(expected));
        }

        #[test]
        fn no_words_break_the_parser(words in collection::vec(prop::sample::select(vec![
            "COPY", "t", ".", "\"q\"", "(", ")", ",", "FROM", "'s3://b/k'", "''", "IAM_ROLE", "DEFAULT", "JSON", "FORMAT",
            "AS", "'auto'", "MAXERROR", "99999999999999999999", "-1", "1.5", "GZIP", "TIMEFORMAT", "WITH", "CREDENTIALS",
            "STATUPDATE", "OFF", ";", "$1", ":x",
        ]), 0..14)) {
            let _parsed = Statement::parse(&format!("COPY {}", words.join(" ")), &[]);
        }
    }
}
