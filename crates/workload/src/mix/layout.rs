//! Which document of a mix is what: a function of its number, the kinds and the seed alone.
//!
//! Documents come in blocks of a thousand, all of one pattern, in which each group of kinds has exactly its share. A group's
//! documents are numbered through the blocks: its slots. Slot n of a group with S steps is for step n mod S, of an entity
//! that began as many rounds before round n ÷ S as the step is late, more or less. Where there was no such round yet, the slot
//! begins a further entity, which never gets beyond its first step: so no document of a later step is without the earlier ones.
//!
//! More or less: the entities of as many rounds as lie between any two steps at least, a window, take a step in another order
//! than they began in. So each has delays of its own, and yet takes each step before the next.
//!
//! An entity is known by the slot that it began in.

use rand::{RngExt, SeedableRng, rngs::Xoshiro256PlusPlus};

use super::plan::{Plan, Step, WHOLE};
use crate::{mixed, stride};

/// Thousandths of a document a second, and of the shares, and of a second.
const THOUSAND: u128 = 1_000;

#[derive(Clone, Debug)]
pub(super) struct Layout {
    /// Of each document of a block, its group and how many of the group are before it in the block.
    pattern: Vec<(usize, u64)>,
    pub(super) groups: Vec<GroupLayout>,
}

#[derive(Clone, Debug)]
pub(super) struct GroupLayout {
    /// The kind that has the share.
    pub(super) head: usize,
    /// Where its documents are in a block, in order.
    positions: Vec<u64>,
    pub(super) steps: Vec<Step>,
    /// By how many rounds each step is late.
    late: Vec<u64>,
    window: Window,
}

/// Rounds next to each other whose entities change places.
#[derive(Clone, Copy, Debug)]
struct Window {
    rounds: u64,
    /// Without a common factor with the rounds.
    stride: u64,
}

/// What a document is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) group: usize,
    pub(super) step: usize,
    pub(super) entity: u64,
}

impl Layout {
    /// `rate` is that of all documents, in thousandths a second.
    pub(super) fn new(plan: &Plan, seed: u64, rate: u64) -> Self {
        let mut groups: Vec<usize> = Vec::new();
        for (group, of) in plan.groups.iter().enumerate() {
            groups.extend(std::iter::repeat_n(group, of.thousandths as usize));
        }
        shuffle(&mut groups, seed);
        // The first document of each group is behind those of the groups that it refers to.
        for group in 0..plan.groups.len() {
            let first = groups.iter().position(|one| *one == group).expect("each has a share");
            groups.swap(group, first);
        }
        let mut positions = vec![Vec::new(); plan.groups.len()];
        let mut pattern = Vec::with_capacity(groups.len());
        for (group, position) in groups.into_iter().zip(0..) {
            pattern.push((group, positions[group].len() as u64));
            positions[group].push(position);
        }
        let laid = plan.groups.iter().zip(positions).map(|(group, positions)| {
            let steps = group.steps.clone();
            let late = steps.iter().map(|step| rounds(step.after_ms, rate, group.thousandths, steps.len()));
            let late: Vec<u64> = late.collect();
            GroupLayout { head: group.head, positions, steps, window: Window::between(&late), late }
        });
        Self { pattern, groups: laid.collect() }
    }

    /// Of a document by its number, from 1.
    pub(super) fn place(&self, number: u64) -> Place {
        let index = number.saturating_sub(1);
        let (group, rank) = self.pattern[(index % WHOLE) as usize];
        let of = &self.groups[group];
        let slot = index / WHOLE * of.positions.len() as u64 + rank;
        let steps = of.steps.len() as u64;
        let (round, step) = (slot / steps, (slot % steps) as usize);
        match round.checked_sub(of.late[step]) {
            Some(due) => Place { group, step, entity: of.window.began(due, of.late[step]) * steps },
            None => Place { group, step: 0, entity: slot },
        }
    }

