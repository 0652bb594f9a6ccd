//! Sounds that are predicted to go on, and the signals that they make.

use std::ops::Range;

use super::{place::Place, sound::Sound};
use crate::{drum::DRUM_COUNT, sliding::SlidingWindow};

/// Voices of one drum at once; the oldest ends for a new one.
const VOICES: usize = 8;
/// How much shorter the fade is with which a sound begins than the one with which it is cut:
/// 1 ms.
const RISE_SHARE: i64 = 8;

#[derive(Debug, Clone, Copy)]
struct Voice {
    sound: usize,
    place: Place,
    gain: f32,
    /// Where it has faded out, if it was cut.
    cut: Option<i64>,
    /// Sample of the input up to which it has been added.
    done: i64,
}

impl Voice {
    /// What it makes of `sound`, a channel, from sample `from` of the input on, with fades
    /// of these lengths at the sound's end and where it is cut, and a short one where it
    /// begins.
    fn read(&self, sound: &[f32], from: i64, (end_fade, cut_fade): (i64, i64), room: &mut [f32]) {
        room.fill(0.0);
        self.place.add(sound, self.gain, from, room);
        // What a sound begins with is not always silence.
        rise(room, from, self.place.span(0).start, cut_fade / RISE_SHARE);
        fade(room, from, self.place.span(sound.len()).end, end_fade);
        if let Some(cut) = self.cut {
            fade(room, from, cut + cut_fade, cut_fade);
        }
    }

    /// Gives what it makes of `sound` in `span` of the input to `take`, a stretch of a channel
    /// at a time: the channel, its first sample and as many samples as fit into `room`.
    fn play(
        &self,
        sound: &Sound,
        span: Range<i64>,
        fades: (i64, i64),
        room: &mut [f32],
        mut take: impl FnMut(usize, i64, &mut [f32]),
    ) {
        let mut from = span.start;
        while from < span.end {
            let count = (span.end - from).min(room.len() as i64) as usize;
            for (channel, samples) in sound.samples().iter().enumerate() {
                let room = &mut room[..count];
                self.read(samples, from, fades, room);
                take(channel, from, room);
            }
            from += count as i64;
        }
    }
}

/// All voices. Real-time safe after construction.
#[derive(Debug)]
pub struct Voices {
    voices: [[Option<Voice>; VOICES]; DRUM_COUNT],
    /// Length of fades at a sound's end, and of those that are cut.
    fades: (i64, i64),
    room: Vec<f32>,
}

impl Voices {
    /// None at first; sounds end with a fade of `fade` samples, and of `cut` samples if
    /// they are cut. Allocates.
    pub fn new(fade: usize, cut: usize) -> Voices {
        Voices {
            voices: [[None; VOICES]; DRUM_COUNT],
            fades: (fade as i64, cut as i64),
            room: vec![0.0; fade],
        }
    }

    /// Ends all.
    pub fn clear(&mut self) {
        self.voices = [[None; VOICES]; DRUM_COUNT];
    }

    /// Starts a sound.
    pub fn start(&mut self, drum: usize, sound: usize, place: Place, gain: f32) {
        let voices = &mut self.voices[drum];
        let begins = |voice: &Option<Voice>| voice.map_or(i64::MIN, |voice| voice.place.whole());
        let slot = (0..VOICES).min_by_key(|&slot| begins(&voices[slot]));
        if let Some(slot) = slot {
            voices[slot] = Some(Voice {
                sound,
                place,
                gain,
                cut: None,
                done: place.span(0).start,
            });
        }
    }

    /// Whether a voice of a drum plays `sound`.
    pub fn play(&self, drum: usize, sound: usize) -> bool {
        let mut voices = self.voices[drum].iter().flatten();
        voices.any(|voice| voice.sound == sound)
    }

    /// Ends the voices of a drum that play sound number `index`, which is `sound`: they
    /// fade out over the last of what they have added to `predicted`, because the sound
    /// is needed for something else.
    pub fn stop(&mut self, drum: usize, index: usize, sound: &Sound, predicted: &mut Predicted) {
        let (fades, cut) = (self.fades, self.fades.1);
        for slot in &mut self.voices[drum] {
            let Some(voice) = slot.take_if(|voice| voice.sound == index) else {
                continue;
            };
            let end = voice.done;
            let from = voice.place.span(0).start.max(end - cut);
            let span = from.max(predicted.start)..end;
            voice.play(sound, span, fades, &mut self.room, |channel, from, made| {
                for (n, sample) in (from..).zip(made.iter_mut()) {
                    *sample *= (end - n) as f32 / cut as f32 - 1.0;
                }
                predicted.add(drum, channel, from, made);
            });
        }
    }

