//! Patterns of Java's `DateTimeFormatter`, as Firehose's prefixes and Athena's partition projection have them.

use std::fmt;

use chrono::{DateTime, Datelike, Timelike, Utc};

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];

/// A parsed pattern.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern {
    pieces: Vec<Piece>,
}

/// A piece of a pattern.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself.
    Text(String),
    /// A part of the time.
    Field(Field),
}

/// A part of the time: a letter of `DateTimeFormatter`, and how often it is repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// One of `yuMdDHhmsSEa`.
    pub letter: char,
    /// How often it is repeated.
    pub width: usize,
}

/// What a part of the time may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Values {
    /// A year, of all its digits or of its last two.
    Years,
    /// A number of a range, with zeros in front up to the field's width.
    Numbers {
        /// The least.
        first: u32,
        /// The greatest.
        last: u32,
    },
    /// One of these.
    Words(Vec<String>),
}

impl Pattern {
    /// Parses `text`, or says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        if text.is_empty() {
            return Err("timestamp needs a pattern, for example yyyy/MM/dd".to_owned());
        }
        let (mut pattern, mut rest) = (Self::default(), text);
        while let Some(first) = rest.chars().next() {
            let end = if first == '\'' {
                let length = quoted(&rest[1..]).ok_or("a quote in the timestamp pattern is not closed")?;
                let text = rest[1..=length].replace("''", "'");
                pattern.push_text(if length == 0 { "'" } else { &text });
                length + 2
            } else if first.is_ascii_alphabetic() {
                let width = rest.chars().take_while(|c| *c == first).count();
                pattern.pieces.push(Piece::Field(Field::known(first, width)?));
                width
            } else if matches!(first, '{' | '}' | '[' | ']' | '#') {
                return Err(format!("`{first}` is reserved in a timestamp pattern; quote it"));
            } else {
                pattern.push_text(&rest[..first.len_utf8()]);
                first.len_utf8()
            };
            rest = &rest[end..];
        }
        Ok(pattern)
    }

    /// Appends text that stands for itself.
    pub fn push_text(&mut self, text: &str) {
        match self.pieces.last_mut() {
            _ if text.is_empty() => {}
            Some(Piece::Text(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Text(text.to_owned())),
        }
    }

    /// Appends another pattern.
    pub fn push(&mut self, other: &Self) {
        for piece in &other.pieces {
            match piece {
                Piece::Text(text) => self.push_text(text),
                Piece::Field(_) => self.pieces.push(piece.clone()),
            }
        }
    }

    /// Its pieces, no two of them text beside text.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The time as the pattern writes it.
    pub fn render(&self, at: DateTime<Utc>) -> String {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(literal) => text.push_str(literal),
                Piece::Field(field) => field.render(at, &mut text),
            }
        }
        text
    }
}

/// How long a quoted text is that begins here; a doubled quote does not end it.
fn quoted(text: &str) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].find('\'')?;
        if !text[at + 1..].starts_with('\'') {
            return Some(at);
        }
        at += 2;
    }
}

/// As `DateTimeFormatter` reads it: text in quotes where a letter or a sign would mean something.
impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |c: char| !c.is_ascii_alphabetic() && !matches!(c, '\'' | '{' | '}' | '[' | ']' | '#');
        self.pieces.iter().try_for_each(|piece| match piece {
            Piece::Field(Field { letter, width }) => f.write_str(&letter.to_string().repeat(*width)),
            Piece::Text(text) if text.chars().all(plain) => f.write_str(text),
            Piece::Text(text) => write!(f, "'{}'", text.replace('\'', "''")),
        })
    }
}

impl Field {
    fn known(letter: char, width: usize) -> Result<Self, String> {
        let known = match letter {
            'y' | 'u' => matches!(width, 1 | 2 | 4),
            'M' => (1..=4).contains(&width),
            'd' | 'H' | 'm' | 's' | 'h' => width <= 2,
            'D' => width <= 3,
            'S' => width <= 9,
            'E' => width <= 4,
            'a' => width == 1,
            _ => false,
        };
        if known {
            return Ok(Self { letter, width });
        }
        let written = letter.to_string().repeat(width);
        let hint = match letter {
            'Y' => " (the week-based year; for the calendar year write yyyy)",
            _ => "",
        };
        Err(format!("timestamp pattern `{written}` is not supported{hint}; expected y, M, d, D, H, h, m, s, S, E or a"))
    }

