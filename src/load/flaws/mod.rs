//! Which documents of a run are imperfect, and what becomes of them.
//!
//! Both follow from a document's number in its run alone, so workers share a run without a word, and a verification finds
//! them again. The documents are cut into as many strata as there are imperfect ones; each stratum has one, at a place of
//! its own, never the first. So the numbers are exact, the flaws are spread evenly, and before each imperfect document
//! comes one that is not.

mod edit;
#[cfg(test)]
mod properties;
mod sending;

use std::{ops::Range, time::Duration};

use demo_workload::{mixed, stride};
use serde::{Deserialize, Serialize};

pub(super) use sending::Flawed;

use crate::spec::{Amount, Flaw, Imperfect};

/// The pattern begins again after so many documents where nobody knows how many there will be.
const ENDLESS: u64 = 1_000_000;

/// The imperfect documents of a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flaws {
    seed: u64,
    /// Documents after which the pattern begins again.
    period: u64,
    /// How many of each flaw a period has: together at most half of it.
    counts: Vec<(Flaw, u64)>,
    /// What the stream takes as a record.
    max_bytes: usize,
    fields: Fields,
    /// The mean by which event times are late, in milliseconds.
    late_ms: u64,
    /// The most by which they are out of order, in milliseconds.
    out_of_order_ms: u64,
}

/// The fields at the top of a document that flaws are about.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fields {
    /// That holds a text in place of a number.
    pub wrong_type: Option<String>,
    /// That is left out.
    pub missing: Option<String>,
}

impl Flaws {
    /// Of a run with so many documents, if that is known; `None` where all of them are perfect.
    pub fn new(imperfect: &Imperfect, documents: Option<u64>, max_bytes: usize, fields: Fields) -> Option<Self> {
        let period = documents.unwrap_or(ENDLESS);
        let count = |amount: &Amount| match amount {
            Amount::Share(share) => (share * period as f64).round() as u64,
            Amount::Count(count) => *count,
        };
        let mut counts: Vec<(Flaw, u64)> =
            imperfect.amounts.iter().map(|(flaw, amount)| (*flaw, count(amount))).collect();
        // Rounded up together, they may be more than half.
        while counts.iter().map(|(_, count)| count).sum::<u64>() > period / 2 {
            let most = counts.iter_mut().max_by_key(|(_, count)| *count)?;
            most.1 -= 1;
        }
        counts.retain(|(_, count)| *count > 0);
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        (!counts.is_empty()).then_some(Self {
            seed: imperfect.seed,
            period,
            counts,
            max_bytes,
            fields,
            late_ms: ms(imperfect.late_by),
            out_of_order_ms: ms(imperfect.out_of_order_by),
        })
    }

    /// What is wrong with a document, by its number in the run.
    pub fn of(&self, document: u64) -> Option<Flaw> {
        let within = document % self.period;
        let stratum = self.stratum_of(within);
        (self.place_in(stratum) == within).then(|| self.flaw_of(stratum))
    }

    /// The imperfect ones of some documents, in their order.
    pub fn among(&self, documents: Range<u64>) -> impl Iterator<Item = (u64, Flaw)> + '_ {
        let first = if documents.is_empty() { 0 } else { self.position_of(documents.start) };
        let in_order = (first..).map(|position| {
            let (period, stratum) = (position / self.imperfect(), position % self.imperfect());
            (period * self.period + self.place_in(stratum), self.flaw_of(stratum))
        });
        let range = documents.clone();
        in_order
            .skip_while(move |(document, _)| *document < range.start)
            .take_while(move |(at, _)| documents.contains(at))
    }

    /// By how many milliseconds the event time of a document is before the schedule's.
    pub fn delay_ms(&self, document: u64) -> u64 {
        let drawn = mixed(self.seed ^ mixed(document)) as f64 / u64::MAX as f64;
        match self.of(document) {
            // By the inverse of its distribution; no draw is worth more than forty means.
            Some(Flaw::Late) => (self.late_ms as f64 * -drawn.max(1e-17).ln()).ceil() as u64,
            Some(Flaw::OutOfOrder) => (self.out_of_order_ms as f64 * drawn).ceil().max(1.0) as u64,
            _ => 0,
        }
    }

    /// What a document is sent as. One that is sent once more, or has its event time for a flaw, is not changed.
    pub fn apply(&self, flaw: Flaw, document: u64, perfect: &[u8]) -> Vec<u8> {
        match flaw {
            Flaw::Duplicates | Flaw::Late | Flaw::OutOfOrder => perfect.to_vec(),
            Flaw::Malformed => edit::broken(perfect, mixed(self.seed ^ mixed(document)), document),
            Flaw::WrongType => edit::with(perfect, self.fields.wrong_type.as_deref().unwrap_or_default(), "\"n/a\""),
            Flaw::Missing => edit::without(perfect, self.fields.missing.as_deref().unwrap_or_default()),
            Flaw::Unknown => edit::with(perfect, edit::UNKNOWN, "true"),
            Flaw::Oversize => edit::longer(perfect, self.max_bytes),
            Flaw::Empty => b"{}\n".to_vec(),
        }
    }

    /// How many a period has.
    fn imperfect(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
    }

    /// Where a stratum begins in its period.
    fn begin_of(&self, stratum: u64) -> u64 {
        scaled(stratum, self.period, self.imperfect())
    }

    fn stratum_of(&self, within: u64) -> u64 {
        let (within, period, imperfect) = (u128::from(within), u128::from(self.period), u128::from(self.imperfect()));
        // The last one that begins here or before.
        (((within + 1) * imperfect - 1) / period) as u64
    }

    /// That of a document, counted on over the periods.
    fn position_of(&self, document: u64) -> u64 {
        document / self.period * self.imperfect() + self.stratum_of(document % self.period)
    }

    /// The place of a stratum's imperfect document in the period.
    fn place_in(&self, stratum: u64) -> u64 {
        let (begin, end) = (self.begin_of(stratum), self.begin_of(stratum + 1));
        begin + 1 + mixed(self.seed ^ mixed(stratum)) % (end - begin - 1).max(1)
    }

    /// A walk around all strata, which spreads each flaw evenly.
    fn flaw_of(&self, stratum: u64) -> Flaw {
        let all = self.imperfect();
        let step = stride(all);
        let begin = u128::from(mixed(self.seed) % all);
        let mut turn = ((u128::from(stratum) * u128::from(step) + begin) % u128::from(all)) as u64;
        for (flaw, count) in &self.counts {
            if turn < *count {
                return *flaw;
            }
            turn -= count;
        }
        unreachable!("the turns are as many as the counts together")
    }
}

/// `number` × `to` ÷ `from`, rounded down.
fn scaled(number: u64, to: u64, from: u64) -> u64 {
    (u128::from(number) * u128::from(to) / u128::from(from)) as u64
}
