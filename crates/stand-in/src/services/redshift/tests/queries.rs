//! What SQL answers.

use super::*;

#[tokio::test]
async fn a_table_lives_from_its_schema_to_its_end() {
    let mut rig = Rig::new();
    rig.run(&["CREATE SCHEMA \"x\"", "COMMENT ON SCHEMA \"x\" IS 'demo:stack=s-1'"]).await;
    rig.run(&[
        "CREATE TABLE IF NOT EXISTS x.t (a BIGINT NOT NULL ENCODE az64 DISTKEY, b VARCHAR(4) ENCODE lzo, c FLOAT8,
            d DECIMAL(9, 2), e BOOLEAN, f DATE, g TIMESTAMP DEFAULT getdate()) DISTSTYLE KEY COMPOUND SORTKEY (a, b)",
        "COMMENT ON TABLE x.t IS 'it''s ours'",
        "INSERT INTO x.t VALUES (1, 'one', 1.5, 1.25, true, '2026-01-02', '2026-01-02 03:04:05.5'), (2, NULL, NULL, NULL, NULL, NULL, NULL)",
        "INSERT INTO x.t (b, a) VALUES ('zwei', 3)",
    ])
    .await;
    rig.reopen();
    let all = rig.run(&["SELECT a, b, c, d, e, f, g FROM x.t WHERE a < 3 ORDER BY 1"]).await;
    let one = ["1", "one", "1.5", "1.25", "true", "2026-01-02", "2026-01-02 03:04:05.5"];
    assert_eq!(all, expected(&[&one, &["2", "null", "null", "null", "null", "null", "null"]]));
    let fresh = rig.run(&["SELECT count(*) FROM x.t WHERE g > '2026-01-03'"]).await;
    assert_eq!(fresh, expected(&[&["1"]]), "the default of g");
    let error = rig.failure(&["INSERT INTO x.t (a, b) VALUES (4, 'vier!')"]).await;
    assert!(error.contains("Value too long for type character varying(4)"), "{error}");
    let error = rig.failure(&["INSERT INTO x.t (b) VALUES ('x')"]).await;
    assert!(error.contains("NULL value into column a"), "{error}");
    rig.run(&["DELETE FROM x.t WHERE b IS NULL OR b = 'one'"]).await;
    assert_eq!(rig.run(&["SELECT a FROM x.t"]).await, expected(&[&["3"]]));
    let make = "CREATE TABLE x.\"in quotes\" (a INT)";
    let fill = "INSERT INTO x.\"in quotes\" VALUES (1), (2)";
    rig.run(&[make, fill, "DELETE FROM x.\"in quotes\" WHERE a = 1"]).await;
    assert_eq!(rig.run(&["SELECT a FROM x.\"in quotes\"",]).await, expected(&[&["2"]]));
    rig.run(&["DROP TABLE x.\"in quotes\""]).await;
    let error = rig.failure(&["DROP SCHEMA x RESTRICT"]).await;
    assert!(error.contains("cannot drop schema x"), "{error}");
    rig.run(&["TRUNCATE x.t", "DROP TABLE IF EXISTS x.t", "DROP TABLE IF EXISTS x.t", "DROP SCHEMA x RESTRICT"]).await;
    let error = rig.failure(&["SELECT * FROM x.t"]).await;
    assert!(error.contains("relation \"x.t\" does not exist"), "{error}");
    let segments = fs::read_dir(rig.folder.path().join("redshift/warehouses")).expect("a folder");
    for warehouse in segments {
        let files = fs::read_dir(warehouse.expect("an entry").path().join("segments")).expect("a folder");
        assert_eq!(files.count(), 0, "no file is left of a dropped table");
    }
}

#[tokio::test]
async fn comments_and_columns_are_read_back() {
    let rig = Rig::new();
    rig.run(&[
        "CREATE SCHEMA x",
        "COMMENT ON SCHEMA x IS 'demo:stack=s-1'",
        "CREATE TABLE x.t (a BIGINT, b VARCHAR(4096), c FLOAT8, d SUPER, e BOOLEAN)",
        "COMMENT ON TABLE x.t IS 'ours'",
    ])
    .await;
    let schema = "SELECT n.nspname, obj_description(n.oid, 'pg_namespace') FROM pg_namespace n
        WHERE obj_description(n.oid, 'pg_namespace') = 'demo:stack=s-1'";
    assert_eq!(rig.run(&[schema]).await, expected(&[&["x", "demo:stack=s-1"]]));
    let table = "SELECT c.relname, obj_description(c.oid, 'pg_class') FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'x' AND c.relkind IN ('r', 'v') ORDER BY 1";
    assert_eq!(rig.run(&[table]).await, expected(&[&["t", "ours"]]));
    let joined = "SELECT d.description FROM pg_catalog.pg_description d JOIN pg_class c ON c.oid = d.objoid
        WHERE d.classoid = 'pg_class'::regclass AND d.objsubid = 0 AND c.oid = 'x.t'::regclass";
    assert_eq!(rig.run(&[joined]).await, expected(&[&["ours"]]));
    let columns = "SELECT column_name, data_type, character_maximum_length FROM svv_columns
        WHERE table_schema = 'x' AND table_name = 't' ORDER BY ordinal_position";
    let known: [&[&str]; 5] = [
        &["a", "bigint", "null"],
        &["b", "character varying", "4096"],
        &["c", "double precision", "null"],
        &["d", "super", "null"],
        &["e", "boolean", "null"],
    ];
    assert_eq!(rig.run(&[columns]).await, expected(&known));
    assert_eq!(
        rig.run(&["SET search_path TO x", "SELECT \"column\", type FROM pg_table_def WHERE tablename = 't' LIMIT 2"])
            .await,
        expected(&[&["a", "bigint"], &["b", "character varying(4096)"]])
    );
}

