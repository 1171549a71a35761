//! Counts the rows while the load goes on.

use std::time::{Duration, Instant};

use async_trait::async_trait;

use super::{DESTINATION, RedshiftDelivery, RedshiftLoad, verify::RedshiftError};
use crate::{
    aws::{
        Clients, Names,
        redshift::{data::Runner, sql::TableName},
    },
    verify::{
        Destination, VerifyError,
        sql::Counted,
        watch::{Arrived, Watch},
    },
};

/// Between two counts: not before more can be there, and often enough to be looked at.
const LEAST_PAUSE: Duration = Duration::from_secs(5);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// How much longer than a count nothing is counted.
const RESTS: u32 = 9;
const ONE_ROW_AND_A_CHECK: usize = 2;

pub(super) struct RowsWatch {
    runner: Runner,
    table: TableName,
    pause: Duration,
    /// The rows when the load began.
    before: Option<u64>,
}

impl RowsWatch {
    pub(super) fn new(to: &RedshiftDelivery, names: &Names, clients: &Clients) -> Self {
        let (database, own) = (to.database(&names.id), to.names(&names.id));
        let every = match to.load {
            RedshiftLoad::Copy { every } => every,
            RedshiftLoad::Firehose => to.buffer.interval,
        };
        Self {
            runner: Runner::new(clients, &database),
            table: TableName::new(own.schema, own.table),
            pause: every.clamp(LEAST_PAUSE, LONGEST_PAUSE),
            before: None,
        }
    }

    async fn count(&self) -> Result<u64, RedshiftError> {
        let statement = format!("SELECT COUNT(*) FROM {}", self.table);
        let answer = self.runner.run(&[statement], ONE_ROW_AND_A_CHECK).await?;
        let counted = Counted::from_rows(&answer.rows).map(|counted| counted.documents);
        counted
            .ok_or_else(|| RedshiftError::Count { table: self.table.to_string(), answer: format!("{:?}", answer.rows) })
    }
}

#[async_trait]
impl Watch for RowsWatch {
    fn destination(&self) -> Destination {
        DESTINATION
    }

    async fn look(&mut self) -> Result<(Arrived, Duration), VerifyError> {
        let began = Instant::now();
        let rows = self.count().await?;
        let before = *self.before.get_or_insert(rows);
        let arrived = Arrived { documents: Some(rows.saturating_sub(before)), ..Arrived::default() };
        Ok((arrived, self.pause.max(began.elapsed() * RESTS)))
    }
}
