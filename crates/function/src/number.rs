//! Which numbers DynamoDB takes. It keeps decimal digits, so a number goes to it as the text that it is.

/// Significant digits, zeros at both ends not counted (DynamoDB developer guide, "Naming rules and data types").
const DIGITS: usize = 38;
/// Powers of ten of the first digit, the same source: 1E-130 to 9.99…E+125.
const MAGNITUDES: std::ops::RangeInclusive<i64> = -130..=125;

/// Why DynamoDB would not take a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub(crate) enum NumberError {
    /// It would have to be rounded.
    #[error("has more than 38 digits")]
    Digits,
    /// It is too large, or too close to zero.
    #[error("is not between 1E-130 and 9.99E+125")]
    Magnitude,
}

/// How many significant digits a JSON number has.
pub(super) fn significant(token: &str) -> Result<usize, NumberError> {
    let (mantissa, exponent) = token.split_once(['e', 'E']).unwrap_or((token, "0"));
    let (whole, fraction) = mantissa.trim_start_matches('-').split_once('.').unwrap_or((mantissa, ""));
    let whole = whole.trim_start_matches('-');
    let digits = format!("{whole}{fraction}");
    let zeros = digits.len() - digits.trim_start_matches('0').len();
    let significant = digits.trim_matches('0').len();
    if significant > DIGITS {
        return Err(NumberError::Digits);
    }
    let exponent: i64 = exponent.parse().map_err(|_| NumberError::Magnitude)?;
    let magnitude = exponent.saturating_add(whole.len() as i64 - zeros as i64 - 1);
    if significant > 0 && !MAGNITUDES.contains(&magnitude) {
        return Err(NumberError::Magnitude);
    }
    Ok(significant)
}

/// Whether a JSON number is written without a fraction and without an exponent.
pub(super) fn is_whole(token: &str) -> bool {
    token.trim_start_matches('-').bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_counted_without_zeros_at_the_ends() {
        let thirty_eight = "1".repeat(38);
        for (token, digits) in [
            ("0", 0),
            ("-0.00", 0),
            ("7", 1),
            ("-12.50", 3),
            ("0.001", 1),
            ("1000000", 1),
            ("1.5e+3", 2),
            (&thirty_eight, 38),
            (&format!("0.{thirty_eight}"), 38),
            (&format!("-{thirty_eight}000"), 38),
        ] {
            assert_eq!(significant(token), Ok(digits), "{token}");
        }
        assert_eq!(significant(&"1".repeat(39)), Err(NumberError::Digits));
        assert_eq!(significant("0.123456789012345678901234567890123456789"), Err(NumberError::Digits));
    }

    #[test]
    fn magnitudes_end_where_dynamodb_ends() {
        for token in ["1e125", "9.9E+125", "1E-130", "12e124", "0.1e126", &format!("1{}", "0".repeat(125))] {
            assert!(significant(token).is_ok(), "{token}");
        }
        for token in ["1e126", "10e125", "1e-131", "0.1e-130", "1e99999999999999999999"] {
            assert_eq!(significant(token), Err(NumberError::Magnitude), "{token}");
        }
    }

    #[test]
    fn a_fraction_is_not_whole_even_when_it_is_zero() {
        assert!(is_whole("0") && is_whole("-12") && !is_whole("1.0") && !is_whole("1e3"));
    }
}
