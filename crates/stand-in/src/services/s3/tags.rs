//! Tags that a bucket is created with: the library's CreateBucket does not know them, so they are read beforehand.

use quick_xml::{Reader, events::Event};

/// The tags of a CreateBucket request, handed on beside it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CreationTags(pub Vec<(String, String)>);

impl CreationTags {
    /// Reads the body of a CreateBucket. Malformed XML has no tags here and is refused by the library right after.
    pub(super) fn parse(body: &[u8]) -> Self {
        Self(parse(body))
    }
}

/// `Tags/Tag/Key` and `Value`.
fn parse(body: &[u8]) -> Vec<(String, String)> {
    let mut reader = Reader::from_reader(body);
    let (mut tags, mut open) = (Vec::new(), Vec::<Vec<u8>>::new());
    let (mut key, mut value) = (String::new(), String::new());
    loop {
        match reader.read_event() {
            Ok(Event::Start(start)) => open.push(start.local_name().as_ref().to_vec()),
            Ok(Event::Text(text)) => append(&open, &mut key, &mut value, &String::from_utf8_lossy(&text)),
            Ok(Event::GeneralRef(reference)) => {
                let resolved =
                    entity(&String::from_utf8_lossy(&reference), reference.resolve_char_ref().ok().flatten());
                append(&open, &mut key, &mut value, &resolved);
            }
            Ok(Event::End(end)) => {
                if end.local_name().as_ref() == b"Tag" {
                    tags.push((std::mem::take(&mut key), std::mem::take(&mut value)));
                }
                open.pop();
            }
            Ok(Event::Eof) | Err(_) => return tags,
            Ok(_) => {}
        }
    }
}

fn append(open: &[Vec<u8>], key: &mut String, value: &mut String, text: &str) {
    match open {
        [.., tag, field] if tag == b"Tag" && field == b"Key" => *key += text,
        [.., tag, field] if tag == b"Tag" && field == b"Value" => *value += text,
        _ => {}
    }
}

fn entity(name: &str, character: Option<char>) -> String {
    match (name, character) {
        (_, Some(character)) => character.to_string(),
        ("amp", _) => "&".into(),
        ("lt", _) => "<".into(),
        ("gt", _) => ">".into(),
        ("quot", _) => "\"".into(),
        ("apos", _) => "'".into(),
        (other, _) => format!("&{other};"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_read_with_their_entities() {
        let body = b"<CreateBucketConfiguration xmlns=\"x\"><Tags><Tag><Key>a</Key><Value>1 &amp; &#50;</Value></Tag>\
                     <Tag><Key>b</Key><Value/></Tag></Tags></CreateBucketConfiguration>";
        assert_eq!(parse(body), [("a".into(), "1 & 2".into()), ("b".into(), String::new())]);
        assert!(parse(b"").is_empty() && parse(b"<broken").is_empty());
    }
}
