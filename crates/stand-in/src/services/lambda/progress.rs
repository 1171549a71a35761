//! How far a mapping has come, on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How far a mapping has come. A shard is read by one poller, or by several that share its partition keys.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The position of each poller of each shard; a shard that is not here is read from its beginning.
    shards: BTreeMap<String, Vec<u64>>,
    /// The stream that the positions are of: another one may come under the same name.
    #[serde(default)]
    stream: Option<u64>,
}

impl Progress {
    /// Where a poller goes on. After a change of their number all go on where the last of them was.
    pub(super) fn position(&self, shard: &str, poller: usize, pollers: usize) -> u64 {
        let positions = self.shards.get(shard).map(Vec::as_slice).unwrap_or_default();
        match positions.get(poller) {
            Some(position) if positions.len() == pollers => *position,
            _ => self.behind(shard),
        }
    }

    /// Where the last poller of a shard is.
    pub(super) fn behind(&self, shard: &str) -> u64 {
        self.shards.get(shard).and_then(|positions| positions.iter().min()).copied().unwrap_or(0)
    }

    pub(super) fn advance(&mut self, shard: &str, poller: usize, pollers: usize, position: u64) {
        let behind = self.behind(shard);
        let positions = self.shards.entry(shard.to_owned()).or_default();
        if positions.len() != pollers {
            *positions = vec![behind; pollers];
        }
        positions[poller] = position;
    }

    /// Whether the positions are of this stream.
    pub(super) fn is_of(&self, stream: u64) -> bool {
        self.stream == Some(stream)
    }

    /// Takes the positions as of this stream; those of another one are forgotten, and all is read from its beginning.
    pub(super) fn follow(&mut self, stream: u64) {
        if self.stream.is_some_and(|known| known != stream) {
            self.shards.clear();
        }
        self.stream = Some(stream);
    }

    /// Remembers where a shard is begun.
    pub(super) fn begin(&mut self, shard: &str, position: u64) {
        self.shards.insert(shard.to_owned(), vec![position]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_stream_is_read_from_its_beginning() {
        let mut progress = Progress::default();
        progress.begin("s", 5);
        progress.follow(1);
        assert!(progress.is_of(1) && progress.behind("s") == 5);
        progress.follow(2);
        assert!(!progress.is_of(1) && progress.behind("s") == 0);
    }

    #[test]
    fn another_number_of_pollers_goes_on_where_the_last_was() {
        let mut progress = Progress::default();
        assert_eq!(progress.position("s", 0, 1), 0);
        progress.begin("s", 5);
        assert_eq!((progress.position("s", 0, 2), progress.position("s", 1, 2)), (5, 5));
        progress.advance("s", 1, 2, 9);
        assert_eq!((progress.position("s", 0, 2), progress.position("s", 1, 2)), (5, 9));
        progress.advance("s", 0, 2, 7);
        assert_eq!((progress.position("s", 0, 1), progress.behind("s")), (7, 7));
    }
}
