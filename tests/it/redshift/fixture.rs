//! A stand-in with Redshift, a stack on it, and what lands there.

use std::{io::Write, ops::RangeInclusive, sync::Arc, time::Duration};

use aws_sdk_s3::primitives::ByteStream;
use demo_formats::{
    prefix::{Prefix, Use},
    schema::Structs,
};
use demo_workload::{Identity, Key, store_sales::StoreSales};
use flate2::{Compression as Level, write::GzEncoder};
use kinesis_demo::{
    aws::{
        Clients, Names, inventory,
        redshift::{
            At, Database, Loader,
            data::{Answer, DataError, Runner},
        },
    },
    deliveries::{
        Beside,
        redshift::{RedshiftAt, RedshiftDelivery, RedshiftLoad, RedshiftNames},
        sought,
        spec::Deliver,
    },
    engine::{self, Cancel, Home, Journal, Outcome},
    pipeline::lifecycle,
    spec::{Buffer, Name, Stack},
    verify::{Due, Expected, Scope, Sought},
};
use tempfile::TempDir;

use crate::{
    lifecycle::{materials, store_sales},
    stand_in::Running,
};

pub const PREFIX: &str = "tpcds/streaming/store_sales_inter/year=!{timestamp:yyyy}/";
pub const ERROR_PREFIX: &str = "tpcds/streaming/store_sales_inter_error/!{firehose:error-output-type}/";
pub const COPY: RedshiftLoad = RedshiftLoad::Copy { every: Duration::ZERO };

pub fn cluster() -> RedshiftAt {
    let (identifier, user) = ("demo".to_owned(), Some("awsuser".to_owned()));
    RedshiftAt::Cluster { identifier, user, endpoint: None }
}

pub fn workgroup(name: &str) -> RedshiftAt {
    RedshiftAt::Workgroup { name: name.to_owned() }
}

pub fn stack(at: RedshiftAt, load: RedshiftLoad) -> Stack {
    let (prefix, error_prefix) = match load {
        RedshiftLoad::Copy { .. } => (PREFIX, Some(ERROR_PREFIX)),
        RedshiftLoad::Firehose => ("tpcds/through/", None),
    };
    let redshift = RedshiftDelivery {
        at,
        database: "dev".to_owned(),
        schema: Name::Stem("tpcds".to_owned()),
        table: "streaming_store_sales".to_owned(),
        load,
        role: None,
        secret: (load == RedshiftLoad::Firehose).then(|| "demo/redshift".to_owned()),
        structs: Structs::Varchar,
        prefix: Prefix::parse(prefix, Use::Data).expect("a prefix"),
        prefix_text: prefix.to_owned(),
        error_prefix: error_prefix.map(|text| Prefix::parse(text, Use::Error).expect("a prefix")),
        error_prefix_text: error_prefix.map(str::to_owned),
        buffer: Buffer { mib: 1, interval: Duration::from_secs(1) },
        max_errors: 0,
    };
    Stack { deliver: Deliver { redshift: Some(redshift), ..Deliver::default() }, ..store_sales() }
}

/// A stand-in, a state folder and clients.
pub struct Ground {
    _folder: TempDir,
    _running: Running,
    pub home: Home,
    pub clients: Clients,
}

/// A stack that is up.
pub struct Up {
    pub place: Ground,
    pub stack: Stack,
    pub names: Names,
    pub journal: Journal,
}

impl Ground {
    pub async fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let running = Running::over(&folder.path().join("local")).await;
        let home = Home::at(folder.path().join("home")).expect("a home");
        let clients = Clients::connect(running.place()).await;
        Self { _folder: folder, _running: running, home, clients }
    }

    pub async fn open(&self, stack: &Stack) -> Journal {
        lifecycle::open(&self.home, stack, serde_json::json!({}), &self.clients).await.expect("opened")
    }

    /// What `up` says that does not succeed; nothing of the stack is there then.
    pub async fn refusal(&self, stack: &Stack) -> String {
        let journal = self.open(stack).await;
        let refused = lifecycle::up(&journal, stack, &materials(), &self.clients, &(), &Cancel::new()).await;
        assert_eq!(journal.state().live().count(), 0, "nothing was begun");
        assert_eq!(
            inventory::of(&self.clients, &engine::Scope::Stack(journal.id().clone())).await.expect("an inventory"),
            []
        );
        refused.expect_err("it is refused").to_string()
    }

    pub async fn sql(&self, statements: &[&str]) -> Result<Answer, DataError> {
        let database = Database { at: At::Workgroup("demo".to_owned()), name: "dev".to_owned(), secret: None };
        let statements: Vec<String> = statements.iter().map(|&statement| statement.to_owned()).collect();
        Runner::new(&self.clients, &database).run(&statements, usize::MAX).await
    }
}

