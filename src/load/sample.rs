//! What documents of templates show of their columns: a sample of those that a load sends.

use demo_formats::schema::Inferred;
use demo_workload::{json_lines::Each, template::TemplateError};

use crate::spec::Load;

/// Documents of a sample: the first ones, and as many more of a load's.
const SAMPLED: u64 = 1_000;
/// How many documents a load without a rate may have, for the sample.
const MANY: u64 = 10_000_000;

/// What documents show that are made by their numbers: those of a sample of the load, and some `more`. Behind those that the
/// load sends, one that cannot be made ends the sample.
pub(super) fn sample(
    make: impl Fn(u64, &mut Vec<u8>) -> Result<(), TemplateError>,
    load: &Load,
    more: Vec<u64>,
    each: Each<'_>,
) -> Result<Inferred, TemplateError> {
    let last = load.schedule.documents().unwrap_or(MANY);
    of_numbers(make, last, sampled(last).chain(more), each)
}

fn of_numbers(
    make: impl Fn(u64, &mut Vec<u8>) -> Result<(), TemplateError>,
    last: u64,
    numbers: impl Iterator<Item = u64>,
    each: Each<'_>,
) -> Result<Inferred, TemplateError> {
    let mut inferred = Inferred::default();
    let mut document = Vec::new();
    for number in numbers {
        document.clear();
        match make(number, &mut document) {
            Err(_) if number > last => break,
            made => made?,
        }
        let added = inferred.add(&document, number);
        added.map_err(|error| TemplateError::Document { number, why: format!("is not one JSON object: {error}") })?;
        each(number, &document);
    }
    Ok(inferred)
}

/// The numbers of a sample: a branch of a template may be for later documents only.
fn sampled(last: u64) -> impl Iterator<Item = u64> {
    let later = last.saturating_sub(SAMPLED);
    let step = later.div_ceil(SAMPLED).max(1);
    let first_later = SAMPLED + 1 + later.saturating_sub(1) % step;
    (1..=SAMPLED).chain((first_later..=last).step_by(step as usize))
}

#[cfg(test)]
mod tests {
    use demo_workload::{Identity, json_lines::Rules, template::Template};

    use super::*;

    fn sample_of(text: &str, last: u64, each: Each<'_>) -> Result<Inferred, TemplateError> {
        let template = Template::new(text, 1, Rules { identity: Identity::Line, max_bytes: 1 << 20 })?;
        of_numbers(|number, out| template.document(number, out), last, sampled(last), each)
    }

    #[test]
    fn a_sample_of_a_template_reaches_to_the_end_of_the_load() {
        let numbers = |last| sampled(last).collect::<Vec<_>>();
        assert_eq!(numbers(10), (1..=1_000).collect::<Vec<_>>());
        assert_eq!(numbers(1_003)[999..], [1_000, 1_001, 1_002, 1_003]);
        let many = numbers(MANY);
        assert!(many.len() > 1_990 && many.len() <= 2_000 && many.last() == Some(&MANY), "{}", many.len());
        let text =
            "{\"id\": {% if sequence > 5000 %}\"n/a\"{% else %}1{% endif %}{% if sequence == 900 %}}{% endif %}}";
        let mut shown = Vec::new();
        let few = sample_of(text, 10, &mut |number, _| shown.push(number)).expect("documents");
        assert_eq!(few.schema().expect("columns").glue_columns()[0].1, "bigint");
        assert_eq!(
            shown.last(),
            Some(&899),
            "the sample ends where no document can be made, which the load does not send"
        );
        let said = sample_of(text, 6_000, &mut |_, _| ()).expect_err("document 900").to_string();
        assert!(said.starts_with("document 900 of the template is not one JSON object"), "{said}");
        let all = sample_of(&text.replace("== 900", "< 0"), 6_000, &mut |_, _| ()).expect("documents");
        assert_eq!(all.schema().expect("columns").glue_columns()[0].1, "string");
    }
}
