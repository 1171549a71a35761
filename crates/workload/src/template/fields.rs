//! The fields that a template may have, and how each is drawn.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use chrono::{DateTime, Days, NaiveDate, SecondsFormat, TimeDelta, Utc};
use fake::{
    Fake,
    faker::{
        address::en::{
            BuildingNumber, CityName, CountryCode, CountryName, Latitude, Longitude, StateAbbr, StateName, StreetName,
            TimeZone, ZipCode,
        },
        barcode::en::Isbn13,
        company::en::{Buzzword, CatchPhrase, CompanyName, Industry, Profession},
        currency::en::{CurrencyCode, CurrencyName},
        filesystem::en::{FileName, MimeType, SemverStable},
        internet::en::{DomainSuffix, IPv4, IPv6, MACAddress, SafeEmail, UserAgent, Username},
        job::en::Title as JobTitle,
        lorem::en::{Paragraph, Sentence, Word, Words},
        name::en::{FirstName, LastName, Name, Title},
        number::en::NumberWithFormat,
        phone_number::en::PhoneNumber,
    },
};
use minijinja::{
    Error, ErrorKind, State,
    value::{Kwargs, Object, ObjectRepr, Value, from_args},
};
use rand::{Rng as _, RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::{
    arguments::{MOST_DECIMALS, count, number, rounded, up_to, whole},
    distributions,
};
use crate::mixed;

pub(super) type Draws = Xoshiro256PlusPlus;

/// Dates are drawn from this day on, for so many days: the 2020s.
const FIRST_DAY: NaiveDate = NaiveDate::from_ymd_opt(2020, 1, 1).expect("it was a day");
const DAYS: u64 = 3_653;
const SECONDS_A_DAY: u64 = 86_400;
/// More words, or more of anything, is no field but a document.
const MOST: u64 = 10_000;

/// A field of a template.
pub struct Field {
    /// How it is written between `{{` and `}}`.
    pub usage: &'static str,
    /// What it gives.
    pub gives: &'static str,
    draw: Draw,
}

/// How a value is made.
#[derive(Clone, Copy)]
enum Draw {
    Value(fn(&mut Draws) -> Value),
    Call(fn(&mut Draws, &[Value]) -> Result<Value, String>),
    Sequence,
    Now(fn(DateTime<Utc>) -> Value),
    Status,
    Earlier(fn(&dyn Earlier, &str, Choose<'_>) -> Result<Value, String>),
}

/// Chooses one of so many, numbered from 1.
pub(crate) type Choose<'a> = &'a mut dyn FnMut(u64) -> Result<u64, String>;

/// What a document of a mix may say of itself and of those before it.
pub(crate) trait Earlier: fmt::Debug + Send + Sync {
    /// Its status, if its kind has statuses.
    fn status(&self) -> Option<&str>;

    /// The id of an entity that a document of this kind has carried before.
    fn id(&self, kind: &str, choose: Choose<'_>) -> Result<Value, String>;

    /// What all documents of such an entity say.
    fn entity(&self, kind: &str, choose: Choose<'_>) -> Result<Value, String>;
}

impl Field {
    /// Whether only documents of a mix have it.
    pub fn is_of_a_mix(&self) -> bool {
        matches!(self.draw, Draw::Status | Draw::Earlier(_))
    }

    /// The word that names it.
    pub fn name(&self) -> &'static str {
        self.usage.split('(').next().unwrap_or(self.usage)
    }
}

impl fmt::Debug for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.usage)
    }
}

macro_rules! fields {
    ($($usage:literal, $gives:literal, $draw:expr;)+) => {
        &[$(Field { usage: $usage, gives: $gives, draw: $draw }),+]
    };
}

/// A text by a faker that takes nothing.
macro_rules! text {
    ($faker:expr) => {
        Draw::Value(|draws| $faker.fake_with_rng::<String, _>(draws).into())
    };
}

/// Every field that there is.
pub const FIELDS: &[Field] = fields! {
    "sequence", "the document's number, from 1; every document of a stack has another; in a mix, every entity of a kind",
        Draw::Sequence;
    "now", "the document's event time, such as 2024-05-17T17:04:59.250Z", Draw::Now(|now| rfc3339(now, SecondsFormat::Millis));
    "now_ms", "the document's event time, in milliseconds since 1970", Draw::Now(|now| now.timestamp_millis().into());
    "status", "in a mix, the status of an entity that has several", Draw::Status;
    "ref(\"kind\")", "in a mix, an id that a document of that kind has carried before; `zipf=1.1` prefers the first ones",
        Draw::Earlier(|earlier, kind, choose| earlier.id(kind, choose));
    "entity(\"kind\")", "in a mix, all of such a document that neither time nor status changes: `entity(\"orders\").total`",
        Draw::Earlier(|earlier, kind, choose| earlier.entity(kind, choose));
    "uuid", "a UUID of version 4", Draw::Value(uuid);
    "int(first, last)", "a whole number, both ends included", Draw::Call(int);
    "float(from, to, decimals)", "a number with up to so many decimals, each as likely as the others", Draw::Call(float);
    "normal(mean, deviation)", "a number of the normal distribution; a third argument rounds it to so many decimals",
        Draw::Call(distributions::normal);
    "log_normal(median, sigma)",
        "a number of the log-normal distribution, whose logarithm has the standard deviation sigma; rounded as `normal`",
        Draw::Call(distributions::log_normal);
    "exponential(mean)", "a number of the exponential distribution; a second argument rounds it to so many decimals",
        Draw::Call(distributions::exponential);
    "zipf(n, exponent)", "a rank from 1 to n; rank r comes up r to the power of the exponent less often than rank 1",
        Draw::Call(distributions::zipf);
    "bool", "true or false", Draw::Value(|draws| draws.random::<bool>().into());
    "chance(percent)", "true so often, else false", Draw::Call(chance);
    "choice([a, b, …])", "one of a list", Draw::Call(choice);
    "weighted({\"a\": 7, \"b\": 3})", "one of these, as often as its weight says", Draw::Call(distributions::weighted);
    "digits(\"##-^#\")", "a text with each # a digit, each ^ a digit but 0", Draw::Call(digits);
    "date", "a day of the 2020s, such as 2024-05-17", Draw::Value(|draws| day(draws).to_string().into());
    "time", "a time of day, such as 17:04:59", Draw::Value(|draws| instant(draws).format("%H:%M:%S").to_string().into());
    "datetime", "a second of the 2020s, such as 2024-05-17T17:04:59Z", Draw::Value(|draws| rfc3339(instant(draws), SecondsFormat::Secs));
    "timestamp", "a second of the 2020s, in milliseconds since 1970",
        Draw::Value(|draws| instant(draws).timestamp_millis().into());
    "date_between(\"2024-01-01\", \"2024-12-31\")", "a day, both ends included", Draw::Call(date_between);
    "first_name", "a first name", text!(FirstName());
    "last_name", "a last name", text!(LastName());
    "name", "a first and a last name", text!(Name());
    "title", "Mr., Dr., …", text!(Title());
    "username", "a login name", text!(Username());
    "email", "an address at example.com, .net or .org, which nobody has", text!(SafeEmail());
    "phone", "a telephone number", text!(PhoneNumber());
    "job", "a job's title", text!(JobTitle());
    "profession", "a profession", text!(Profession());
    "company", "a company's name", text!(CompanyName());
    "industry", "an industry", text!(Industry());
    "buzzword", "a word of advertisements", text!(Buzzword());
    "catch_phrase", "a phrase of advertisements", text!(CatchPhrase());
    "city", "a city", text!(CityName());
    "street", "a street", text!(StreetName());
    "building_number", "a house number, as a text", text!(BuildingNumber());
    "zip", "a postal code", text!(ZipCode());
    "state", "a state of the USA", text!(StateName());
    "state_code", "a state of the USA in two letters", text!(StateAbbr());
    "country", "a country", text!(CountryName());
    "country_code", "a country in two letters", text!(CountryCode());
    "time_zone", "a time zone, such as Europe/Vienna", text!(TimeZone());
    "latitude", "a number from -90 to 90", Draw::Value(|draws| rounded(Latitude().fake_with_rng(draws), 6));
    "longitude", "a number from -180 to 180", Draw::Value(|draws| rounded(Longitude().fake_with_rng(draws), 6));
    "currency", "a currency", text!(CurrencyName());
    "currency_code", "a currency in three letters", text!(CurrencyCode());
    "ipv4", "an IPv4 address", text!(IPv4());
    "ipv6", "an IPv6 address", text!(IPv6());
    "mac", "a MAC address", text!(MACAddress());
    "user_agent", "what a browser calls itself", text!(UserAgent());
    "domain_suffix", "com, org, …", text!(DomainSuffix());
    "file_name", "a file's name", text!(FileName());
    "mime_type", "a MIME type", text!(MimeType());
    "semver", "a version, such as 4.2.0", text!(SemverStable());
    "isbn", "an ISBN of 13 digits", text!(Isbn13());
    "word", "a Latin word", text!(Word());
    "lorem(words)", "so many Latin words", Draw::Call(lorem);
    "sentence", "a sentence of 4 to 10 Latin words", text!(Sentence(4..11));
    "paragraph", "a paragraph of 2 to 5 sentences", text!(Paragraph(2..6));
};

/// The field of a name.
pub(super) fn field(name: &str) -> Option<&'static Field> {
    FIELDS.iter().find(|field| field.name() == name)
}

