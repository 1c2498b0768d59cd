//! Makes variants of inputs that are no text: integers at their edges at every place, beginnings,
//! and one input's beginning with another's end. Pure; every list is bounded.

/// How far into an input its integers are looked for, in bytes.
const PLACES_MAX: usize = 96;
/// How many fields that look like integers are set two at a time.
const PAIRED_MAX: usize = 8;
/// The largest value of a field that is taken for a count or a length.
const PLAUSIBLE_MAX: u64 = 0x1_0000;
/// The largest count that is taken for an ordinary one.
const ORDINARY_MAX: u64 = 4096;
/// The most lengths at which inputs are cut.
const CUTS_MAX: usize = 256;
/// The most places at which two inputs are joined.
const JOINTS_MAX: usize = 24;

/// An integer's place in an input.
#[derive(Clone, Copy)]
struct Field {
    at: usize,
    width: usize,
    is_little: bool,
    own: u64,
}

impl Field {
    fn read(input: &[u8], at: usize, width: usize, is_little: bool) -> Option<Self> {
        let place = input.get(at..at + width)?;
        let fold = |own: u64, byte: &u8| (own << 8) | u64::from(*byte);
        let own = if is_little {
            place.iter().rev().fold(0, fold)
        } else {
            place.iter().fold(0, fold)
        };
        Some(Self {
            at,
            width,
            is_little,
            own,
        })
    }

    fn set(self, input: &mut [u8], value: u64) {
        let mut bytes = value.to_le_bytes()[..self.width].to_vec();
        if !self.is_little {
            bytes.reverse();
        }
        if let Some(place) = input.get_mut(self.at..self.at + self.width) {
            place.copy_from_slice(&bytes);
        }
    }

    /// Does it look like a count or a length that is written with this width?
    fn is_plausible(self, length: usize) -> bool {
        self.own > 0
            && match self.width {
                1 => self.own < 0x80 && self.own <= length.max(16) as u64,
                2 => self.own < 0x1000,
                _ => self.own <= PLAUSIBLE_MAX,
            }
    }

    /// Values at which a wrong check turns: near its own, near what is left of the input, and where
    /// sums and products with small numbers no longer fit.
    fn values(self, length: usize) -> Vec<u64> {
        let bits = self.width * 8;
        let most = if bits == 64 {
            u64::MAX
        } else {
            (1 << bits) - 1
        };
        let (length, after) = (length as u64, (self.at + self.width) as u64);
        let left = length.saturating_sub(after);
        let mut values = vec![0, 1, 2, 3, 16, 32, 64, 128, 255, 256, 1024, 4096];
        for near in [
            self.own,
            self.own.wrapping_mul(2),
            length,
            left,
            most / 2 + 1,
        ] {
            values.extend([near.wrapping_sub(1), near, near.wrapping_add(1)]);
        }
        values.extend((0..6).map(|less| most - less));
        for sum in [after, length, left] {
            let wraps = (most - sum.min(most)).wrapping_add(1);
            values.extend([wraps.wrapping_sub(1), wraps, wraps.wrapping_add(1)]);
        }
        for factor in [2, 3, 4, 5, 8, 12, 16] {
            values.extend([most / factor, most / factor + 1, most / factor + 2]);
        }
        values.retain(|value| *value <= most && *value != self.own);
        values.sort_unstable();
        values.dedup();
        values
    }
}

/// What is wrong by one: counts that are one more or less than they were or than what is left of the
/// input, and inputs that end a little too soon. The likeliest come first.
pub(super) fn by_one(input: &[u8]) -> Vec<Vec<u8>> {
    let mut likely = fields(input);
    likely.retain(|field| field.is_plausible(input.len()));
    // Small numbers stand anywhere; a wide field that holds one seldom does by chance.
    likely.sort_by_key(|field| (std::cmp::Reverse(field.width), field.at));
    let value = |field: &Field, near: usize| {
        let left = (input.len() - field.at - field.width) as u64;
        let one_less = left.saturating_sub(1);
        [field.own + 1, left + 1, field.own - 1, left, one_less][near]
    };
    let mut made: Vec<Vec<u8>> = Vec::new();
    for near in 0..5 {
        let each = likely.iter();
        made.extend(each.map(|field| with(input, &[(*field, value(field, near))])));
        let shorter = [1, 2, 3, 4, 5].map(|less| less + near * 5);
        let rest = shorter.map(|less| input[..input.len().saturating_sub(less)].to_vec());
        made.extend(rest.into_iter().take(if near < 2 { 5 } else { 0 }));
    }
    made
}

