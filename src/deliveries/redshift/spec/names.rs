//! The names of Redshift, and of what a Redshift delivery refers to.

use demo_formats::schema::redshift_name;

use crate::spec::{
    names::{Rules, swap},
    quantity::Refusal,
};

/// Redshift Serverless API reference, CreateWorkgroup, `workgroupName`.
pub(super) const WORKGROUP: Rules = Rules {
    what: "workgroup name",
    least: 3,
    most: 64,
    admits: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-',
    expected: "3 to 64 lower-case letters, digits and `-`",
    mend: |text| swap(&text.to_lowercase(), '-'),
    more: |_| None,
};

/// Redshift API reference, CreateCluster, `ClusterIdentifier`.
pub(super) const CLUSTER: Rules = Rules {
    what: "cluster identifier",
    least: 1,
    most: 63,
    expected: "1 to 63 lower-case letters, digits and `-`, a letter first",
    more: cluster_shape,
    ..WORKGROUP
};

/// Redshift Database Developer Guide, "Names and identifiers", as they are written without quotes. No `$`: it would have
/// to be quoted elsewhere.
const IDENTIFIER: Rules = Rules {
    what: "name",
    least: 1,
    most: 127,
    admits: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_',
    expected: "1 to 127 lower-case letters, digits and `_`, no digit first",
    mend: |text| swap(&text.to_lowercase(), '_'),
    more: identifier_shape,
};

/// A schema in Redshift.
pub(super) const SCHEMA: Rules = Rules { what: "Redshift schema name", more: schema_shape, ..IDENTIFIER };

/// A table in Redshift.
pub(super) const REDSHIFT_TABLE: Rules = Rules { what: "Redshift table name", ..IDENTIFIER };

/// Redshift API reference, CreateCluster, `DBName`, and what Firehose takes of it in `ClusterJDBCURL`.
pub(super) const REDSHIFT_DATABASE: Rules = Rules {
    what: "Redshift database name",
    most: 64,
    admits: |c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-'),
    expected: "1 to 64 lower-case letters, digits, `_` and `-`",
    more: |_| None,
    ..IDENTIFIER
};

/// Secrets Manager API reference, CreateSecret, `Name`.
const SECRET: Rules = Rules {
    what: "secret name",
    least: 1,
    most: 512,
    admits: |c| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c),
    expected: "the name or the ARN of a secret in Secrets Manager",
    mend: |text| swap(text, '-'),
    more: |_| None,
};

fn cluster_shape(text: &str) -> Option<&'static str> {
    match text {
        _ if !text.starts_with(|c: char| c.is_ascii_lowercase()) => Some("begins with a letter"),
        _ if text.ends_with('-') => Some("does not end in `-`"),
        _ if text.contains("--") => Some("has no two `-` in a row"),
        _ => None,
    }
}

fn identifier_shape(text: &str) -> Option<&'static str> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some("does not begin with a digit");
    }
    redshift_name(text).starts_with('"').then_some("may not be a reserved word of its SQL")
}

fn schema_shape(text: &str) -> Option<&'static str> {
    if text.starts_with("pg_") {
        return Some("may not begin with `pg_`, as Redshift's own do");
    }
    identifier_shape(text)
}

/// Secrets Manager's name or ARN of a secret. Never the secret itself.
pub(super) fn secret(text: &str) -> Result<String, Refusal> {
    match arn(text) {
        Some(["secretsmanager", _, account, "secret", ..]) if is_account(account) => Ok(text.to_owned()),
        Some(_) => Err(Refusal::new("this ARN is not one of a secret", SECRET.expected)),
        None => SECRET.exact(text),
    }
}

/// The ARN of an IAM role.
pub(super) fn role(text: &str) -> Result<String, Refusal> {
    match arn(text) {
        Some(["iam", "", account, role]) if is_account(account) && role.starts_with("role/") && role.len() > 5 => {
            Ok(text.to_owned())
        }
        _ => {
            let problem = format!("`{text}` is not the ARN of a role");
            Err(Refusal::new(problem, "`arn:aws:iam::123456789012:role/name`, or `default`"))
        }
    }
}

