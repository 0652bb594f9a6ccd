//! A synthetic room and the other microphones, added to every stem alike.

use crate::{
    dsp::{Biquad, RATE_HZ, from_db},
    random::Random,
};

/// Lines of the reverberator.
const LINES: usize = 8;

/// A room: early reflections and a diffuse, darkening tail.
#[derive(Debug, Clone)]
pub(crate) struct Room {
    taps: Vec<(usize, f32)>,
    delays: [usize; LINES],
    feedback: [f32; LINES],
    /// Share of the old value in the one-pole low-pass of each line.
    dullness: f32,
    tail_gain: f32,
    high_pass: Biquad,
}

impl Room {
    /// Draws a room, from a dead booth to a hall.
    pub(crate) fn draw(random: &mut Random) -> Room {
        let size = random.log_range(0.15, 1.0);
        let reverb_s = random.log_range(0.12, 1.4) * size.sqrt();
        let early = 6 + random.below(18);
        let taps = (0..early)
            .map(|_| {
                let delay_s = random.log_range(0.001, 0.06) * size;
                let sign = if random.chance(0.5) { 1.0 } else { -1.0 };
                let gain = sign * random.range(0.05, 0.4) / (1.0 + 40.0 * delay_s);
                ((delay_s * RATE_HZ) as usize + 1, gain)
            })
            .collect();
        let delays: [usize; LINES] = std::array::from_fn(|line| {
            let base = 0.011 + 0.0053 * line as f32;
            ((base * (0.5 + size) * random.range(0.92, 1.08)) * RATE_HZ) as usize + 1
        });
        Room {
            taps,
            feedback: delays.map(|delay| 0.001_f32.powf(delay as f32 / (reverb_s * RATE_HZ))),
            delays,
            dullness: random.range(0.05, 0.75),
            tail_gain: random.log_range(0.05, 0.4),
            high_pass: Biquad::high_pass(random.log_range(40.0, 300.0), 0.7),
        }
    }

    /// The same room heard elsewhere: as long and as dull, with other reflections.
    pub(crate) fn varied(&self, random: &mut Random) -> Room {
        let mut room = self.clone();
        for (delay, gain) in &mut room.taps {
            *delay = (*delay as f32 * random.range(0.8, 1.25)) as usize + 1;
            if random.chance(0.5) {
                *gain = -*gain;
            }
        }
        for (delay, feedback) in room.delays.iter_mut().zip(&mut room.feedback) {
            let factor = random.range(0.9, 1.1);
            *delay = (*delay as f32 * factor) as usize + 1;
            *feedback = feedback.powf(factor);
        }
        room
    }

    /// Adds `send` × the room's answer to `dry` itself, from its first sound on.
    pub(crate) fn add(&self, dry: &mut [f32], send: f32) {
        let Some(first) = dry.iter().position(|s| *s != 0.0) else {
            return;
        };
        let mut input: Vec<f32> = dry[first..].iter().map(|s| send * s).collect();
        self.high_pass.run(&mut input);
        let out = &mut dry[first..];
        for &(delay, gain) in &self.taps {
            if delay < out.len() {
                for (sample, early) in out[delay..].iter_mut().zip(&input) {
                    *sample += gain * early;
                }
            }
        }
        self.add_tail(&input, out);
    }

    /// A feedback delay network with a Householder mixing matrix.
    fn add_tail(&self, input: &[f32], out: &mut [f32]) {
        let mut lines: [Vec<f32>; LINES] = std::array::from_fn(|line| vec![0.0; self.delays[line]]);
        let mut heads = [0_usize; LINES];
        let mut dulled = [0.0_f32; LINES];
        let gain = self.tail_gain;
        for (sample, &send) in out.iter_mut().zip(input) {
            let mut heard = [0.0_f32; LINES];
            for (heard, (line, &head)) in heard.iter_mut().zip(lines.iter().zip(&heads)) {
                *heard = line[head];
            }
            let mut sum = 0.0;
            for ((dulled, heard), feedback) in dulled.iter_mut().zip(&heard).zip(&self.feedback) {
                // The tiny offset keeps denormal numbers away.
                *dulled = feedback * heard + self.dullness * (*dulled - feedback * heard) + 1e-20;
                sum += *dulled;
            }
            let common = send - sum * (2.0 / LINES as f32);
            let mut wet = 0.0;
            for (index, heard) in heard.iter().enumerate() {
                wet += if index % 2 == 0 { *heard } else { -*heard };
                let head = heads[index];
                lines[index][head] = dulled[index] + common;
                heads[index] = if head + 1 == self.delays[index] {
                    0
                } else {
                    head + 1
                };
            }
            *sample += gain * wet;
        }
    }
}

/// Reverberation that is cut off some time after each hit.
#[derive(Debug, Clone)]
pub(super) struct Gate {
    room: Room,
    /// Loudest answer relative to the drum's own peak.
    level: f32,
    hold: usize,
    release: usize,
}

impl Gate {
    /// Draws a large room and how long it is heard.
    pub(super) fn draw(random: &mut Random) -> Gate {
        let mut room = Room::draw(random);
        let reverb_s = random.range(0.6, 2.5);
        room.feedback = room
            .delays
            .map(|delay| 0.001_f32.powf(delay as f32 / (reverb_s * RATE_HZ)));
        Gate {
            room,
            level: from_db(random.range(-20.0, -4.0)),
            hold: (random.log_range(0.08, 0.4) * RATE_HZ) as usize,
            release: (random.log_range(0.002, 0.06) * RATE_HZ) as usize + 1,
        }
    }

    /// Adds what is heard of the room after the hits at `onsets`, in order. Allocates.
    pub(super) fn add(&self, stem: &mut [f32], onsets: impl Iterator<Item = usize>) {
        let mut wet = stem.to_vec();
        self.room.add(&mut wet, 1.0);
        for (wet, dry) in wet.iter_mut().zip(&*stem) {
            *wet -= dry;
        }
        let peak = |signal: &[f32]| signal.iter().fold(0.0_f32, |peak, s| peak.max(s.abs()));
        let gain = self.level * peak(stem) / peak(&wet).max(1e-9);
        let mut open_until = 0;
        let mut onsets = onsets.peekable();
        for (n, (sample, wet)) in stem.iter_mut().zip(&wet).enumerate() {
            while onsets.next_if(|onset| *onset <= n).is_some() {
                open_until = n + self.hold;
            }
            let late = n.saturating_sub(open_until);
            if late < self.release && open_until > 0 {
                *sample += gain * wet * (1.0 - late as f32 / self.release as f32);
            }
        }
    }
}

/// A microphone that hears a drum late and dull.
#[derive(Debug, Clone)]
pub(super) struct Bleed {
    delay: usize,
    gain: f32,
    low_pass: Biquad,
}

impl Bleed {
    /// Draws the way from a drum to another drum's microphone.
    pub(super) fn draw(random: &mut Random) -> Bleed {
        Bleed {
            delay: (random.range(0.001, 0.009) * RATE_HZ) as usize,
            gain: from_db(random.range(-32.0, -9.0)) * if random.chance(0.5) { 1.0 } else { -1.0 },
            low_pass: Biquad::low_pass(random.log_range(800.0, 12_000.0), 0.7),
        }
    }

    /// Adds the late copy to the drum's own signal.
    pub(super) fn add(&self, stem: &mut [f32]) {
        if self.delay >= stem.len() {
            return;
        }
        let mut copy = stem[..stem.len() - self.delay].to_vec();
        self.low_pass.run(&mut copy);
        for (sample, late) in stem[self.delay..].iter_mut().zip(&copy) {
            *sample += self.gain * late;
        }
    }
}