/// A count in one of the inputs that was set to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Count {
    /// Which it is: its input's number, its place and width, and whether its bytes are turned round.
    pub(super) which: (usize, usize, usize, bool),
    /// Does it say more than is left of the input?
    pub(super) is_beyond: bool,
}

/// What looks like a count set to others that are as ordinary, in the input of this number.
pub(super) fn counted(number: usize, input: &[u8]) -> Vec<(Vec<u8>, Count)> {
    let mut likely = fields(input);
    likely.retain(|field| field.is_plausible(input.len()));
    let mut made = Vec::new();
    for field in likely {
        let near = [field.own + 1, field.own - 1, field.own * 2, field.own * 10];
        let sizes = (1..=12).map(|bits| 1 << bits).chain([100, 1000, 2000]);
        for value in near.into_iter().chain(sizes) {
            let fits = field.width > 1 || value < 0x80;
            if fits && (1..=ORDINARY_MAX).contains(&value) {
                let left = input.len() - field.at - field.width;
                let count = Count {
                    which: (number, field.at, field.width, field.is_little),
                    is_beyond: value > left as u64,
                };
                made.push((with(input, &[(field, value)]), count));
            }
        }
    }
    made
}

/// One integer set to each of its edges: first those of fields that look like counts, then the rest.
pub(super) fn integers(input: &[u8]) -> [Vec<Vec<u8>>; 2] {
    let (likely, others): (Vec<_>, Vec<_>) = fields(input)
        .into_iter()
        .partition(|it| it.is_plausible(input.len()));
    [likely, others].map(|fields| {
        let mut made = Vec::new();
        for field in fields {
            for value in field.values(input.len()) {
                made.push(with(input, &[(field, value)]));
            }
        }
        made
    })
}

/// Two integers that look like counts, both set to where their product or sum no longer fits.
pub(super) fn pairs(input: &[u8]) -> Vec<Vec<u8>> {
    let mut likely = fields(input);
    likely.retain(|field| field.width > 1 && field.is_plausible(input.len()));
    let mut made = Vec::new();
    for (number, one) in likely.iter().enumerate() {
        let others = likely[number + 1..].iter();
        let fitting = others.filter(|other| {
            other.width == one.width
                && other.is_little == one.is_little
                && other.at >= one.at + one.width
        });
        for other in fitting.take(PAIRED_MAX) {
            let edges: &[u64] = if one.width == 2 {
                &[0x100, 0x101, 0x7fff, 0x8000, 0xff, 0xffff]
            } else {
                &[
                    0x8000,
                    0x8001,
                    0xffff,
                    0x1_0000,
                    0x1_0001,
                    0x4000_0000,
                    0x8000_0001,
                    0xffff_ffff,
                ]
            };
            for (index, value) in edges.iter().enumerate() {
                for partner in [*value, edges[(index + 1) % edges.len()]] {
                    made.push(with(input, &[(*one, *value), (*other, partner)]));
                }
            }
        }
    }
    made
}

/// Two sizes of four bytes, one beside the other, whose product with a third, small number no longer fits.
pub(super) fn products(input: &[u8]) -> Vec<Vec<u8>> {
    let mut likely = fields(input);
    likely.retain(|field| field.width == 4 && field.is_plausible(input.len()));
    let mut made = Vec::new();
    let is_beside = |one: &Field, other: &Field| {
        other.is_little == one.is_little && other.at == one.at + one.width
    };
    let beside = likely.iter().flat_map(|one| {
        let others = likely.iter().filter(move |other| is_beside(one, other));
        others.map(move |other| (one, other))
    });
    for (one, other) in beside.take(PAIRED_MAX) {
        for factor in [3, 1, 4, 2, 8] {
            for value in [one.own, 2, 0x1000] {
                let partner = (1 << 32) / (value * factor) + 1;
                made.push(with(input, &[(*one, value), (*other, partner)]));
            }
        }
    }
    made
}

/// One byte becomes each of those that stand in `others` at its place or anywhere near: another kind
/// of record.
pub(super) fn kinds(input: &[u8], others: &[Vec<u8>]) -> Vec<Vec<u8>> {
    let mut bytes: Vec<u8> = others
        .iter()
        .chain([&input.to_vec()])
        .flatten()
        .copied()
        .take(4096)
        .collect();
    bytes.sort_unstable();
    bytes.dedup();
    bytes.extend([b'0', b'A', b'a'].into_iter().chain(0..8));
    let mut made = Vec::new();
    for at in 0..input.len().min(32) {
        for byte in &bytes {
            let mut other = input.to_vec();
            other[at] = *byte;
            made.push(other);
        }
    }
    made
}

