//! Matches lines against a rulebook on several threads. The result does not depend on how many.

use std::ops::Range;

use crossbeam_deque::{Injector, Steal, Worker};
use smallvec::SmallVec;

use crate::rules::Rulebook;

/// The number of lines that a thread takes at a time.
const BATCH_LINES: usize = 32;

/// Line numbers from 1, in ascending order. Most rules match a handful of lines.
pub type LineNumbers = SmallVec<[usize; 4]>;

/// Says which lines each rule took: `matched[i]` belongs to the rulebook's rule `i`.
#[derive(Debug, PartialEq, Eq)]
pub struct Scan {
    pub lines_read: usize,
    pub matched: Vec<LineNumbers>,
}

impl Scan {
    /// Counts the lines that any rule took.
    pub fn lines_matched(&self) -> usize {
        self.matched.iter().map(|lines| lines.len()).sum()
    }
}

/// Scans a log on `workers` threads, at least one.
pub fn scan(book: &Rulebook, lines: &[&str], workers: usize) -> Scan {
    let queue = Injector::new();
    for start in (0..lines.len()).step_by(BATCH_LINES) {
        queue.push(start..lines.len().min(start + BATCH_LINES));
    }
    let mut matched = vec![LineNumbers::new(); book.rules.len()];
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..workers.max(1))
            .map(|_| scope.spawn(|| work(book, lines, &queue)))
            .collect();
        for thread in threads {
            for (rule, block) in thread.join().expect("matching a line does not panic") {
                insert_block(&mut matched[rule], block);
            }
        }
    });
    Scan {
        lines_read: lines.len(),
        matched,
    }
}

/// Takes batches until none is left; returns each rule's lines, a block for each batch.
fn work(
    book: &Rulebook,
    lines: &[&str],
    queue: &Injector<Range<usize>>,
) -> Vec<(usize, LineNumbers)> {
    let own = Worker::new_fifo();
    let mut blocks = Vec::new();
    loop {
        let batch = match own.pop() {
            Some(batch) => batch,
            None => match queue.steal_batch_and_pop(&own) {
                Steal::Success(batch) => batch,
                Steal::Retry => continue,
                Steal::Empty => return blocks,
            },
        };
        blocks.extend(scan_batch(book, lines, batch));
    }
}

fn scan_batch(book: &Rulebook, lines: &[&str], batch: Range<usize>) -> Vec<(usize, LineNumbers)> {
    let mut blocks = vec![LineNumbers::new(); book.rules.len()];
    for index in batch {
        if let Some(rule) = book.first_match(lines[index]) {
            blocks[rule].push(index + 1);
        }
    }
    blocks
        .into_iter()
        .enumerate()
        .filter(|(_, block)| !block.is_empty())
        .collect()
}

/// Puts a block at its place. Batches do not overlap, so a block is never split by another.
fn insert_block(lines: &mut LineNumbers, block: LineNumbers) {
    let at = lines.iter().take_while(|&&line| line < block[0]).count();
    lines.insert_many(at, block);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn book() -> Rulebook {
        Rulebook::parse("error high ERROR\nslow low 'took \\d{4,}ms'\n").0
    }

    #[test]
    fn an_empty_log_matches_nothing() {
        let scan = scan(&book(), &[], 4);
        assert_eq!(scan.lines_read, 0);
        assert_eq!(scan.lines_matched(), 0);
        assert_eq!(scan.matched.len(), 2);
    }

    #[test]
    fn line_numbers_start_at_one_and_ascend() {
        let scan = scan(
            &book(),
            &["ERROR a", "ok", "took 1500ms", "ERROR took 9999ms"],
            1,
        );
        assert_eq!(scan.matched[0].as_slice(), [1, 4]);
        assert_eq!(scan.matched[1].as_slice(), [3]);
    }

    #[test]
    fn the_number_of_threads_does_not_change_the_result() {
        let log: Vec<String> = (0..1000)
            .map(|n| {
                if n % 7 == 0 {
                    format!("ERROR {n}")
                } else {
                    format!("took {n}ms")
                }
            })
            .collect();
        let lines: Vec<&str> = log.iter().map(String::as_str).collect();
        let alone = scan(&book(), &lines, 1);
        assert_eq!(alone.matched[0].len(), 143);
        assert_eq!(alone.matched[1].len(), 0);
        for workers in [0, 2, 8] {
            assert_eq!(scan(&book(), &lines, workers), alone);
        }
    }

    #[test]
    fn a_block_is_inserted_where_it_belongs() {
        let mut lines = LineNumbers::from_slice(&[1, 2, 90]);
        insert_block(&mut lines, LineNumbers::from_slice(&[33, 34, 40]));
        assert_eq!(lines.as_slice(), [1, 2, 33, 34, 40, 90]);
    }
}
