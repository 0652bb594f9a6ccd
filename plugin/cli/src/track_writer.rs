//! The WAV files of a separation, written while it is rendered.

use anyhow::Result;
use clap::ValueEnum;
use idm_engine::audio_file::WavFile;

use crate::interrupt;
use crate::outputs::OutputFolder;
use crate::render::{AudioFormat, Sink, Stretch};
use crate::tracks::{self, TrackPlan};

/// How samples are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Bits {
    /// Float, which nothing is too loud for
    #[value(name = "32")]
    Float,
    /// Integers, rounded to the nearest (-144 dBFS)
    #[value(name = "24")]
    Integer,
}

/// Writes the tracks block by block. No file appears before all are complete.
pub struct TrackWriter<'a> {
    outputs: &'a OutputFolder<'a>,
    plans: &'a [TrackPlan],
    files: Vec<WavFile>,
    /// Largest sample of each file.
    peaks: Vec<f32>,
    sum: Vec<Vec<f32>>,
}

impl<'a> TrackWriter<'a> {
    /// A writer of `plans` into `outputs`.
    pub fn new(outputs: &'a OutputFolder<'a>, plans: &'a [TrackPlan]) -> TrackWriter<'a> {
        TrackWriter {
            outputs,
            plans,
            files: Vec::new(),
            peaks: vec![0.0; plans.len()],
            sum: Vec::new(),
        }
    }

    /// Names of the files with their largest samples so far.
    pub fn peaks(&self) -> Vec<(String, f32)> {
        let names = self.plans.iter().map(TrackPlan::file);
        names.zip(self.peaks.iter().copied()).collect()
    }

    /// Completes the files, as integers if there is a gain of these, and puts them in their
    /// place, all or none. The other drums or groups that an earlier run left there go: beside
    /// the new ones they would be counted twice.
    ///
    /// # Errors
    /// When the file system refuses, Ctrl-C.
    pub fn finish(self, gain_of_integers: Option<f64>) -> Result<()> {
        let mut complete = Vec::new();
        for file in self.files {
            interrupt::check()?;
            complete.push(match gain_of_integers {
                Some(gain) => file.complete_as_integers(gain)?,
                None => file.complete()?,
            });
        }
        let names: Vec<String> = self.plans.iter().map(TrackPlan::file).collect();
        self.outputs.claim(names.iter().map(String::as_str))?;
        let others = tracks::possible_files().filter(|other| !names.contains(other));
        self.outputs.replace(complete, others)
    }
}

impl Sink for TrackWriter<'_> {
    fn begin(&mut self, format: AudioFormat) -> Result<()> {
        for plan in self.plans {
            let path = self.outputs.file(&plan.file())?;
            let file = WavFile::create_for(
                path,
                format.sample_rate_hz,
                format.channels,
                format.announced_frames,
            )?;
            self.files.push(file);
        }
        self.sum = vec![Vec::new(); format.channels];
        Ok(())
    }

    fn block(&mut self, stems: &mut Stretch) -> Result<()> {
        let files = self.files.iter_mut().zip(&mut self.peaks);
        for (plan, (file, peak)) in self.plans.iter().zip(files) {
            for (channel, sum) in self.sum.iter_mut().enumerate() {
                sum.clear();
                sum.extend_from_slice(&stems[plan.stems[0]][channel]);
                for &stem in &plan.stems[1..] {
                    for (sum, sample) in sum.iter_mut().zip(&stems[stem][channel]) {
                        *sum += sample;
                    }
                }
            }
            let samples = self.sum.iter().flatten();
            *peak = samples.fold(*peak, |peak, sample| peak.max(sample.abs()));
            let channels: Vec<&[f32]> = self.sum.iter().map(Vec::as_slice).collect();
            file.write(&channels)?;
        }
        Ok(())
    }
}

/// Words about the files of these `peaks` that are above full scale, which their input is
/// not: whoever makes integers of them clips them.
pub fn above_full_scale(peaks: &[(String, f32)], input_peak: f32) -> Option<String> {
    let loud: Vec<String> = loud(peaks, input_peak.max(1.0)).collect();
    (!loud.is_empty()).then(|| {
        let loud = loud.join(", ");
        format!("above full scale: {loud}: turn them down before they become integers")
    })
}

/// The gain with which none of these `peaks` is above full scale, and words about it if that
/// turns them down.
pub fn within_full_scale(peaks: &[(String, f32)]) -> (f64, Option<String>) {
    let most = peaks
        .iter()
        .fold(1.0, |most: f32, (_, peak)| most.max(*peak));
    let gain = 1.0 / f64::from(most);
    let loud: Vec<String> = loud(peaks, 1.0).collect();
    let words = (!loud.is_empty()).then(|| {
        let (loud, down_db) = (loud.join(", "), -20.0 * gain.log10());
        format!("above full scale: {loud}: all stems are turned down by {down_db:.2} dB")
    });
    (gain, words)
}

/// Words about each of these `peaks` above `limit`.
fn loud(peaks: &[(String, f32)], limit: f32) -> impl Iterator<Item = String> {
    let loud = peaks.iter().filter(move |(_, peak)| *peak > limit);
    loud.map(|(name, peak)| format!("{name} +{:.1} dBFS", 20.0 * peak.log10()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_that_would_clip_are_named() {
        let peaks = [("kick.wav", 1.5), ("ride.wav", 2.0), ("crash.wav", 1.0)];
        let peaks = peaks.map(|(name, peak)| (name.to_owned(), peak));
        let warning = above_full_scale(&peaks, 0.9).expect("two of them");
        assert!(
            warning.contains(": kick.wav +3.5 dBFS, ride.wav +6.0 dBFS:"),
            "{warning}"
        );
        // Of an input that is as loud nothing else is expected.
        let warning = above_full_scale(&peaks, 1.6).expect("one of them");
        assert!(warning.contains(": ride.wav +6.0 dBFS:"), "{warning}");
        assert_eq!(above_full_scale(&peaks, 2.0), None);
    }

    #[test]
    fn integers_are_turned_down_as_far_as_the_loudest_needs() {
        let peaks = [("kick.wav", 1.5), ("ride.wav", 2.0), ("crash.wav", 1.0)];
        let peaks = peaks.map(|(name, peak)| (name.to_owned(), peak));
        let (gain, words) = within_full_scale(&peaks);
        assert_eq!(gain, 0.5);
        let words = words.expect("two of them");
        assert_eq!(
            words,
            "above full scale: kick.wav +3.5 dBFS, ride.wav +6.0 dBFS: all stems are turned \
             down by 6.02 dB"
        );
        assert_eq!(within_full_scale(&peaks[2..]), (1.0, None));
        assert_eq!(within_full_scale(&[]), (1.0, None));
    }
}
