//! Buses: faders, routing, the main output, and the layouts hosts may choose.
//!
//! Pure functions on slices. With unit levels and every drum separated, the
//! nine class buses and the residual bus sum to the delayed input; the main
//! output in bypass *is* the delayed input.

use idm_engine::drum::{DRUM_COUNT, Drum, RESIDUAL, STEM_COUNT};

use crate::params::MainOutput;
use crate::ramp::Ramp;

/// Class buses and the residual bus.
pub const AUX_BUS_COUNT: usize = STEM_COUNT;

/// Length of every fader, mute, routing and bypass movement, in seconds.
const RAMP_SECONDS: f64 = 0.010;

/// One sample position in stereo signals: `[left, right]`.
pub type Stereo<'a> = [&'a [f32]; 2];

/// Where the faders and switches stand.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MixTargets {
    /// Linear gain of each class, mute and solo included.
    pub class_gain: [f32; DRUM_COUNT],
    /// Linear gain of the residual, solo included.
    pub residual_gain: f32,
    /// Class bus on which each class plays.
    pub route: [usize; DRUM_COUNT],
    /// What the main output carries.
    pub main: MainOutput,
    /// Bypass: main carries the delayed input, the other buses are silent.
    pub bypass: bool,
}

impl Default for MixTargets {
    fn default() -> Self {
        Self {
            class_gain: [1.0; DRUM_COUNT],
            residual_gain: 1.0,
            route: std::array::from_fn(|index| index),
            main: MainOutput::Mix,
            bypass: false,
        }
    }
}

/// Auxiliary outputs as the host hands them over: any number from none to
/// [`AUX_BUS_COUNT`], in the order class 0..9, residual.
pub trait AuxOutputs {
    /// Number of buses. Real-time safe.
    fn count(&self) -> usize;
    /// Left and right of a bus, or `None` if the host gave no buffers.
    /// Real-time safe.
    fn stereo(&mut self, bus: usize) -> Option<[&mut [f32]; 2]>;
}

/// The separated signals of one block.
#[derive(Debug, Clone, Copy)]
pub struct StemBlock<'a> {
    /// Nine classes and the residual.
    pub stems: [Stereo<'a>; STEM_COUNT],
    /// Input delayed by the latency.
    pub dry: Stereo<'a>,
}

/// Highest absolute sample of each signal in a block.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
pub struct Peaks {
    /// Nine classes and the residual, after their faders.
    pub stems: [f32; STEM_COUNT],
    /// Main output.
    pub main: f32,
    /// Delayed input.
    pub dry: f32,
}

impl Peaks {
    /// Keeps the higher of each two peaks. Real-time safe.
    pub fn raise(&mut self, other: &Peaks) {
        for (mine, theirs) in self.stems.iter_mut().zip(other.stems) {
            *mine = mine.max(theirs);
        }
        self.main = self.main.max(other.main);
        self.dry = self.dry.max(other.dry);
    }
}

/// Connection of one class to a class bus. A change of bus fades out there and
/// in here, so that no bus clicks.
#[derive(Debug, Clone, Copy)]
struct Route {
    bus: usize,
    wanted: usize,
    gain: Ramp,
}

impl Route {
    fn set(&mut self, bus: usize, ramp_samples: u32) {
        self.wanted = bus;
        let gain = if bus == self.bus { 1.0 } else { 0.0 };
        self.gain.set_target(gain, ramp_samples);
    }

    /// Moves to the wanted bus once the fade-out has ended.
    fn switch_if_silent(&mut self, ramp_samples: u32) {
        if self.bus != self.wanted && self.gain.resting() == Some(0.0) {
            self.bus = self.wanted;
            self.gain.set_target(1.0, ramp_samples);
        }
    }

    fn finish(&mut self) {
        self.bus = self.wanted;
        self.gain.snap(1.0);
    }
}

/// Faders, routing and main selection with their movements.
#[derive(Debug, Clone)]
pub struct Mixer {
    ramp_samples: u32,
    stem_gain: [Ramp; STEM_COUNT],
    route: [Route; DRUM_COUNT],
    main_gain: [Ramp; STEM_COUNT],
    dry_gain: Ramp,
    aux_gain: Ramp,
}

impl Mixer {
    /// A mixer at rest on `targets`.
    pub fn new(sample_rate_hz: f64, targets: &MixTargets) -> Self {
        let mut mixer = Self {
            ramp_samples: (sample_rate_hz * RAMP_SECONDS).round().max(1.0) as u32,
            stem_gain: [Ramp::new(1.0); STEM_COUNT],
            route: std::array::from_fn(|index| Route {
                bus: index,
                wanted: index,
                gain: Ramp::new(1.0),
            }),
            main_gain: [Ramp::new(1.0); STEM_COUNT],
            dry_gain: Ramp::new(0.0),
            aux_gain: Ramp::new(1.0),
        };
        mixer.set_targets(targets);
        mixer.finish();
        mixer
    }

