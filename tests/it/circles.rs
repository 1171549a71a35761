//! No circles between the files of the tool and of the stand-in: where one file imports from another, that one does not lead back to it.
//!
//! One kind is harmless and not counted: a child that uses what its parent's file defines, as `kinesis/put.rs` uses `Kinesis`
//! of `kinesis/mod.rs`, which has to name the child anyway.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use crate::floors::{root, sources};

/// Circles that are known, each by its files in order, with the reason why it stays. A new one fails the test, and so does
/// one that is listed here and no longer there.
const KNOWN: &[(&[&str], &str)] = &[];
const KNOWN_OF_THE_TOOL: &[(&[&str], &str)] = &[];

/// A module by the names on its path, `["services", "glue"]`; the crate itself is the empty one.
type Module = Vec<String>;
/// The modules that each module imports from, but for its ancestors.
type Imports = BTreeMap<Module, BTreeSet<Module>>;

#[test]
fn no_files_of_the_stand_in_import_each_other_in_a_circle() {
    assert_eq!(circles_in("crates/stand-in/src"), known(KNOWN), "left: what there is; right: what is known");
}

#[test]
fn no_files_of_the_tool_import_each_other_in_a_circle() {
    assert_eq!(circles_in("src"), known(KNOWN_OF_THE_TOOL), "left: what there is; right: what is known");
}

/// The circles between the source files below a folder of the workspace.
fn circles_in(folder: &str) -> BTreeSet<Vec<String>> {
    let folder = root().join(folder);
    let mut files = Vec::new();
    sources(&folder, &mut files);
    let texts = files.iter().map(|file| {
        let inside = file.strip_prefix(&folder).expect("below the crate");
        (module(inside), fs::read_to_string(file).expect("a source file"))
    });
    let texts: BTreeMap<Module, String> =
        texts.filter(|(module, _)| !module.iter().any(|name| name == "tests")).collect();
    assert!(texts.len() > 100, "{} files", texts.len());
    circles(&imports(&texts))
}

fn known(circles: &[(&[&str], &str)]) -> BTreeSet<Vec<String>> {
    circles.iter().map(|(files, _)| files.iter().map(|file| (*file).to_owned()).collect()).collect()
}

#[test]
fn a_circle_is_found_however_it_is_written() {
    let found = |files: &[(&str, &str)]| {
        let texts = files.iter().map(|(path, text)| (module(Path::new(path)), (*text).to_owned())).collect();
        circles(&imports(&texts)).into_iter().collect::<Vec<_>>()
    };
    let parent = ("a/mod.rs", "mod b;\nmod c;\npub use self::b::B;\nstruct A;");
    let siblings = [parent, ("a/b.rs", "use super::{A, c::{C, D}};"), ("a/c.rs", "fn c() { super::b::b() }")];
    assert_eq!(found(&siblings), [["a/b", "a/c"]]);
    let over_the_parent = [parent, ("a/b.rs", "use crate::d::D;"), ("d.rs", "use crate::{a::A, e};"), ("e.rs", "")];
    assert_eq!(found(&over_the_parent), [["a", "a/b", "d"]]);
    let child = [parent, ("a/b.rs", "use super::A;"), ("a/c.rs", "use crate::a::{A, b::B};")];
    assert!(found(&child).is_empty(), "a child may use its parent's type");
    let in_words =
        [parent, ("a/b.rs", "// use super::c;\n#[cfg(test)]\nmod tests {\n use crate::a::c;\n}"), siblings[2]];
    assert!(found(&in_words).is_empty(), "neither a comment nor a test counts");
}

/// The module that a file is.
fn module(file: &Path) -> Module {
    let names = file.with_extension("");
    let mut names: Module = names.iter().map(|name| name.to_str().expect("UTF-8").to_owned()).collect();
    if names.last().is_some_and(|last| last == "mod" || last == "lib") {
        names.pop();
    }
    names
}

fn imports(texts: &BTreeMap<Module, String>) -> Imports {
    let is_module = |module: &Module| texts.contains_key(module);
    let of = |module: &Module, text: &str| {
        let paths = paths(&code(text));
        let targets = paths.iter().filter_map(|path| target(module, path, &is_module));
        targets.filter(|target| !module.starts_with(target)).collect()
    };
    texts.iter().map(|(module, text)| (module.clone(), of(module, text))).collect()
}

