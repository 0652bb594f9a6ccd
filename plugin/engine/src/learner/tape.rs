//! The audio thread's side of learning: keeps the last hops of the separated
//! drums and sends the stretch around every good hit to the worker.

use super::{BankWorker, TakeStart};
use crate::{
    drum::{DRUM_COUNT, Drum},
    front_end::{BAND_COUNT, Framing},
};

/// Hops that are kept: a hit is known some hops after its sound.
const KEPT_HOPS: usize = 12;
/// Lead of a take before its onset: calm to measure, room to align.
const LEAD_S: f64 = 0.006;
/// What a take loses at its end before the next hit: that one's attack.
const GUARD_S: f64 = 0.003;

/// A hit that may be learnt from.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TapeHit {
    /// Its class.
    pub drum: Drum,
    /// Sample of the input since the last reset.
    pub onset_sample: u64,
    /// Above 0, up to 1.
    pub velocity: f32,
    /// How sure it is: the network's probability with the evidence.
    pub confidence: f32,
    /// False for a hit that only ends the take before it.
    pub is_taken: bool,
}

#[derive(Debug, Clone, Copy)]
struct Open {
    /// Sample of the input at which the take begins.
    first_sample: i64,
    /// Hops that may still be sent.
    hops_left: usize,
}

/// Records takes from the separated signals. Real-time safe after
/// construction.
#[derive(Debug)]
pub struct Tape {
    hop_samples: usize,
    mask_delay_samples: u32,
    lead_samples: i64,
    guard_samples: i64,
    longest_hops: [usize; DRUM_COUNT],
    /// `[drum][channel]`, the last `KEPT_HOPS` hops in a ring.
    kept: Vec<[Vec<f32>; 2]>,
    kept_masks: Vec<[[f32; BAND_COUNT]; KEPT_HOPS]>,
    /// Hops written since the last reset.
    written: u64,
    /// Sample of the input at which the next hop begins.
    position: i64,
    open: [Option<Open>; DRUM_COUNT],
    finished: u64,
}

impl Tape {
    /// A tape for hops whose masks belong to `mask_delay_samples` after their
    /// beginning. Allocates.
    pub fn new(framing: &Framing, mask_delay_samples: usize) -> Tape {
        let hop_samples = framing.hop_samples;
        let hop_s = hop_samples as f64 / framing.sample_rate_hz;
        let ring = || vec![0.0; KEPT_HOPS * hop_samples];
        Tape {
            hop_samples,
            mask_delay_samples: mask_delay_samples as u32,
            lead_samples: (LEAD_S * framing.sample_rate_hz) as i64,
            guard_samples: (GUARD_S * framing.sample_rate_hz) as i64,
            longest_hops: Drum::ALL.map(|drum| (drum.longest_s() / hop_s) as usize + KEPT_HOPS),
            kept: (0..DRUM_COUNT).map(|_| [ring(), ring()]).collect(),
            kept_masks: vec![[[0.0; BAND_COUNT]; KEPT_HOPS]; DRUM_COUNT],
            written: 0,
            position: 0,
            open: [None; DRUM_COUNT],
            finished: 0,
        }
    }

    /// Takes that were sent whole since the engine was made. Real-time safe.
    pub fn finished(&self) -> u64 {
        self.finished
    }

    /// Forgets everything; takes that are not whole are thrown away.
    /// Real-time safe.
    pub fn reset(&mut self, worker: &mut BankWorker) {
        for drum in Drum::ALL {
            if self.open[drum.index()].take().is_some() {
                worker.drop_take(drum);
            }
        }
        self.written = 0;
    }

    /// Ends all takes here: nothing more will come. Real-time safe.
    pub fn end_all(&mut self, worker: &mut BankWorker) {
        for drum in Drum::ALL {
            self.end(drum, self.position, worker);
        }
        self.written = 0;
    }

    fn end(&mut self, drum: Drum, at: i64, worker: &mut BankWorker) {
        if let Some(open) = self.open[drum.index()].take() {
            let samples = (at - open.first_sample).max(0) as u32;
            if worker.end_take(drum, samples) {
                self.finished += 1;
            }
        }
    }

    /// A hit: the drum's open take ends before it, and a new one may begin.
    /// Real-time safe.
    pub fn hit(&mut self, hit: &TapeHit, worker: &mut BankWorker) {
        let onset = hit.onset_sample as i64;
        self.end(hit.drum, onset - self.guard_samples, worker);
        if !hit.is_taken || self.written == 0 {
            return;
        }
        let hop = self.hop_samples as i64;
        let kept = self.written.min(KEPT_HOPS as u64) as i64;
        // The last hop border before the lead, if that hop is still kept.
        let behind = (self.position - (onset - self.lead_samples)).max(0);
        let hops = (behind + hop - 1) / hop;
        if hops > kept {
            return;
        }
        let first_sample = self.position - hops * hop;
        let class = hit.drum.index();
        let started = worker.start_take(&TakeStart {
            drum: hit.drum,
            onset_samples: (onset - first_sample).max(0) as u32,
            mask_delay_samples: self.mask_delay_samples,
            velocity: hit.velocity,
            confidence: hit.confidence,
        });
        if !started {
            return;
        }
        self.open[class] = Some(Open {
            first_sample,
            hops_left: self.longest_hops[class],
        });
        for back in (1..=hops as u64).rev() {
            self.send(hit.drum, self.written - back, worker);
        }
    }

    /// Sends kept hop number `index` of `drum`.
    fn send(&mut self, drum: Drum, index: u64, worker: &mut BankWorker) {
        let class = drum.index();
        let Some(open) = &mut self.open[class] else {
            return;
        };
        let slot = (index % KEPT_HOPS as u64) as usize;
        let span = slot * self.hop_samples..(slot + 1) * self.hop_samples;
        let [left, right] = &self.kept[class];
        let sound = [&left[span.clone()], &right[span]];
        if !worker.take_hop(drum, sound, &self.kept_masks[class][slot]) {
            self.open[class] = None;
            worker.drop_take(drum);
            return;
        }
        open.hops_left -= 1;
        if open.hops_left == 0 {
            let end = open.first_sample + (self.longest_hops[class] * self.hop_samples) as i64;
            self.end(drum, end, worker);
        }
    }

    /// Takes the hop of all drums that begins at sample `start` of the input.
    /// Real-time safe.
    pub fn hop(
        &mut self,
        start: i64,
        stems: &[[Vec<f32>; 2]],
        masks: &[[f32; BAND_COUNT]],
        worker: &mut BankWorker,
    ) {
        let slot = (self.written % KEPT_HOPS as u64) as usize;
        let span = slot * self.hop_samples..(slot + 1) * self.hop_samples;
        for class in 0..DRUM_COUNT {
            for (kept, stem) in self.kept[class].iter_mut().zip(&stems[class]) {
                kept[span.clone()].copy_from_slice(stem);
            }
            self.kept_masks[class][slot] = masks[class];
        }
        self.position = start + self.hop_samples as i64;
        self.written += 1;
        for drum in Drum::ALL {
            self.send(drum, self.written - 1, worker);
        }
    }
}
