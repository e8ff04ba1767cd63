//! Header sets, broken in every way that comes to mind.

use crate::rng::Rng;

/// A header line: the name as sent, and any bytes as the value.
pub type Line = (String, Vec<u8>);

/// What the headers are made of, so that an inserted byte often means something.
const STRUCTURE: &[u8] = b"-=,;&/%:@._ \t01aAfFgGzZ";

/// Up to which length a value may grow: well below what the server refuses.
const MAX_VALUE: usize = 24 * 1024;

/// Up to how many lines: the server refuses 100.
const MAX_LINES: usize = 40;

/// Breaks the lines in one to three places.
pub fn mutate(lines: &mut Vec<Line>, rng: &mut Rng) {
    for _ in 0..=rng.below(3) {
        match rng.below(10) {
            0 => change_lines(lines, rng),
            _ => {
                let at = rng.below(lines.len());
                if let Some((_, value)) = lines.get_mut(at) {
                    change_value(value, rng);
                    value.truncate(MAX_VALUE);
                }
            }
        }
    }
}

fn change_lines(lines: &mut Vec<Line>, rng: &mut Rng) {
    if lines.is_empty() {
        return;
    }
    let (at, other) = (rng.below(lines.len()), rng.below(lines.len()));
    match rng.below(6) {
        0 if lines.len() < MAX_LINES => {
            let again = lines[at].clone();
            lines.insert(other, again);
        }
        1 if lines.len() < MAX_LINES => {
            let mut again = lines[at].clone();
            change_value(&mut again.1, rng);
            lines.push(again);
        }
        2 => drop(lines.remove(at)),
        3 => {
            let value = lines[at].1.clone();
            let old = std::mem::replace(&mut lines[other].1, value);
            lines[at].1 = old;
        }
        4 => lines.swap(at, other),
        _ => lines[at].0 = lines[at].0.to_ascii_uppercase(),
    }
}

fn change_value(value: &mut Vec<u8>, rng: &mut Rng) {
    let len = value.len();
    let at = rng.below(len + 1);
    let end = at + rng.below((len - at).min(40) + 1);
    match rng.below(14) {
        0 if at < len => value[at] ^= 1 << rng.below(8),
        1 if at < len => value[at] = rng.byte(),
        2 if at < len => value[at] = rng.one_of(STRUCTURE),
        3 => insert(value, at, &[rng.one_of(STRUCTURE)]),
        4 => {
            let bytes: Vec<u8> = (0..=rng.below(8)).map(|_| rng.byte()).collect();
            insert(value, at, &bytes);
        }
        5 => {
            // What HTTP calls obs-text: legal in a field value, never ASCII.
            let bytes: Vec<u8> = (0..=rng.below(8)).map(|_| rng.byte() | 0x80).collect();
            insert(value, at, &bytes);
        }
        6 => drop(value.drain(at..end)),
        7 => {
            let again = value[at..end].to_vec();
            insert(value, at, &again);
        }
        8 => value.truncate(at),
        9 => drop(value.drain(..at)),
        10 if len > 0 => value.swap(rng.below(len), at.min(len - 1)),
        11 => {
            let piece = if at < end {
                value[at..end].to_vec()
            } else {
                vec![rng.one_of(STRUCTURE)]
            };
            let long = piece.repeat(1 + (1 + rng.below(16)) * 1024 / piece.len());
            insert(value, at, &long);
        }
        12 => {
            let again = value.clone();
            value.push(rng.one_of(b",;-& "));
            value.extend(again);
        }
        13 => value.rotate_left(at),
        // An empty value cannot be changed in place.
        _ => value.push(rng.one_of(STRUCTURE)),
    }
}

fn insert(value: &mut Vec<u8>, at: usize, bytes: &[u8]) {
    value.splice(at..at, bytes.iter().copied());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mutations_differ_and_stay_within_what_a_server_takes() {
        let sent = vec![("traceparent".to_owned(), b"00-7c1f-a1b2-01".to_vec())];
        let mut rng = Rng::seeded("mutations");
        let mut changed = 0;
        for _ in 0..2_000 {
            let mut lines = sent.clone();
            mutate(&mut lines, &mut rng);
            assert!(lines.len() <= MAX_LINES);
            assert!(lines.iter().all(|(_, value)| value.len() <= 2 * MAX_VALUE));
            changed += usize::from(lines != sent);
        }
        assert!(changed > 1_800, "{changed}");
    }
}
