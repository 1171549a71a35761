//! Where in a stack file a key belongs.

use serde_json::Value as Json;

/// The path of this key, such as `stream.shards` of `shards`; of several, the one nearest to the top.
pub(super) fn path_of(key: &str, schema: &Json) -> Option<String> {
    let mut paths = Vec::new();
    collect(key, "", schema, schema, &mut paths);
    paths.into_iter().min_by_key(|path| path.matches('.').count())
}

fn collect(key: &str, path: &str, schema: &Json, root: &Json, paths: &mut Vec<String>) {
    let schema = match schema["$ref"].as_str().and_then(|reference| root.pointer(reference.trim_start_matches('#'))) {
        Some(schema) => schema,
        None => schema,
    };
    for alternative in schema["anyOf"].as_array().into_iter().flatten() {
        collect(key, path, alternative, root, paths);
    }
    for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
        let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        if name == key {
            paths.push(path.clone());
        }
        collect(key, &path, inner, root, paths);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_found_wherever_it_belongs() {
        let schema = super::super::json_schema();
        let path = |key| path_of(key, &schema);
        assert_eq!(path("shards").as_deref(), Some("stream.shards"));
        assert_eq!(path("scale").as_deref(), Some("load.workload.store_sales.scale"));
        assert_eq!(path("name").as_deref(), Some("name"));
        assert_eq!(path("colour"), None);
    }
}