/// Service, region, account and what follows; of a secret's, `secret` alone.
fn arn(text: &str) -> Option<[&str; 4]> {
    let rest = text.strip_prefix("arn:aws")?;
    let (_, rest) = rest.split_once(':')?;
    let mut parts = rest.splitn(4, ':');
    let [service, region, account, what] = [parts.next(), parts.next(), parts.next(), parts.next()];
    let what =
        what.map(|what| what.split_once(':').filter(|(_, name)| !name.is_empty()).map_or(what, |(kind, _)| kind));
    Some([service?, region?, account?, what?])
}

fn is_account(text: &str) -> bool {
    text.len() == 12 && text.chars().all(|c| c.is_ascii_digit())
}

/// `host:port` as Firehose takes it: Firehose API reference, RedshiftDestinationConfiguration, `ClusterJDBCURL`.
pub(super) fn endpoint(text: &str) -> Result<String, Refusal> {
    const EXPECTED: &str =
        "the cluster's `host:port`, such as `demo.abc123.us-east-1.redshift.amazonaws.com:5439`, no URL around it";
    let refuse = |problem: String| Err(Refusal::new(problem, EXPECTED));
    let Some((host, port)) = text.split_once(':') else {
        return Err(Refusal::new("there is no port", EXPECTED).suggest(is_host(text).then(|| format!("{text}:5439"))));
    };
    if !is_host(host) {
        return refuse(format!("`{host}` is not the host of a cluster"));
    }
    match port.parse::<u16>() {
        Ok(1..) => Ok(text.to_owned()),
        _ => refuse(format!("`{port}` is not a port")),
    }
}

fn is_host(text: &str) -> bool {
    let label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    let of_redshift = text.split('.').skip(1).any(|label| matches!(label, "redshift" | "redshift-serverless"));
    of_redshift && text.split('.').all(label)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_those_that_need_no_quotes() {
        assert!(REDSHIFT_TABLE.exact("streaming_store_sales").is_ok());
        for refused in ["", "2sales", "Sales", "sales-2024", "table", "user", &"a".repeat(128)] {
            assert!(REDSHIFT_TABLE.exact(refused).is_err(), "{refused}");
        }
        assert!(SCHEMA.exact("pg_demo").is_err());
        assert!(SCHEMA.stem(&"a".repeat(118)).is_ok());
        assert!(SCHEMA.stem(&"a".repeat(119)).is_err());
        let near = |text| SCHEMA.exact(text).expect_err(text).suggestion;
        assert_eq!(near("TPC-DS").as_deref(), Some("tpc_ds"));
    }

    #[test]
    fn clusters_and_workgroups_are_named_as_redshift_names_them() {
        assert!(CLUSTER.exact("demo").is_ok());
        for refused in ["1demo", "demo-", "de--mo", "Demo"] {
            assert!(CLUSTER.exact(refused).is_err(), "{refused}");
        }
        assert!(WORKGROUP.exact("demo").is_ok());
        assert!(WORKGROUP.exact("de").is_err());
    }

    #[test]
    fn a_secret_is_named_and_a_role_is_an_arn() {
        assert!(secret("demo/redshift").is_ok());
        assert!(secret("arn:aws:secretsmanager:us-east-1:000000000000:secret:demo/redshift-Local1").is_ok());
        assert!(secret("arn:aws-cn:secretsmanager:cn-north-1:000000000000:secret:demo").is_ok());
        assert!(secret("arn:aws:iam::000000000000:role/demo").is_err());
        assert!(secret("pass word").is_err());
        assert!(role("arn:aws:iam::123456789012:role/path/name").is_ok());
        for refused in ["name", "arn:aws:iam::12:role/name", "arn:aws:iam::123456789012:user/name"] {
            assert!(role(refused).is_err(), "{refused}");
        }
    }

    #[test]
    fn an_endpoint_is_what_firehose_can_connect_to() {
        for good in [
            "demo.local.redshift.amazonaws.com:5439",
            "demo.000000000000.us-east-1.redshift-serverless.amazonaws.com:5439",
            "demo.abc.cn-north-1.redshift.amazonaws.com.cn:5439",
        ] {
            assert!(endpoint(good).is_ok(), "{good}");
        }
        for refused in ["localhost:5439", "demo.abc.redshift.amazonaws.com:0", "jdbc:redshift://a.redshift.b:5439/dev"]
        {
            assert!(endpoint(refused).is_err(), "{refused}");
        }
        let near = endpoint("demo.abc.redshift.amazonaws.com").expect_err("no port").suggestion;
        assert_eq!(near.as_deref(), Some("demo.abc.redshift.amazonaws.com:5439"));
    }
}