/// The text without its comments and string literals, and without the tests at its end.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]").next().unwrap_or_default();
    let (mut code, mut chars) = (String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('/', Some('/')) => while chars.next_if(|c| *c != '\n').is_some() {},
            // A quote as a character, which begins no literal.
            ('\'', Some('"')) => drop(chars.next()),
            ('"', _) => {
                while let Some(inside) = chars.next().filter(|c| *c != '"') {
                    if inside == '\\' {
                        chars.next();
                    }
                }
            }
            _ => code.push(c),
        }
    }
    code
}

/// Every path in the code, those of a `use` with braces one by one.
fn paths(code: &str) -> Vec<String> {
    let mut paths = Vec::new();
    let mut rest = code;
    while let Some((before, after)) = split_use(rest) {
        paths.extend(plain_paths(before));
        let (tree, behind) = after.split_once(';').unwrap_or((after, ""));
        expand("", &tree.split_whitespace().collect::<Vec<_>>().join(" "), &mut paths);
        rest = behind;
    }
    paths.extend(plain_paths(rest));
    paths
}

/// What stands before the next `use`, and what after it.
fn split_use(code: &str) -> Option<(&str, &str)> {
    let begins = |at: usize| {
        let before = code[..at].rsplit('\n').next().unwrap_or_default().trim();
        before.is_empty() || before == "pub" || (before.starts_with("pub(") && before.ends_with(')'))
    };
    let at = code.match_indices("use ").map(|(at, _)| at).find(|&at| begins(at))?;
    Some((&code[..at], &code[at + "use ".len()..]))
}

/// Paths such as `wire::parse` in an expression or a type.
fn plain_paths(code: &str) -> impl Iterator<Item = String> + '_ {
    let words = code.split(|c: char| !c.is_alphanumeric() && c != '_' && c != ':');
    words.filter(|word| word.contains("::")).map(str::to_owned)
}

/// The paths of a tree such as `super::{A, c::{C, D}}`.
fn expand(before: &str, tree: &str, into: &mut Vec<String>) {
    let Some((path, group)) = tree.split_once('{') else {
        into.push(format!("{before}{}", tree.trim()));
        return;
    };
    let group = group.rsplit_once('}').map_or(group, |(group, _)| group);
    let before = format!("{before}{}", path.trim());
    let (mut depth, mut begin) = (0_usize, 0);
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                expand(&before, group[begin..at].trim(), into);
                begin = at + 1;
            }
            _ => {}
        }
    }
    if !group[begin..].trim().is_empty() {
        expand(&before, group[begin..].trim(), into);
    }
}

/// The module that a path of `module` leads into, if it is of this crate.
fn target(module: &Module, path: &str, is_module: &impl Fn(&Module) -> bool) -> Option<Module> {
    let mut names = path.split("::").map(|name| name.split(' ').next().unwrap_or_default()).peekable();
    let mut target = module.clone();
    match names.peek().copied()? {
        "crate" => {
            target.clear();
            names.next();
        }
        "self" => drop(names.next()),
        "super" => {
            while names.next_if_eq(&"super").is_some() {
                target.pop()?;
            }
        }
        child if !is_module(&[module.as_slice(), &[child.to_owned()]].concat()) => return None,
        _ => {}
    }
    for name in names {
        target.push(name.to_owned());
        if !is_module(&target) {
            target.pop();
            break;
        }
    }
    Some(target)
}

/// The groups of files that lead to each other, each in order.
fn circles(imports: &Imports) -> BTreeSet<Vec<String>> {
    let reached = |from: &Module| {
        let (mut seen, mut todo) = (BTreeSet::new(), vec![from]);
        while let Some(module) = todo.pop() {
            todo.extend(imports.get(module).into_iter().flatten().filter(|&next| seen.insert(next.clone())));
        }
        seen
    };
    let reached: BTreeMap<&Module, BTreeSet<Module>> = imports.keys().map(|module| (module, reached(module))).collect();
    let in_a_circle = reached.iter().filter(|(module, from)| from.contains(**module));
    let circle = |(module, from): (&&Module, &BTreeSet<Module>)| {
        let back = from.iter().filter(|other| reached.get(other).is_some_and(|from| from.contains(*module)));
        back.map(|other| other.join("/")).collect()
    };
    in_a_circle.map(circle).collect()
}
