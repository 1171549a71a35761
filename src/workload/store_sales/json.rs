//! JSON values, appended to a buffer.

const HEX: &[u8; 16] = b"0123456789abcdef";

pub(super) fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

/// A quoted, escaped string. `text` is UTF-8.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    for &byte in text {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', byte]),
            0..0x20 => {
                let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', high, low]);
            }
            _ => out.push(byte),
        }
    }
    out.push(b'"');
}

pub(super) fn integer(value: i64, out: &mut Vec<u8>) {
    decimal(value, 0, out);
}

/// `number` with its last `places` digits behind the point, exactly.
pub(super) fn decimal(number: i64, places: usize, out: &mut Vec<u8>) {
    let mut digits = [b'0'; 24];
    let mut start = digits.len();
    let mut rest = number.unsigned_abs();
    let mut written = 0;
    while rest > 0 || written <= places {
        if written == places && places > 0 {
            start -= 1;
            digits[start] = b'.';
        }
        start -= 1;
        digits[start] = b'0' + (rest % 10) as u8;
        rest /= 10;
        written += 1;
    }
    if number < 0 {
        start -= 1;
        digits[start] = b'-';
    }
    out.extend_from_slice(&digits[start..]);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).expect("JSON is UTF-8")
    }

    #[test]
    fn decimals_keep_their_digits() {
        for (number, places, text) in [
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 2, "-0.05"),
            (12345, 2, "123.45"),
            (-100, 2, "-1.00"),
            (0, 0, "0"),
            (-7, 0, "-7"),
            (i64::MIN, 0, "-9223372036854775808"),
            (i64::MAX, 2, "92233720368547758.07"),
        ] {
            assert_eq!(written(|out| decimal(number, places, out)), text);
        }
    }

    #[test]
    fn strings_survive_a_round_trip() {
        for text in ["", "plain", "CÔTE D'IVOIRE", "a \"quoted\" \\ back", "tab\tnewline\n\u{1}"] {
            let json = written(|out| string(text.as_bytes(), out));
            assert_eq!(serde_json::from_str::<String>(&json).expect("valid JSON"), text);
        }
    }
}
