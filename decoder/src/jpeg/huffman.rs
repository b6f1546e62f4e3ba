//! JPEG's Huffman codes (ITU-T T.81, annexes C and F), read several coefficients at a time.

/// Bits that are looked up at once: with more, the tables leave the processor's nearest cache.
const LOOKUP_BITS: u32 = 11;
const LOOKUPS: usize = 1 << LOOKUP_BITS;
/// The longest code, in bits.
const CODE_BITS_MAX: u32 = 16;
/// Coefficients of a block.
const COEFFICIENTS: u8 = 64;
/// In [`Entry::steps`]: the block ends here.
const END: u8 = 0x80;
/// A place behind any block.
const NOWHERE: u8 = 127;
/// Bytes behind the data: what is read ahead, and eight more.
const PADDING: usize = 16;

/// What the next bits say: up to two coefficients, and whether the block ends with them.
#[derive(Clone, Copy)]
struct Entry {
    values: [i16; 2],
    /// How far each is from where the block was read to, in zigzag order.
    places: [u8; 2],
    /// How far the block is read by it; zero if there is at most a code, its symbol in place of the first value.
    steps: u8,
    /// All that it stands for; zero if not even a code is whole.
    bits: u8,
}

pub struct Table {
    entries: Box<[Entry; LOOKUPS]>,
    /// For each length the first code, left-aligned, that is longer.
    limits: [u32; CODE_BITS_MAX as usize + 1],
    /// What a code of each length is away from its symbol.
    offsets: [i32; CODE_BITS_MAX as usize + 1],
    symbols: Vec<u8>,
}

/// What a table's symbols mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The bits of a difference between two blocks' means.
    Dc,
    /// Zeros before a coefficient, and its bits.
    Ac,
}

impl Table {
    /// From how many codes of each length there are.
    pub fn new(counts: &[u8; CODE_BITS_MAX as usize], symbols: &[u8], class: Class) -> Option<Self> {
        let mut limits = [0; CODE_BITS_MAX as usize + 1];
        let mut offsets = [0; CODE_BITS_MAX as usize + 1];
        let mut codes = vec![(0, 0); LOOKUPS];
        let (mut code, mut number) = (0, 0);
        for (length, &count) in (1..).zip(counts) {
            offsets[length as usize] = number as i32 - code as i32;
            for &symbol in symbols.get(number..number + usize::from(count))? {
                if length <= LOOKUP_BITS {
                    let first = (code as usize) << (LOOKUP_BITS - length);
                    codes.get_mut(first..first + (1 << (LOOKUP_BITS - length)))?.fill((length, symbol));
                }
                code += 1;
            }
            number += usize::from(count);
            if code > 1 << length {
                return None;
            }
            limits[length as usize] = code << (CODE_BITS_MAX - length);
            code <<= 1;
        }
        let entry = |bits| Entry::new(bits, &codes, class);
        let entries = (0..LOOKUPS).map(entry).collect::<Vec<_>>().try_into().ok()?;
        Some(Self { entries, limits, offsets, symbols: symbols.to_vec() })
    }

    /// The length of the code that 16 bits begin with, and its symbol.
    #[cold]
    fn search(&self, bits: u32) -> Option<(u32, u8)> {
        let length = (1..=CODE_BITS_MAX).find(|length| bits < self.limits[*length as usize])?;
        let number = (bits >> (CODE_BITS_MAX - length)) as i32 + self.offsets[length as usize];
        Some((length, *self.symbols.get(number as usize)?))
    }
}

impl Entry {
    fn new(bits: usize, codes: &[(u32, u8)], class: Class) -> Self {
        let mut entry = Self { values: [0; 2], places: [NOWHERE; 2], steps: 0, bits: 0 };
        let (mut used, mut found, mut steps) = (0, 0, 0);
        loop {
            let rest = (bits << used) & (LOOKUPS - 1);
            let (length, symbol) = codes[rest];
            if length == 0 || used + length > LOOKUP_BITS {
                return entry;
            }
            let (zeros, size) = match class {
                Class::Dc => (0, u32::from(symbol)),
                Class::Ac => (symbol >> 4, u32::from(symbol & 15)),
            };
            let is_value = size > 0 || class == Class::Dc;
            if !is_value && symbol == 0 {
                entry.steps = (steps + 1) | END;
                entry.bits = (used + length) as u8;
                return entry;
            }
            if used + length + size > LOOKUP_BITS {
                if used == 0 {
                    entry.values[0] = i16::from(symbol);
                    entry.bits = length as u8;
                }
                return entry;
            }
            if steps + zeros >= COEFFICIENTS || (is_value && found == entry.values.len()) {
                return entry;
            }
            if is_value {
                let raw = (rest as u32 >> (LOOKUP_BITS - length - size)) & ((1 << size) - 1);
                entry.values[found] = extended(raw, size) as i16;
                entry.places[found] = steps + zeros;
                found += 1;
            }
            used += length + size;
            steps += zeros + 1;
            (entry.steps, entry.bits) = (steps, used as u8);
            if class == Class::Dc {
                return entry;
            }
        }
    }
}

