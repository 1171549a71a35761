//! What holds of every choice of imperfect documents.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::spec::FLAWS;

fn imperfect(seed: u64, amounts: &[Amount]) -> Imperfect {
    let amounts = FLAWS.into_iter().zip(amounts.iter().copied()).collect();
    let (late_by, out_of_order_by) = (Duration::from_secs(60), Duration::from_secs(5));
    Imperfect { seed, amounts, late_by, out_of_order_by, wrong_type: None, missing: None }
}

fn flaws(imperfect: &Imperfect, documents: Option<u64>) -> Option<Flaws> {
    Flaws::new(imperfect, documents, 1 << 20, Fields::default())
}

fn counted(flaws: &Flaws, documents: Range<u64>) -> BTreeMap<Flaw, u64> {
    documents.filter_map(|document| flaws.of(document)).fold(BTreeMap::new(), |mut counts, flaw| {
        *counts.entry(flaw).or_default() += 1;
        counts
    })
}

proptest! {
    #[test]
    fn there_are_as_many_as_were_asked_for(
        seed: u64, counts in proptest::collection::vec(1..60_u64, 1..=FLAWS.len()), more in 0..5_000_u64
    ) {
        let documents = 2 * counts.iter().sum::<u64>() + more;
        let amounts: Vec<Amount> = counts.iter().map(|count| Amount::Count(*count)).collect();
        let flaws = flaws(&imperfect(seed, &amounts), Some(documents)).expect("some");
        let expected: BTreeMap<Flaw, u64> = FLAWS.into_iter().zip(counts).collect();
        prop_assert_eq!(counted(&flaws, 0..documents), expected);
        prop_assert!((1..documents).all(|at| flaws.of(at).is_none() || flaws.of(at - 1).is_none()));
        prop_assert_eq!(flaws.of(0), None);
    }

    #[test]
    fn a_range_has_those_that_each_document_says(
        seed: u64, share in 0.0005..0.5, documents in 10..3_000_u64, first in 0..6_000_u64, length in 0..2_000_u64
    ) {
        let Some(flaws) = flaws(&imperfect(seed, &[Amount::Share(share)]), Some(documents)) else { return Ok(()) };
        let range = first..first + length;
        let one_by_one: Vec<_> = range.clone().filter_map(|at| Some((at, flaws.of(at)?))).collect();
        prop_assert_eq!(flaws.among(range).collect::<Vec<_>>(), one_by_one);
    }

    #[test]
    fn each_part_has_its_share(seed: u64, part in 0..100_u64) {
        let amounts = [Amount::Share(0.02), Amount::Share(0.01)];
        let flaws = flaws(&imperfect(seed, &amounts), None).expect("some");
        let counts = counted(&flaws, part * 10_000..(part + 1) * 10_000);
        prop_assert!(counts[&FLAWS[0]].abs_diff(200) <= 8, "{counts:?}");
        prop_assert!(counts[&FLAWS[1]].abs_diff(100) <= 8, "{counts:?}");
    }
}

#[test]
fn nothing_asked_for_is_nothing() {
    assert_eq!(flaws(&imperfect(1, &[Amount::Share(0.001)]), Some(10)), None);
    assert_eq!(flaws(&imperfect(1, &[]), Some(10)), None);
}

#[test]
fn event_times_are_late_by_the_mean_and_out_of_order_up_to_the_most() {
    let amounts = vec![(Flaw::Late, Amount::Count(20_000)), (Flaw::OutOfOrder, Amount::Count(20_000))];
    let flaws = flaws(&Imperfect { amounts, ..imperfect(1, &[]) }, Some(100_000)).expect("some");
    let delays = |flaw: Flaw| -> Vec<u64> {
        flaws.among(0..100_000).filter(|(_, of)| *of == flaw).map(|(at, _)| flaws.delay_ms(at)).collect()
    };
    let (late, back) = (delays(Flaw::Late), delays(Flaw::OutOfOrder));
    let mean = |delays: &[u64]| delays.iter().sum::<u64>() as f64 / delays.len() as f64;
    assert!((mean(&late) - 60_000.0).abs() < 1_500.0, "{}", mean(&late));
    let beyond = late.iter().filter(|delay| **delay > 60_000).count() as f64 / late.len() as f64;
    assert!((beyond - (-1.0_f64).exp()).abs() < 0.01, "{beyond}");
    assert!((mean(&back) - 2_500.0).abs() < 60.0 && back.iter().all(|delay| (1..=5_000).contains(delay)));
    assert_eq!(flaws.delay_ms(0), 0);
}
