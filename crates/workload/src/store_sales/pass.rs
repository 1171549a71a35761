use std::ops::RangeInclusive;

use crate::mixed;

/// How the endless ticket numbers map to the generator's source tickets.
///
/// Ticket `t` (1-based) is source ticket `(t - 1 + rotation) mod tickets + 1`: pass after pass the same tickets under
/// new numbers, a seed's rotation deciding with which of them a pass begins.
#[derive(Clone, Copy)]
pub(super) struct Passes {
    pub(super) tickets: u64,
    rotation: u64,
}

/// A stretch of tickets whose source tickets are contiguous.
pub(super) struct Stretch {
    pub(super) first_ticket: u64,
    pub(super) sources: RangeInclusive<u64>,
}

impl Passes {
    /// Seed 0 begins with TPC-DS's first ticket; any other seed with another one.
    pub(super) fn new(tickets: u64, seed: u64) -> Self {
        let rotation = if seed == 0 || tickets < 2 { 0 } else { 1 + mixed(seed) % (tickets - 1) };
        Self { tickets, rotation }
    }

    /// The first stretch of these tickets; ticket numbers below 1 do not exist.
    pub(super) fn first_stretch(&self, tickets: &RangeInclusive<u64>) -> Option<Stretch> {
        let first = (*tickets.start()).max(1);
        let last = *tickets.end();
        if first > last {
            return None;
        }
        let position = ((first - 1) % self.tickets + self.rotation) % self.tickets;
        let more = (self.tickets - position - 1).min(last - first);
        Some(Stretch { first_ticket: first, sources: position + 1..=position + 1 + more })
    }
}

impl Stretch {
    /// Tickets behind this stretch up to `last`.
    pub(super) fn rest(&self, last: u64) -> RangeInclusive<u64> {
        let length = self.sources.end() - self.sources.start() + 1;
        match self.first_ticket.checked_add(length) {
            Some(next) => next..=last,
            None => RangeInclusive::new(1, 0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sources(passes: Passes, tickets: RangeInclusive<u64>) -> Vec<(u64, u64)> {
        let last = *tickets.end();
        let mut rest = tickets;
        let mut pairs = Vec::new();
        while let Some(stretch) = passes.first_stretch(&rest) {
            pairs.extend((stretch.first_ticket..).zip(stretch.sources.clone()));
            rest = stretch.rest(last);
        }
        pairs
    }

    #[test]
    fn passes_repeat_under_new_numbers() {
        let passes = Passes { tickets: 3, rotation: 0 };
        assert_eq!(sources(passes, 2..=8), [(2, 2), (3, 3), (4, 1), (5, 2), (6, 3), (7, 1), (8, 2)]);
    }

    #[test]
    fn a_rotation_begins_elsewhere_and_misses_nothing() {
        let passes = Passes { tickets: 3, rotation: 2 };
        assert_eq!(sources(passes, 1..=4), [(1, 3), (2, 1), (3, 2), (4, 3)]);
    }

    #[test]
    fn the_ends_of_the_numbers_are_safe() {
        let passes = Passes { tickets: 3, rotation: 2 };
        assert_eq!(sources(passes, 0..=1), [(1, 3)]);
        assert_eq!(sources(passes, u64::MAX - 1..=u64::MAX).len(), 2);
        assert!(sources(passes, RangeInclusive::new(5, 4)).is_empty());
    }

    #[test]
    fn seeds_differ_from_each_other_and_from_none() {
        let rotations: Vec<_> = (0..20).map(|seed| Passes::new(240_000, seed).rotation).collect();
        let distinct: std::collections::HashSet<_> = rotations.iter().collect();
        assert_eq!(distinct.len(), rotations.len());
        assert_eq!(rotations[0], 0);
    }
}
