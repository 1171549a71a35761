//! JSON values, appended to a buffer.

const HEX: &[u8; 16] = b"0123456789abcdef";
/// 00 to 99.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < pairs.len() {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};
/// Digits and sign of any number, in pairs.
const LONGEST: usize = 24;

pub(super) fn null(out: &mut Vec<u8>) {
    out.extend_from_slice(b"null");
}

/// A quoted, escaped string. `text` is UTF-8.
pub(super) fn string(text: &[u8], out: &mut Vec<u8>) {
    out.push(b'"');
    match text.iter().fold(false, |found, byte| found | needs_escape(*byte)) {
        false => out.extend_from_slice(text),
        true => escaped(text, out),
    }
    out.push(b'"');
}

fn needs_escape(byte: u8) -> bool {
    matches!(byte, b'"' | b'\\' | 0..0x20)
}

fn escaped(text: &[u8], out: &mut Vec<u8>) {
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
}

pub(super) fn integer(value: i64, out: &mut Vec<u8>) {
    decimal(value, 0, out);
}

/// `number` with its last `places` digits behind the point, exactly.
pub(super) fn decimal(number: i64, places: usize, out: &mut Vec<u8>) {
    let mut text = [b'0'; LONGEST + 1];
    let mut start = LONGEST;
    let mut rest = number.unsigned_abs();
    while rest > 0 {
        start -= 2;
        text[start..start + 2].copy_from_slice(&PAIRS[(rest % 100) as usize]);
        rest /= 100;
    }
    let point = LONGEST - places;
    start += usize::from(start < LONGEST && text[start] == b'0');
    start = start.min(point - 1);
    if number < 0 {
        start -= 1;
        text[start] = b'-';
    }
    if places == 0 {
        return out.extend_from_slice(&text[start..LONGEST]);
    }
    for at in (point..LONGEST).rev() {
        text[at + 1] = text[at];
    }
    text[point] = b'.';
    out.extend_from_slice(&text[start..]);
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
