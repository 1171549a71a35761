//! Numbers and choices of which some are more likely than others.

use minijinja::value::{Value, ValueKind};
use rand::{RngExt, distr::Distribution};
use rand_distr::{Exp, LogNormal, Normal, Zipf};

use super::{
    arguments::{MOST_DECIMALS, count, number, rounded, up_to, whole},
    fields::Draws,
};

/// Ranks of Zipf's law, which are exact as floats.
const MOST_RANKS: i64 = 1 << 53;
const STEEPEST: f64 = 10.0;

/// By its mean and its standard deviation.
pub(super) fn normal(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let ([mean, deviation], decimals) = parameters(arguments)?;
    not_negative("the deviation", deviation)?;
    let normal = Normal::new(mean, deviation).map_err(|error| error.to_string())?;
    given(normal.sample(draws), decimals)
}

/// By its median and the standard deviation of its logarithm.
pub(super) fn log_normal(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let ([median, sigma], decimals) = parameters(arguments)?;
    positive("the median", median)?;
    not_negative("sigma", sigma)?;
    let log_normal = LogNormal::new(median.ln(), sigma).map_err(|error| error.to_string())?;
    given(log_normal.sample(draws), decimals)
}

/// By its mean.
pub(super) fn exponential(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let ([mean], decimals) = parameters(arguments)?;
    positive("the mean", mean)?;
    let exponential = Exp::new(1.0).map_err(|error| error.to_string())?;
    given(exponential.sample(draws) * mean, decimals)
}

pub(super) fn zipf(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [ranks, exponent] = arguments else { return Err(count(2, arguments)) };
    let ranks = whole(ranks)?;
    if !(1..=MOST_RANKS).contains(&ranks) {
        return Err(format!("{ranks} ranks are not from 1 to {MOST_RANKS}"));
    }
    Ok(rank(draws, ranks as u64, number(exponent)?)?.into())
}

/// A rank from 1 to `ranks`, at least 1.
pub(super) fn rank(draws: &mut Draws, ranks: u64, exponent: f64) -> Result<u64, String> {
    if !(0.0..=STEEPEST).contains(&exponent) {
        return Err(format!("the exponent {exponent} is not from 0 to {STEEPEST}"));
    }
    let zipf = Zipf::new(ranks as f64, exponent).map_err(|error| error.to_string())?;
    Ok((zipf.sample(draws) as u64).clamp(1, ranks))
}

pub(super) fn weighted(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [choices] = arguments else { return Err(count(1, arguments)) };
    let weights = weights(choices)?;
    let total: f64 = weights.iter().map(|(_, weight)| weight).sum();
    if !(total > 0.0 && total.is_finite()) {
        return Err(format!("the weights sum up to {total}"));
    }
    let mut left = draws.random::<f64>() * total;
    for (value, weight) in &weights {
        if left < *weight {
            return Ok(value.clone());
        }
        left -= weight;
    }
    // What was left to rounding.
    let likely = weights.into_iter().rev().find(|(_, weight)| *weight > 0.0);
    likely.map(|(value, _)| value).ok_or_else(|| "no weight is more than 0".to_owned())
}

fn weights(choices: &Value) -> Result<Vec<(Value, f64)>, String> {
    if choices.kind() != ValueKind::Map {
        return Err(format!("`{choices}` is no map from choices to their weights"));
    }
    let keys = choices.try_iter().map_err(|error| error.to_string())?;
    keys.map(|key| {
        let weight = number(&choices.get_item(&key).map_err(|error| error.to_string())?)?;
        not_negative(&format!("the weight of `{key}`"), weight)?;
        Ok((key, weight))
    })
    .collect()
}

/// So many numbers, and after them how many decimals to round to, if anything is said of that.
fn parameters<const N: usize>(arguments: &[Value]) -> Result<([f64; N], Option<u64>), String> {
    let decimals = match arguments.len().checked_sub(N) {
        Some(0) => None,
        Some(1) => Some(up_to(&arguments[N], MOST_DECIMALS)?),
        _ => return Err(count(N, arguments)),
    };
    let mut numbers = [0.0; N];
    for (parsed, argument) in numbers.iter_mut().zip(arguments) {
        *parsed = number(argument)?;
    }
    Ok((numbers, decimals))
}

fn given(drawn: f64, decimals: Option<u64>) -> Result<Value, String> {
    match decimals {
        _ if !drawn.is_finite() => Err("a number is infinite, which JSON does not know".to_owned()),
        Some(decimals) => Ok(rounded(drawn, decimals as i32)),
        None => Ok(drawn.into()),
    }
}

fn positive(what: &str, number: f64) -> Result<(), String> {
    if number > 0.0 { Ok(()) } else { Err(format!("{what} is {number}, not more than 0")) }
}

