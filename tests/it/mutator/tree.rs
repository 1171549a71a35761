//! Changes to a tree of maps, lists and values, which leave it one.

use serde_json::{Value, json};

use super::{dice::Dice, tokens::ODD};

/// Items of a list or map that is made long.
const LONG: usize = 3_000;
/// Levels of a value that is nested.
const DEEP: usize = 150;
/// Bytes of a text.
const LONGEST: usize = 100_000;

/// Changes a few nodes.
pub fn mutate(tree: &mut Value, dice: &mut Dice) {
    for _ in 0..1 + dice.below(4) {
        once(tree, dice);
    }
}

fn once(tree: &mut Value, dice: &mut Dice) {
    let other = random(tree, dice).clone();
    let node = random(tree, dice);
    match dice.below(10) {
        0 => *node = other,
        1 => remove(node, dice),
        2 => duplicate(node, dice),
        3 => nest(node, dice),
        4 => lengthen(node, dice),
        5 => rename(node, dice),
        6 => *node = number(dice),
        7 => *node = Value::Null,
        _ => *node = text(dice),
    }
}

/// Any node, the tree itself among them.
fn random<'a>(tree: &'a mut Value, dice: &mut Dice) -> &'a mut Value {
    let mut number = dice.below(count(tree));
    find(tree, &mut number).expect("it is one of them")
}

fn count(node: &Value) -> usize {
    1 + match node {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(entries) => entries.values().map(count).sum::<usize>(),
        _ => 0,
    }
}

fn find<'a>(node: &'a mut Value, number: &mut usize) -> Option<&'a mut Value> {
    if *number == 0 {
        return Some(node);
    }
    *number -= 1;
    match node {
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, number)),
        Value::Object(entries) => entries.values_mut().find_map(|value| find(value, number)),
        _ => None,
    }
}

fn remove(node: &mut Value, dice: &mut Dice) {
    match node {
        Value::Array(items) if !items.is_empty() => drop(items.remove(dice.below(items.len()))),
        Value::Object(entries) if !entries.is_empty() => {
            let key = key_of(entries, dice);
            entries.remove(&key);
        }
        node => *node = json!({}),
    }
}

fn duplicate(node: &mut Value, dice: &mut Dice) {
    match node {
        Value::Array(items) if !items.is_empty() => items.push(items[dice.below(items.len())].clone()),
        Value::Object(entries) if !entries.is_empty() => {
            let key = key_of(entries, dice);
            let value = entries[&key].clone();
            entries.insert(format!("{key}{}", dice.pick(&ODD)), value);
        }
        node => *node = json!([node.clone(), node.clone()]),
    }
}

fn nest(node: &mut Value, dice: &mut Dice) {
    let is_list = dice.one_in(2);
    for _ in 0..dice.times().min(DEEP) {
        let inner = node.take();
        *node = if is_list { json!([inner]) } else { json!({ "a": inner }) };
    }
}

fn lengthen(node: &mut Value, dice: &mut Dice) {
    let times = dice.times().min(LONG);
    *node = match node.take() {
        Value::Object(mut entries) => {
            entries.extend((0..times).map(|n| (format!("key{n}"), Value::from(n))));
            Value::Object(entries)
        }
        other if count(&other) > 20 => json!([other.clone(), other]),
        other => Value::Array(vec![other; times]),
    };
}

fn rename(node: &mut Value, dice: &mut Dice) {
    if let Value::Object(entries) = node
        && !entries.is_empty()
    {
        let key = key_of(entries, dice);
        let value = entries.remove(&key).unwrap_or_default();
        entries.insert((*dice.pick(&ODD)).to_owned(), value);
    }
}

fn key_of(entries: &serde_json::Map<String, Value>, dice: &mut Dice) -> String {
    entries.keys().nth(dice.below(entries.len())).cloned().expect("it has so many")
}

fn number(dice: &mut Dice) -> Value {
    let limits = [0, 1, -1, 255, 256, 65_536, i64::from(i32::MAX) + 1, i64::MAX, i64::MIN];
    match dice.below(4) {
        0 => json!(u64::MAX),
        1 => json!(*dice.pick(&[0.5, -0.0, 1e308, 5e-324])),
        _ => json!(*dice.pick(&limits)),
    }
}

fn text(dice: &mut Dice) -> Value {
    let odd = *dice.pick(&ODD);
    let times = dice.times().min(LONGEST / odd.len().max(1));
    Value::from(odd.repeat(times))
}