#[tokio::test]
async fn the_search_path_is_the_batchs_own() {
    let rig = Rig::new();
    rig.run(&[
        "CREATE SCHEMA x",
        "SET search_path TO \"x\", public",
        "CREATE TABLE t (a INT)",
        "INSERT INTO t VALUES (1)",
    ])
    .await;
    assert_eq!(rig.run(&["SET search_path TO x", "SELECT * FROM t"]).await, expected(&[&["1"]]));
    let error = rig.failure(&["SELECT * FROM t"]).await;
    assert!(error.contains("relation \"t\" does not exist"), "{error}");
}

#[tokio::test]
async fn redshifts_own_functions_answer() {
    let rig = Rig::new();
    let sql = "SELECT nvl(NULL, NULL, 'x'), len('äb'), json_extract_path_text('{\"a\": {\"b\": 1.50}}', 'a', 'b'),
        is_valid_json('{\"a\": 1}'), is_valid_json('nope'), json_serialize(json_parse('{ \"a\": [1] }')),
        getdate() > '2020-01-01', json_extract_array_element_text('[1, \"x\"]', 1)";
    let row = ["x", "2", "1.50", "true", "false", "{\"a\":[1]}", "true", "x"];
    assert_eq!(rig.run(&[sql]).await, expected(&[&row]));
    let listed = "SELECT listagg(x, ',') WITHIN GROUP (ORDER BY x DESC), sum(n)
        FROM (SELECT 'a' AS x, CAST(1 AS BIGINT) AS n UNION ALL SELECT 'b', 9223372036854775807)";
    assert_eq!(rig.run(&[listed]).await, expected(&[&["b,a", "9223372036854775808"]]));
    assert!(rig.failure(&["SELECT 1 / (1 - count(*)) FROM pg_database"]).await.contains("division by zero"));
    assert!(rig.failure(&["SELECT json_extract_path_text('{', 'a')"]).await.contains("JSON parsing error"));
}

#[tokio::test]
async fn dots_lead_into_super_columns() {
    let rig = Rig::new();
    rig.run(&[
        "CREATE TABLE t (id INT, item SUPER)",
        "INSERT INTO t VALUES (1, '{\"category\": \"Music\", \"price\": 2.5, \"brand\": {\"id\": 7}}'),
            (2, '{\"category\": \"Music\", \"price\": 1}'), (3, '{\"category\": null}'), (4, NULL)",
    ])
    .await;
    let grouped = "SELECT item.category, count(*) AS n FROM t GROUP BY 1 ORDER BY n DESC, 1";
    assert_eq!(rig.run(&[grouped]).await, expected(&[&["\"Music\"", "2"], &["null", "2"]]));
    let compared = "SELECT id FROM t WHERE item.category = 'Music' AND item.price > 2 AND t.item.brand.id = 7";
    assert_eq!(rig.run(&[compared]).await, expected(&[&["1"]]));
    let cast =
        "SELECT \"item\".\"category\"::VARCHAR, sum(item.price) FROM t AS s WHERE s.item.price IS NOT NULL GROUP BY 1";
    assert_eq!(rig.run(&[cast]).await, expected(&[&["Music", "3.5"]]));
}

#[tokio::test]
async fn names_are_folded_in_quotes_too_unless_the_session_keeps_their_case() {
    let rig = Rig::new();
    rig.run(&[
        "CREATE TABLE \"Mixed\" (\"OrderId\" INT, \"Doc\" SUPER)",
        "INSERT INTO mixed VALUES (1, '{\"Id\": \"upper\", \"id\": \"lower\"}')",
    ])
    .await;
    let folded = "SELECT m.\"ORDERID\", m.\"Doc\".\"Id\"::VARCHAR FROM \"MIXED\" AS m WHERE \"orderId\" = 1";
    assert_eq!(rig.run(&[folded]).await, expected(&[&["1", "lower"]]));
    let keep = "SET enable_case_sensitive_identifier TO true";
    let kept = "SELECT m.\"orderid\", m.doc.\"Id\"::VARCHAR, m.doc.ID::VARCHAR FROM mixed AS m";
    assert_eq!(rig.run(&[keep, kept]).await, expected(&[&["1", "upper", "lower"]]));
    assert!(rig.failure(&[keep, "SELECT \"OrderId\" FROM mixed"]).await.contains("OrderId"));
    assert!(rig.failure(&[keep, "CREATE TABLE t (\"A\" INT)"]).await.contains("upper-case letters"));
    assert_eq!(rig.run(&[keep, "SET enable_case_sensitive_identifier TO off", folded]).await.len(), 1);
}