    /// Fades the voices of a drum, which play `sounds`, that began before sample `begun` of the
    /// input from sample `at` on, also in what they have added to `predicted`.
    pub fn choke(
        &mut self,
        drum: usize,
        (begun, at): (i64, i64),
        sounds: &[Sound],
        predicted: &mut Predicted,
    ) {
        let (fades, cut) = (self.fades, self.fades.1);
        for voice in self.voices[drum].iter_mut().flatten() {
            let is_choked = voice.cut.is_some_and(|cut| cut <= at);
            if is_choked || voice.place.whole() >= begun {
                continue;
            }
            let sound = &sounds[voice.sound];
            let from = at.max(predicted.start).max(voice.place.span(0).start);
            let span = from..voice.done;
            voice.play(sound, span, fades, &mut self.room, |channel, from, made| {
                for (n, sample) in (from..).zip(made.iter_mut()) {
                    *sample *= -((n - at) as f32 / cut as f32).min(1.0);
                }
                predicted.add(drum, channel, from, made);
            });
            voice.cut = Some(at);
        }
    }

    /// Adds what the voices play until the end of `predicted`.
    pub fn render<const SOUNDS: usize>(
        &mut self,
        sounds: &[[Sound; SOUNDS]],
        predicted: &mut Predicted,
    ) {
        let (fades, start, end) = (self.fades, predicted.start, predicted.end());
        for (drum, voices) in self.voices.iter_mut().enumerate() {
            for slot in voices {
                let Some(mut voice) = *slot else {
                    continue;
                };
                let sound = &sounds[drum][voice.sound];
                let span = voice.place.span(sound.samples()[0].len());
                let cut_until = |cut| span.end.min(cut + fades.1);
                let last = voice.cut.map_or(span.end, cut_until);
                let from = voice.done.max(start);
                voice.done = end.min(last).max(voice.done);
                let span = from..voice.done;
                voice.play(sound, span, fades, &mut self.room, |channel, from, made| {
                    predicted.add(drum, channel, from, made);
                });
                *slot = (last > end).then_some(voice);
            }
        }
    }
}

/// Fades `samples`, which begin at sample `first`, in over the `length` samples after
/// `start`.
fn rise(samples: &mut [f32], first: i64, start: i64, length: i64) {
    if first >= start + length {
        return;
    }
    for (n, sample) in (first..).zip(samples) {
        *sample *= ((n - start) as f32 / length as f32).clamp(0.0, 1.0);
    }
}

/// Fades `samples`, which begin at sample `first`, out over the `length` samples before
/// `end`.
fn fade(samples: &mut [f32], first: i64, end: i64, length: i64) {
    if first + samples.len() as i64 <= end - length {
        return;
    }
    for (n, sample) in (first..).zip(samples) {
        *sample *= ((end - n) as f32 / length as f32).clamp(0.0, 1.0);
    }
}

/// What the voices of all drums make: a stretch of the input's time that moves on hop by
/// hop. Real-time safe after construction.
#[derive(Debug)]
pub struct Predicted {
    /// First sample of the input that is kept.
    pub start: i64,
    /// Per drum and channel.
    signals: Vec<[SlidingWindow; 2]>,
    /// Where each drum has faded out.
    until: [i64; DRUM_COUNT],
}

impl Predicted {
    /// Silence of `samples` samples, which moves on by `hop` at a time. Allocates.
    pub fn new(samples: usize, hop: usize) -> Predicted {
        let pair = |drum| [drum, drum].map(|turn| SlidingWindow::new(samples, hop, turn));
        Predicted {
            start: i64::MIN / 2,
            signals: (0..DRUM_COUNT).map(pair).collect(),
            until: [i64::MIN; DRUM_COUNT],
        }
    }

    /// One sample more than the last one.
    pub fn end(&self) -> i64 {
        self.start + self.signals[0][0].len() as i64
    }

    /// Back to silence.
    pub fn clear(&mut self) {
        for signal in self.signals.iter_mut().flatten() {
            signal.fill(0.0);
        }
        self.start = i64::MIN / 2;
        self.until = [i64::MIN; DRUM_COUNT];
    }

    /// Lets the stretch begin at sample `start`.
    pub fn step(&mut self, start: i64) {
        let moved = start.saturating_sub(self.start);
        for (drum, signals) in self.signals.iter_mut().enumerate() {
            if self.until[drum] <= self.start {
                continue;
            }
            for signal in signals {
                signal.advance(moved as usize);
            }
        }
        self.start = start;
    }

    /// Whether a drum sounds.
    pub fn sounds(&self, drum: usize) -> bool {
        self.until[drum] > self.start
    }