/// Every beginning, and what is left without some bytes or with some more.
pub(super) fn cuts(input: &[u8]) -> Vec<Vec<u8>> {
    let step = input.len().div_ceil(CUTS_MAX).max(1);
    let mut made: Vec<Vec<u8>> = (0..input.len())
        .step_by(step)
        .map(|at| input[..at].to_vec())
        .collect();
    for at in (0..=input.len()).step_by(step) {
        let (head, tail) = input.split_at(at);
        made.push([head, tail.get(1..).unwrap_or_default()].concat());
        made.push([head, &[0], tail].concat());
        made.push([head, &[0xff], tail].concat());
    }
    for more in [1, 2, 3, 4, 16, 256] {
        made.push([input, &vec![b'A'; more][..]].concat());
    }
    made
}

/// The beginning of one with the end of the other, and one after the other.
pub(super) fn joined(one: &[u8], other: &[u8]) -> Vec<Vec<u8>> {
    let mut made = vec![[one, other].concat(), [other, one].concat()];
    let places = |input: &[u8]| {
        let step = input.len().div_ceil(JOINTS_MAX).max(1);
        (0..=input.len()).step_by(step)
    };
    for from in places(one) {
        // The same place in both keeps what stands where.
        made.push([&one[..from], other.get(from..).unwrap_or_default()].concat());
        made.push([&one[..from], other].concat());
        made.push([other, &one[from..]].concat());
    }
    made
}

fn fields(input: &[u8]) -> Vec<Field> {
    let mut fields = Vec::new();
    for at in 0..input.len().min(PLACES_MAX) {
        fields.extend(Field::read(input, at, 1, true));
        for width in [2, 4, 8] {
            for is_little in [true, false] {
                fields.extend(Field::read(input, at, width, is_little));
            }
        }
    }
    fields
}

fn with(input: &[u8], values: &[(Field, u64)]) -> Vec<u8> {
    let mut made = input.to_vec();
    for (field, value) in values {
        field.set(&mut made, *value);
    }
    made
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_is_set_to_what_is_left_and_to_where_its_sum_wraps() {
        let input = b"t\x00\x00\x00\x05hello";
        let made = integers(input)[0].clone();
        for wanted in [
            &b"t\x00\x00\x00\x06hello"[..],
            b"t\x00\x00\x00\x04hello",
            b"t\xff\xff\xff\xfbhello",
            b"t\xff\xff\xff\xffhello",
        ] {
            assert!(made.contains(&wanted.to_vec()), "{}", wanted.escape_ascii());
        }
    }

    #[test]
    fn two_sizes_are_set_to_where_their_product_no_longer_fits() {
        let input = b"PX\x00\x00\x04\x00\x00\x00\x03\x00\x00\x00";
        let both = b"PX\x00\x00\x00\x00\x01\x00\x00\x00\x01\x00";
        assert!(pairs(input).contains(&both.to_vec()));
        let with_three = b"PX\x00\x00\x04\x00\x00\x00\x56\x55\x55\x15";
        assert!(products(input).contains(&with_three.to_vec()));
    }

    #[test]
    fn a_count_is_known_to_say_more_than_is_left_of_the_input() {
        let made = counted(3, b"t\x00\x00\x00\x05hello!!");
        let of = |value: &[u8]| {
            let wanted = [b"t\x00\x00\x00", value, b"hello!!"].concat();
            let found = made.iter().filter(|(bytes, _)| *bytes == wanted);
            let wide = found.map(|(_, count)| *count).find(|it| it.which.2 == 4);
            wide.unwrap()
        };
        assert!(of(b"\x08").is_beyond && !of(b"\x06").is_beyond);
        assert_eq!(of(b"\x08").which, (3, 1, 4, false));
    }

    #[test]
    fn lists_are_bounded_whatever_the_input() {
        for input in [&b""[..], b"\0", &[0xff; 64], &vec![7; 100_000]] {
            let [likely, others] = integers(input);
            assert!(likely.len() + others.len() < 60_000);
            assert!(cuts(input).len() < 1200 && pairs(input).len() < 20_000);
            assert!(joined(input, b"x").len() < 100 && kinds(input, &[]).len() < 9000);
        }
    }
}
