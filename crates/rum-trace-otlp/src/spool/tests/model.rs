//! Random operations against a simple model of the spool: a list.

use std::collections::VecDeque;
use std::io;

use proptest::collection::vec;
use proptest::prelude::*;

use super::disks::{Failing, Step};
use super::*;
use crate::spool::RecordId;

/// Few blocks, so that the cap is met all the time.
const CAPS: [u64; 3] = [6, 3, 12];

#[derive(Debug, Clone, Copy)]
enum Op {
    Put {
        spans: u64,
        blocks: u64,
        fault: Option<(Step, io::ErrorKind)>,
    },
    Take {
        unreadable: bool,
    },
    /// Of what was taken last.
    Remove {
        undeletable: bool,
    },
    Reopen {
        cap: usize,
    },
    /// By another process, to the file at this place.
    Damage {
        at: usize,
        damage: Damage,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Damage {
    /// Seen when the spool is opened or the batch is taken.
    Header,
    Torn,
    /// Seen only when the batch is taken.
    Body,
    Deleted,
}

fn op() -> impl Strategy<Value = Op> {
    use io::ErrorKind::{PermissionDenied, StorageFull};
    let step = prop_oneof![Just(Step::Write), Just(Step::Rename), Just(Step::Remove)];
    let fault = (step, prop_oneof![Just(PermissionDenied), Just(StorageFull)]);
    let damage = prop_oneof![
        Just(Damage::Header),
        Just(Damage::Torn),
        Just(Damage::Body),
        Just(Damage::Deleted)
    ];
    prop_oneof![
        6 => (0_u64..9, 1_u64..5, prop::option::weighted(0.25, fault))
            .prop_map(|(spans, blocks, fault)| Op::Put { spans, blocks, fault }),
        4 => prop::bool::weighted(0.1).prop_map(|unreadable| Op::Take { unreadable }),
        3 => prop::bool::weighted(0.2).prop_map(|undeletable| Op::Remove { undeletable }),
        1 => (0..CAPS.len()).prop_map(|cap| Op::Reopen { cap }),
        1 => (0_usize..12, damage).prop_map(|(at, damage)| Op::Damage { at, damage }),
    ]
}

/// A batch as the model knows it; the number is also its age.
#[derive(Debug, Clone, Copy)]
struct Batch {
    number: u64,
    spans: u64,
    blocks: u64,
    damage: Option<Damage>,
    deferred: bool,
}

#[derive(Debug, Default)]
struct Model {
    held: VecDeque<Batch>,
    undeleted: VecDeque<Batch>,
    cap: u64,
    evicted: Count,
    set_aside: Count,
    vanished: Count,
}

type Fault = Option<(Step, io::ErrorKind)>;

impl Model {
    fn blocks(&self) -> u64 {
        let all = self.held.iter().chain(&self.undeleted);
        all.map(|batch| batch.blocks).sum()
    }

    fn spans(&self) -> u64 {
        self.held.iter().map(|batch| batch.spans).sum()
    }

    /// What was evicted, and whether the batch is stored.
    fn put(&mut self, new: Batch, mut fault: Fault) -> (Count, bool) {
        let before = self.evicted;
        let stored = self.try_put(new, &mut fault);
        let evicted = Count {
            batches: self.evicted.batches - before.batches,
            spans: self.evicted.spans - before.spans,
        };
        (evicted, stored)
    }

    fn try_put(&mut self, new: Batch, fault: &mut Fault) -> bool {
        while !self.undeleted.is_empty() && due(fault, Step::Remove).is_none() {
            self.undeleted.pop_front();
        }
        if new.blocks > self.cap {
            return false;
        }
        let Err(error) = self.attempt(new, fault) else {
            return true;
        };
        if error != io::ErrorKind::StorageFull {
            return false;
        }
        let mut freed = 0;
        while freed < new.blocks && !self.held.is_empty() {
            let Ok(blocks) = self.evict(fault) else {
                return false;
            };
            freed += blocks;
        }
        freed > 0 && self.attempt(new, fault).is_ok()
    }

    fn attempt(&mut self, new: Batch, fault: &mut Fault) -> Result<(), io::ErrorKind> {
        due(fault, Step::Write).map_or(Ok(()), Err)?;
        while self.blocks() + new.blocks > self.cap && !self.held.is_empty() {
            self.evict(fault)?;
        }
        due(fault, Step::Rename).map_or(Ok(()), Err)?;
        self.held.push_back(new);
        Ok(())
    }

    fn evict(&mut self, fault: &mut Fault) -> Result<u64, io::ErrorKind> {
        due(fault, Step::Remove).map_or(Ok(()), Err)?;
        let batch = self.held.pop_front().unwrap();
        self.evicted.add(batch.spans);
        Ok(batch.blocks)
    }

    /// The number of the batch that is taken.
    fn take(&mut self, unreadable: bool) -> Option<u64> {
        loop {
            if self.held.iter().all(|batch| batch.deferred) {
                self.held
                    .iter_mut()
                    .for_each(|batch| batch.deferred = false);
            }
            let at = self.held.iter().position(|batch| !batch.deferred)?;
            match self.held[at].damage {
                Some(Damage::Deleted) => self.vanished.add(self.held.remove(at)?.spans),
                _ if unreadable => {
                    self.held[at].deferred = true;
                    return None;
                }
                Some(_) => self.set_aside.add(self.held.remove(at)?.spans),
                None => return Some(self.held[at].number),
            }
        }
    }

    fn remove(&mut self, number: u64, undeletable: bool) -> bool {
        let Some(at) = self.held.iter().position(|batch| batch.number == number) else {
            return false;
        };
        let batch = self.held.remove(at).unwrap();
        if undeletable {
            self.undeleted.push_back(batch);
            self.undeleted
                .make_contiguous()
                .sort_by_key(|batch| batch.number);
        }
        true
    }

    fn reopen(self, cap: u64) -> Self {
        let mut found: Vec<_> = self.held.into_iter().chain(self.undeleted).collect();
        found.sort_by_key(|batch| batch.number);
        found.retain(|batch| batch.damage != Some(Damage::Deleted));
        let seen = |batch: &Batch| matches!(batch.damage, Some(Damage::Header | Damage::Torn));
        let bad = found.iter().filter(|batch| seen(batch)).count();
        found.retain(|batch| !seen(batch));
        found.iter_mut().for_each(|batch| batch.deferred = false);
        let mut model = Self {
            held: found.into(),
            cap,
            ..Self::default()
        };
        model.set_aside.batches = bad as u64;
        while model.blocks() > cap {
            let _ = model.evict(&mut None);
        }
        model
    }
}

/// The fault, if it is one of this step; it strikes once.
fn due(fault: &mut Fault, step: Step) -> Option<io::ErrorKind> {
    fault.take_if(|fault| fault.0 == step).map(|fault| fault.1)
}

/// The spool beside its model.
struct Both {
    dir: TempDir,
    disk: Failing,
    spool: Option<Spool>,
    model: Model,
    taken: Option<(RecordId, u64)>,
    next: u64,
}

impl Both {
    fn new() -> Self {
        let mut both = Self {
            dir: tempfile::tempdir().unwrap(),
            disk: Failing::default(),
            spool: None,
            model: Model::default(),
            taken: None,
            next: 0,
        };
        both.reopen(CAPS[0]);
        both
    }

    fn spool(&mut self) -> &mut Spool {
        self.spool.as_mut().unwrap()
    }

    fn run(&mut self, op: Op) {
        match op {
            Op::Put {
                spans,
                blocks,
                fault,
            } => self.put(spans, blocks, fault),
            Op::Take { unreadable } => self.take(unreadable),
            Op::Remove { undeletable } => self.remove(undeletable),
            Op::Reopen { cap } => self.reopen(CAPS[cap]),
            Op::Damage { at, damage } => self.damage(at, damage),
        }
        self.disk.none();
        self.compare();
    }

    fn put(&mut self, spans: u64, blocks: u64, fault: Fault) {
        let new = Batch {
            number: self.next,
            spans,
            blocks,
            damage: None,
            deferred: false,
        };
        self.next += 1;
        if let Some((step, kind)) = fault {
            self.disk.next(step, kind);
        }
        let len = (blocks * BLOCK) as usize - HEADER_LEN;
        let put = self.spool().put(&record(new.number, spans, len));
        let (Put::Stored {
            evicted_batches: batches,
            evicted_spans: spans,
        }
        | Put::Refused {
            evicted_batches: batches,
            evicted_spans: spans,
            ..
        }) = put;
        let stored = matches!(put, Put::Stored { .. });
        assert_eq!(
            (Count { batches, spans }, stored),
            self.model.put(new, fault)
        );
    }

    fn take(&mut self, unreadable: bool) {
        if unreadable {
            self.disk.next(Step::Read, io::ErrorKind::Other);
        }
        let taken = self.spool().oldest();
        self.taken = taken.as_ref().map(|(id, record)| (*id, number(record)));
        let number = self.model.take(unreadable);
        assert_eq!(self.taken.map(|(_, number)| number), number);
    }

    fn remove(&mut self, undeletable: bool) {
        let Some((id, number)) = self.taken else {
            return;
        };
        if undeletable {
            self.disk
                .next(Step::Remove, io::ErrorKind::PermissionDenied);
        }
        let removed = self.spool().remove(id);
        assert_eq!(removed, self.model.remove(number, undeletable));
    }

    fn reopen(&mut self, cap: u64) {
        self.spool = None;
        self.taken = None;
        self.spool = Some(open_on(&self.disk, &self.dir, cap * BLOCK));
        self.model = std::mem::take(&mut self.model).reopen(cap);
    }

    fn damage(&mut self, at: usize, damage: Damage) {
        let len = self.model.held.len().max(1);
        let Some(batch) = self.model.held.get_mut(at % len) else {
            return;
        };
        if batch.damage.is_some() {
            return;
        }
        batch.damage = Some(damage);
        let number = batch.number.to_be_bytes();
        let file = batch_files(self.dir.path())
            .into_iter()
            .find(|file| fs::read(file).unwrap().get(HEADER_LEN..HEADER_LEN + 8) == Some(&number))
            .expect("what the model holds is on disk");
        spoil(&file, damage);
    }

    fn compare(&mut self) {
        let (model, spool) = (&self.model, self.spool.as_ref().unwrap());
        assert_eq!(spool.batches(), model.held.len() as u64);
        assert_eq!(spool.spans(), model.spans());
        assert_eq!(spool.bytes(), model.blocks() * BLOCK);
        assert_eq!(spool.evicted(), model.evicted);
        assert_eq!(spool.set_aside_count(), model.set_aside);
        assert_eq!(spool.vanished_count(), model.vanished);
        assert_eq!(spool.unreadable(), 0);
        let all = model.held.iter().chain(&model.undeleted);
        let on_disk = all.filter(|batch| batch.damage != Some(Damage::Deleted));
        assert_eq!(batch_files(self.dir.path()).len(), on_disk.count());
        assert!(
            names(self.dir.path())
                .iter()
                .all(|name| !name.ends_with("tmp"))
        );
    }
}

fn spoil(file: &Path, damage: Damage) {
    let mut bytes = fs::read(file).unwrap();
    match damage {
        Damage::Deleted => return fs::remove_file(file).unwrap(),
        Damage::Header => bytes[30] ^= 1,
        // In the fill, so that the test still knows the batch.
        Damage::Body => *bytes.last_mut().unwrap() ^= 1,
        Damage::Torn => bytes.truncate(HEADER_LEN + 8),
    }
    fs::write(file, bytes).unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn the_spool_does_what_the_model_does(ops in vec(op(), 1..60)) {
        let mut both = Both::new();
        for op in ops {
            both.run(op);
        }
    }
}