#[tokio::test]
async fn a_table_has_at_most_1600_columns() {
    let rig = Rig::new();
    let table = |columns: usize| {
        let columns: Vec<String> = (0..columns).map(|n| format!("c{n} INT")).collect();
        format!("CREATE TABLE wide ({})", columns.join(", "))
    };
    assert!(rig.failure(&[&table(1_601)]).await.contains("at most 1600 columns"));
    rig.run(&[&table(1_600)]).await;
}

#[tokio::test]
async fn arrays_in_super_columns_are_reached_and_unnested() {
    let rig = Rig::new();
    rig.run(&[
        "CREATE TABLE orders (id INT, lines SUPER)",
        r#"INSERT INTO orders VALUES (1, '[{"sku":"a","qty":2,"tags":["x","y"]},{"sku":"b","qty":3}]'), (2, '[]'), (3, NULL)"#,
    ])
    .await;
    let first = "SELECT id, lines[0].sku, o.lines[1].qty, lines[7].sku, lines[0].tags[1] FROM orders o ORDER BY id";
    let rows = rig.run(&[first]).await;
    assert_eq!(rows[0], expected(&[&["1", "\"a\"", "3", "null", "\"y\""]])[0]);
    assert_eq!(rows[2], expected(&[&["3", "null", "null", "null", "null"]])[0]);
    let unnested = "SELECT o.id, l.sku, l.qty * 2 FROM orders o, o.lines l ORDER BY 1, 2";
    assert_eq!(rig.run(&[unnested]).await.len(), 2);
    let summed = "SELECT count(*), sum(l.qty::INT) FROM orders AS o, o.lines AS l WHERE l.sku = 'b'";
    assert_eq!(rig.run(&[summed]).await, expected(&[&["1", "3"]]));
    let nested = "SELECT l.sku, t FROM orders o, o.lines l, l.tags t ORDER BY t";
    assert_eq!(rig.run(&[nested]).await, expected(&[&["\"a\"", "\"x\""], &["\"a\"", "\"y\""]]));
}

#[tokio::test]
async fn redshifts_own_choices_and_qualify_are_there() {
    let rig = Rig::new();
    rig.run(&["CREATE TABLE t (id INT, kind VARCHAR(8))", "INSERT INTO t VALUES (1, 'a'), (2, NULL), (3, 'c')"]).await;
    let decoded = "SELECT id, decode(kind, 'a', 'first', NULL, 'none', 'other'), nvl2(kind, 'there', 'missing') FROM t ORDER BY 1";
    let rows: [&[&str]; 3] = [&["1", "first", "there"], &["2", "none", "missing"], &["3", "other", "there"]];
    assert_eq!(rig.run(&[decoded]).await, expected(&rows));
    let last = "SELECT id FROM t QUALIFY row_number() OVER (ORDER BY id DESC) = 1";
    assert_eq!(rig.run(&[last]).await, expected(&[&["3"]]));
}

#[tokio::test]
async fn dates_are_moved_compared_and_written() {
    let rig = Rig::new();
    rig.run(&[
        "CREATE TABLE t (d DATE, at TIMESTAMP)",
        "INSERT INTO t VALUES ('2026-01-31', '2026-03-04 15:06:07.5'), (NULL, NULL)",
    ])
    .await;
    let moved =
        "SELECT dateadd(month, 1, d), dateadd('hr', -16, at), datediff(day, d, at), add_months(d, 1), last_day(d)
        FROM t WHERE d IS NOT NULL";
    let row = ["2026-02-28 00:00:00", "2026-03-03 23:06:07.5", "32", "2026-02-28 00:00:00", "2026-01-31"];
    assert_eq!(rig.run(&[moved]).await, expected(&[&row]));
    let written =
        "SELECT to_char(at, 'YYYY-MM-DD HH24:MI'), to_date('02 Oct 2001', 'DD Mon YYYY'), date_part(year, at),
        date_trunc('month', at), convert_timezone('Europe/Berlin', at), next_day(d, 'Fri') FROM t ORDER BY d LIMIT 1";
    let row =
        ["2026-03-04 15:06", "2001-10-02", "2026.0", "2026-03-01 00:00:00", "2026-03-04 16:06:07.5", "2026-02-06"];
    assert_eq!(rig.run(&[written]).await, expected(&[&row]));
    let missing = "SELECT dateadd(day, 1, d), to_char(at, 'YYYY') FROM t WHERE d IS NULL";
    assert_eq!(rig.run(&[missing]).await, expected(&[&["null", "null"]]));
    assert!(rig.failure(&["SELECT dateadd(fortnight, 1, d) FROM t"]).await.contains("fortnight"));
    let error = rig.failure(&["SELECT to_char(12.5, '99.9')"]).await;
    assert!(error.contains("function to_char(") && error.contains("does not exist"), "{error}");
    assert!(rig.failure(&["SELECT to_timestamp('2026', 'YYYY')"]).await.contains("TO_TIMESTAMP is not supported"));
}
