//! `idm separate`: one WAV per drum or group, written while it is rendered.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;
use idm_engine::audio_file::WavFile;
use idm_engine::drum::{Drum, Group, RESIDUAL};

use crate::args::{Mode, SeparateArgs};
use crate::batch;
use crate::beside::beside;
use crate::console;
use crate::outputs::OutputFolder;
use crate::own_samples::OwnSamples;
use crate::render::{AudioFormat, Sink, Stretch};
use crate::summary::Figures;
use crate::transcribe::write_hits;

/// Runs the command.
pub fn run(args: &SeparateArgs) -> ExitCode {
    let own = match OwnSamples::new(&args.samples, args.sample_kit.as_ref()) {
        Ok(own) => own,
        Err(error) => return batch::usage(&error),
    };
    for file in &own.left_out {
        console::complain(format_args!("idm: left out: {file}"));
    }
    let mut settings = match args.common.settings(1) {
        Ok(settings) => settings,
        Err(error) => return batch::usage(&error),
    };
    settings.own = own.sounds();
    let drums = &mut settings.controls.drums;
    for (drum, isolation) in args.isolations.iter().flat_map(|set| set.settings()) {
        drums[drum].isolation = isolation;
    }
    for (drum, dynamics) in args.dynamics.iter().flat_map(|set| set.settings()) {
        drums[drum].dynamics = dynamics;
    }
    for drum in drums.iter_mut() {
        drum.blend = args.mode.blend();
    }
    for (drum, _) in &settings.own {
        let controls = &mut drums[drum.index()];
        controls.blend = Mode::Resynth.blend();
        if !controls.enabled {
            let name = drum.file_stem();
            console::complain(format_args!(
                "idm: the sample of {name} is not heard: --without says that there is none"
            ));
        }
    }
    let tracks = if args.groups {
        group_tracks()
    } else {
        drum_tracks()
    };
    let names = |_: &str| tracks.iter().map(TrackPlan::file).collect();
    batch::run("separate", &args.common, &own.paths, names, |job| {
        let started = Instant::now();
        let mut writer = TrackWriter::new(&job.outputs, &tracks);
        let rendered = beside(&mut writer, |sink| job.render(&settings, sink))?;
        if let Some(warning) = above_full_scale(&writer.peaks(), rendered.input.peak) {
            job.say(&format!("{}: {warning}", job.input.display()));
        }
        writer.finish()?;
        write_hits(job, &rendered, &args.common)?;
        Ok(Figures::new(&rendered, &settings, started.elapsed()))
    })
}

/// A WAV file to be: its name and the stems that are summed in it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct TrackPlan {
    name: &'static str,
    stems: Vec<usize>,
}

impl TrackPlan {
    /// Name of the file.
    fn file(&self) -> String {
        format!("{}.wav", self.name)
    }
}

/// One track per drum, and the residual.
fn drum_tracks() -> Vec<TrackPlan> {
    let drums = Drum::ALL.into_iter().map(|drum| TrackPlan {
        name: drum.file_stem(),
        stems: vec![drum.index()],
    });
    drums.chain([residual_track()]).collect()
}

/// One track per group, and the residual.
fn group_tracks() -> Vec<TrackPlan> {
    let groups = Group::ALL.into_iter().map(|group| TrackPlan {
        name: group.file_stem(),
        stems: Drum::ALL
            .into_iter()
            .filter(|drum| drum.group() == group)
            .map(Drum::index)
            .collect(),
    });
    groups.chain([residual_track()]).collect()
}

fn residual_track() -> TrackPlan {
    TrackPlan {
        name: "residual",
        stems: vec![RESIDUAL],
    }
}

/// Writes the tracks block by block. No file appears before all are complete.
struct TrackWriter<'a> {
    outputs: &'a OutputFolder<'a>,
    plans: &'a [TrackPlan],
    files: Vec<WavFile>,
    /// Largest sample of each file.
    peaks: Vec<f32>,
    sum: Vec<Vec<f32>>,
}

impl<'a> TrackWriter<'a> {
    fn new(outputs: &'a OutputFolder<'a>, plans: &'a [TrackPlan]) -> TrackWriter<'a> {
        TrackWriter {
            outputs,
            plans,
            files: Vec::new(),
            peaks: vec![0.0; plans.len()],
            sum: Vec::new(),
        }
    }

    /// Names of the files with their largest samples so far.
    fn peaks(&self) -> Vec<(String, f32)> {
        let names = self.plans.iter().map(TrackPlan::file);
        names.zip(self.peaks.iter().copied()).collect()
    }

    /// Puts the files in their place. The other drums or groups that an earlier run
    /// left there go: beside the new ones they would be counted twice.
    fn finish(self) -> Result<()> {
        let names: Vec<String> = self.plans.iter().map(TrackPlan::file).collect();
        self.outputs.claim(names.iter().map(String::as_str))?;
        for file in self.files {
            file.finish()?;
        }
        for plan in drum_tracks().into_iter().chain(group_tracks()) {
            if !names.contains(&plan.file()) {
                self.outputs.remove(&plan.file())?;
            }
        }
        Ok(())
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
fn above_full_scale(peaks: &[(String, f32)], input_peak: f32) -> Option<String> {
    let loud: Vec<String> = peaks
        .iter()
        .filter(|(_, peak)| *peak > input_peak.max(1.0))
        .map(|(name, peak)| format!("{name} +{:.1} dBFS", 20.0 * peak.log10()))
        .collect();
    (!loud.is_empty()).then(|| {
        let loud = loud.join(", ");
        format!("above full scale: {loud}: turn them down before they become integers")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::drum::STEM_COUNT;

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
    fn every_stem_is_in_exactly_one_track() {
        for plans in [drum_tracks(), group_tracks()] {
            let mut stems: Vec<usize> = plans.iter().flat_map(|plan| plan.stems.clone()).collect();
            stems.sort_unstable();
            assert_eq!(stems, (0..STEM_COUNT).collect::<Vec<_>>());
        }
        let names: Vec<_> = group_tracks().iter().map(|plan| plan.name).collect();
        assert_eq!(
            names,
            ["kick", "snare", "toms", "hihat", "cymbals", "residual"]
        );
    }
}
