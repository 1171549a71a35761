//! An item as JSON, its numbers with every digit that DynamoDB gave.

use std::{collections::BTreeMap, fmt};

use aws_sdk_dynamodb::types::AttributeValue;

use super::Item;

/// An item that prints as a JSON object, its fields by name; with `{:#}` over several lines.
pub struct Json<'a>(pub &'a Item);

impl fmt::Display for Json<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        object(f, self.0, 0)
    }
}

fn object(f: &mut fmt::Formatter<'_>, fields: &Item, depth: usize) -> fmt::Result {
    let fields: BTreeMap<&String, &AttributeValue> = fields.iter().collect();
    let colon = if f.alternate() { ": " } else { ":" };
    enclosed(f, ['{', '}'], fields.into_iter(), depth, |f, (name, field)| {
        write!(f, "{}{colon}", quoted(name))?;
        value(f, field, depth + 1)
    })
}

fn value(f: &mut fmt::Formatter<'_>, attribute: &AttributeValue, depth: usize) -> fmt::Result {
    match attribute {
        AttributeValue::S(text) => f.write_str(&quoted(text)),
        AttributeValue::N(digits) => f.write_str(digits),
        AttributeValue::Bool(truth) => write!(f, "{truth}"),
        AttributeValue::Null(_) => f.write_str("null"),
        AttributeValue::M(fields) => object(f, fields, depth),
        AttributeValue::L(list) => enclosed(f, ['[', ']'], list.iter(), depth, |f, each| value(f, each, depth + 1)),
        AttributeValue::Ns(list) => enclosed(f, ['[', ']'], list.iter(), depth, |f, digits| f.write_str(digits)),
        AttributeValue::Ss(list) => enclosed(f, ['[', ']'], list.iter(), depth, |f, text| f.write_str(&quoted(text))),
        // Bytes have no form in JSON, and no document has any.
        other => f.write_str(&quoted(&format!("{other:?}"))),
    }
}

fn enclosed<T>(
    f: &mut fmt::Formatter<'_>,
    [open, close]: [char; 2],
    entries: impl ExactSizeIterator<Item = T>,
    depth: usize,
    mut write: impl FnMut(&mut fmt::Formatter<'_>, T) -> fmt::Result,
) -> fmt::Result {
    let lines = f.alternate() && entries.len() > 0;
    let begin_line = |f: &mut fmt::Formatter<'_>, depth: usize| match lines {
        true => write!(f, "\n{:width$}", "", width = 2 * depth),
        false => Ok(()),
    };
    write!(f, "{open}")?;
    for (at, entry) in entries.enumerate() {
        if at > 0 {
            f.write_str(",")?;
        }
        begin_line(f, depth + 1)?;
        write(f, entry)?;
    }
    begin_line(f, depth)?;
    write!(f, "{close}")
}

fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item() -> Item {
        let n = |digits: &str| AttributeValue::N(digits.to_owned());
        Item::from([
            ("b".to_owned(), n("0.1234567890123456789012345678901234567")),
            ("a".to_owned(), AttributeValue::S("say \"hi\"\n".to_owned())),
            ("c".to_owned(), AttributeValue::L(vec![n("1"), AttributeValue::Null(true), AttributeValue::Bool(true)])),
            ("d".to_owned(), AttributeValue::M(Item::from([("e".to_owned(), AttributeValue::L(Vec::new()))]))),
        ])
    }

    #[test]
    fn an_item_is_json_in_one_line_or_several() {
        let item = item();
        let one = r#"{"a":"say \"hi\"\n","b":0.1234567890123456789012345678901234567,"c":[1,null,true],"d":{"e":[]}}"#;
        assert_eq!(Json(&item).to_string(), one);
        let several = [
            "{",
            r#"  "a": "say \"hi\"\n","#,
            r#"  "b": 0.1234567890123456789012345678901234567,"#,
            r#"  "c": ["#,
            "    1,",
            "    null,",
            "    true",
            "  ],",
            r#"  "d": {"#,
            r#"    "e": []"#,
            "  }",
            "}",
        ];
        assert_eq!(format!("{:#}", Json(&item)), several.join("\n"));
    }
}
