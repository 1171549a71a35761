//! One point of the matrix: a life that is killed at one call, what follows, and what must be then.

use std::fmt;

use kinesis_demo::{engine::ApplyError, pipeline::lifecycle::LifecycleError};

use super::ground::Ground;
use crate::inside::{Count, Kill};

/// Which life is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Life {
    Up,
    Down,
}

/// What the user does after the kill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Then {
    UpAndDown,
    Down,
}

/// The points that differ in the number of the counted call alone.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    life: Life,
    kill: Kill,
    then: Then,
}

#[derive(Clone, Copy, Debug)]
pub struct Point {
    column: Column,
    number: usize,
}

impl Column {
    pub const ALL: [Self; 12] = Self::all();

    const fn all() -> [Self; 12] {
        let first = Self { life: Life::Up, kill: Kill::Before, then: Then::Down };
        let mut all = [first; 12];
        let mut at = 0;
        while at < all.len() {
            all[at].life = if at < 6 { Life::Down } else { Life::Up };
            all[at].kill = Kill::ALL[at % 3];
            all[at].then = if at % 6 < 3 { Then::UpAndDown } else { Then::Down };
            at += 1;
        }
        all
    }

    pub fn at(self, number: usize) -> Point {
        Point { column: self, number }
    }
}

impl fmt::Display for Point {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Column { life, kill, then } = self.column;
        write!(f, "{life:?} killed {kill:?} at counted call {}, then {then:?}", self.number)
    }
}

impl Point {
    /// Where no kill came, how many calls the life had: there is no point beyond.
    pub async fn try_on(self, ground: &mut Ground) -> Result<Option<usize>, String> {
        ground.begin().await;
        if self.column.life == Life::Down {
            up(ground).await?;
            ground.land().await;
        }
        let outlived = self.kill(ground).await?;
        if outlived.is_none() && self.column.then == Then::UpAndDown {
            up_again(ground, self.column.life).await?;
        }
        if self.column.life == Life::Up {
            ground.land().await;
        }
        down(ground).await?;
        nothing_is_left(ground).await?;
        Ok(outlived)
    }

    async fn kill(self, ground: &Ground) -> Result<Option<usize>, String> {
        let before = ground.calls();
        ground.wire.kill_at_counted(self.number, self.column.kill, Count::Telling(Box::new(ground.written())));
        let ended = match self.column.life {
            Life::Up => ground.wire.live(up(ground)).await,
            Life::Down => ground.wire.live(down(ground)).await,
        };
        ground.wire.revive().await;
        match ended {
            None => Ok(None),
            Some(Ok(())) => Ok(Some(ground.calls() - before)),
            Some(Err(why)) => Err(format!("it was to be killed, and before that {why}")),
        }
    }
}

async fn up(ground: &Ground) -> Result<(), String> {
    ground.up().await.map(drop).map_err(|error| format!("up: {error}"))
}

/// What is going down does not come up again before it is down.
async fn up_again(ground: &Ground, killed: Life) -> Result<(), String> {
    match ground.up().await {
        Err(LifecycleError::Apply(ApplyError::GoingDown(_))) if killed == Life::Down => Ok(()),
        other => other.map(drop).map_err(|error| format!("up again: {error}")),
    }
}

async fn down(ground: &Ground) -> Result<(), String> {
    let down = ground.down().await.map_err(|error| format!("down: {error}"))?;
    if down.is_clean() { Ok(()) } else { Err(format!("down is not clean: {down:?}")) }
}

/// Nothing of the stack in the store, what is others' as it was, and nothing to do for another `down`.
pub async fn nothing_is_left(ground: &Ground) -> Result<(), String> {
    let otherwise = ground.inventory().changes_since(&ground.others);
    if !otherwise.is_empty() {
        return Err(format!("the store is not as it was: {otherwise:?}"));
    }
    let before = ground.wire.changes().len();
    let again = ground.down().await.map_err(|error| format!("down again: {error}"))?;
    let changed = ground.wire.changes().split_off(before);
    if again.is_clean() && again.removed.is_empty() && changed.is_empty() {
        return Ok(());
    }
    Err(format!("a second down did something: {again:?}, {changed:?}"))
}
