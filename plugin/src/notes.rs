//! From hits to MIDI notes.

/// Time between note-on and note-off, in seconds.
const GATE_SECONDS: f64 = 0.050;

/// Messages of one block at most. A drum cannot play more often than once per
/// minimum gap, so music never gets near it.
const MESSAGE_CAPACITY: usize = 512;

/// Hits of one block at most; later ones are dropped.
const HIT_CAPACITY: usize = 192;

/// MIDI channel of General MIDI percussion, counted from 0.
pub const CHANNEL: u8 = 9;

/// A note-on or note-off to send.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoteMessage {
    /// Sample within the block.
    pub offset: u32,
    /// MIDI note, 0..=127.
    pub note: u8,
    /// 0..1 for a note-on, `None` for a note-off.
    pub velocity: Option<f32>,
}

/// Notes to send in one block, in order of time.
#[derive(Debug)]
pub struct NoteQueue(Vec<NoteMessage>);

impl NoteQueue {
    /// An empty queue. Allocates its whole capacity.
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(Vec::with_capacity(MESSAGE_CAPACITY))
    }

    /// Forgets all messages. Real-time safe.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Messages in order of time. Real-time safe.
    pub fn messages(&self) -> &[NoteMessage] {
        &self.0
    }

    /// Whether a note-on and the note-off before it still fit.
    fn has_room(&self) -> bool {
        self.0.len() + 2 <= self.0.capacity()
    }
}

/// A hit to be played as a note.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct NoteHit {
    /// Sample within the block.
    pub offset: u32,
    /// MIDI note.
    pub note: u8,
    /// 0..1.
    pub velocity: f32,
}

/// Keeps track of sounding notes and ends each after a short gate.
///
/// Time is counted in samples from block to block, so the same hits give the
/// same messages for every partition.
#[derive(Debug)]
pub struct NoteScheduler {
    gate_samples: u32,
    /// Samples from the start of the next block to the note-off of each
    /// sounding note.
    sounding: [Option<u32>; 128],
    /// How many notes sound, to skip the table when none does.
    sounding_count: usize,
    hits: Vec<NoteHit>,
}

impl NoteScheduler {
    /// A scheduler with no sounding note. Allocates.
    pub fn new(sample_rate_hz: f64) -> Self {
        Self {
            gate_samples: (sample_rate_hz * GATE_SECONDS).round().max(1.0) as u32,
            sounding: [None; 128],
            sounding_count: 0,
            hits: Vec::with_capacity(HIT_CAPACITY),
        }
    }

    /// The same notes sounding at another rate. Allocates.
    pub fn at_rate(&self, sample_rate_hz: f64) -> Self {
        Self {
            sounding: self.sounding,
            sounding_count: self.sounding_count,
            ..Self::new(sample_rate_hz)
        }
    }

    /// Ends every sounding note at the start of the next block. Real-time safe.
    pub fn end_all(&mut self) {
        for end in self.sounding.iter_mut().flatten() {
            *end = 0;
        }
        self.hits.clear();
    }

    /// Adds a hit of the block that [`advance`](Self::advance) is called for
    /// next. Real-time safe.
    pub fn hit(&mut self, hit: NoteHit) {
        if self.hits.len() < self.hits.capacity() {
            self.hits.push(hit);
        }
    }

    /// Writes the messages of the next `block_samples` samples; their offsets
    /// are raised by `offset`. Real-time safe.
    pub fn advance(&mut self, block_samples: u32, offset: u32, queue: &mut NoteQueue) {
        // Unstable sorting allocates nothing; note and velocity make the order
        // of simultaneous hits definite.
        self.hits.sort_unstable_by(|a, b| {
            (a.offset, a.note)
                .cmp(&(b.offset, b.note))
                .then(a.velocity.total_cmp(&b.velocity))
        });
        for index in 0..self.hits.len() {
            let hit = self.hits[index];
            let at = hit.offset.min(block_samples.saturating_sub(1));
            self.end_until(at, offset, queue);
            if !queue.has_room() {
                break;
            }
            let note = hit.note.min(127);
            if self.sounding[usize::from(note)].is_some() {
                self.end(note, at, offset, queue);
            }
            queue.0.push(NoteMessage {
                offset: offset + at,
                note,
                // Velocity 0 would be a note-off on the wire.
                velocity: Some(hit.velocity.clamp(1.0 / 127.0, 1.0)),
            });
            self.sounding[usize::from(note)] = Some(at + self.gate_samples);
            self.sounding_count += 1;
        }
        self.hits.clear();
        if block_samples > 0 {
            self.end_until(block_samples - 1, offset, queue);
        }
        if self.sounding_count > 0 {
            for end in self.sounding.iter_mut().flatten() {
                *end -= block_samples.min(*end);
            }
        }
    }