impl Up {
    pub async fn new(stack: Stack) -> Self {
        let place = Ground::new().await;
        let journal = place.open(&stack).await;
        let made = lifecycle::up(&journal, &stack, &materials(), &place.clients, &(), &Cancel::new()).await;
        let made = made.expect("up");
        assert!(made.resources.iter().all(|(_, outcome)| *outcome == Outcome::Created), "{made:#?}");
        Self { names: Names::of(&stack, journal.id()), place, stack, journal }
    }

    pub fn loader(&self) -> Loader {
        let to = self.stack.deliver.redshift.as_ref().expect("Redshift");
        to.loader(&self.names, &self.place.clients).expect("COPY loads it")
    }

    pub fn redshift(&self) -> RedshiftNames {
        self.stack.deliver.redshift.as_ref().expect("Redshift").names(&self.names.id)
    }

    pub fn table(&self) -> String {
        let names = self.redshift();
        format!("{}.{}", names.schema, names.table)
    }

    /// Rows and distinct keys.
    pub async fn counted(&self) -> (String, String) {
        let sql = format!(
            "SELECT SUM(n), COUNT(*) FROM (SELECT ss_ticket_number, ss_item_sk, COUNT(*) AS n FROM {} GROUP BY 1, 2) AS k",
            self.table()
        );
        let answer = self.place.sql(&[&sql]).await.expect("an answer");
        let cell = |at: usize| answer.rows[0][at].clone().unwrap_or_else(|| "0".to_owned());
        (cell(0), cell(1))
    }

    /// The key that Firehose would give an object.
    pub fn landed(&self, name: &str) -> String {
        let written = format!("{}-redshift-1-2026-11-24-06-00-00-{name}.gz", self.names.id);
        format!("tpcds/streaming/store_sales_inter/year=2026/{written}")
    }

    pub async fn land(&self, name: &str, lines: &[u8]) {
        let mut gzip = GzEncoder::new(Vec::new(), Level::fast());
        gzip.write_all(lines).expect("memory takes it");
        let body = ByteStream::from(gzip.finish().expect("memory takes it"));
        let bucket = self.names.bucket.as_deref().expect("a bucket");
        self.place
            .clients
            .s3
            .put_object()
            .bucket(bucket)
            .key(self.landed(name))
            .body(body)
            .send()
            .await
            .expect("landed");
    }

    pub async fn down(self) {
        let down = lifecycle::down(&self.journal, &self.place.clients, &(), &Cancel::new()).await.expect("down");
        assert!(down.is_clean(), "{down:#?}");
        assert!(down.removed.iter().all(|(_, outcome)| *outcome == Outcome::Deleted), "{down:#?}");
        let left = self.place.sql(&["SELECT nspname FROM pg_namespace WHERE nspname LIKE 'tpcds%'"]).await;
        assert!(left.expect("an answer").rows.is_empty(), "no schema is left");
    }
}

/// Documents of some tickets, and their keys.
pub fn documents(tickets: RangeInclusive<u64>) -> (Vec<u8>, Vec<Key>) {
    let sales: Arc<StoreSales> = StoreSales::new(1, 1);
    let (mut documents, mut out, mut keys) = (sales.documents(tickets), Vec::new(), Vec::new());
    while let Some(key) = documents.next_into(&mut out) {
        keys.push(key);
    }
    (out, keys)
}

pub fn sought_in(up: &Up, keys: &[Key], tickets: RangeInclusive<u64>) -> Vec<Sought> {
    let expected = Arc::new(Expected::new(Identity::StoreSales, Scope::Tickets(vec![tickets])));
    let due = Due::perfect(expected, keys.iter().copied().collect());
    sought(&up.stack, &up.names, &up.place.clients, vec![due], Beside::default())
}