/// The values of one document, drawn as they are asked for.
#[derive(Debug)]
pub(crate) struct Values {
    number: u64,
    now: DateTime<Utc>,
    earlier: Option<Box<dyn Earlier>>,
    draws: Mutex<Draws>,
}

impl Values {
    /// Document `number` of a seed has the same values always, whatever was made before it; `now` is its event time, in
    /// milliseconds since 1970.
    pub(crate) fn new(seed: u64, number: u64, now: i64) -> Self {
        let draws = Draws::seed_from_u64(mixed(mixed(seed) ^ number));
        let now = DateTime::from_timestamp_millis(now).unwrap_or(DateTime::<Utc>::MAX_UTC);
        Self { number, now, earlier: None, draws: Mutex::new(draws) }
    }

    /// The same values for a document of a mix.
    pub(crate) fn in_mix(self, earlier: impl Earlier + 'static) -> Self {
        Self { earlier: Some(Box::new(earlier)), ..self }
    }

    /// A rank from 1 on, each as likely as the others, or by Zipf's law.
    fn chosen(&self, count: u64, zipf: Option<f64>) -> Result<u64, String> {
        self.drawn(|draws| match zipf {
            Some(exponent) => distributions::rank(draws, count, exponent),
            None => Ok(draws.random_range(1..=count)),
        })
    }