    /// What it may be.
    pub fn values(self) -> Values {
        let (first, last) = match self.letter {
            'y' | 'u' => return Values::Years,
            'M' if self.width == 3 => return Values::Words(MONTHS.map(|name| name[..3].to_owned()).into()),
            'M' if self.width == 4 => return Values::Words(MONTHS.map(str::to_owned).into()),
            'E' if self.width == 4 => return Values::Words(DAYS.map(str::to_owned).into()),
            'E' => return Values::Words(DAYS.map(|name| name[..3].to_owned()).into()),
            'a' => return Values::Words(["AM", "PM"].map(str::to_owned).into()),
            'M' => (1, 12),
            'd' => (1, 31),
            'D' => (1, 366),
            'H' => (0, 23),
            'h' => (1, 12),
            'm' | 's' => (0, 59),
            _ => (0, 10u32.pow(self.width as u32) - 1),
        };
        Values::Numbers { first, last }
    }

    fn render(self, at: DateTime<Utc>, text: &mut String) {
        let Self { letter, width } = self;
        let number = match letter {
            'y' | 'u' if width == 2 => at.year().rem_euclid(100) as u32,
            'y' | 'u' => at.year().unsigned_abs(),
            'M' if width == 3 => return text.push_str(&at.format("%b").to_string()),
            'M' if width == 4 => return text.push_str(&at.format("%B").to_string()),
            'M' => at.month(),
            'd' => at.day(),
            'D' => at.ordinal(),
            'H' => at.hour(),
            'h' => at.hour12().1,
            'm' => at.minute(),
            's' => at.second(),
            'S' => at.nanosecond() / 10u32.pow(9 - width as u32),
            'E' if width == 4 => return text.push_str(&at.format("%A").to_string()),
            'E' => return text.push_str(&at.format("%a").to_string()),
            'a' => return text.push_str(if at.hour() < 12 { "AM" } else { "PM" }),
            _ => unreachable!("`known` admits no other letter"),
        };
        text.push_str(&format!("{number:0width$}"));
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeZone;

    use super::*;

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).expect(text)
    }

    #[test]
    fn a_pattern_is_written_as_it_is_read() {
        for text in ["yyyy-MM-dd", "yyyyMMddHH", "'year='yyyy'/month='MM", "HH'h'", "yyyy/MM/dd", "MMM d"] {
            assert_eq!(pattern(text).to_string(), text);
        }
        let at = Utc.with_ymd_and_hms(2026, 3, 7, 15, 4, 5).single().expect("a time");
        let quoted =
            [("yyyy''MM", "2026'03"), ("'{'yyyy'}'", "{2026}"), ("'o''clock' H", "o'clock 15"), ("''''H", "'15")];
        for (text, expected) in quoted {
            assert_eq!(pattern(text).render(at), expected, "{text}");
            assert_eq!(pattern(&pattern(text).to_string()).render(at), expected, "{text}");
        }
    }

    #[test]
    fn what_is_rendered_is_among_the_values() {
        let times = (0..400).map(|n| DateTime::from_timestamp(n * 90_061 * 7, 999_999_999).expect("a time"));
        for at in times {
            for text in ["M", "MM", "MMM", "MMMM", "d", "dd", "D", "DDD", "H", "hh", "m", "ss", "SSS", "E", "EEEE", "a"]
            {
                let pattern = pattern(text);
                let [Piece::Field(field)] = pattern.pieces() else { panic!("{text}") };
                let rendered = pattern.render(at);
                let among = match field.values() {
                    Values::Years => false,
                    Values::Words(words) => words.contains(&rendered),
                    Values::Numbers { first, last } => {
                        (first..=last).any(|n| format!("{n:0w$}", w = field.width) == rendered)
                    }
                };
                assert!(among, "{text}: {rendered}");
            }
        }
    }
}