    /// The number of the document that an entity began with.
    pub(super) fn birth(&self, group: usize, entity: u64) -> u64 {
        let positions = &self.groups[group].positions;
        let count = positions.len() as u64;
        (entity / count).saturating_mul(WHOLE).saturating_add(positions[(entity % count) as usize]).saturating_add(1)
    }

    /// How many entities of a group had begun before document `number`, without those that stay in their first step.
    pub(super) fn entities_before(&self, group: usize, number: u64) -> u64 {
        let (of, index) = (&self.groups[group], number.saturating_sub(1));
        let in_block = of.positions.partition_point(|position| *position < index % WHOLE) as u64;
        (index / WHOLE * of.positions.len() as u64 + in_block).div_ceil(of.steps.len() as u64)
    }

    /// The entity that was the nth of those to begin, from 1.
    pub(super) fn entity(&self, group: usize, nth: u64) -> u64 {
        (nth - 1) * self.groups[group].steps.len() as u64
    }

    /// The number of the first document of each step.
    pub(super) fn firsts(&self) -> Vec<u64> {
        let of_group = |(group, of): (usize, &GroupLayout)| {
            let steps = of.steps.len() as u64;
            let slots: Vec<u64> = of.late.iter().zip(0..).map(|(late, step)| late * steps + step).collect();
            slots.into_iter().map(move |slot| self.birth(group, slot))
        };
        self.groups.iter().enumerate().flat_map(of_group).collect()
    }
}

impl Window {
    /// As long as the shortest time between two steps that are not at once.
    fn between(late: &[u64]) -> Self {
        let gaps = late.iter().zip(late.iter().skip(1)).map(|(one, next)| next.saturating_sub(*one));
        let rounds = gaps.filter(|gap| *gap > 0).min().unwrap_or(1);
        Self { rounds, stride: stride(rounds) }
    }

    /// The round in which the entity began that takes a step in place of the one that is due. All steps that are as late take
    /// the entities in the same order, and those that are not late at all in that in which they began.
    fn began(self, due: u64, late: u64) -> u64 {
        if late == 0 {
            return due;
        }
        let (window, within) = (due / self.rounds, due % self.rounds);
        let shift = u128::from(mixed(window ^ mixed(late)));
        let place = (u128::from(within) * u128::from(self.stride) + shift) % u128::from(self.rounds);
        window * self.rounds + place as u64
    }
}

/// How many rounds of a group a time has, to the nearest.
fn rounds(after_ms: u64, rate: u64, thousandths: u64, steps: usize) -> u64 {
    let documents = u128::from(after_ms) * u128::from(rate) * u128::from(thousandths);
    let of_round = THOUSAND.pow(3) * steps as u128;
    u64::try_from((documents + of_round / 2) / of_round).unwrap_or(u64::MAX / WHOLE)
}

