//! A seeded mutator: what ships (stacks, overlays, templates, queries, the requests of a stack's life), changed at random and
//! given to the real binary. Nothing may panic, hang, end the stand-in, or be refused without a word that fits.
//!
//! Each target tries a number of inputs, or goes on for `MUTATOR_SECONDS`. Input n of a seed is always made the same way:
//! `MUTATOR_SEED` begins with another one, and with `MUTATOR_CASE` only that one is tried. An input that failed is kept.

mod campaign;
mod command;
mod corpus;
mod damage;
mod dice;
mod exchange;
mod recorder;
mod requests;
mod specs;
mod sql;
mod tokens;
mod tree;
