//! Deliveries share the stack's bucket: none may write where another reads.

use super::{
    super::{quantity::Refusal, stack::Deliver},
    Check,
};

/// A prefix of keys in the bucket, and whose objects lie under it.
struct OwnedPrefix<'a> {
    /// Those of one owner may overlap.
    owner: &'static str,
    /// The spec's key; none for what is not the user's to say.
    path: &'static str,
    /// How its keys begin.
    key: &'a str,
}

impl Check<'_> {
    pub(super) fn apart(&mut self, deliver: &Deliver, mirror: bool) -> Option<()> {
        let before = self.found.len();
        let prefixes = prefixes(deliver, mirror);
        for (position, prefix) in prefixes.iter().enumerate() {
            let inside = |other: &&OwnedPrefix<'_>| {
                other.owner != prefix.owner && (other.key.starts_with(prefix.key) || prefix.key.starts_with(other.key))
            };
            if let Some(other) = prefixes[..position].iter().find(inside) {
                let problem =
                    format!("objects under `{}` would lie among {} under `{}`", prefix.key, other.owner, other.key);
                self.refuse(
                    prefix.path,
                    Refusal::new(problem, "a prefix of its own: neither may begin as the other does"),
                );
            }
        }
        (self.found.len() == before).then_some(())
    }
}

/// What cannot be changed first: each is only held against those before it.
fn prefixes(deliver: &Deliver, mirror: bool) -> Vec<OwnedPrefix<'_>> {
    let Deliver { s3, redshift, dynamodb } = deliver;
    let mut prefixes = Vec::new();
    let mut add = |owner, path, key| prefixes.push(OwnedPrefix { owner, path, key });
    if mirror {
        add("the journal", "", ".demo/");
    }
    if redshift.is_some() {
        add("the jsonpaths", "", "redshift/jsonpaths.json");
        add("the manifests", "", "redshift/manifests/");
    }
    if dynamodb.is_some() {
        add("what Lambda gave up", "", "aws/lambda/");
        add("the function's code", "", "functions/");
    }
    if let Some(s3) = s3 {
        if s3.catalog.is_some() {
            // The answers of Athena, which keep out of the table by themselves.
            add("those of `deliver.s3`", "", "athena/");
            add("those of `deliver.s3`", "", "athena-results/");
        }
        add("those of `deliver.s3`", "deliver.s3.prefix", s3.prefix.fixed());
        add("those of `deliver.s3`", "deliver.s3.error_prefix", s3.error_prefix.fixed());
    }
    if let Some(redshift) = redshift {
        add("those on their way to Redshift", "deliver.redshift.prefix", redshift.prefix.fixed());
        add("what Redshift did not get", "deliver.redshift.error_prefix", redshift.error_prefix.fixed());
    }
    prefixes
}