    fn drawn<T>(&self, draw: impl FnOnce(&mut Draws) -> T) -> T {
        draw(&mut self.draws.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Object for Values {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        let field = field(name)?;
        Some(match field.draw {
            Draw::Sequence => self.number.into(),
            Draw::Value(draw) => self.drawn(draw),
            Draw::Now(value) => value(self.now),
            Draw::Status => self.earlier.as_ref()?.status()?.into(),
            Draw::Call(_) | Draw::Earlier(_) => Value::from_object(Callable { field, values: Arc::clone(self) }),
        })
    }
}

/// A field that takes arguments.
#[derive(Debug)]
pub(super) struct Callable {
    pub(super) field: &'static Field,
    values: Arc<Values>,
}

impl Object for Callable {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }

    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, arguments: &[Value]) -> Result<Value, Error> {
        let usage = self.field.usage;
        let refused = |why: String| Error::new(ErrorKind::InvalidOperation, format!("{why}; it is used as `{usage}`"));
        match self.field.draw {
            Draw::Call(call) => self.values.drawn(|draws| call(draws, arguments)).map_err(refused),
            Draw::Earlier(of) => self.of_earlier(of, arguments).map_err(refused),
            _ => unreachable!("only fields with arguments become callable"),
        }
    }
}

impl Callable {
    fn of_earlier(
        &self,
        of: fn(&dyn Earlier, &str, Choose<'_>) -> Result<Value, String>,
        arguments: &[Value],
    ) -> Result<Value, String> {
        let earlier = self.values.earlier.as_deref().ok_or("only documents of a mix can refer to others")?;
        let parsed = from_args::<(&str, Kwargs)>(arguments).and_then(|(kind, named)| {
            let zipf = named.get::<Option<f64>>("zipf")?;
            named.assert_all_used().map(|()| (kind, zipf))
        });
        let (kind, zipf) = parsed.map_err(|error| error.to_string())?;
        of(earlier, kind, &mut |count| self.values.chosen(count, zipf))
    }
}

fn uuid(draws: &mut Draws) -> Value {
    let (high, low) = (draws.next_u64(), draws.next_u64());
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xfff,
        low >> 48 & 0x3fff | 0x8000,
        low & 0xffff_ffff_ffff
    )
    .into()
}

