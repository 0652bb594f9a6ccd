//! Options of how drums sound: the strips of the plugin, but for faders.

use clap::Args;
use idm_engine::controls::Controls;
use idm_engine::drum::Drum;

use crate::args::Mode;
use crate::drums::DrumNumber;

/// Options of how drums sound.
#[derive(Debug, Default, Args)]
pub struct SoundArgs {
    /// How hard other drums are kept out of a drum, a group or all, -100 to 100 %: more
    /// leaves less bleed, but ducks the drum where others are louder
    #[arg(long = "isolate", value_name = "DRUM=PERCENT", value_parser = isolation)]
    pub isolations: Vec<DrumNumber>,

    /// The same of all drums in another way, 0 to 100 %: below 50 they keep more of what sounds
    /// with them, above it others are pushed out harder
    #[arg(long = "duck", value_name = "PERCENT", default_value_t = 50.0, value_parser = duck,
          allow_negative_numbers = true)]
    pub duck_percent: f32,

    /// How much of a drum, a group or all is played again from one-shots, 0 (from the recording,
    /// as --mode separated) to 100 % (as --mode resynth); goes before --mode and --sample
    #[arg(long = "blend", value_name = "DRUM=PERCENT", value_parser = blend)]
    pub blends: Vec<DrumNumber>,

    /// How far what is played again follows how hard a drum, a group or all are hit, 0 to
    /// 200 %: 0 plays every hit alike, 100 as heard; velocities follow too
    #[arg(long, value_name = "DRUM=PERCENT", value_parser = dynamics)]
    pub dynamics: Vec<DrumNumber>,

    /// How much higher what is played again is, -24 to 24 semitones
    #[arg(long = "tune", value_name = "DRUM=SEMITONES", value_parser = tune)]
    pub tunes: Vec<DrumNumber>,

    /// How long what is played again rings, 5 to 100 %: 100 as long as it does, 80 with a time
    /// constant of 2.6 s, 50 of 0.4 s, 30 of 0.1 s
    #[arg(long = "decay", value_name = "DRUM=PERCENT", value_parser = decay)]
    pub decays: Vec<DrumNumber>,
}

impl SoundArgs {
    /// Sets them all, for drums of which those of `own` play samples of the user's.
    pub fn apply(&self, controls: &mut Controls, mode: Mode, own: &[Drum]) {
        let drums = &mut controls.drums;
        for drum in drums.iter_mut() {
            drum.blend = mode.blend();
        }
        for drum in own {
            drums[drum.index()].blend = Mode::Resynth.blend();
        }
        let each = |numbers: &[DrumNumber]| -> Vec<(usize, f32)> {
            numbers.iter().flat_map(|set| set.numbers()).collect()
        };
        for (drum, percent) in each(&self.isolations) {
            drums[drum].isolation = percent / 100.0;
        }
        for (drum, percent) in each(&self.blends) {
            drums[drum].blend = percent / 100.0;
        }
        for (drum, percent) in each(&self.dynamics) {
            drums[drum].dynamics = percent / 100.0;
        }
        for (drum, semitones) in each(&self.tunes) {
            drums[drum].tune_semitones = semitones;
        }
        for (drum, percent) in each(&self.decays) {
            drums[drum].decay = percent / 100.0;
        }
        // As the plugin's fader: from 1 to 2.
        controls.mask_exponent = 1.0 + self.duck_percent / 100.0;
    }
}

fn isolation(text: &str) -> Result<DrumNumber, String> {
    DrumNumber::percent(text, -100.0..=100.0)
}

fn blend(text: &str) -> Result<DrumNumber, String> {
    DrumNumber::percent(text, 0.0..=100.0)
}

fn dynamics(text: &str) -> Result<DrumNumber, String> {
    DrumNumber::percent(text, 0.0..=200.0)
}

fn tune(text: &str) -> Result<DrumNumber, String> {
    DrumNumber::parse(text, "SEMITONES", -24.0..=24.0)
}

fn decay(text: &str) -> Result<DrumNumber, String> {
    DrumNumber::percent(text, 5.0..=100.0)
}

fn duck(text: &str) -> Result<f32, String> {
    let number = text.strip_suffix('%').unwrap_or(text).parse().ok();
    let percent = number.filter(|percent| (0.0..=100.0).contains(percent));
    percent.ok_or_else(|| format!("expected 0 to 100, found {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strips_are_set_drum_by_drum() {
        let percent = |text| DrumNumber::percent(text, -100.0..=200.0).unwrap();
        let args = SoundArgs {
            isolations: vec![percent("toms=-50")],
            duck_percent: duck("70%").unwrap(),
            blends: vec![percent("kick=60"), percent("snare=0")],
            dynamics: vec![percent("all=50"), percent("ride=150")],
            tunes: vec![tune("kick=-2.5").unwrap()],
            decays: vec![percent("hihat=30")],
        };
        let mut controls = Controls::default();
        args.apply(&mut controls, Mode::Separated, &[Drum::Snare, Drum::Ride]);
        let of = |drum: Drum| &controls.drums[drum.index()];
        assert_eq!(of(Drum::MidTom).isolation, -0.5);
        assert_eq!(
            (of(Drum::Kick).blend, of(Drum::Kick).tune_semitones),
            (0.6, -2.5)
        );
        // A sample of one's own is heard, unless it is said how much.
        assert_eq!((of(Drum::Ride).blend, of(Drum::Snare).blend), (1.0, 0.0));
        assert_eq!(
            (of(Drum::Ride).dynamics, of(Drum::Crash).dynamics),
            (1.5, 0.5)
        );
        assert_eq!((of(Drum::OpenHat).decay, of(Drum::Crash).decay), (0.3, 1.0));
        assert_eq!(controls.mask_exponent, 1.7);
        // In their ranges.
        assert_eq!(controls.sanitised(), controls);
    }

    #[test]
    fn without_any_the_plugin_sounds_alike() {
        let mut controls = Controls::default();
        let args = SoundArgs {
            duck_percent: 50.0,
            ..SoundArgs::default()
        };
        args.apply(&mut controls, Mode::Separated, &[]);
        assert_eq!(controls, Controls::default());
        for text in ["101", "-1", "NaN", ""] {
            assert!(duck(text).is_err(), "{text}");
        }
        let error = tune("kick").unwrap_err();
        assert!(error.contains("expected DRUM=SEMITONES"), "{error}");
    }
}
