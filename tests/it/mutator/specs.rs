//! Stack files, overlays, `--set` and templates, for `demo validate`.

use std::{fs, path::Path};

use serde_json::Value;
use tempfile::TempDir;

use super::{
    campaign::{Campaign, Input},
    command::check,
    corpus,
    dice::Dice,
    tokens, tree,
};
use crate::command::Demo;

/// What the shipped templates have not.
const TEMPLATES: &str = include_str!("seeds/templates.txt");
/// What a spec may be: right, or wrong.
const EXITS: [i32; 2] = [0, 2];

/// A stack file with what lies over it, and the template beside it.
struct Spec {
    file: String,
    overlay: Option<String>,
    sets: Vec<String>,
    template: String,
}

impl Input for Spec {
    fn shown(&self) -> Vec<u8> {
        let Self { file, overlay, sets, template } = self;
        let overlay = overlay.as_deref().unwrap_or_default();
        format!("{file}\n---- overlay\n{overlay}\n---- template\n{template}\n---- sets\n{}\n", sets.join("\n")).into()
    }
}

/// What all specs are made from.
struct Corpus {
    stacks: Vec<String>,
    trees: Vec<Value>,
    overlays: Vec<String>,
    sets: Vec<String>,
    templates: Vec<String>,
    words: Vec<String>,
}

impl Corpus {
    fn read() -> Self {
        let (stacks, overlays) = (corpus::stacks(), corpus::overlays());
        let trees: Vec<Value> = corpus::trees(&stacks).into_iter().chain(corpus::trees(&overlays)).collect();
        let (mut sets, mut words) = (Vec::new(), Vec::new());
        trees.iter().for_each(|tree| leaves(tree, "", &mut sets));
        let stacks: Vec<String> = stacks.iter().map(corpus::read).collect();
        let shipped = corpus::files("stacks", "template").into_iter().map(corpus::read);
        let templates: Vec<String> = shipped.chain(TEMPLATES.lines().map(str::to_owned)).collect();
        stacks.iter().chain(&templates).for_each(|text| words.extend(tokens::words(text)));
        Self { stacks, trees, overlays: overlays.iter().map(corpus::read).collect(), sets, templates, words }
    }

    fn whole(&self, dice: &mut Dice) -> Spec {
        Spec {
            file: dice.pick(&self.stacks).clone(),
            overlay: None,
            sets: Vec::new(),
            template: self.templates[0].clone(),
        }
    }

    fn file(&self, dice: &mut Dice) -> Spec {
        let file = self.yaml(dice);
        let overlay = dice
            .one_in(3)
            .then(|| self.yaml(dice))
            .or_else(|| dice.one_in(3).then(|| dice.pick(&self.overlays).clone()));
        Spec { file, overlay, ..self.whole(dice) }
    }

    fn yaml(&self, dice: &mut Dice) -> String {
        if dice.one_in(2) {
            return tokens::mutate(dice.pick(&self.stacks).as_str(), &self.words, dice);
        }
        let mut tree = dice.pick(&self.trees).clone();
        tree::mutate(&mut tree, dice);
        let written =
            if dice.one_in(3) { serde_json::to_string(&tree).ok() } else { serde_yaml::to_string(&tree).ok() };
        written.expect("a tree is text")
    }

    fn set(&self, dice: &mut Dice) -> Spec {
        let sets = (0..1 + dice.below(4)).map(|_| tokens::mutate(dice.pick(&self.sets).as_str(), &self.words, dice));
        // An argument ends at the first NUL.
        Spec { sets: sets.map(|set| set.replace('\0', "")).collect(), ..self.whole(dice) }
    }

    fn template(&self, dice: &mut Dice) -> Spec {
        let template = tokens::mutate(dice.pick(&self.templates).as_str(), &self.words, dice);
        Spec { file: corpus::read("stacks/your-own-json.yaml"), template, ..self.whole(dice) }
    }
}

/// Each value of a tree as `--set` has it.
fn leaves(node: &Value, path: &str, into: &mut Vec<String>) {
    match node {
        Value::Object(entries) => entries.iter().for_each(|(key, value)| {
            let path = if path.is_empty() { key.clone() } else { format!("{path}.{key}") };
            leaves(value, &path, into);
        }),
        value => into.push(format!("{path}={value}")),
    }
}

/// A state folder, and a folder with what specs refer to.
struct Bench {
    demo: Demo,
    folder: TempDir,
    said: TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        for name in ["own.jsonl", "own.template", "none.jsonl"] {
            fs::copy(Path::new("tests/specs").join(name), folder.path().join(name)).expect("copied");
        }
        Self { demo: Demo::new(), folder, said: tempfile::tempdir().expect("a folder") }
    }

    fn try_spec(&self, spec: &Spec) -> Result<(), String> {
        let write = |name: &str, text: &str| fs::write(self.folder.path().join(name), text).expect("written");
        write("stack.yaml", &spec.file);
        write("over.yaml", spec.overlay.as_deref().unwrap_or_default());
        write("your-own-json.template", &spec.template);
        let mut args = vec!["validate", "stack.yaml"];
        args.extend(spec.overlay.iter().flat_map(|_| ["-c", "over.yaml"]));
        args.extend(spec.sets.iter().flat_map(|set| ["--set", set.as_str()]));
        let mut command = self.demo.command(&args);
        command.current_dir(self.folder.path());
        let before = self.found();
        check(command, self.said.path(), &EXITS)?;
        match self.found() == before {
            true => Ok(()),
            false => Err(format!("it wrote: {before:?} has become {:?}", self.found())),
        }
    }

    /// Everything that is in either folder.
    fn found(&self) -> Vec<String> {
        let names = |folder: &Path| {
            let entries = fs::read_dir(folder).expect("the folder is there");
            entries.map(|entry| entry.expect("readable").path().display().to_string()).collect::<Vec<_>>()
        };
        let mut found = [names(self.folder.path()), names(self.demo.home.path())].concat();
        found.sort();
        found
    }
}

fn campaign(name: &'static str, cases: u64, make: impl Fn(&Corpus, &mut Dice) -> Spec) {
    let (corpus, bench) = (Corpus::read(), Bench::new());
    Campaign::of(name, cases).run(|dice| make(&corpus, dice), |spec| bench.try_spec(spec));
}

#[test]
fn stack_files() {
    campaign("stack-files", 60, Corpus::file);
}

#[test]
fn set_flags() {
    campaign("set-flags", 60, Corpus::set);
}

#[test]
fn templates() {
    campaign("templates", 40, Corpus::template);
}
