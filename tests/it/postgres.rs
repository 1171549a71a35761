//! PostgreSQL as an oracle: the same table and the same rows give the same answers there and in the stand-in's Redshift.

use std::{
    io::Write,
    path::PathBuf,
    process::{Command, Output, Stdio},
};

use demo_formats::schema::{Structs, store_sales};
use serde_json::value::RawValue;
use tempfile::TempDir;

use crate::{
    stand_in::Running,
    stand_in_redshift::{BUCKET, Rows, Warehouse, documents, gzip},
};

/// Where Debian keeps the server's programs, by version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// What psql writes for a null: no value is like it.
const NULL: &str = "(null)";
const SHIM: &str = include_str!("postgres_shim.sql");

/// Questions beyond the demo's: order of nulls, doubles, distinct counts, windows, conditions on text.
const MORE: [&str; 10] = [
    "SELECT ss_store_sk, count(*), avg(ss_net_paid), min(ss_sales_price), max(ss_sales_price) FROM streaming_store_sales GROUP BY 1 ORDER BY 1",
    "SELECT ss_promo_sk, count(*) AS n FROM streaming_store_sales GROUP BY 1 ORDER BY 1 DESC LIMIT 5",
    "SELECT nvl(ss_promo_sk, -1), sum(ss_quantity) FROM streaming_store_sales GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 10",
    "SELECT count(DISTINCT ss_ticket_number), count(ss_customer_sk), sum(ss_ticket_number) FROM streaming_store_sales",
    "SELECT SUM(n), COUNT(*), SUM(ticket) FROM (SELECT ss_ticket_number AS ticket, ss_item_sk AS k1, COUNT(*) AS n FROM streaming_store_sales WHERE ss_ticket_number BETWEEN 10 AND 20 OR ss_ticket_number BETWEEN 40 AND 45 GROUP BY 1, 2) AS keys",
    "SELECT max(len(ss_item)), min(len(ss_customer)) FROM streaming_store_sales",
    "SELECT ss_ticket_number, ss_item_sk, row_number() OVER (PARTITION BY ss_ticket_number ORDER BY ss_item_sk) FROM streaming_store_sales WHERE ss_ticket_number < 5 ORDER BY 1, 2",
    "SELECT count(*) FROM streaming_store_sales WHERE json_extract_path_text(ss_item, 'i_category') LIKE 'M%' AND ss_quantity > 50",
    "SELECT to_char(CAST(t AS TIMESTAMP), 'YYYY-MM-DD HH24:MI:SS.US MS|FMDay, DD Month YYYY|Dy DAY MON FMMM|HH12 AM|Q IW IYYY WW W DDD D J CC YY') FROM (SELECT '2026-01-01 00:00:00' AS t UNION ALL SELECT '2024-12-31 23:59:59.123456' UNION ALL SELECT '2000-02-29 12:00:00' UNION ALL SELECT '2027-01-03 01:02:03.5') AS moments ORDER BY 1",
    "SELECT to_date('02 Oct 2001', 'DD Mon YYYY'), to_date('20260304', 'YYYYMMDD'), date_trunc('week', CAST('2026-03-04 15:06:07' AS TIMESTAMP)), date_trunc('quarter', CAST('2026-03-04 15:06:07' AS TIMESTAMP)), date_part('epoch', CAST('2026-03-04 15:06:07' AS TIMESTAMP)), date_part('dow', CAST('2026-03-01' AS DATE)), date_part('week', CAST('2027-01-03' AS DATE)), date_part('doy', CAST('2026-03-04' AS DATE))",
];

/// A server of our own, reached by a socket in its folder.
struct Postgres {
    folder: TempDir,
    programs: PathBuf,
}

