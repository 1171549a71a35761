//! One target's inputs: how many, of which seed, and what becomes of one that fails.

use std::{
    env, fs,
    path::{Path, PathBuf},
    str::FromStr,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use super::dice::Dice;

/// As many failures are told at once.
const MOST_FAILURES: usize = 5;

/// What an input is for a person, and in the file that is kept of it.
pub trait Input {
    fn shown(&self) -> Vec<u8>;
}

pub struct Campaign {
    name: &'static str,
    seed: u64,
    first: u64,
    last: Option<u64>,
    time: Option<Duration>,
}

impl Campaign {
    /// `cases` inputs, unless the environment says otherwise.
    pub fn of(name: &'static str, cases: u64) -> Self {
        let time = variable("MUTATOR_SECONDS").map(Duration::from_secs);
        // A test is the same each time; what runs for a time finds new inputs.
        let seed = variable("MUTATOR_SEED").unwrap_or_else(|| time.map_or(1, |_| clock()));
        let one: Option<u64> = variable("MUTATOR_CASE");
        let first = one.unwrap_or(0);
        let last = one.map(|case| case + 1).or_else(|| time.is_none().then_some(cases));
        println!("mutator {name}: MUTATOR_SEED={seed}");
        Self { name, seed, first, last, time }
    }

    /// Makes inputs and tries each. A failure is what is wrong with what came of it.
    pub fn run<I: Input>(
        &self,
        mut make: impl FnMut(&mut Dice) -> I,
        mut attempt: impl FnMut(&I) -> Result<(), String>,
    ) {
        let (begun, mut failures, mut case) = (Instant::now(), Vec::new(), self.first);
        let is_over =
            |case| self.last.is_some_and(|last| case >= last) || self.time.is_some_and(|time| begun.elapsed() >= time);
        while !is_over(case) && failures.len() < MOST_FAILURES {
            let input = make(&mut Dice::of(self.seed, case));
            // Before it is tried: it may end this process.
            let kept = self.keep(case, &input.shown());
            match attempt(&input) {
                Ok(()) => fs::remove_file(kept).expect("it is ours"),
                Err(why) => failures.push(self.failure(case, &kept, &why)),
            }
            case += 1;
        }
        println!("mutator {}: {} inputs", self.name, case - self.first);
        assert!(failures.is_empty(), "{}", failures.join("\n"));
    }

    fn keep(&self, case: u64, shown: &[u8]) -> PathBuf {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mutator");
        fs::create_dir_all(&folder).expect("a folder");
        let kept = folder.join(format!("{}-{}-{case}", self.name, self.seed));
        fs::write(&kept, shown).expect("written");
        kept
    }

    fn failure(&self, case: u64, kept: &Path, why: &str) -> String {
        let (name, seed, kept) = (self.name, self.seed, kept.display());
        format!("{name}: {why}\n  again: MUTATOR_SEED={seed} MUTATOR_CASE={case}; the input: {kept}")
    }
}

fn variable<T: FromStr>(name: &str) -> Option<T> {
    let text = env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}

fn clock() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs())
}