    /// Ends every note that is due up to and including sample `last`.
    fn end_until(&mut self, last: u32, offset: u32, queue: &mut NoteQueue) {
        // A note-off that finds no room stays due for the next block.
        while self.sounding_count > 0 && queue.has_room() {
            let due = self
                .sounding
                .iter()
                .zip(0_u8..)
                .filter_map(|(end, note)| end.map(|end| (end, note)))
                .min()
                .filter(|(end, _)| *end <= last);
            match due {
                Some((end, note)) => self.end(note, end, offset, queue),
                None => break,
            }
        }
    }

    fn end(&mut self, note: u8, at: u32, offset: u32, queue: &mut NoteQueue) {
        self.sounding[usize::from(note)] = None;
        self.sounding_count -= 1;
        queue.0.push(NoteMessage {
            offset: offset + at,
            note,
            velocity: None,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE_HZ: f64 = 1_000.0; // gate of 50 samples

    /// Messages as (absolute sample, note, on).
    fn play(hits: &[(u32, u8)], blocks: &[u32]) -> Vec<(u32, u8, bool)> {
        let mut scheduler = NoteScheduler::new(RATE_HZ);
        let mut messages = Vec::new();
        let mut start = 0;
        for block in blocks {
            let mut queue = NoteQueue::new();
            for (at, note) in hits {
                if (start..start + block).contains(at) {
                    scheduler.hit(NoteHit {
                        offset: at - start,
                        note: *note,
                        velocity: 0.5,
                    });
                }
            }
            scheduler.advance(*block, start, &mut queue);
            messages.extend(
                queue
                    .messages()
                    .iter()
                    .map(|m| (m.offset, m.note, m.velocity.is_some())),
            );
            start += block;
        }
        messages
    }

    #[test]
    fn gate_and_retrigger() {
        let messages = play(&[(10, 36), (20, 38), (40, 36)], &[200]);
        assert_eq!(
            messages,
            [
                (10, 36, true),
                (20, 38, true),
                (40, 36, false),
                (40, 36, true),
                (70, 38, false),
                (90, 36, false),
            ]
        );
    }

    #[test]
    fn every_partition_sends_the_same() {
        let hits = [(0, 36), (3, 42), (3, 36), (60, 42), (61, 46), (199, 36)];
        let whole = play(&hits, &[300]);
        assert_eq!(whole.len(), 2 * hits.len());
        for size in [1, 2, 7, 50, 51, 64] {
            let mut blocks = vec![size; 300 / size as usize];
            blocks.push(300 % size);
            assert_eq!(play(&hits, &blocks), whole, "blocks of {size}");
        }
    }

    #[test]
    fn reset_ends_sounding_notes_first() {
        let mut scheduler = NoteScheduler::new(RATE_HZ);
        let mut queue = NoteQueue::new();
        let hit = NoteHit {
            offset: 5,
            note: 36,
            velocity: 0.0,
        };
        scheduler.hit(hit);
        scheduler.advance(10, 0, &mut queue);
        assert_eq!(queue.messages()[0].velocity, Some(1.0 / 127.0));
        scheduler.end_all();
        queue.clear();
        scheduler.advance(10, 0, &mut queue);
        assert_eq!(
            queue.messages(),
            [NoteMessage {
                offset: 0,
                note: 36,
                velocity: None
            }]
        );
        queue.clear();
        scheduler.advance(1000, 0, &mut queue);
        assert!(queue.messages().is_empty());
    }

    #[test]
    fn a_flood_is_dropped_not_grown() {
        let mut scheduler = NoteScheduler::new(RATE_HZ);
        let mut queue = NoteQueue::new();
        let capacity = queue.0.capacity();
        for n in 0..10_000 {
            scheduler.hit(NoteHit {
                offset: n % 64,
                note: (n % 128) as u8,
                velocity: 1.0,
            });
        }
        scheduler.advance(64, 0, &mut queue);
        assert_eq!(queue.0.capacity(), capacity);
        assert!(queue.messages().len() <= capacity);
    }
}