    /// Starts moving to `targets`. Real-time safe.
    pub fn set_targets(&mut self, targets: &MixTargets) {
        let ramp = self.ramp_samples;
        for class in 0..DRUM_COUNT {
            self.stem_gain[class].set_target(targets.class_gain[class], ramp);
            self.route[class].set(targets.route[class].min(DRUM_COUNT - 1), ramp);
            let heard = !targets.bypass && targets.main.includes(Drum::ALL[class]);
            self.main_gain[class].set_target(f32::from(u8::from(heard)), ramp);
        }
        self.stem_gain[RESIDUAL].set_target(targets.residual_gain, ramp);
        let residual = !targets.bypass && targets.main.includes_residual();
        self.main_gain[RESIDUAL].set_target(f32::from(u8::from(residual)), ramp);
        let dry = targets.bypass || targets.main == MainOutput::Dry;
        self.dry_gain.set_target(f32::from(u8::from(dry)), ramp);
        self.aux_gain
            .set_target(f32::from(u8::from(!targets.bypass)), ramp);
    }

    /// Ends all movements at once. Real-time safe.
    pub fn finish(&mut self) {
        let ramps = self.stem_gain.iter_mut().chain(&mut self.main_gain);
        ramps.for_each(Ramp::finish);
        self.route.iter_mut().for_each(Route::finish);
        self.dry_gain.finish();
        self.aux_gain.finish();
    }

    /// Mixes one block into `main` (overwritten) and into samples
    /// `offset..offset + n` of the auxiliary buses (overwritten), where `n` is
    /// the length of `main`. Returns the peaks. Real-time safe.
    pub fn mix(
        &mut self,
        block: &StemBlock<'_>,
        main: [&mut [f32]; 2],
        aux: &mut impl AuxOutputs,
        offset: usize,
    ) -> Peaks {
        let [left, right] = main;
        let samples = left.len();
        let range = offset..offset + samples;
        for bus in 0..aux.count() {
            if let Some(channels) = aux.stereo(bus) {
                for channel in channels {
                    channel[range.clone()].fill(0.0);
                }
            }
        }

        let mut peaks = Peaks {
            dry: peak(block.dry),
            ..Peaks::default()
        };
        let only_dry = self.dry_gain.resting() == Some(1.0)
            && self
                .main_gain
                .iter()
                .all(|gain| gain.resting() == Some(0.0));
        if only_dry {
            // Adding to zero would turn -0.0 into +0.0: bit-exact means copied.
            left.copy_from_slice(block.dry[0]);
            right.copy_from_slice(block.dry[1]);
        } else {
            let mut dry_gain = self.dry_gain;
            for n in 0..samples {
                let gain = dry_gain.advance();
                left[n] = block.dry[0][n] * gain;
                right[n] = block.dry[1][n] * gain;
            }
            self.dry_gain = dry_gain;
        }

        let aux_gain_at_start = self.aux_gain;
        for stem in 0..STEM_COUNT {
            self.aux_gain = aux_gain_at_start;
            let main = if only_dry {
                None
            } else {
                Some([&mut *left, &mut *right])
            };
            peaks.stems[stem] = self.mix_stem(stem, block.stems[stem], main, aux, offset);
        }
        peaks.main = peak([&*left, &*right]);
        peaks
    }

    /// Adds one stem to the main output (if given) and to its bus.
    fn mix_stem(
        &mut self,
        stem: usize,
        source: Stereo<'_>,
        mut main: Option<[&mut [f32]; 2]>,
        aux: &mut impl AuxOutputs,
        offset: usize,
    ) -> f32 {
        let mut peak = 0.0_f32;
        let samples = source[0].len();
        let mut start = 0;
        while start < samples {
            // The bus stays the same up to `end`: a change of bus happens
            // between two samples only.
            let (bus, length) = self.run_on_one_bus(stem, samples - start);
            let end = start + length;
            let mut bus_channels = aux
                .stereo(bus)
                .map(|channels| channels.map(|channel| &mut channel[offset..]));
            for n in start..end {
                let gain = self.stem_gain[stem].advance();
                let main_gain = self.main_gain[stem].advance();
                let bus_gain = self.aux_gain.advance() * self.route_gain(stem);
                let (left, right) = (source[0][n] * gain, source[1][n] * gain);
                peak = peak.max(left.abs()).max(right.abs());
                if let Some([main_left, main_right]) = &mut main {
                    main_left[n] += left * main_gain;
                    main_right[n] += right * main_gain;
                }
                if let Some([bus_left, bus_right]) = &mut bus_channels {
                    bus_left[n] += left * bus_gain;
                    bus_right[n] += right * bus_gain;
                }
            }
            start = end;
        }
        peak
    }

    /// Bus of the next sample and for how many of the next `samples` it stays.
    fn run_on_one_bus(&mut self, stem: usize, samples: usize) -> (usize, usize) {
        if stem == RESIDUAL {
            return (RESIDUAL, samples);
        }
        let route = &mut self.route[stem];
        route.switch_if_silent(self.ramp_samples);
        if route.bus == route.wanted {
            (route.bus, samples)
        } else {
            // Fading out: look again after every sample.
            (route.bus, 1)
        }
    }

    #[inline]
    fn route_gain(&mut self, stem: usize) -> f32 {
        if stem == RESIDUAL {
            1.0
        } else {
            self.route[stem].gain.advance()
        }
    }
}

/// Highest absolute sample of a signal. Real-time safe.
pub fn peak(signal: Stereo<'_>) -> f32 {
    signal
        .iter()
        .flat_map(|channel| channel.iter())
        .fold(0.0, |peak, sample| peak.max(sample.abs()))
}

#[cfg(test)]
mod tests;
