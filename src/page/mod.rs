//! A live page of a run, on a loopback port: for an audience to look at, and for whoever has its token to act on the run.
//!
//! The page reads the record that the run writes, so it is the same beside a run, inside its process and after it, and no
//! browser is ever waited for. A browser gets the whole state when it connects, then each new row as an event; one that is
//! slow skips rows and gets the state again.
//!
//! ```text
//! record ─ follower ▸ board ─┬─ state ▸ a browser that connects
//!                            └─ rows  ▸ every browser
//! ```
//!
//! `GET` is for everybody on this machine. `POST` needs the token, which is in the presenter's address after the `#`, where
//! no log and no `Referer` has it.

mod answers;
mod assets;
mod board;
mod frame;
mod guard;
mod live;
mod outcome;
mod plan;
mod playback;
mod row;
mod series;
mod server;
mod shards;
mod sql;
#[cfg(test)]
mod tests;
mod token;

pub use server::Page;