    /// A channel of a drum from the stretch's beginning on.
    pub fn signal(&self, drum: usize, channel: usize) -> &[f32] {
        &self.signals[drum][channel]
    }

    fn add(&mut self, drum: usize, channel: usize, first: i64, samples: &[f32]) {
        let from = (first - self.start) as usize;
        let signal = &mut self.signals[drum][channel][from..from + samples.len()];
        for (out, sample) in signal.iter_mut().zip(samples) {
            *out += sample;
        }
        let end = first + samples.len() as i64;
        self.until[drum] = self.until[drum].max(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::separator::repeats::matcher::Matcher;

    /// A drum's first sound: a ramp of 40 parts of 8 samples.
    fn sounds() -> Vec<[Sound; 1]> {
        let matcher = Matcher::new(8_000.0, 480, 300);
        (0..DRUM_COUNT)
            .map(|_| {
                let mut sound = Sound::new(&matcher, 8, 40);
                let ramp: Vec<f32> = (0..400).map(|n| n as f32).collect();
                let place = Place::new(0.0);
                for part in 0..40 {
                    let surplus = [(); 2].map(|()| vec![ramp.clone()]);
                    sound.learn(part, (1.0, 1.0), &place, &surplus, 0, &mut [0.0; 8]);
                }
                [sound]
            })
            .collect()
    }

    #[test]
    fn voices_play_on_hop_by_hop_and_end() {
        let sounds = sounds();
        let (mut voices, mut predicted) = (Voices::new(16, 32), Predicted::new(128, 16));
        predicted.step(0);
        voices.start(3, 0, Place::new(100.0), 0.5);
        for start in (0..480).step_by(16) {
            predicted.step(start);
            voices.render(&sounds, &mut predicted);
            for (n, sample) in (start..).zip(predicted.signal(3, 1)) {
                let expected = if (100..396).contains(&n) {
                    0.5 * (n - 100) as f32
                } else if !(100..420 + Place::MARGIN).contains(&n) {
                    0.0
                } else {
                    continue;
                };
                assert!((sample - expected).abs() < 1e-3, "{n}: {sample} {expected}");
            }
            assert_eq!(predicted.signal(2, 0), [0.0; 128]);
            assert!(!predicted.sounds(2));
        }
        assert!(!predicted.sounds(3));
        assert!(voices.voices.iter().flatten().all(Option::is_none));
    }

    #[test]
    fn a_voice_whose_sound_is_given_up_fades_in_what_is_not_used_yet() {
        let sounds = sounds();
        let (mut voices, mut predicted) = (Voices::new(16, 32), Predicted::new(128, 16));
        predicted.step(0);
        voices.start(3, 0, Place::new(0.0), 1.0);
        voices.start(3, 0, Place::new(400.0), 1.0);
        voices.render(&sounds, &mut predicted);
        let before = predicted.signal(3, 0).to_vec();
        assert!(voices.play(3, 0) && !voices.play(3, 1) && !voices.play(2, 0));
        voices.stop(3, 0, &sounds[3][0], &mut predicted);
        assert!(!voices.play(3, 0));
        let after = predicted.signal(3, 0);
        assert_eq!(after[..96], before[..96]);
        for n in 96..128 {
            let expected = before[n] * (128 - n) as f32 / 32.0;
            assert!((after[n] - expected).abs() < 1e-3, "{n}");
        }
        predicted.step(16);
        voices.render(&sounds, &mut predicted);
        assert!(
            predicted.signal(3, 0)[112..]
                .iter()
                .all(|&sample| sample == 0.0)
        );
    }

    /// What is predicted of a voice that is choked before or after it is rendered.
    fn choked(is_late: bool) -> Vec<f32> {
        let sounds = sounds();
        let (mut voices, mut predicted) = (Voices::new(16, 32), Predicted::new(300, 16));
        predicted.step(0);
        voices.start(3, 0, Place::new(10.0), 1.0);
        if is_late {
            voices.render(&sounds, &mut predicted);
        }
        voices.choke(3, (10, 20), &sounds[3], &mut predicted);
        voices.choke(3, (90, 100), &sounds[3], &mut predicted);
        voices.choke(3, (190, 200), &sounds[3], &mut predicted);
        voices.render(&sounds, &mut predicted);
        predicted.signal(3, 0).to_vec()
    }

    #[test]
    fn a_choked_voice_ends_soon_even_if_it_has_gone_on() {
        let signal = choked(false);
        assert_eq!(signal[99], 89.0);
        assert!(signal[116] < 80.0 && signal[116] > 20.0);
        assert!(signal[132..].iter().all(|&sample| sample == 0.0));
        for (late, early) in choked(true).iter().zip(&signal) {
            assert!((late - early).abs() < 1e-3, "{late} {early}");
        }
    }
}
