//! The rows of the table: which system each is, and how it is run.

use std::sync::Arc;

use anyhow::Result;
use clap::ValueEnum;
use idm_engine::{controls::Quality, experiment::MaskSource, model::Model};

use super::{
    flux::band_flux,
    material::Excerpt,
    network::network_alone,
    nmfd::Template,
    streaming::{Before, EngineRun, ToldHits, stream},
    systems::{self, Estimate},
};

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum System {
    /// The mixture as the estimate of every drum.
    Mixture,
    /// Masks from the true stems.
    Ideal,
    /// Factorisation without knowledge of the hits, offline.
    Nmfd,
    /// The true hits with an average kit, offline.
    Oracle,
    /// Rises of energy in three bands: hits without any learning.
    Flux,
    /// The peaks of the network's activations, standard quality.
    Network,
    /// The engine with the network's masks only.
    Masks,
    /// The engine with analysis by synthesis only.
    Bank,
    /// The engine, one pass, standard quality.
    Ours,
    /// The engine without the sounds that repeat: masks alone.
    OursMasksAlone,
    /// The engine with one mask for both channels.
    OursOneMask,
    /// The network's masks with the true hits.
    MasksTrueHits,
    /// Analysis by synthesis with the true hits.
    BankTrueHits,
    /// The engine with the true hits.
    OursTrueHits,
    /// The same without the sounds that repeat: masks alone.
    OursMasksAloneTrueHits,
    /// The engine with the true hits some milliseconds off, as of a take on a grid.
    OursLooseHits,
    /// The same, each moved to where its drum begins nearby.
    OursSnappedHits,
    /// Analysis by synthesis with the true hits and the true kit.
    BankTrueKit,
    /// The engine with the true hits and the true kit.
    OursTrueKit,
    /// The engine after hearing the excerpt before.
    OursTwoPasses,
    /// The engine with the kit that it learnt from the excerpt, saved and frozen.
    OursSavedKit,
    /// The engine with the kit that it learnt from another performance, learning on.
    OursAnother,
    /// The engine with the kit of another recording, learning on.
    OursForeign,
    /// The one-shots that the engine plays in place of what it separates.
    OursResynthesised,
    /// The same after hearing the excerpt before.
    OursResynthesisedTwoPasses,
    /// The engine in its low-latency quality.
    OursLow,
    /// The engine in its high quality.
    OursHigh,
    /// The same after hearing the excerpt before.
    OursHighTwoPasses,
}

