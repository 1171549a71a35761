//! What decides how an input is changed.

use rand::{RngExt, SeedableRng, rngs::StdRng};

pub struct Dice(StdRng);

impl Dice {
    /// Those of one input: the same for the same seed and number.
    pub fn of(seed: u64, case: u64) -> Self {
        Self(StdRng::seed_from_u64(seed.wrapping_add(case)))
    }

    /// A number from 0 on, below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        self.0.random_range(0..end)
    }

    pub fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }

    /// Mostly few, now and then very many.
    pub fn times(&mut self) -> usize {
        match self.below(20) {
            0 => self.below(20_000),
            1..4 => self.below(300),
            _ => 1 + self.below(4),
        }
    }
}