impl Postgres {
    fn start() -> Self {
        let versions = std::fs::read_dir(VERSIONS).expect("PostgreSQL is there (apt-get install postgresql)");
        let newest = versions.map(|version| version.expect("a version").path()).max().expect("a version");
        let postgres = Self { folder: tempfile::tempdir().expect("a folder"), programs: newest.join("bin") };
        if rustix::process::getuid().is_root() {
            let owned = Command::new("chown").arg("postgres").arg(postgres.folder.path()).status();
            assert!(owned.expect("chown").success(), "the user postgres is there (apt-get install postgresql)");
        }
        let data = postgres.data();
        let data = data.to_str().expect("a path in UTF-8");
        postgres.program("initdb", &["-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-sync"]);
        let options = format!("-k {} -c listen_addresses='' -c fsync=off", postgres.folder.path().display());
        let log = postgres.folder.path().join("log");
        postgres.program("pg_ctl", &["-D", data, "-w", "-l", log.to_str().expect("UTF-8"), "-o", &options, "start"]);
        postgres
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn program(&self, name: &str, arguments: &[&str]) -> Output {
        let output = self.command(name).args(arguments).stdout(Stdio::null()).output();
        let output = output.unwrap_or_else(|e| panic!("{name} (apt-get install postgresql): {e}"));
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// The server refuses to run as root.
    fn command(&self, name: &str) -> Command {
        let program = self.programs.join(name);
        let mut command = if rustix::process::getuid().is_root() {
            let mut command = Command::new("runuser");
            command.args(["-u", "postgres", "--"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path());
        command
    }

    /// Sends SQL to psql, with `input` after it where a COPY reads one.
    fn ask(&self, sql: &str, input: &[u8]) -> Result<Rows, String> {
        let mut psql = self.command("psql");
        psql.args([
            "-X",
            "-q",
            "-At",
            "-F",
            "\t",
            "-v",
            "ON_ERROR_STOP=1",
            "-P",
            &format!("null={NULL}"),
            "-U",
            "postgres",
        ]);
        psql.arg("-h").arg(self.folder.path()).args(["-c", sql]);
        let mut child =
            psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("psql starts");
        child.stdin.take().expect("a pipe").write_all(input).expect("psql reads");
        let output = child.wait_with_output().expect("psql ends");
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let value = |text: &str| (text != NULL).then(|| text.to_owned());
        Ok(text.lines().map(|line| line.split('\t').map(value).collect()).collect())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.data();
        let stopped = self.command("pg_ctl").arg("-D").arg(data).args(["-m", "immediate", "stop"]).output();
        if let Err(e) = stopped {
            eprintln!("PostgreSQL could not be stopped: {e}");
        }
    }
}

/// Documents as PostgreSQL's COPY reads rows: columns between tabs, what is not there as `\N`.
fn as_copy_text(documents: &[u8]) -> Vec<u8> {
    let mut rows = Vec::new();
    for line in std::str::from_utf8(documents).expect("UTF-8").lines() {
        let document: std::collections::HashMap<&str, &RawValue> = serde_json::from_str(line).expect("a document");
        let value = |name: &str| match document.get(name).map(|raw| raw.get()) {
            None | Some("null") => "\\N".to_owned(),
            Some(written) => written.replace('\\', "\\\\"),
        };
        let values: Vec<String> = store_sales().names().map(value).collect();
        rows.extend_from_slice(values.join("\t").as_bytes());
        rows.push(b'\n');
    }
    rows
}

/// Whether two values are the same: as text, or as numbers that differ by rounding only.
fn agree(one: Option<&String>, other: Option<&String>) -> bool {
    if one == other {
        return true;
    }
    let number = |text: Option<&String>| text.and_then(|text| text.parse::<f64>().ok());
    match (number(one), number(other)) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-9 * one.abs().max(other.abs()),
        _ => false,
    }
}

fn assert_same(sql: &str, redshift: &Rows, postgres: &Rows) {
    assert_eq!(redshift.len(), postgres.len(), "{sql}");
    for (place, (one, other)) in redshift.iter().zip(postgres).enumerate() {
        let same = one.len() == other.len() && one.iter().zip(other).all(|(a, b)| agree(a.as_ref(), b.as_ref()));
        assert!(same, "{sql}\nrow {place} is {one:?} in the stand-in and {other:?} in PostgreSQL");
    }
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn the_demo_queries_answer_as_in_postgresql() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let warehouse = Warehouse::of(&running).await;
    warehouse.make_table("tpcds").await;
    let (documents, count) = documents(1..=400);
    assert!(count > 2_000, "{count} rows");
    warehouse.put("in.gz", gzip(&documents)).await;
    let copy = format!(
        "COPY tpcds.streaming_store_sales FROM 's3://{BUCKET}/in.gz' IAM_ROLE default JSON 's3://{BUCKET}/paths.json' GZIP"
    );
    warehouse.run(&[&copy]).await.expect("loaded");

    let postgres = Postgres::start();
    postgres.ask(SHIM, b"").expect("the shim");
    postgres.ask(&store_sales().redshift_ddl("streaming_store_sales", Structs::Varchar), b"").expect("the same table");
    postgres.ask("COPY streaming_store_sales FROM STDIN", &as_copy_text(&documents)).expect("the same rows");

    let mut queries: Vec<String> = MORE.map(str::to_owned).to_vec();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/sql/queries/redshift")).expect("queries") {
        queries.push(std::fs::read_to_string(entry.expect("a query").path()).expect("its text"));
    }
    assert!(queries.len() >= MORE.len() + 6);
    for sql in &queries {
        let here = warehouse.run(&["SET search_path TO tpcds", sql]).await;
        let here = here.unwrap_or_else(|error| panic!("{sql}\n{error}"));
        let there = postgres.ask(sql, b"").unwrap_or_else(|error| panic!("{sql}\n{error}"));
        assert!(!there.is_empty(), "{sql}");
        assert_same(sql, &here, &there);
    }
    running.stop().await;
}

#[tokio::test]
#[ignore = "needs PostgreSQL"]
async fn what_does_not_fit_a_column_is_refused_as_in_postgresql() {
    let folder = tempfile::tempdir().expect("a folder");
    let running = Running::over(folder.path()).await;
    let (warehouse, postgres) = (Warehouse::of(&running).await, Postgres::start());
    let table =
        "CREATE TABLE t (a SMALLINT, b INTEGER, c VARCHAR(4), d DECIMAL(5, 2), e BOOLEAN, f DATE, g BIGINT NOT NULL)";
    warehouse.run(&[table]).await.expect("made");
    postgres.ask(table, b"").expect("made");
    for (values, fits) in [
        ("1, 2, 'four', 123.45, true, '2026-02-28', 1", true),
        ("NULL, NULL, NULL, NULL, NULL, NULL, 2", true),
        ("40000, 2, 'x', 1, true, '2026-02-28', 3", false),
        ("1, 3000000000, 'x', 1, true, '2026-02-28', 3", false),
        ("1, 2, 'fives', 1, true, '2026-02-28', 3", false),
        ("1, 2, 'x', 1234.5, true, '2026-02-28', 3", false),
        ("1, 2, 'x', 1, true, '2026-02-30', 3", false),
        ("1, 2, 'x', 1, true, '2026-02-28', NULL", false),
    ] {
        let insert = format!("INSERT INTO t VALUES ({values})");
        let here = warehouse.run(&[&insert]).await.is_ok();
        let there = postgres.ask(&insert, b"").is_ok();
        assert_eq!((here, there), (fits, fits), "{insert}");
    }
    let (sql, held) = ("SELECT a, b, c, d, f, g FROM t ORDER BY g", 2);
    let here = warehouse.run(&[sql]).await.expect("an answer");
    assert_eq!(here.len(), held);
    assert_same(sql, &here, &postgres.ask(sql, b"").expect("an answer"));
    running.stop().await;
}
