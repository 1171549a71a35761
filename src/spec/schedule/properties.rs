use std::time::Duration;

use proptest::prelude::*;

use super::{Length, Shape, Stage, Stages, Wave};

fn rate() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), 0.01..10.0, 10.0..5_000.0_f64]
}

fn shape() -> impl Strategy<Value = Shape> {
    prop_oneof![
        rate().prop_map(|rate| Shape::Ramp { from: rate, to: rate }),
        (rate(), rate()).prop_map(|(from, to)| Shape::Ramp { from, to }),
        (rate(), rate()).prop_map(|(base, peak)| Shape::Spike { base, peak }),
        (rate(), 0.01..5_000.0, 0.1..30.0)
            .prop_map(|(low, more, period)| { Shape::Wave(Wave { low, high: low + more, period }) }),
    ]
}

fn stages() -> impl Strategy<Value = Stages> {
    let stage =
        (shape(), 1..20_000_u64).prop_map(|(shape, millis)| Stage { shape, lasts: Duration::from_millis(millis) });
    prop::collection::vec(stage, 1..6).prop_filter_map("no document", |stages| Stages::new(&stages))
}

/// The rate summed up in small steps, as nobody would compute it who can integrate.
fn summed(stages: &[Stage], until: f64) -> f64 {
    const STEPS: u32 = 4_000;
    let (mut begins, mut sum) = (0.0, 0.0);
    for Stage { shape, lasts } in stages {
        let lasts = lasts.as_secs_f64();
        let seconds = (until - begins).clamp(0.0, lasts);
        let step = seconds / f64::from(STEPS);
        let rate = |at: f64| match *shape {
            Shape::Ramp { from, to } => from + (to - from) * at / lasts,
            Shape::Spike { base, peak } => base + (peak - base) * (1.0 - (2.0 * at / lasts - 1.0).abs()),
            Shape::Wave(Wave { low, high, period }) => {
                let turn = (std::f64::consts::PI * at / period).sin();
                low + (high - low) * turn * turn
            }
        };
        sum += (0..STEPS).map(|i| rate((f64::from(i) + 0.5) * step) * step).sum::<f64>();
        begins += lasts;
    }
    sum
}

proptest! {
    #[test]
    fn the_count_is_the_integral(shapes in prop::collection::vec((shape(), 1..20_000_u64), 1..6), share in 0.0..1.0_f64) {
        let stages: Vec<_> = shapes
            .into_iter()
            .map(|(shape, millis)| Stage { shape, lasts: Duration::from_millis(millis) })
            .collect();
        let lasts: f64 = stages.iter().map(|stage| stage.lasts.as_secs_f64()).sum();
        let whole = summed(&stages, lasts);
        match Stages::new(&stages) {
            None => prop_assert!(whole < 0.51, "{whole}"),
            Some(schedule) => {
                prop_assert!((schedule.documents() as f64 - whole).abs() < 0.51 + whole * 1e-4, "{whole}");
                let until = schedule.documents_until(Duration::from_secs_f64(lasts * share));
                let expected = summed(&stages, lasts * share);
                prop_assert!((until - expected).abs() < 0.01 + whole * 1e-4, "{until}, not {expected}");
            }
        }
    }

    #[test]
    fn each_document_has_the_time_at_which_the_integral_reaches_it(stages in stages(), share in 0.0..1.0_f64) {
        let document = ((stages.documents() - 1) as f64 * share).floor();
        let at = stages.time_of(document);
        let reached = stages.documents_until(at);
        // A nanosecond of the highest rate, and what the sums are exact to.
        prop_assert!((reached - document).abs() < 1e-4, "document {document} at {at:?}, where {reached} are due");
    }

    #[test]
    fn no_time_goes_backwards(stages in stages(), from in 0.0..1.0_f64) {
        let first = (stages.documents() as f64 * from) as u64;
        let times = (first..stages.documents().min(first + 500)).map(|document| stages.time_of(document as f64));
        let times: Vec<_> = times.collect();
        prop_assert!(times.is_sorted(), "{times:?}");
        prop_assert!(times.last().is_none_or(|last| *last <= stages.duration() + Duration::from_nanos(1)));
    }

    #[test]
    fn a_constant_rate_is_a_line(per_second in 0.1..60_000.0_f64, records in 1..1_000_000_u64) {
        let stages = Stages::constant(per_second, Length::Records(records)).expect("documents");
        prop_assert_eq!(stages.documents(), records);
        prop_assert!((stages.mean() - per_second).abs() < per_second * 1e-9);
        let last = stages.time_of((records - 1) as f64).as_secs_f64();
        prop_assert!((last - (records - 1) as f64 / per_second).abs() < 2e-9 + last * 1e-12);
    }
}

#[test]
fn nothing_is_sent_while_a_schedule_pauses() {
    let stage =
        |rate, seconds| Stage { shape: Shape::Ramp { from: rate, to: rate }, lasts: Duration::from_secs(seconds) };
    let stages = Stages::new(&[stage(0.0, 5), stage(1.0, 10), stage(0.0, 10), stage(2.0, 5), stage(0.0, 60)]);
    let stages = stages.expect("documents");
    assert_eq!((stages.documents(), stages.duration()), (20, Duration::from_secs(90)));
    let at = |document: u32| stages.time_of(f64::from(document)).as_secs_f64();
    assert_eq!([at(0), at(1), at(9), at(10), at(11), at(19)], [5.0, 6.0, 14.0, 25.0, 25.5, 29.5]);
}
