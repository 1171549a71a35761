//! What AWS says of tags on whatever resource.

/// AWS's own tags begin so, in whatever case (AWS General Reference, "Tag your AWS resources").
const RESERVED: &str = "aws:";

/// Says what is wrong with the first of these keys that nobody but AWS may use.
pub(crate) fn reserved<'a>(keys: impl IntoIterator<Item = &'a String>) -> Option<String> {
    let is_reserved =
        |key: &&String| key.get(..RESERVED.len()).is_some_and(|prefix| prefix.eq_ignore_ascii_case(RESERVED));
    let key = keys.into_iter().find(is_reserved)?;
    Some(format!("The tag key {key} begins with {RESERVED}, which is reserved for AWS."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_begins_as_tags_of_aws_is_reserved() {
        let reserved = |key: &str| reserved([&key.to_owned()]).is_some();
        assert!(reserved("aws:") && reserved("AWS:cloudformation:stack-name"));
        assert!(!reserved("aws") && !reserved("awsome:") && !reserved("") && !reserved("äws:") && !reserved("my:aws:"));
    }
}
