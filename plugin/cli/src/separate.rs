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
    let mut settings = match args.common.settings(args.passes) {
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
    sum: Vec<Vec<f32>>,
}

impl<'a> TrackWriter<'a> {
    fn new(outputs: &'a OutputFolder<'a>, plans: &'a [TrackPlan]) -> TrackWriter<'a> {
        TrackWriter {
            outputs,
            plans,
            files: Vec::new(),
            sum: Vec::new(),
        }
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
        for (plan, file) in self.plans.iter().zip(&mut self.files) {
            for (channel, sum) in self.sum.iter_mut().enumerate() {
                sum.clear();
                sum.extend_from_slice(&stems[plan.stems[0]][channel]);
                for &stem in &plan.stems[1..] {
                    for (sum, sample) in sum.iter_mut().zip(&stems[stem][channel]) {
                        *sum += sample;
                    }
                }
            }
            let channels: Vec<&[f32]> = self.sum.iter().map(Vec::as_slice).collect();
            file.write(&channels)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use idm_engine::drum::STEM_COUNT;

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
