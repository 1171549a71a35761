//! The checks of how documents travel: `transport`, `aggregation` and `ordered` of `load`.

use std::ops::RangeInclusive;

use super::{
    super::{
        file::{AggregationFile, AggregationWord, LoadFile, Size},
        quantity::Refusal,
        sending::{AGGREGATED_BYTES, Aggregation, Sending},
    },
    values::Check,
};

/// What every stream takes in one record, and the least that could hold two documents.
const AGGREGATED: RangeInclusive<u64> = 1 << 10..=1 << 20;

impl Check<'_> {
    pub(super) fn sending(&mut self, load: &LoadFile) -> Option<Sending> {
        let transport = load.transport.unwrap_or_default();
        let aggregation = self.aggregation(load.aggregation.as_ref())?;
        Some(Sending { transport, aggregation, ordered: load.ordered.unwrap_or_default() })
    }

    fn aggregation(&mut self, aggregation: Option<&AggregationFile>) -> Option<Aggregation> {
        let max_size = match aggregation {
            Some(AggregationFile::Word(AggregationWord::Off)) | None => return Some(Aggregation::Off),
            Some(AggregationFile::Word(AggregationWord::On)) => None,
            Some(AggregationFile::Map(map)) => map.max_size.as_ref(),
        };
        let max_bytes = max_size.map_or(Some(AGGREGATED_BYTES), |text| self.aggregated_bytes(text))?;
        Some(Aggregation::On { max_bytes })
    }

    fn aggregated_bytes(&mut self, text: &Size) -> Option<u32> {
        let path = "load.aggregation.max_size";
        let bytes = self.size(path, text)?;
        let fitting = u32::try_from(bytes).ok().filter(|_| AGGREGATED.contains(&bytes));
        if fitting.is_none() {
            let problem = format!("documents are not put together to {}", text.0);
            self.refuse(path, Refusal::new(problem, "1KiB to 1MiB"));
        }
        fitting
    }
}