/// Numbers of so many bits that begin with a zero are negative.
fn extended(raw: u32, size: u32) -> i32 {
    match size {
        0 => 0,
        _ if raw >> (size - 1) == 0 => raw as i32 + 1 - (1 << size),
        _ => raw as i32,
    }
}

/// Takes the data between two markers without the zeros that are stuffed behind each 0xFF; what follows it.
pub fn unstuff<'a>(data: &'a [u8], plain: &mut Vec<u8>) -> &'a [u8] {
    plain.clear();
    let mut rest = data;
    let after = loop {
        let (now, later) = rest.split_at(memchr::memchr(0xFF, rest).unwrap_or(rest.len()));
        plain.extend_from_slice(now);
        let [0xFF, 0, next @ ..] = later else { break later };
        plain.push(0xFF);
        rest = next;
    };
    plain.extend([0; PADDING]);
    after
}

/// A place in unstuffed data.
#[derive(Clone, Copy)]
pub struct Bits<'a> {
    plain: &'a [u8],
    at: usize,
    /// The next ones, from the highest down.
    window: u64,
    /// How many of these have been counted off `at`; those below are right, too.
    count: u32,
}

impl<'a> Bits<'a> {
    pub fn new(plain: &'a [u8]) -> Self {
        Self { plain, at: 0, window: 0, count: 0 }
    }

    /// Whether no more was read than there is.
    pub fn is_within(&self) -> bool {
        self.at * 8 <= (self.plain.len() - PADDING) * 8 + self.count as usize
    }

    /// At least 56: more than any code and what comes with it.
    #[inline]
    fn refill(&mut self) -> Option<()> {
        let next = u64::from_be_bytes(*self.plain.get(self.at..)?.first_chunk()?);
        self.window |= next >> self.count;
        let bytes = (63 - self.count) / 8;
        self.at += bytes as usize;
        self.count += bytes * 8;
        Some(())
    }

    #[inline]
    fn peek(&self, count: u32) -> u32 {
        (self.window >> 1 >> (63 - count)) as u32
    }

    #[inline]
    fn skip(&mut self, count: u32) {
        self.window <<= count;
        self.count -= count;
    }

    #[inline]
    fn value(&mut self, size: u32) -> i32 {
        let raw = self.peek(size);
        self.skip(size);
        extended(raw, size)
    }

    /// A symbol that no entry has the whole value of.
    #[inline]
    fn symbol(&mut self, table: &Table, entry: Entry) -> Option<u8> {
        let (length, symbol) = match entry {
            Entry { steps: 0, bits: 1.., .. } => (entry.bits.into(), entry.values[0] as u8),
            _ => table.search(self.peek(CODE_BITS_MAX))?,
        };
        self.skip(length);
        Some(symbol)
    }

    /// Reads a block: what its mean differs from the last one's by, and where in `coefficients` `places` has the
    /// others. Nothing if it is damaged.
    // Not inlined, so that what it works with stays in registers.
    #[inline(never)]
    pub fn block(
        &mut self,
        [dc, ac]: [&Table; 2],
        places: &[u8; 256],
        coefficients: &mut [i32; 256],
    ) -> Option<i32> {
        let mut bits = *self;
        bits.refill()?;
        let entry = dc.entries[bits.peek(LOOKUP_BITS) as usize];
        let difference = if entry.steps > 0 {
            bits.skip(entry.bits.into());
            entry.values[0].into()
        } else {
            let size = bits.symbol(dc, entry)?;
            if size > 15 {
                return None;
            }
            bits.value(size.into())
        };
        let mut place = 1;
        let mut put = |place: u8, value: i32| coefficients[usize::from(places[usize::from(place)])] = value;
        while place < COEFFICIENTS {
            bits.refill()?;
            let entry = ac.entries[bits.peek(LOOKUP_BITS) as usize];
            // What an entry has beyond a full block is the next block's.
            if entry.steps > 0 && place + (entry.steps & !END) <= COEFFICIENTS {
                bits.skip(entry.bits.into());
                put(place + entry.places[0], entry.values[0].into());
                put(place + entry.places[1], entry.values[1].into());
                place += entry.steps;
                continue;
            }
            let symbol = bits.symbol(ac, entry)?;
            if symbol == 0 {
                break;
            }
            let value = bits.value((symbol & 15).into());
            place += symbol >> 4;
            put(place, value);
            place += 1;
        }
        *self = bits;
        Some(difference)
    }
}
