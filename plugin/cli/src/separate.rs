//! `idm separate`: one WAV per drum or group.

use std::process::ExitCode;
use std::time::Instant;

use idm_engine::drum::Drum;

use crate::args::SeparateArgs;
use crate::batch;
use crate::beside::beside;
use crate::console;
use crate::own_samples::OwnSamples;
use crate::summary::Figures;
use crate::track_writer::{Bits, TrackWriter, above_full_scale, within_full_scale};
use crate::tracks::{self, TrackPlan};
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
    let own_drums: Vec<Drum> = settings.own.iter().map(|(drum, _)| *drum).collect();
    let controls = &mut settings.controls;
    args.sound.apply(controls, args.mode, &own_drums);
    for drum in own_drums {
        if !controls.drums[drum.index()].enabled {
            let name = drum.file_stem();
            console::complain(format_args!(
                "idm: the sample of {name} is not heard: --without says that there is none"
            ));
        }
    }
    let tracks = match tracks::planned(args.groups, &args.only) {
        Ok(tracks) => tracks,
        Err(error) => return batch::usage(&error),
    };
    let names = |_: &str| tracks.iter().map(TrackPlan::file).collect();
    batch::run("separate", &args.common, &own.paths, names, |job| {
        let started = Instant::now();
        let mut writer = TrackWriter::new(&job.outputs, &tracks);
        let rendered = beside(&mut writer, |sink| job.render(&settings, sink))?;
        let (gain, warning) = match args.bits {
            Bits::Float => {
                let warning = above_full_scale(&writer.peaks(), rendered.input.peak);
                (None, warning)
            }
            Bits::Integer => {
                let (gain, warning) = within_full_scale(&writer.peaks());
                (Some(gain), warning)
            }
        };
        if let Some(warning) = warning {
            job.say(&format!("{}: {warning}", job.input.display()));
        }
        writer.finish(gain)?;
        write_hits(job, &rendered, &args.common)?;
        let mut figures = Figures::new(&rendered, &settings, started.elapsed());
        figures.gain_db = gain.map(|gain| 20.0 * gain.log10());
        Ok(figures)
    })
}