fn not_negative(what: &str, number: f64) -> Result<(), String> {
    if number >= 0.0 { Ok(()) } else { Err(format!("{what} is {number}, less than 0")) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rand::SeedableRng;

    use super::*;

    type Field = fn(&mut Draws, &[Value]) -> Result<Value, String>;

    const MANY: usize = 4_000;

    fn sample(field: Field, arguments: &[f64]) -> Vec<f64> {
        let arguments: Vec<Value> = arguments.iter().map(|number| Value::from(*number)).collect();
        sample_of(field, &arguments)
    }

    fn sample_of(field: Field, arguments: &[Value]) -> Vec<f64> {
        let mut draws = Draws::seed_from_u64(7);
        let mut value = || f64::try_from(field(&mut draws, arguments).expect("a value")).expect("a number");
        (0..MANY).map(|_| value()).collect()
    }

    fn mean(numbers: &[f64]) -> f64 {
        numbers.iter().sum::<f64>() / numbers.len() as f64
    }

    /// How far a sample's mean may lie from the true one: the chance of more is below one in ten million.
    fn tolerance(deviation: f64) -> f64 {
        5.5 * deviation / (MANY as f64).sqrt() + 1e-9
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn normal_has_its_mean_and_deviation(at in -1e6..1e6, deviation in 0.0..1e6) {
            let drawn = sample(normal, &[at, deviation]);
            prop_assert!((mean(&drawn) - at).abs() <= tolerance(deviation), "{}", mean(&drawn));
            let squares: Vec<f64> = drawn.iter().map(|number| (number - at).powi(2)).collect();
            prop_assert!((mean(&squares).sqrt() - deviation).abs() <= 0.1 * deviation + 1e-6);
        }

        #[test]
        fn log_normal_is_positive_with_its_median_and_mean(median in 0.01..1e6, sigma in 0.0..1.0) {
            let drawn = sample(log_normal, &[median, sigma]);
            prop_assert!(drawn.iter().all(|number| *number > 0.0));
            let below = drawn.iter().filter(|number| **number < median).count() as f64 / MANY as f64;
            prop_assert!(sigma < 1e-6 || (below - 0.5).abs() < 0.05, "{below}");
            let expected = median * (sigma * sigma / 2.0).exp();
            prop_assert!((mean(&drawn) - expected).abs() <= 0.25 * expected, "{} {expected}", mean(&drawn));
        }

        #[test]
        fn exponential_is_positive_with_its_mean(expected in 1e-3..1e6) {
            let drawn = sample(exponential, &[expected]);
            prop_assert!(drawn.iter().all(|number| *number >= 0.0));
            prop_assert!((mean(&drawn) - expected).abs() <= tolerance(expected), "{}", mean(&drawn));
        }

        #[test]
        fn zipf_gives_ranks_of_which_the_first_are_likeliest(ranks in 1..1_000_i64, exponent in 0.0..3.0_f64) {
            let drawn = sample_of(zipf, &[Value::from(ranks), Value::from(exponent)]);
            prop_assert!(drawn.iter().all(|rank| (1.0..=ranks as f64).contains(rank) && rank.fract() == 0.0));
            let weights: Vec<f64> = (1..=ranks).map(|rank| (rank as f64).powf(-exponent)).collect();
            let total: f64 = weights.iter().sum();
            let moment = |power: i32| {
                (1..=ranks).zip(&weights).map(|(rank, weight)| (rank as f64).powi(power) * weight).sum::<f64>() / total
            };
            let deviation = (moment(2) - moment(1).powi(2)).max(0.0).sqrt();
            prop_assert!((mean(&drawn) - moment(1)).abs() <= tolerance(deviation) + 1e-6, "{}", mean(&drawn));
        }

        #[test]
        fn weighted_gives_each_as_often_as_its_weight_says(a in 0_u32..100, b in 1_u32..100) {
            let choices = Value::from_pairs([("1", a), ("0", b)]);
            let number = |draws: &mut Draws, arguments: &[Value]| {
                let value = weighted(draws, arguments)?;
                Ok(value.as_str().expect("a text").parse::<f64>().expect("a number").into())
            };
            let share = f64::from(a) / f64::from(a + b);
            let drawn = mean(&sample_of(number, &[choices]));
            prop_assert!((drawn - share).abs() <= tolerance((share * (1.0 - share)).sqrt()), "{drawn} {share}");
        }
    }

    #[test]
    fn a_last_argument_rounds() {
        for (field, arguments) in
            [(normal as Field, vec![3.0, 1.0]), (log_normal, vec![3.0, 1.0]), (exponential, vec![3.0])]
        {
            let mut arguments: Vec<Value> = arguments.into_iter().map(Value::from).collect();
            arguments.push(2.into());
            let cents = sample_of(field, &arguments).into_iter().map(|number| number * 100.0);
            assert!(cents.map(|number| (number - number.round()).abs()).all(|rest| rest < 1e-9));
        }
    }

    #[test]
    fn what_no_distribution_has_is_refused() {
        let mut draws = Draws::seed_from_u64(7);
        let mut refused = |field: Field, arguments: Vec<Value>| field(&mut draws, &arguments).expect_err("refused");
        assert_eq!(refused(normal, vec![1.into()]), "1 arguments instead of 2");
        assert_eq!(refused(normal, vec![1.into(), (-1).into()]), "the deviation is -1, less than 0");
        assert_eq!(refused(log_normal, vec![0.into(), 1.into()]), "the median is 0, not more than 0");
        assert_eq!(refused(exponential, vec![0.into()]), "the mean is 0, not more than 0");
        assert_eq!(refused(zipf, vec![0.into(), 1.into()]), "0 ranks are not from 1 to 9007199254740992");
        assert_eq!(refused(zipf, vec![5.into(), 11.into()]), "the exponent 11 is not from 0 to 10");
        assert!(refused(weighted, vec![5.into()]).contains("is no map from choices"));
        assert_eq!(refused(weighted, vec![Value::from_pairs([("a", 0)])]), "the weights sum up to 0");
        assert_eq!(refused(weighted, vec![Value::from_pairs([("a", -1)])]), "the weight of `a` is -1, less than 0");
        let mut far = || log_normal(&mut draws, &[1.into(), 1e300.into()]);
        let said = (0..50).find_map(|_| far().err()).expect("half of them are too large");
        assert_eq!(said, "a number is infinite, which JSON does not know");
    }
}
