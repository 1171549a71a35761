//! Changes to bytes, whatever they mean.

use super::dice::Dice;

/// So that an input stays within what a command line or a request may be.
const LONGEST: usize = 200_000;

/// Changes a few of them.
pub fn mutate(bytes: &mut Vec<u8>, dice: &mut Dice) {
    for _ in 0..1 + dice.below(4) {
        once(bytes, dice);
    }
    bytes.truncate(LONGEST);
}

fn once(bytes: &mut Vec<u8>, dice: &mut Dice) {
    let at = dice.below(bytes.len() + 1);
    let end = at + dice.below((bytes.len() - at).min(64) + 1);
    match dice.below(6) {
        0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
        1 => drop(bytes.drain(at..end)),
        2 => {
            let piece = bytes[at..end].repeat(dice.times());
            bytes.splice(at..at, piece);
        }
        3 => bytes.insert(at, dice.below(256) as u8),
        4 => bytes.truncate(at),
        _ => {
            let from = dice.below(bytes.len() + 1);
            let piece: Vec<u8> = bytes[from..].iter().take(end - at).copied().collect();
            bytes.splice(at..end, piece);
        }
    }
}