fn shuffle(groups: &mut [usize], seed: u64) {
    let mut draws = Xoshiro256PlusPlus::seed_from_u64(mixed(seed));
    for last in (1..groups.len()).rev() {
        groups.swap(last, draws.random_range(0..=last));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{HashMap, HashSet};

    use super::*;
    use crate::mix::plan::Group;

    fn step(kind: usize, status: usize, after_ms: u64) -> Step {
        Step { kind, status: Some(status), after_ms }
    }

    fn layout(rate: u64) -> Layout {
        let orders = vec![step(1, 0, 0), step(1, 1, 2_000), step(2, 0, 2_000), step(1, 2, 5_000)];
        let plan = Plan {
            groups: vec![
                Group { head: 0, thousandths: 70, steps: vec![step(0, 0, 0)] },
                Group { head: 1, thousandths: 925, steps: orders },
                Group { head: 3, thousandths: 5, steps: vec![step(3, 0, 0)] },
            ],
        };
        Layout::new(&plan, 7, rate)
    }

    #[test]
    fn each_group_has_exactly_its_share_of_each_block() {
        let layout = layout(1_000_000);
        for block in [0, 1, 77] {
            let numbers = block * WHOLE + 1..=block * WHOLE + WHOLE;
            let mut counts = [0; 3];
            numbers.for_each(|number| counts[layout.place(number).group] += 1);
            assert_eq!(counts, [70, 925, 5]);
        }
        let firsts: Vec<usize> = (1..=3).map(|number| layout.place(number).group).collect();
        assert_eq!(firsts, [0, 1, 2]);
    }

    #[test]
    fn an_entity_goes_through_its_steps_in_their_order_and_once() {
        // 1,000 documents a second are 231.25 rounds of orders: 463 rounds in 2 s, 1,156 in 5 s.
        for rate in [0, 1_000_000, 1_234_567] {
            let layout = layout(rate);
            let mut gone: HashMap<(usize, u64), usize> = HashMap::new();
            for number in 1..=20_000 {
                let Place { group, step, entity } = layout.place(number);
                let before = gone.insert((group, entity), step);
                assert_eq!(before.map_or(0, |before| before + 1), step, "document {number}, entity {entity}");
                let is_first = layout.birth(group, entity) == number;
                assert_eq!(is_first, step == 0, "document {number}");
            }
            assert!(gone.values().any(|step| *step == 3) || rate > 0);
        }
    }

    #[test]
    fn each_entity_has_delays_of_its_own_that_are_right_on_average() {
        // Whole windows: 463 rounds lie between the first two times.
        const ENTITIES: u64 = 4 * 463;
        let layout = layout(1_000_000);
        let mut numbers: HashMap<u64, Vec<u64>> = HashMap::new();
        for number in 1..=20_000 {
            let place = layout.place(number);
            if place.group == 1 && place.entity < ENTITIES * 4 && place.entity.is_multiple_of(4) {
                numbers.entry(place.entity).or_default().push(number);
            }
        }
        assert_eq!(numbers.len() as u64, ENTITIES);
        for (step, expected) in [(1, 2_000), (2, 2_000), (3, 5_000)] {
            let waits: Vec<u64> = numbers.values().map(|numbers| numbers[step] - numbers[0]).collect();
            let mean = waits.iter().sum::<u64>() / waits.len() as u64;
            assert!((expected - 20..=expected + 20).contains(&mean), "step {step} is {mean} late");
            let (least, most) = (waits.iter().min().expect("waits"), waits.iter().max().expect("waits"));
            assert!(expected - least > 1_500 && most - expected > 1_500, "{least} to {most}");
        }
    }

    #[test]
    fn entities_that_began_before_a_document_are_counted_and_found() {
        let layout = layout(1_000_000);
        let (mut begun, mut all): ([Vec<u64>; 3], _) = (Default::default(), HashSet::new());
        for number in 1..=12_000 {
            for (group, begun) in begun.iter().enumerate() {
                assert_eq!(layout.entities_before(group, number), begun.len() as u64, "before {number}");
                let last = begun.last().map(|_| layout.entity(group, begun.len() as u64));
                assert_eq!(last, begun.last().copied());
            }
            let Place { group, step, entity } = layout.place(number);
            assert!(step > 0 || all.insert((group, entity)), "no entity begins twice");
            if step == 0 && entity.is_multiple_of(layout.groups[group].steps.len() as u64) {
                begun[group].push(entity);
            }
        }
        // Also where another rate makes other steps late.
        let slower = super::tests::layout(10_000);
        assert_eq!(slower.entities_before(1, 9_999), layout.entities_before(1, 9_999));
    }

    #[test]
    fn the_first_document_of_each_step_is_known() {
        let layout = layout(1_000_000);
        let firsts = layout.firsts();
        assert_eq!(firsts.len(), 6);
        for (group, step) in [(0, 0), (1, 0), (1, 1), (1, 2), (1, 3), (2, 0)] {
            let is_it = |number: &u64| {
                let place = layout.place(*number);
                place.group == group && place.step == step
            };
            assert!(firsts.contains(&(1..=20_000).find(is_it).expect("a document")), "{group} {step}");
        }
    }
}