fn int(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [first, last] = arguments else { return Err(count(2, arguments)) };
    let (first, last) = (whole(first)?, whole(last)?);
    if first > last { Err(format!("{first} is more than {last}")) } else { Ok(draws.random_range(first..=last).into()) }
}

fn float(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [from, to, decimals] = arguments else { return Err(count(3, arguments)) };
    let (from, to) = (number(from)?, number(to)?);
    let decimals = up_to(decimals, MOST_DECIMALS)?;
    if from > to {
        return Err(format!("{from} is more than {to}"));
    }
    if !(to - from).is_finite() {
        return Err("more lies between the two than a number can say".to_owned());
    }
    let drawn = if from < to { draws.random_range(from..=to) } else { from };
    Ok(rounded(drawn, decimals as i32))
}

fn chance(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [percent] = arguments else { return Err(count(1, arguments)) };
    let percent = number(percent)?;
    let known = (0.0..=100.0).contains(&percent);
    if known {
        Ok((draws.random::<f64>() * 100.0 < percent).into())
    } else {
        Err(format!("{percent} is no percentage"))
    }
}

fn choice(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [list] = arguments else { return Err(count(1, arguments)) };
    let values: Vec<Value> = list.try_iter().map_err(|_| format!("`{list}` is no list"))?.collect();
    match values.len() {
        0 => Err("the list is empty".to_owned()),
        many => Ok(values[draws.random_range(0..many)].clone()),
    }
}

fn digits(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [pattern] = arguments else { return Err(count(1, arguments)) };
    let pattern = pattern.as_str().ok_or_else(|| format!("`{pattern}` is no text"))?;
    Ok(NumberWithFormat(pattern).fake_with_rng::<String, _>(draws).into())
}

fn lorem(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [words] = arguments else { return Err(count(1, arguments)) };
    let words = up_to(words, MOST)? as usize;
    Ok(Words(words..words + 1).fake_with_rng::<Vec<String>, _>(draws).join(" ").into())
}

fn date_between(draws: &mut Draws, arguments: &[Value]) -> Result<Value, String> {
    let [first, last] = arguments else { return Err(count(2, arguments)) };
    let parsed = |value: &Value| {
        let day = value.as_str().and_then(|text| text.parse::<NaiveDate>().ok());
        day.ok_or_else(|| format!("`{value}` is no day such as 2024-05-17"))
    };
    let (first, last) = (parsed(first)?, parsed(last)?);
    let days = u64::try_from((last - first).num_days()).map_err(|_| format!("{first} is after {last}"))?;
    Ok((first + Days::new(draws.random_range(0..=days))).to_string().into())
}

fn day(draws: &mut Draws) -> NaiveDate {
    FIRST_DAY + Days::new(draws.random_range(0..DAYS))
}

fn instant(draws: &mut Draws) -> DateTime<Utc> {
    let seconds = draws.random_range(0..DAYS * SECONDS_A_DAY);
    FIRST_DAY.and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::seconds(seconds as i64)
}

fn rfc3339(at: DateTime<Utc>, to: SecondsFormat) -> Value {
    at.to_rfc3339_opts(to, true).into()
}