impl System {
    /// Name in tables.
    pub const fn label(self) -> &'static str {
        match self {
            System::Mixture => "mixture",
            System::Ideal => "ideal ratio mask",
            System::Nmfd => "NMFD, blind, offline",
            System::Oracle => "true hits, average kit, offline",
            System::Flux => "band flux",
            System::Network => "network alone",
            System::Masks => "learned masks only",
            System::Bank => "synthesis only",
            System::Ours => "ours, streaming",
            System::OursMasksAlone => "ours, masks alone",
            System::OursOneMask => "ours, one mask for both channels",
            System::MasksTrueHits => "learned masks only, true hits",
            System::BankTrueHits => "synthesis only, true hits",
            System::OursTrueHits => "ours, true hits",
            System::OursMasksAloneTrueHits => "ours, masks alone, true hits",
            System::OursLooseHits => "ours, true hits 8 ms off",
            System::OursSnappedHits => "ours, true hits 8 ms off, snapped",
            System::BankTrueKit => "synthesis only, true hits and kit",
            System::OursTrueKit => "ours, true hits and kit",
            System::OursTwoPasses => "ours, 2 passes",
            System::OursSavedKit => "ours, saved kit, frozen",
            System::OursAnother => "ours, kit of another performance",
            System::OursForeign => "ours, wrong kit",
            System::OursResynthesised => "ours, resynthesised",
            System::OursResynthesisedTwoPasses => "ours, resynthesised, 2 passes",
            System::OursLow => "ours, low latency",
            System::OursHigh => "ours, high quality",
            System::OursHighTwoPasses => "ours, high quality, 2 passes",
        }
    }

    /// How the engine runs, for the systems that are the engine.
    fn engine(self) -> Option<EngineRun> {
        let ours = EngineRun::default();
        Some(match self {
            System::Ours => ours,
            System::Masks => EngineRun {
                masks: MaskSource::Network,
                ..ours
            },
            System::Bank => EngineRun {
                masks: MaskSource::Synthesis,
                ..ours
            },
            System::OursMasksAlone => EngineRun {
                masks_only: true,
                ..ours
            },
            System::OursOneMask => EngineRun {
                one_mask: true,
                ..ours
            },
            System::MasksTrueHits => EngineRun {
                masks: MaskSource::Network,
                told: ToldHits::True,
                ..ours
            },
            System::BankTrueHits => EngineRun {
                masks: MaskSource::Synthesis,
                told: ToldHits::True,
                ..ours
            },
            System::OursTrueHits => EngineRun {
                told: ToldHits::True,
                ..ours
            },
            System::OursMasksAloneTrueHits => EngineRun {
                told: ToldHits::True,
                masks_only: true,
                ..ours
            },
            System::OursLooseHits => EngineRun {
                told: ToldHits::Loose,
                ..ours
            },
            System::OursSnappedHits => EngineRun {
                told: ToldHits::Snapped,
                ..ours
            },
            System::BankTrueKit => EngineRun {
                masks: MaskSource::Synthesis,
                told: ToldHits::True,
                true_kit: true,
                ..ours
            },
            System::OursTrueKit => EngineRun {
                told: ToldHits::True,
                true_kit: true,
                ..ours
            },
            System::OursTwoPasses => EngineRun { passes: 2, ..ours },
            System::OursSavedKit => EngineRun {
                passes: 2,
                saved_kit: true,
                ..ours
            },
            System::OursAnother => EngineRun {
                before: Some(Before::SameKit),
                ..ours
            },
            System::OursForeign => EngineRun {
                before: Some(Before::OtherKit),
                ..ours
            },
            System::OursResynthesised => EngineRun {
                resynthesised: true,
                ..ours
            },
            System::OursResynthesisedTwoPasses => EngineRun {
                resynthesised: true,
                passes: 2,
                ..ours
            },
            System::OursLow => EngineRun {
                quality: Quality::Low,
                ..ours
            },
            System::OursHigh => EngineRun {
                quality: Quality::High,
                ..ours
            },
            System::OursHighTwoPasses => EngineRun {
                quality: Quality::High,
                passes: 2,
                ..ours
            },
            System::Mixture
            | System::Ideal
            | System::Nmfd
            | System::Oracle
            | System::Flux
            | System::Network => return None,
        })
    }

    /// Whether the row needs the trained model.
    pub fn needs_model(self) -> bool {
        self == System::Network || self.engine().is_some()
    }

    /// Whether the row needs the average kit of the training side.
    pub const fn needs_templates(self) -> bool {
        matches!(self, System::Nmfd | System::Oracle)
    }

    /// Whether the row differs from others in stereo only.
    pub const fn needs_stereo(self) -> bool {
        matches!(self, System::OursOneMask)
    }

    /// Whether the row needs to know the kit that is played.
    pub const fn needs_kit(self) -> bool {
        matches!(self, System::BankTrueKit | System::OursTrueKit)
    }

    /// Whether the row needs other performances, on the kit that is played or others.
    pub const fn needs_another(self) -> bool {
        matches!(self, System::OursAnother | System::OursForeign)
    }

    /// What the system makes of `excerpt`. Allocates.
    ///
    /// # Errors
    /// A model that is needed and missing, or that the engine refuses.
    pub fn run(
        self,
        excerpt: &Excerpt,
        model: Option<&Arc<Model>>,
        templates: &[Template],
    ) -> Result<Estimate> {
        let piece = &excerpt.piece;
        if let Some(run) = self.engine() {
            let model = model.ok_or_else(|| anyhow::anyhow!("{}: no model", self.label()))?;
            return stream(excerpt, model, &run);
        }
        Ok(match (self, model) {
            (System::Network, Some(model)) => network_alone(piece, model, Quality::Standard)?,
            (System::Ideal, _) => systems::ideal_mask(piece),
            (System::Nmfd, _) => systems::blind_nmfd(piece, templates),
            (System::Oracle, _) => systems::oracle_onsets(piece, templates),
            (System::Flux, _) => band_flux(piece),
            _ => systems::mixture(piece),
        })
    }
}
