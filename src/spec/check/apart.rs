//! Deliveries share the stack's bucket: none may write where another reads.

use super::{
    super::{quantity::Refusal, stack::Deliver},
    Check,
};

/// Where something in the bucket lies.
struct Place<'a> {
    /// Those of one owner may overlap.
    owner: &'static str,
    /// The spec's key; none for what is not the user's to say.
    path: &'static str,
    /// How its keys begin.
    key: &'a str,
}

impl Check<'_> {
    pub(super) fn apart(&mut self, deliver: &Deliver) -> Option<()> {
        let before = self.found.len();
        let places = places(deliver);
        for (position, place) in places.iter().enumerate() {
            let inside = |other: &&Place<'_>| {
                other.owner != place.owner && (other.key.starts_with(place.key) || place.key.starts_with(other.key))
            };
            if let Some(other) = places[..position].iter().find(inside) {
                let problem =
                    format!("objects under `{}` would lie among {} under `{}`", place.key, other.owner, other.key);
                self.refuse(
                    place.path,
                    Refusal::new(problem, "a prefix of its own: neither may begin as the other does"),
                );
            }
        }
        (self.found.len() == before).then_some(())
    }
}

/// What cannot be changed first: each is only held against those before it.
fn places(deliver: &Deliver) -> Vec<Place<'_>> {
    let mut places = Vec::new();
    let mut place = |owner, path, key| places.push(Place { owner, path, key });
    if deliver.redshift.is_some() {
        place("the jsonpaths", "", "redshift/jsonpaths.json");
        place("the manifests", "", "redshift/manifests/");
    }
    if deliver.dynamodb.is_some() {
        place("what Lambda gave up", "", "aws/lambda/");
        place("the function's code", "", "functions/");
    }
    if let Some(s3) = &deliver.s3 {
        if s3.catalog.is_some() {
            // The answers of Athena, which keep out of the table by themselves.
            place("those of `deliver.s3`", "", "athena/");
            place("those of `deliver.s3`", "", "athena-results/");
        }
        place("those of `deliver.s3`", "deliver.s3.prefix", s3.prefix.fixed());
        place("those of `deliver.s3`", "deliver.s3.error_prefix", s3.error_prefix.fixed());
    }
    if let Some(redshift) = &deliver.redshift {
        place("those on their way to Redshift", "deliver.redshift.prefix", redshift.prefix.fixed());
        place("what Redshift did not get", "deliver.redshift.error_prefix", redshift.error_prefix.fixed());
    }
    places
}
