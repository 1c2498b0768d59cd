/// A set of numbers, one bit for each.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Bits {
    words: Vec<u64>,
}

const WORD: usize = u64::BITS as usize;

/// Numbers above this are not taken.
pub const LARGEST: usize = 1_000_000;

impl Bits {
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a number; says whether it is new and not too large.
    pub fn add(&mut self, number: usize) -> bool {
        if number > LARGEST {
            return false;
        }
        let at = number / WORD;
        if at >= self.words.len() {
            self.words.resize(at + 1, 0);
        }
        let bit = 1 << (number % WORD);
        let is_new = self.words[at] & bit == 0;
        self.words[at] |= bit;
        is_new
    }

    /// Is a number in the set?
    pub fn has(&self, number: usize) -> bool {
        // SAFETY: add() made room for the word.
        let word = unsafe { *self.words.get_unchecked(number / WORD) };
        word & (1 << (number % WORD)) != 0
    }

    /// Takes a number out; says whether it was in.
    pub fn remove(&mut self, number: usize) -> bool {
        // SAFETY: add() made room for the word.
        let word = unsafe { self.words.get_unchecked_mut(number / WORD) };
        let bit = 1 << (number % WORD);
        let was_in = *word & bit != 0;
        *word &= !bit;
        was_in
    }

    pub fn count(&self) -> usize {
        self.words.iter().map(|word| word.count_ones() as usize).sum()
    }

    /// The numbers, the smallest first.
    pub fn iter(&self) -> impl Iterator<Item = usize> + '_ {
        self.words.iter().enumerate().flat_map(|(at, &word)| {
            (0..WORD).filter(move |bit| word & (1 << bit) != 0).map(move |bit| at * WORD + bit)
        })
    }
}
