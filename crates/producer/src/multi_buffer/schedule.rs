//! Spreads messages of any lengths over the lanes of a processor.
//!
//! A lane works through one message: its whole blocks, then its padding. All lanes advance together, as far as the
//! shortest of them goes; a lane that is done takes the longest message still waiting, so that the lanes end together.

use std::mem;

use crate::turn::{SLICE, Turn};

/// What MD5 and SHA-256 take in at a time.
pub(super) type Block = [u8; 64];

/// Advances several hashes at once; `S` is their state.
pub(super) struct Kernel<S: 'static> {
    /// How many hashes it advances at most.
    pub(super) lanes: usize,
    /// From how many on it is faster than the narrower ones.
    pub(super) worth_from: usize,
    /// Advances each state by its run of blocks. The runs are of one length; there are as many as states, from
    /// `worth_from` to `lanes`.
    pub(super) run: fn(&mut [S], &[&[Block]]),
}

/// The kernels of one processor for one hash, the widest first; the last takes any single message.
pub(super) type Kernels<S> = &'static [Kernel<S>];

/// A message as blocks.
pub(super) struct Message<'a> {
    whole: &'a [Block],
    end: [Block; 2],
    end_blocks: usize,
}

impl<'a> Message<'a> {
    /// Pads as both hashes do: a one bit, zeros, and the length in bits as `length` writes it (RFC 1321, 3.1 and 3.2;
    /// FIPS 180-4, 5.1.1).
    pub(super) fn new(bytes: &'a [u8], length: fn(u64) -> [u8; 8]) -> Self {
        let (whole, rest) = bytes.as_chunks();
        let mut end = [[0; 64]; 2];
        let end_blocks = if rest.len() < 56 { 1 } else { 2 };
        end[0][..rest.len()].copy_from_slice(rest);
        end[0][rest.len()] = 0x80;
        end[end_blocks - 1][56..].copy_from_slice(&length(bytes.len() as u64 * 8));
        Self { whole, end, end_blocks }
    }

    pub(super) fn whole(&self) -> &[Block] {
        self.whole
    }

    pub(super) fn end(&self) -> &[Block] {
        &self.end[..self.end_blocks]
    }

    fn blocks(&self) -> usize {
        self.whole.len() + self.end_blocks
    }
}

/// The last state of each message, in the order of the messages; each begins as `start`. Gives way to other tasks.
pub(super) async fn run_all<S: Copy>(messages: &[Message<'_>], start: S, kernels: Kernels<S>) -> Vec<S> {
    let mut turn = Turn::begin();
    let mut ended = vec![start; messages.len()];
    let mut waiting: Vec<usize> = (0..messages.len()).collect();
    waiting.sort_by_key(|&index| messages[index].blocks());
    let width = kernels[0].lanes;
    let mut lanes = Lanes::with_capacity(width);
    loop {
        while lanes.len() < width
            && let Some(index) = waiting.pop()
        {
            lanes.begin(index, &messages[index], start);
        }
        if lanes.len() == 0 {
            return ended;
        }
        let bytes = lanes.advance(kernels);
        lanes.take_ended(&mut ended);
        turn.worked(bytes).await;
    }
}

/// What the lanes are at, by lane.
struct Lanes<'a, S> {
    messages: Vec<usize>,
    states: Vec<S>,
    runs: Vec<&'a [Block]>,
    /// What follows the runs.
    ends: Vec<&'a [Block]>,
    /// What the lanes do next, of one length.
    step: Vec<&'a [Block]>,
}

impl<'a, S: Copy + 'static> Lanes<'a, S> {
    fn with_capacity(lanes: usize) -> Self {
        Self {
            messages: Vec::with_capacity(lanes),
            states: Vec::with_capacity(lanes),
            runs: Vec::with_capacity(lanes),
            ends: Vec::with_capacity(lanes),
            step: Vec::with_capacity(lanes),
        }
    }

    fn len(&self) -> usize {
        self.messages.len()
    }

    fn begin(&mut self, index: usize, message: &'a Message<'_>, start: S) {
        let (run, end) =
            if message.whole().is_empty() { (message.end(), [].as_slice()) } else { (message.whole(), message.end()) };
        self.messages.push(index);
        self.states.push(start);
        self.runs.push(run);
        self.ends.push(end);
    }

    /// Advances all lanes as far as the shortest goes, or by a slice of work; by how many bytes in all.
    fn advance(&mut self, kernels: Kernels<S>) -> usize {
        let kernel = kernels.iter().find(|kernel| kernel.worth_from <= self.len()).expect("the last takes one");
        let lanes = kernel.lanes.min(self.len());
        let blocks = self.runs[..lanes].iter().map(|run| run.len()).min().expect("a lane at least");
        let blocks = blocks.min(SLICE / size_of::<Block>() / lanes);
        self.step.clear();
        for run in &mut self.runs[..lanes] {
            let (now, later) = run.split_at(blocks);
            self.step.push(now);
            *run = later;
        }
        (kernel.run)(&mut self.states[..lanes], &self.step);
        blocks * lanes * size_of::<Block>()
    }

    /// From the last lane down, since one that ends is replaced by the last.
    fn take_ended(&mut self, ended: &mut [S]) {
        for lane in (0..self.len()).rev() {
            if self.runs[lane].is_empty() {
                self.runs[lane] = mem::take(&mut self.ends[lane]);
            }
            if self.runs[lane].is_empty() {
                ended[self.messages[lane]] = self.states[lane];
                self.remove(lane);
            }
        }
    }

    fn remove(&mut self, lane: usize) {
        self.messages.swap_remove(lane);
        self.states.swap_remove(lane);
        self.runs.swap_remove(lane);
        self.ends.swap_remove(lane);
    }
}
